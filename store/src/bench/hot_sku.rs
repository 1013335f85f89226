//! The hot-SKU reservation beside the bare statements it is made of.

use std::time::{Duration, Instant};

use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, Sku};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{bench_facility, count, facility, id, product, whole};
use crate::{
    error::StoreError,
    reserve::{Position, Reserve, Reserved},
    store::Store,
};

/// One SKU at one facility, wanted by everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotSku {
    /// One-unit orders that ask.
    pub orders: u64,
    /// Units there are. More orders than units try the refusal as well.
    pub units: u64,
    /// How many ask at once. The pool should have as many connections.
    pub connections: u32,
}

/// What came of a [`HotSku`] run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotSkuRun {
    /// Orders that got their unit. Anything but min(orders, units) is an error of the store.
    pub won: u64,
    pub elapsed: Duration,
}

impl HotSkuRun {
    /// Answered orders per second.
    pub fn per_second(&self, orders: u64) -> f64 {
        orders as f64 / self.elapsed.as_secs_f64()
    }
}

/// Reserves the hot SKU through [`Store::reserve`].
pub async fn reserve_hot_sku(store: &Store, size: HotSku) -> Result<HotSkuRun, StoreError> {
    let run = Uuid::now_v7();
    let (facility_id, sku) = (bench_facility()?, id(Sku::parse(format!("hot-{run}")))?);
    let catalog = store.catalog();
    catalog.put_facility(&facility(facility_id.clone())).await?;
    catalog.put_product(&product(sku.clone())?).await?;
    catalog.put_stock(&count(facility_id.clone(), sku.clone(), whole(size.units)), None).await?;
    at_once(size, |n| reserve_one(store.clone(), format!("bench-{run}-{n}"), facility_id.clone(), sku.clone())).await
}

async fn reserve_one(store: Store, order: String, facility_id: FacilityId, sku: Sku) -> Result<bool, StoreError> {
    let order_id = id(OrderId::parse(order))?;
    let position = Position {
        fulfillment_order_id: FulfillmentOrderId::of(&order_id, 1),
        line_id: id(LineId::parse("1"))?,
        facility_id,
        sku,
        quantity: 1,
    };
    let request = Reserve {
        order_id,
        key: "place".to_owned(),
        positions: vec![position],
        waiting: Vec::new(),
        rank_at: None,
        planned_at: None,
        facilities_version: None,
        full: Vec::new(),
        takes_over: None,
        decision: None,
        answer: Value::Null,
    };
    Ok(matches!(store.reserve(&request).await?, Reserved::Done(_)))
}

/// The yardstick: a conditional update and an insert, in a transaction, on tables with nothing else to them.
pub async fn bare_hot_sku(store: &Store, size: HotSku) -> Result<HotSkuRun, StoreError> {
    let run = Uuid::now_v7();
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS bench_stock (sku uuid PRIMARY KEY, on_hand bigint NOT NULL, reserved bigint NOT NULL DEFAULT 0)
            WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS bench_reservations (sku uuid, order_number bigint, units bigint NOT NULL,
            PRIMARY KEY (sku, order_number))",
    )
    .execute(&store.pool)
    .await?;
    let stocked = sqlx::query("INSERT INTO bench_stock (sku, on_hand) VALUES ($1, $2)").bind(run).bind(whole(size.units));
    stocked.execute(&store.pool).await?;
    at_once(size, |n| bare_one(store.clone(), run, whole(n))).await
}

async fn bare_one(store: Store, sku: Uuid, order_number: i64) -> Result<bool, StoreError> {
    let mut transaction = store.pool.begin().await?;
    let taken = sqlx::query("UPDATE bench_stock SET reserved = reserved + 1 WHERE sku = $1 AND on_hand - reserved >= 1").bind(sku);
    if taken.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("INSERT INTO bench_reservations (sku, order_number, units) VALUES ($1, $2, 1)")
        .bind(sku)
        .bind(order_number)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Runs the orders, so many at once, each connection's in a task of its own.
async fn at_once<F>(size: HotSku, one: impl Fn(u64) -> F) -> Result<HotSkuRun, StoreError>
where
    F: Future<Output = Result<bool, StoreError>> + Send + 'static,
{
    let (mut next, mut won, mut running) = (0, 0, JoinSet::new());
    let begun = Instant::now();
    loop {
        while next < size.orders && running.len() < size.connections as usize {
            running.spawn(one(next));
            next += 1;
        }
        let Some(answer) = running.join_next().await else { break };
        won += u64::from(answer.map_err(|_| StoreError::Internal { system: "the benchmark", code: "a task panicked".into() })??);
    }
    Ok(HotSkuRun { won, elapsed: begun.elapsed() })
}
