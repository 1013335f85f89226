//! What there is to know of the orders, the stock and the money.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use sqlx::{PgPool, Row};

use crate::{
    api::{Api, Event},
    bar::Bar,
    house::House,
    orders::Ordered,
    runs,
};

const AT_ONCE: usize = 8;
const PAGE: usize = 500;

/// Facility and SKU.
pub type Position = (String, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    pub on_hand: i64,
    pub reserved: i64,
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on hand and {} reserved", self.on_hand, self.reserved)
    }
}

/// An order as the API shows it.
pub struct Order {
    pub view: Value,
    pub events: Vec<Event>,
}

pub struct Known {
    pub orders: BTreeMap<String, Order>,
    /// Those of which nothing will come by itself: they are closed, and neither they nor their returns have a run.
    pub ended: BTreeSet<String>,
    pub stock: BTreeMap<Position, Units>,
    /// SKUs of open orders, which may reserve them or let go of them by themselves.
    pub moving_skus: BTreeSet<String>,
    /// How many operations the gateway has booked, by what they refer to.
    pub operations: BTreeMap<String, usize>,
}

impl Known {
    pub async fn of(house: &House, orders: &[Ordered]) -> Result<Self> {
        // Asked before the orders are read: what has ended by now stays as it is.
        let ended = ended(house, orders).await?;
        let moving_skus = moving_skus(&house.sql).await?;
        Ok(Self {
            orders: read(&house.api, orders).await?,
            ended,
            stock: stock(&house.sql).await?,
            moving_skus,
            operations: operations(&house.gateway).await?,
        })
    }
}

async fn ended(house: &House, orders: &[Ordered]) -> Result<BTreeSet<String>> {
    let closed = sqlx::query_scalar("SELECT order_id FROM order_guards WHERE closed_at IS NOT NULL").fetch_all(&house.sql).await?;
    let (closed, open): (BTreeSet<String>, _) = (closed.into_iter().collect(), runs::of_open_orders(&house.temporal).await?);
    let ids = orders.iter().map(|order| &order.id);
    Ok(ids.filter(|id| closed.contains(*id) && !open.contains(*id)).cloned().collect())
}

async fn moving_skus(sql: &PgPool) -> Result<BTreeSet<String>> {
    let query = "SELECT DISTINCT s.sku FROM order_skus s JOIN order_guards g USING (order_id) WHERE g.closed_at IS NULL";
    Ok(sqlx::query_scalar(query).fetch_all(sql).await?.into_iter().collect())
}

async fn read(api: &Api, orders: &[Ordered]) -> Result<BTreeMap<String, Order>> {
    let bar = &Bar::of(orders.len(), "orders read");
    let reads = stream::iter(orders).map(|ordered| async move {
        let order = Order { view: api.order(&ordered.id).await?, events: api.events(&ordered.id).await? };
        bar.step();
        anyhow::Ok((ordered.id.clone(), order))
    });
    reads.buffer_unordered(AT_ONCE).try_collect().await
}

async fn stock(sql: &PgPool) -> Result<BTreeMap<Position, Units>> {
    let rows = sqlx::query("SELECT facility_id, sku, on_hand, reserved FROM stock").fetch_all(sql).await?;
    let units = |row: &sqlx::postgres::PgRow| Units { on_hand: row.get("on_hand"), reserved: row.get("reserved") };
    Ok(rows.iter().map(|row| ((row.get("facility_id"), row.get("sku")), units(row))).collect())
}

/// From the gateway's own books.
async fn operations(gateway: &str) -> Result<BTreeMap<String, usize>> {
    let (mut operations, mut after) = (BTreeMap::new(), Some(0));
    while let Some(from) = after {
        let url = format!("{gateway}/v1/operations?after={from}&limit={PAGE}");
        let page: Value = reqwest::get(url).await?.error_for_status()?.json().await?;
        for operation in page["items"].as_array().context("the gateway's operations")? {
            let reference = operation["reference"].as_str().context("what an operation refers to")?;
            *operations.entry(reference.to_owned()).or_default() += 1;
        }
        after = page["next_after"].as_u64();
    }
    Ok(operations)
}
