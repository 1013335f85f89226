//! Feed imports.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, Sku};
use uuid::Uuid;

use super::{count, facility, id, product};
use crate::{
    error::StoreError,
    feed_batches::FEED_BATCH_ROWS,
    feed_rows::{FeedRow, Receipt},
    feeds::{BatchResult, FeedKind, FeedMode, PickedUnits, StartFeed},
    store::Store,
};

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
pub(super) async fn feed<T>(
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
