//! A full snapshot of everything there is, as a feed brings it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use oms_domain::{
    feed::FeedStatus,
    ids::{FacilityId, Sku},
};
use uuid::Uuid;

use super::super::{count, id};
use crate::{
    error::StoreError,
    feed_batches::FEED_BATCH_ROWS,
    feed_rows::FeedRow,
    feeds::{FeedKind, FeedMode, PickedUnits, StartFeed},
    snapshots::Step,
    store::Store,
};

/// How long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRun {
    pub positions: u64,
    pub took: Duration,
    /// Of the transactions that it took, whatever they lock.
    pub longest_transaction: Duration,
}

/// Everything there is, by facility: one unit more than is there now. Where so much was ordered that the books owe units, the shelf is empty.
const THERE: &str = "SELECT facility_id, sku, greatest(on_hand + 1, 0) FROM stock
    WHERE (facility_id, sku) > ($1, $2) ORDER BY facility_id, sku LIMIT $3";

/// Transactions, one after the other, and the longest of them.
struct Longest<'a>(&'a Store, Duration);

impl Longest<'_> {
    async fn time<T>(&mut self, transaction: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let begun = Instant::now();
        let done = transaction.await;
        self.1 = self.1.max(begun.elapsed());
        done
    }

    async fn pieces(&mut self, step: Step, feed_id: Uuid) -> Result<(), StoreError> {
        let store = self.0;
        while self.time(store.feeds().piece(step, feed_id)).await? {}
        Ok(())
    }
}

/// Sends it, has it weighed and applied.
pub async fn count_everything(store: &Store) -> Result<SnapshotRun, StoreError> {
    let positions: i64 = sqlx::query_scalar("SELECT count(*) FROM stock").fetch_one(&store.pool).await?;
    let positions = positions.unsigned_abs();
    let begun = Instant::now();
    let mut longest = Longest(store, Duration::ZERO);
    let feeds = store.feeds();
    let feed_id = feeds.start(&everything(positions)).await?;
    read(&mut longest, feed_id).await?;
    longest.time(feeds.read_to_end(feed_id)).await?;
    longest.pieces(Step::KeepAbsent, feed_id).await?;
    longest.pieces(Step::Weigh, feed_id).await?;
    longest.time(feeds.judge(feed_id)).await?;
    longest.pieces(Step::KeepAbsent, feed_id).await?;
    longest.pieces(Step::Apply, feed_id).await?;
    let run = feeds.known(feed_id).await?;
    if run.status != FeedStatus::Finished || run.accepted != positions {
        let code = format!("the snapshot is {:?} with {} of {positions} positions", run.status, run.accepted);
        return Err(StoreError::Internal { system: "the benchmark", code });
    }
    Ok(SnapshotRun { positions, took: begun.elapsed(), longest_transaction: longest.1 })
}

fn everything(positions: u64) -> StartFeed {
    StartFeed {
        kind: FeedKind::Stock,
        source: "benchmark".to_owned(),
        as_of: Some(Timestamp::now()),
        mode: FeedMode::Full,
        picked_units: PickedUnits::Counted,
        expected_rows: Some(positions),
        told_at: Timestamp::now(),
    }
}

/// Sends the rows, batch by batch.
async fn read(longest: &mut Longest<'_>, feed_id: Uuid) -> Result<(), StoreError> {
    let (mut last, mut row_number) = ((String::new(), String::new()), 0);
    loop {
        let page = sqlx::query_as(THERE).bind(&last.0).bind(&last.1).bind(FEED_BATCH_ROWS as i64);
        let page: Vec<(String, String, i64)> = page.fetch_all(&longest.0.pool).await?;
        let Some((facility_id, sku, _)) = page.last() else { return Ok(()) };
        last = (facility_id.clone(), sku.clone());
        let mut rows = Vec::new();
        for (facility_id, sku, on_hand) in page {
            row_number += 1;
            rows.push(FeedRow { row_number, row: count(id(FacilityId::parse(facility_id))?, id(Sku::parse(sku))?, on_hand) });
        }
        let store = longest.0;
        longest.time(store.feeds().apply_stock(feed_id, &rows)).await?;
    }
}
