//! Batches into the store, or to the starter; what cannot be read is noted beside them.

use std::{future::Future, time::Duration};

use futures_util::{StreamExt, stream};
use oms_api::{
    facility::FacilityBody,
    feed::{FeedRecord, Row},
    product::ProductBody,
    stock::{ReceiptRow, StockRow},
};
use oms_domain::{
    error::{ErrorCode, Retry},
    placed::PlacedOrder,
};
use oms_starter::Placed;
use oms_store::{BatchResult, FEED_BATCH_ROWS, FeedRow, RejectedRow};
use uuid::Uuid;

use crate::{ahead::AHEAD, convert, failure::Failure, placing, state::AppState};

/// Orders placed at a time.
const ORDERS_AT_ONCE: usize = 16;
/// Orders of a batch: their progress shows in the run after each.
const ORDER_BATCH_ROWS: usize = 200;
/// Pauses before a batch that met a passing fault is tried again.
const RETRY_AFTER: [Duration; 4] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)];

/// A row that can be applied.
pub(super) trait Apply: FeedRecord + Send + 'static {
    const ROWS_AT_ONCE: usize = FEED_BATCH_ROWS;

    /// Applies rows in order of their numbers. The same batch again changes nothing.
    fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<Self>>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Applies a batch, and notes the rows of it that cannot be read.
pub(super) async fn batch<T: Apply>(state: &AppState, feed_id: Uuid, batch: Vec<Row<T>>) -> Result<(), Failure> {
    let (mut rows, mut rejected) = (Vec::with_capacity(batch.len()), Vec::new());
    for Row { number: row_number, content } in batch {
        match content {
            Ok(row) => rows.push(FeedRow { row_number, row }),
            Err(reason) => rejected.push(RejectedRow { row_number, reason }),
        }
    }
    if !rejected.is_empty() {
        retrying(|| async { state.store.feeds().note_unreadable(feed_id, &rejected).await }).await?;
    }
    if rows.is_empty() { Ok(()) } else { T::apply(state, feed_id, rows).await }
}

/// Tries again after passing faults; a feed of an hour must not fail, nor lose a row, for a second's.
async fn retrying<T, E, F>(call: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>>,
    Failure: From<E>,
{
    retrying_after(&RETRY_AFTER, call).await
}

async fn retrying_after<T, E, F>(pauses: &[Duration], call: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>>,
    Failure: From<E>,
{
    for pause in pauses {
        match call().await.map_err(Failure::from) {
            Err(Failure(problem)) if problem.code.retry() == Retry::Later => tokio::time::sleep(*pause).await,
            result => return result,
        }
    }
    Ok(call().await?)
}

fn converted<A, B>(rows: Vec<FeedRow<A>>, convert: impl Fn(A) -> B) -> Vec<FeedRow<B>> {
    rows.into_iter().map(|row| FeedRow { row_number: row.row_number, row: convert(row.row) }).collect()
}

impl Apply for FacilityBody {
    async fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<FacilityBody>>) -> Result<(), Failure> {
        let rows = converted(rows, convert::facility);
        retrying(|| async { state.store.feeds().apply_facilities(feed_id, &rows).await }).await.map(drop)
    }
}

impl Apply for ProductBody {
    async fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<ProductBody>>) -> Result<(), Failure> {
        let rows = converted(rows, convert::product);
        retrying(|| async { state.store.feeds().apply_products(feed_id, &rows).await }).await.map(drop)
    }
}

impl Apply for StockRow {
    async fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<StockRow>>) -> Result<(), Failure> {
        let rows = converted(rows, convert::stock_count);
        retrying(|| async { state.store.feeds().apply_stock(feed_id, &rows).await }).await.map(drop)
    }
}

impl Apply for ReceiptRow {
    async fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<ReceiptRow>>) -> Result<(), Failure> {
        let (ahead, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| state.is_ahead(row.row.received_at));
        let refused = |row: FeedRow<ReceiptRow>| RejectedRow { row_number: row.row_number, reason: received_ahead() };
        let ahead: Vec<RejectedRow> = ahead.into_iter().map(refused).collect();
        if !ahead.is_empty() {
            retrying(|| async { state.store.feeds().note_unreadable(feed_id, &ahead).await }).await?;
        }
        let rows = converted(rows, convert::receipt);
        retrying(|| async { state.store.feeds().apply_receipts(feed_id, &rows).await }).await.map(drop)
    }
}

impl Apply for PlacedOrder {
    const ROWS_AT_ONCE: usize = ORDER_BATCH_ROWS;

    async fn apply(state: &AppState, feed_id: Uuid, rows: Vec<FeedRow<PlacedOrder>>) -> Result<(), Failure> {
        let through_row = rows.iter().map(|row| row.row_number).max().unwrap_or_default();
        let place = |row: FeedRow<PlacedOrder>| async move { (row.row_number, retrying(|| placing::place(state, row.row.clone())).await) };
        let placing = rows.into_iter().map(place);
        let placed: Vec<(u64, Result<Placed, Failure>)> = stream::iter(placing).buffered(ORDERS_AT_ONCE).collect().await;
        let mut result = BatchResult::default();
        for (row_number, outcome) in placed {
            match outcome {
                Ok(Placed::Created) => result.accepted += 1,
                Ok(Placed::Existing) => result.unchanged += 1,
                Err(failure) => result.rejected.push(RejectedRow { row_number, reason: reason(&failure) }),
            }
        }
        retrying(|| async { state.store.feeds().note_orders(feed_id, through_row, &result).await }).await
    }
}

fn received_ahead() -> String {
    format!("{}: /received_at {AHEAD}", ErrorCode::ValidationFailed.code())
}

/// A code, a colon, and words.
fn reason(Failure(problem): &Failure) -> String {
    let words = match problem.errors.as_slice() {
        [] => problem.detail.clone().unwrap_or_else(|| problem.title.clone()),
        errors => {
            let pointers: Vec<&str> = errors.iter().take(5).map(|error| error.pointer.as_str()).collect();
            format!("{}: {}", problem.title, pointers.join(", "))
        }
    };
    format!("{}: {words}", problem.code.code())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often a call is made that fails like this the first `times` times, and what comes of it.
    async fn calls(times: u32, code: ErrorCode) -> (u32, Result<(), ErrorCode>) {
        let made = Cell::new(0);
        let result = retrying_after(&[Duration::ZERO; 4], || async {
            made.set(made.get() + 1);
            if made.get() <= times { Err(Failure::from(code)) } else { Ok(()) }
        });
        let result = result.await.map_err(|Failure(problem)| problem.code);
        (made.get(), result)
    }

    #[tokio::test]
    async fn a_passing_fault_is_outlasted_and_a_refusal_taken_at_once() {
        assert_eq!(calls(3, ErrorCode::Unavailable).await, (4, Ok(())));
        assert_eq!(calls(9, ErrorCode::TimedOut).await, (5, Err(ErrorCode::TimedOut)));
        assert_eq!(calls(9, ErrorCode::OrderConflict).await, (1, Err(ErrorCode::OrderConflict)));
    }
}
