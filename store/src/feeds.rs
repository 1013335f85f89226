//! Feed runs: rows in batches, each batch one transaction, a bad row kept with its reason and nothing lost beside it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::error::ErrorCode;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    error::StoreError,
    store::{Store, Tries},
};

/// What a feed brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    Facilities,
    Products,
    Stock,
    Receipts,
    Orders,
}

/// What a stock snapshot says of the positions it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// They hold nothing, at the facilities it names.
    Full,
    /// Nothing.
    Partial,
}

/// Where a feed run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedStatus {
    Running,
    Finished,
    Failed,
}

/// A feed about to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFeed {
    pub kind: FeedKind,
    /// Where it comes from, for people: a file's name.
    pub source: String,
    /// When a stock snapshot was counted; absent: when the run starts.
    pub as_of: Option<Timestamp>,
    pub mode: FeedMode,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    pub row_number: u64,
    /// A code of the error table, a colon, and words. Never what was in the row.
    pub reason: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResult {
    pub accepted: u64,
    /// Known before, or superseded by a later row of the same batch.
    pub unchanged: u64,
    pub rejected: Vec<RejectedRow>,
}

/// A feed run so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRun {
    pub feed_id: Uuid,
    pub kind: FeedKind,
    pub source: String,
    pub as_of: Option<Timestamp>,
    pub mode: FeedMode,
    pub status: FeedStatus,
    pub rows_read: u64,
    pub accepted: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// The feed runs of a [`Store`]. Rows are applied by the methods in `feed_batches`.
pub struct Feeds<'a>(pub(crate) &'a Store);

impl Store {
    /// Where feeds are run.
    pub fn feeds(&self) -> Feeds<'_> {
        Feeds(self)
    }
}

/// The columns of a [`FeedRun`].
macro_rules! select_feeds {
    ($rest:literal) => {
        concat!("SELECT to_jsonb(f) || jsonb_build_object('rows_read', accepted + unchanged + rejected) FROM feeds f ", $rest)
    };
}

impl Feeds<'_> {
    /// Opens a run. Ids sort by time.
    pub async fn start(&self, feed: &StartFeed) -> Result<Uuid, StoreError> {
        let feed_id = Uuid::now_v7();
        sqlx::query("INSERT INTO feeds (feed_id, kind, source, as_of, mode) VALUES ($1, $2, $3, coalesce($4, now()), $5)")
            .bind(feed_id)
            .bind(word(feed.kind)?)
            .bind(&feed.source)
            .bind(feed.as_of.map(ToSqlx::to_sqlx))
            .bind(word(feed.mode)?)
            .execute(&self.0.pool)
            .await?;
        Ok(feed_id)
    }

    /// Ends a run; what a full stock snapshot left out is set to 0, unless rows of it could not be read: what those named was
    /// not left out. Ending a run twice changes nothing.
    pub async fn finish(&self, feed_id: Uuid) -> Result<FeedRun, StoreError> {
        let mut tries = Tries::default();
        while let Err(error) = sqlx::query(FINISH).bind(feed_id).execute(&self.0.pool).await {
            tries.again(error).await?;
        }
        self.known(feed_id).await
    }

    /// Ends a run that cannot go on. What it had applied stays applied.
    pub async fn fail(&self, feed_id: Uuid, reason: &str) -> Result<FeedRun, StoreError> {
        sqlx::query(
            "WITH gone AS (DELETE FROM feed_positions WHERE feed_id = $1)
            UPDATE feeds SET status = 'failed', failure = $2, finished_at = now() WHERE feed_id = $1 AND status = 'running'",
        )
        .bind(feed_id)
        .bind(reason)
        .execute(&self.0.pool)
        .await?;
        self.known(feed_id).await
    }

    /// A run.
    pub async fn get(&self, feed_id: Uuid) -> Result<Option<FeedRun>, StoreError> {
        self.0.row(sqlx::query_scalar(select_feeds!("WHERE feed_id = $1")).bind(feed_id)).await
    }

    async fn known(&self, feed_id: Uuid) -> Result<FeedRun, StoreError> {
        self.get(feed_id).await?.ok_or(StoreError::Refused { code: ErrorCode::NotFound })
    }

    /// Runs, newest first, from before the given one.
    pub async fn list(&self, limit: u32, before: Option<Uuid>) -> Result<Vec<FeedRun>, StoreError> {
        let query = sqlx::query_scalar(select_feeds!("WHERE $1::uuid IS NULL OR feed_id < $1 ORDER BY feed_id DESC LIMIT $2"));
        self.0.rows(query.bind(before).bind(i64::from(limit))).await
    }

    /// Rejected rows after the given row number, in order.
    pub async fn rejects(&self, feed_id: Uuid, after_row: u64, limit: u32) -> Result<Vec<RejectedRow>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(r) FROM feed_rejects r WHERE feed_id = $1 AND row_number > $2 ORDER BY row_number LIMIT $3",
        );
        self.0.rows(query.bind(feed_id).bind(row_number(after_row)).bind(i64::from(limit))).await
    }

    /// Rows that were decided elsewhere: unreadable ones, and orders.
    pub async fn note(&self, feed_id: Uuid, result: &BatchResult) -> Result<(), StoreError> {
        sqlx::query(NOTE)
            .bind(feed_id)
            .bind(row_number(result.accepted))
            .bind(row_number(result.unchanged))
            .bind(Json(&result.rejected))
            .execute(&self.0.pool)
            .await?;
        Ok(())
    }
}

const FINISH: &str = "WITH ended AS (
        UPDATE feeds SET status = 'finished', finished_at = now() WHERE feed_id = $1 AND status = 'running'
        RETURNING feed_id, kind, mode, as_of, unreadable
    )
    SELECT zero_uncounted(feed_id, as_of) FROM ended WHERE kind = 'stock' AND mode = 'full' AND unreadable = 0";

/// Adds counts to a run. A reject counts once per row number.
const NOTE: &str = "WITH kept AS (
        INSERT INTO feed_rejects (feed_id, row_number, reason)
        SELECT $1, row_number, reason FROM jsonb_populate_recordset(NULL::feed_rejects, $4)
        ON CONFLICT DO NOTHING RETURNING row_number
    )
    UPDATE feeds SET accepted = accepted + $2, unchanged = unchanged + $3,
        rejected = rejected + (SELECT count(*) FROM kept), unreadable = unreadable + (SELECT count(*) FROM kept)
    WHERE feed_id = $1";

/// A number as PostgreSQL has it. No file has more rows than fit.
fn row_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An enum's name in the database: its name in JSON.
pub(crate) fn word(name: impl Serialize) -> Result<String, StoreError> {
    let word = serde_json::to_value(name).and_then(serde_json::from_value);
    word.map_err(|_| StoreError::Corrupt { what: "the name of a feed's kind" })
}
