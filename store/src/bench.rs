//! What `oms bench` measures here: the hot-SKU reservation beside the bare statements it is made of, and feed imports.
//!
//! For scratch databases: it leaves its facilities, products, orders and tables behind.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, Sku};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    error::StoreError,
    feed_batches::FEED_BATCH_ROWS,
    feed_rows::{Facility, FeedRow, Product, Receipt, StockCount},
    feeds::{BatchResult, FeedKind, FeedMode, PickedUnits, StartFeed},
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

/// How much to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    pub products: u64,
    pub stock_rows: u64,
    pub receipts: u64,
}

/// How long each feed took, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportTimes {
    pub products: Duration,
    pub stock: Duration,
    pub receipts: Duration,
}

/// Imports made-up rows of the real data's shape. Without HTTP: what the whole way takes, `oms bench` measures from outside.
pub async fn import(store: &Store, size: Import) -> Result<ImportTimes, StoreError> {
    const FACILITIES: u64 = 24;
    let facility_ids = (0..FACILITIES).map(|n| id(FacilityId::parse(format!("BENCH-{n:02}")))).collect::<Result<Vec<_>, _>>()?;
    for facility_id in &facility_ids {
        store.catalog().put_facility(&facility(facility_id.clone())).await?;
    }
    let sku = |n: u64| id(Sku::parse(format!("bench-{:05}", n % size.products.max(1))));
    let place = |n: u64| facility_ids[usize::try_from(n / size.products.max(1) % FACILITIES).unwrap_or_default()].clone();
    let day = id("1970-01-02T00:00:00Z".parse())?;
    let feeds = store.feeds();

    let products = feed(
        store,
        FeedKind::Products,
        size.products,
        |n| product(sku(n)?),
        async |feed_id, rows| feeds.apply_products(feed_id, &rows).await,
    );
    let products = products.await?;
    let stock = feed(
        store,
        FeedKind::Stock,
        size.stock_rows,
        |n| Ok(count(place(n), sku(n)?, 100)),
        async |feed_id, rows| feeds.apply_stock(feed_id, &rows).await,
    );
    let stock = stock.await?;
    let receipt = |n: u64| Ok(Receipt { receipt_id: None, received_at: day, facility_id: place(n), sku: sku(n)?, quantity: 3 });
    let receipts =
        feed(store, FeedKind::Receipts, size.receipts, receipt, async |feed_id, rows| feeds.apply_receipts(feed_id, &rows).await);
    Ok(ImportTimes { products, stock, receipts: receipts.await? })
}

/// Runs one feed of made-up rows, and sees that each was accepted or known.
async fn feed<T>(
    store: &Store,
    kind: FeedKind,
    rows: u64,
    row: impl Fn(u64) -> Result<T, StoreError>,
    apply: impl AsyncFn(Uuid, Vec<FeedRow<T>>) -> Result<BatchResult, StoreError>,
) -> Result<Duration, StoreError> {
    let begun = Instant::now();
    let (source, mode, picked_units) = ("benchmark".to_owned(), FeedMode::Partial, PickedUnits::Counted);
    // Before the receipts.
    let as_of = Some(Timestamp::UNIX_EPOCH);
    let start = StartFeed { kind, source, as_of, mode, picked_units, expected_rows: None, told_at: Timestamp::now() };
    let feed_id = store.feeds().start(&start).await?;
    for from in (0..rows).step_by(FEED_BATCH_ROWS) {
        let batch = (from..rows.min(from + FEED_BATCH_ROWS as u64)).map(|n| Ok(FeedRow { row_number: n + 1, row: row(n)? }));
        apply(feed_id, batch.collect::<Result<_, StoreError>>()?).await?;
    }
    let run = store.feeds().finish(feed_id).await?;
    if run.accepted + run.unchanged != rows {
        return Err(StoreError::Internal { system: "the benchmark", code: format!("{} rows were rejected", run.rejected) });
    }
    Ok(begun.elapsed())
}

fn bench_facility() -> Result<FacilityId, StoreError> {
    id(FacilityId::parse("BENCH"))
}

fn id<T, E>(parsed: Result<T, E>) -> Result<T, StoreError> {
    parsed.map_err(|_| StoreError::Internal { system: "the benchmark", code: "made an id that is none".into() })
}

fn whole(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

fn facility(facility_id: FacilityId) -> Facility {
    Facility {
        name: "Benchmark".to_owned(),
        facility_id,
        facility_type: "warehouse".to_owned(),
        country: "GB".to_owned(),
        city: "Leeds".to_owned(),
        latitude: 53.8,
        longitude: -1.55,
        timezone: "Europe/London".to_owned(),
        handling_cost_minor: 90,
        daily_order_capacity: None,
        cutoff_local_time: jiff::civil::time(17, 0, 0, 0),
        working_days: "Mon-Fri".to_owned(),
        ship_enabled: true,
        pickup_enabled: false,
    }
}

fn product(sku: Sku) -> Result<Product, StoreError> {
    Ok(Product {
        sku,
        title: "Benchmark".to_owned(),
        price_minor: 255,
        currency: id("GBP".parse())?,
        weight_g: 500,
        length_mm: 100,
        width_mm: 80,
        height_mm: 60,
    })
}

fn count(facility_id: FacilityId, sku: Sku, on_hand: i64) -> StockCount {
    StockCount { facility_id, sku, on_hand, safety_stock: None, oversell_limit: None, unavailable: None }
}

impl Store {
    /// Transactions that have written so far, of the whole server: those that only read take no number.
    pub async fn transactions_written(&self) -> Result<i64, StoreError> {
        let next = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetch_one(&self.pool).await?;
        Ok(next)
    }
}
