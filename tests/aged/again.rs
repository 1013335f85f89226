//! Every order is placed again, as a shop does that has lost its memory.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::{
    bar::Bar,
    compare::difference,
    house::House,
    known::Known,
    orders::Ordered,
    report::{Figure, Report},
};

const AT_ONCE: usize = 8;

/// Each must be answered as the order that it was before.
pub async fn place(house: &House, orders: &[Ordered], before: &Known, report: &mut Report) -> Result<()> {
    let bar = &Bar::of(orders.len(), "orders placed again");
    let placing = stream::iter(orders).map(|order| async move {
        let answer = house.api.post("/v1/orders", order.body.clone()).await?;
        bar.step();
        anyhow::Ok((order.id.as_str(), answer))
    });
    let mut placed = placing.buffer_unordered(AT_ONCE);
    while let Some((id, (status, answer))) = placed.try_next().await? {
        if let Some(what) = amiss(id, status, &answer, before) {
            report.found(Figure::OtherAnswers, what);
        }
    }
    Ok(())
}

fn amiss(id: &str, status: u16, answer: &Value, before: &Known) -> Option<String> {
    if status != 200 {
        return Some(format!("{id} placed again: {status} {answer}"));
    }
    let known = before.orders.get(id).filter(|_| before.ended.contains(id))?;
    difference(&known.view, answer).map(|what| format!("{id} placed again is answered otherwise: {what}"))
}
