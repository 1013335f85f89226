//! What customers send back, and the facility that takes it: asked for, received, judged and paid back, through the API.
//!
//! In the data they come weeks and months after their orders. The shop does not wait for that: each is played once its units have
//! arrived, within the window in which a rule approves.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use oms_api::{cancellation::LineUnits, order::OrderView, returns::ReturnView};
use oms_domain::{error::ErrorCode, order::OrderStatus};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    data::{Ask, Data, Requested},
    world::World,
};
use crate::exit::Refused;

/// Returns under way at a time.
const AT_ONCE: usize = 4;
/// How long a return waits for its units to arrive, and for its refund; and how often it looks.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Plays every return. Ends when each is closed, or was refused.
///
/// # Errors
/// When the API cannot be reached for long.
pub async fn play(world: &Arc<World>, data: &Data) -> Result<()> {
    let hands = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    for request in data.requests.iter().filter(|request| request.ask == Ask::Return) {
        let (world, request, hands) = (Arc::clone(world), request.clone(), Arc::clone(&hands));
        under_way.spawn(async move {
            let _hand = hands.acquire_owned().await.context("returning")?;
            give_back(&world, &request).await.with_context(|| format!("return {}", request.request_id))
        });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

async fn give_back(world: &World, request: &Requested) -> Result<()> {
    world.tally().returns += 1;
    let Some(opened) = open(world, request).await? else {
        world.tally().returns_refused += 1;
        return Ok(());
    };
    let order = order(world, request).await?;
    let facility = order.fulfillment_orders.into_iter().find_map(|found| found.facility_id).context("a facility that sent it")?;
    let came: Vec<Value> = request.lines.iter().map(|line| json!({"line_id": line.line_id, "quantity": line.quantity})).collect();
    let receipt = json!({"receipt_id": request.request_id, "facility_id": facility, "lines": came});
    act(world, &opened.return_id, "receive", &receipt).await?;
    let judged: Vec<Value> =
        request.lines.iter().map(|line| json!({"line_id": line.line_id, "quantity": line.quantity, "verdict": "accepted"})).collect();
    act(world, &opened.return_id, "inspect", &json!({"lines": judged})).await?;
    let closed = until_closed(world, &opened.return_id).await?;
    let mut tally = world.tally();
    match closed {
        Some(closed) => {
            tally.units_returned += request.lines.iter().map(|line| u64::from(line.quantity)).sum::<u64>();
            tally.refunded_minor += closed.refund.map_or(0, |refund| refund.amount_minor);
        }
        None => tally.refused.push(format!("return {}: its refund was not paid in time", opened.return_id)),
    }
    Ok(())
}

/// Asks once the units have arrived. None: the customer will not have so many, because they were cancelled, or wait for stock.
async fn open(world: &World, request: &Requested) -> Result<Option<ReturnView>> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let order = order(world, request).await?;
        if has_arrived(&order, request) {
            break;
        }
        if tokio::time::Instant::now() >= until || is_at_rest(&order) {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let line = |line: &LineUnits| json!({"line_id": line.line_id, "quantity": line.quantity, "reason": "sent back"});
    let lines: Vec<Value> = request.lines.iter().map(line).collect();
    let (path, body) = (["v1", "returns"], json!({"order_id": request.order_id, "lines": lines}));
    match world.persistently(|| world.api.post(&path, &body)).await {
        Ok(opened) => Ok(Some(serde_json::from_value(opened)?)),
        // Another return of the same order was first.
        Err(error) if is_refusal(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn order(world: &World, request: &Requested) -> Result<OrderView> {
    let order_id = request.order_id.to_string();
    let path = ["v1", "orders", order_id.as_str()];
    Ok(serde_json::from_value(world.persistently(|| world.api.get(&path, &[])).await?)?)
}

fn has_arrived(order: &OrderView, request: &Requested) -> bool {
    let at_customer = |id: &str| {
        let found = order.lines.iter().find(|line| line.line.line_id == id);
        found.map_or(0, |line| line.units.delivered.saturating_sub(line.units.returned))
    };
    request.lines.iter().all(|line| at_customer(&line.line_id) >= u64::from(line.quantity))
}

/// Nothing of it is on its way to anybody: what waits for stock is not waited for.
fn is_at_rest(order: &OrderView) -> bool {
    let over = OrderStatus::from_name(&order.status).is_some_and(OrderStatus::is_final);
    over || order.lines.iter().map(|line| line.units.allocated + line.units.in_transit).sum::<u64>() == 0
}

async fn act(world: &World, return_id: &str, action: &str, body: &Value) -> Result<()> {
    let path = ["v1", "returns", return_id, action];
    world.persistently(|| world.api.post(&path, body)).await.map(drop)
}

async fn until_closed(world: &World, return_id: &str) -> Result<Option<ReturnView>> {
    let path = ["v1", "returns", return_id];
    let until = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < until {
        let found = world.persistently(|| world.api.get(&path, &[])).await?;
        let found: ReturnView = serde_json::from_value(found)?;
        if found.status == "closed" {
            return Ok(Some(found));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(None)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|Refused(problem)| problem.code == ErrorCode::RefusedByRule)
}
