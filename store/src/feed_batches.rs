//! The batches of feed runs: one call each, with the rows as JSON.

use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    error::StoreError,
    feed_rows::{Facility, FeedRow, Product, Receipt, StockCount, Valid},
    feeds::{BatchResult, FeedKind, Feeds, RejectedRow, word},
    store::Tries,
};

/// Most rows of one batch.
pub const FEED_BATCH_ROWS: usize = 5_000;

/// Most rows that move stock in one transaction: what a waiting reservation of one of their SKUs may have to wait for.
pub(crate) const PIECE_ROWS: usize = 50;

/// A row with its number, as the database wants it.
#[derive(Serialize)]
struct Numbered<'a, T> {
    n: u64,
    #[serde(flatten)]
    row: &'a T,
}

/// A row that is not sent, and which position it would have been of.
#[derive(Serialize)]
struct Mistake<'a> {
    row_number: u64,
    reason: String,
    counted: Option<(&'a FacilityId, &'a Sku)>,
}

/// Counts and rejects of a batch; none of it when the run is not open.
type Applied = (Option<i64>, Option<i64>, Option<Json<Vec<RejectedRow>>>);

impl Feeds<'_> {
    /// Adds or replaces facilities.
    pub async fn apply_facilities(&self, feed_id: Uuid, rows: &[FeedRow<Facility>]) -> Result<BatchResult, StoreError> {
        self.apply(feed_id, FeedKind::Facilities, rows).await
    }

    /// Adds or replaces products.
    pub async fn apply_products(&self, feed_id: Uuid, rows: &[FeedRow<Product>]) -> Result<BatchResult, StoreError> {
        self.apply(feed_id, FeedKind::Products, rows).await
    }

    /// Keeps counts of positions, as of the run's time, until the run is finished.
    pub async fn apply_stock(&self, feed_id: Uuid, rows: &[FeedRow<StockCount>]) -> Result<BatchResult, StoreError> {
        self.apply(feed_id, FeedKind::Stock, rows).await
    }

    /// Takes goods in, each receipt once ever.
    pub async fn apply_receipts(&self, feed_id: Uuid, rows: &[FeedRow<Receipt>]) -> Result<BatchResult, StoreError> {
        let mut all = BatchResult::default();
        for piece in rows.chunks(PIECE_ROWS) {
            let applied = self.apply(feed_id, FeedKind::Receipts, piece).await?;
            all.accepted += applied.accepted;
            all.unchanged += applied.unchanged;
            all.rejected.extend(applied.rejected);
        }
        Ok(all)
    }

    /// Batches of a run come in the order of their row numbers, so that one sent again is known by them.
    async fn apply<T: Valid + Serialize + Sync>(
        &self,
        feed_id: Uuid,
        kind: FeedKind,
        rows: &[FeedRow<T>],
    ) -> Result<BatchResult, StoreError> {
        if rows.len() > FEED_BATCH_ROWS {
            return Err(StoreError::TooLarge { what: "a batch of a feed, in rows,", bytes: rows.len() });
        }
        let (kind, mut batch, mut mistakes) = (word(kind)?, Vec::with_capacity(rows.len()), Vec::new());
        for FeedRow { row_number, row } in rows {
            match row.mistake() {
                None => batch.push(Numbered { n: *row_number, row }),
                Some(mistake) => mistakes.push(Mistake { row_number: *row_number, reason: invalid(mistake), counted: row.counted() }),
            }
        }
        let mut tries = Tries::default();
        let (accepted, unchanged, rejected): Applied = loop {
            let query = sqlx::query_as("SELECT accepted, unchanged, rejected FROM apply_batch($1, $2, $3, $4)");
            let query = query.bind(feed_id).bind(&kind).bind(Json(&batch)).bind(Json(&mistakes));
            match query.fetch_one(&self.0.pool).await {
                Ok(applied) => break applied,
                Err(error) => tries.again(error).await?,
            }
        };
        let (Some(accepted), Some(unchanged), Some(Json(rejected))) = (accepted, unchanged, rejected) else {
            return Err(StoreError::Refused { code: ErrorCode::NotFound });
        };
        Ok(BatchResult { accepted: accepted.unsigned_abs(), unchanged: unchanged.unsigned_abs(), rejected })
    }
}

fn invalid(mistake: &str) -> String {
    format!("{}: {mistake}", ErrorCode::ValidationFailed.code())
}
