//! The hot-SKU reservation beside the bare statements it is made of.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, Sku};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{bench_facility, count, facility, id, network, product, whole};
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
    /// How many ask at once, of all workers together.
    pub at_once: u32,
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

/// Reserves the hot SKU through [`Store::reserve`], each order at one of the workers, with the decision that a plan among so many facilities
/// leaves.
pub async fn reserve_hot_sku(workers: &[Store], size: HotSku, facilities: u32) -> Result<HotSkuRun, StoreError> {
    let run = Uuid::now_v7();
    let (facility_id, sku) = stocked(&workers[0], run, size.units).await?;
    let decision = network::decision(facilities, &facility_id, &sku)?;
    at_once(workers, size, |worker, n| {
        let request = one_unit(format!("bench-{run}-{n}"), facility_id.clone(), sku.clone(), decision.clone());
        async move { Ok(matches!(worker.reserve(&request?).await?, Reserved::Done(_))) }
    })
    .await
}

/// The whole round of sourcing: what is there, the plan among so many facilities, and the reservation.
pub async fn source_hot_sku(workers: &[Store], size: HotSku, facilities: u32) -> Result<HotSkuRun, StoreError> {
    let run = Uuid::now_v7();
    network::open(&workers[0], facilities).await?;
    let (_, sku) = stocked(&workers[0], run, size.units).await?;
    at_once(workers, size, |worker, n| source_one(worker, format!("bench-{run}-{n}"), sku.clone())).await
}

async fn source_one(worker: Store, order: String, sku: Sku) -> Result<bool, StoreError> {
    loop {
        let there = worker.availability(std::slice::from_ref(&sku)).await?;
        let places = worker.places(Some(there.facilities_version), Timestamp::now()).await?;
        let stock: Vec<_> = there.positions.into_iter().map(Into::into).collect();
        let decision = network::plan(&order, &places.facilities, &stock, &sku)?;
        let Some(package) = decision.packages.first() else { return Ok(false) };
        let facility_id = id(package.facility_id.parse())?;
        let decision = serde_json::to_value([decision.brief()]).map_err(|_| StoreError::Corrupt { what: "a decision" })?;
        match worker.reserve(&one_unit(order.clone(), facility_id, sku.clone(), decision)?).await? {
            Reserved::Done(_) => return Ok(true),
            Reserved::Short(_) => {}
            Reserved::Closed => return Ok(false),
        }
    }
}

async fn stocked(store: &Store, run: Uuid, units: u64) -> Result<(FacilityId, Sku), StoreError> {
    let (facility_id, sku) = (bench_facility()?, id(Sku::parse(format!("hot-{run}")))?);
    let catalog = store.catalog();
    catalog.put_facility(&facility(facility_id.clone())).await?;
    catalog.put_product(&product(sku.clone())?).await?;
    catalog.put_stock(&count(facility_id.clone(), sku.clone(), whole(units)), None).await?;
    Ok((facility_id, sku))
}

fn one_unit(order: String, facility_id: FacilityId, sku: Sku, decision: Value) -> Result<Reserve, StoreError> {
    let order_id = id(OrderId::parse(order))?;
    let position = Position {
        fulfillment_order_id: FulfillmentOrderId::of(&order_id, 1),
        line_id: id(LineId::parse("1"))?,
        facility_id,
        sku,
        quantity: 1,
    };
    Ok(Reserve {
        order_id,
        key: "place".to_owned(),
        positions: vec![position],
        waiting: Vec::new(),
        rank_at: None,
        planned_at: None,
        facilities_version: None,
        full: Vec::new(),
        takes_over: None,
        decision: Some(decision),
        answer: Value::Null,
    })
}

/// The yardstick: a conditional update and an insert, in a transaction, on tables with nothing else to them.
pub async fn bare_hot_sku(workers: &[Store], size: HotSku) -> Result<HotSkuRun, StoreError> {
    let store = &workers[0];
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
    at_once(workers, size, |worker, n| bare_one(worker, run, whole(n))).await
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

/// Runs the orders, so many at once, each in a task of its own.
async fn at_once<F>(workers: &[Store], size: HotSku, one: impl Fn(Store, u64) -> F) -> Result<HotSkuRun, StoreError>
where
    F: Future<Output = Result<bool, StoreError>> + Send + 'static,
{
    let (mut next, mut won, mut running) = (0, 0, JoinSet::new());
    let begun = Instant::now();
    loop {
        while next < size.orders && running.len() < size.at_once as usize {
            let worker = workers[next as usize % workers.len()].clone();
            running.spawn(one(worker, next));
            next += 1;
        }
        let Some(answer) = running.join_next().await else { break };
        won += u64::from(answer.map_err(|_| StoreError::Internal { system: "the benchmark", code: "a task panicked".into() })??);
    }
    Ok(HotSkuRun { won, elapsed: begun.elapsed() })
}
