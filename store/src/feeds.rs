//! Feed runs: rows in batches, each batch one transaction, a bad row kept with its reason and nothing lost beside it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::By,
    error::ErrorCode,
    feed::FeedStatus,
    ids::{FacilityId, Sku},
};
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

/// Whether a stock snapshot still counts units that were picked and have not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickedUnits {
    #[default]
    Counted,
    /// They are added to the count: they are on hand until they leave.
    NotCounted,
}

/// A feed about to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFeed {
    pub kind: FeedKind,
    /// Where it comes from, for people: a file's name.
    pub source: String,
    /// When a stock snapshot was counted; absent: when it is told.
    pub as_of: Option<Timestamp>,
    /// Business time, now.
    pub told_at: Timestamp,
    pub mode: FeedMode,
    pub picked_units: PickedUnits,
    /// How many rows its sender says there are: with fewer or more it fails. A full snapshot must say so, here or at its end.
    pub expected_rows: Option<u64>,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    pub row_number: u64,
    /// A code of the error table, a colon, and words. Never what was in the row.
    pub reason: String,
}

/// What became of a batch. Rows of a stock snapshot are judged when it ends: until then they are neither accepted nor rejected.
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
    pub picked_units: PickedUnits,
    pub status: FeedStatus,
    /// What its sender said.
    pub expected_rows: Option<u64>,
    pub rows_read: u64,
    /// Of a stock snapshot: read and not applied, not yet or never.
    pub waiting: u64,
    pub accepted: u64,
    pub unchanged: u64,
    pub rejected: u64,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Of a stock snapshot that was parked: why.
    pub parked: Option<Parked>,
    /// Until when somebody may decide about it.
    pub decide_by: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub started_by: Option<By>,
    /// Who let it through, or did not.
    pub decided_by: Option<By>,
}

/// What a snapshot would change at the facilities that it changes too much: at positions that hold something, or were counted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    pub parked_at: Timestamp,
    #[serde(flatten)]
    pub change: SnapshotChange,
    pub limit_percent: u32,
    /// Those facilities, the largest share first; 20 at most.
    pub facilities: Vec<FacilityChange>,
    /// A few positions, the largest change first.
    pub largest: Vec<PositionChange>,
}

/// What a snapshot would do to some positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotChange {
    pub positions: u64,
    pub units_before: u64,
    pub units_after: u64,
    /// The differences of all positions, whatever their sign.
    pub units_changed: u64,
    /// Of the units before; rounded up.
    pub changed_percent: u64,
}

/// What a snapshot would do to a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacilityChange {
    pub facility_id: FacilityId,
    #[serde(flatten)]
    pub change: SnapshotChange,
}

/// What a snapshot would do to a position's units on hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionChange {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub before: i64,
    pub after: i64,
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
        concat!(
            "SELECT to_jsonb(f) || jsonb_build_object('rows_read', waiting + accepted + unchanged + rejected,
                'expected_rows', coalesce(expected_rows, trailer_rows)) FROM feeds f ",
            $rest
        )
    };
}

impl Feeds<'_> {
    /// Opens a run. Ids sort by time.
    pub async fn start(&self, feed: &StartFeed) -> Result<Uuid, StoreError> {
        let feed_id = Uuid::now_v7();
        sqlx::query(START)
            .bind(feed_id)
            .bind(word(feed.kind)?)
            .bind(&feed.source)
            .bind(feed.as_of.map(ToSqlx::to_sqlx))
            .bind(word(feed.mode)?)
            .bind(word(feed.picked_units)?)
            .bind(feed.expected_rows.map(row_number))
            .bind(feed.told_at.to_sqlx())
            .bind(Json(self.0.acting()))
            .execute(&self.0.pool)
            .await?;
        Ok(feed_id)
    }

    /// Says how many rows there are, as the end of the file does. What was said before must be the same.
    pub async fn expect_rows(&self, feed_id: Uuid, rows: u64) -> Result<(), StoreError> {
        sqlx::query(EXPECT_ROWS).bind(feed_id).bind(row_number(rows)).execute(&self.0.pool).await?;
        Ok(())
    }

    /// Ends a run that was read to its end; a stock snapshot is applied now, or [parked](Parked). What a full one left out is set to 0,
    /// unless rows of it could not be read: what those named was not left out. A run that has not the rows that it should have fails.
    /// Ending a run twice changes nothing; the answer to a snapshot that is parked already is the run that was parked.
    pub async fn finish(&self, feed_id: Uuid) -> Result<FeedRun, StoreError> {
        self.read_to_end(feed_id).await?;
        let stands_for_it = self.work_on(feed_id).await?;
        self.known(stands_for_it).await
    }

    pub(crate) async fn read_to_end(&self, feed_id: Uuid) -> Result<(), StoreError> {
        let mut tries = Tries::default();
        while let Err(error) = sqlx::query(END).bind(feed_id).execute(&self.0.pool).await {
            tries.again(error).await?;
        }
        Ok(())
    }

    /// Ends a run that cannot be read to its end. What it had applied stays applied; of a stock snapshot, that is nothing. One that was read
    /// or has ended, by whomever, stays as it is.
    pub async fn fail(&self, feed_id: Uuid, reason: &str) -> Result<FeedRun, StoreError> {
        sqlx::query("SELECT fail_feed($1, $2)").bind(feed_id).bind(reason).execute(&self.0.pool).await?;
        self.known(feed_id).await
    }

    /// A run.
    pub async fn get(&self, feed_id: Uuid) -> Result<Option<FeedRun>, StoreError> {
        self.0.row(sqlx::query_scalar(select_feeds!("WHERE feed_id = $1")).bind(feed_id)).await
    }

    pub(crate) async fn known(&self, feed_id: Uuid) -> Result<FeedRun, StoreError> {
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

    /// Rows that could not be read, each once.
    pub async fn note_unreadable(&self, feed_id: Uuid, rows: &[RejectedRow]) -> Result<(), StoreError> {
        sqlx::query(NOTE_UNREADABLE).bind(feed_id).bind(Json(rows)).execute(&self.0.pool).await?;
        Ok(())
    }

    /// What became of orders, which are decided elsewhere, up to a row: noted once, however often it is told.
    pub async fn note_orders(&self, feed_id: Uuid, through_row: u64, result: &BatchResult) -> Result<(), StoreError> {
        sqlx::query(NOTE_ORDERS)
            .bind(feed_id)
            .bind(row_number(result.accepted))
            .bind(row_number(result.unchanged))
            .bind(Json(&result.rejected))
            .bind(row_number(through_row))
            .execute(&self.0.pool)
            .await?;
        Ok(())
    }
}

const START: &str = "INSERT INTO feeds (feed_id, kind, source, as_of, as_of_said, mode, picked_units, expected_rows, started_by)
    VALUES ($1, $2, $3, coalesce($4, $8), $4 IS NOT NULL, $5, $6, $7, nullif($9, 'null'))";

const EXPECT_ROWS: &str = "UPDATE feeds SET trailer_rows = $2 WHERE feed_id = $1 AND status = 'running'";

const END: &str = "SELECT end_feed($1)";

const NOTE_UNREADABLE: &str = "WITH kept AS (
        INSERT INTO feed_rejects (feed_id, row_number, reason)
        SELECT $1, row_number, reason FROM jsonb_populate_recordset(NULL::feed_rejects, $2)
        ON CONFLICT DO NOTHING RETURNING row_number
    )
    UPDATE feeds SET rejected = rejected + (SELECT count(*) FROM kept), unreadable = unreadable + (SELECT count(*) FROM kept),
        worked_at = now()
    WHERE feed_id = $1";

const NOTE_ORDERS: &str = "WITH fresh AS (
        UPDATE feeds SET accepted = accepted + $2, unchanged = unchanged + $3, rejected = rejected + jsonb_array_length($4),
            through_row = $5, worked_at = now()
        WHERE feed_id = $1 AND through_row < $5 RETURNING feed_id
    )
    INSERT INTO feed_rejects (feed_id, row_number, reason)
    SELECT fresh.feed_id, r.row_number, r.reason FROM fresh, jsonb_populate_recordset(NULL::feed_rejects, $4) AS r";

/// A number as PostgreSQL has it. No file has more rows than fit.
fn row_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An enum's name in the database: its name in JSON.
pub(crate) fn word(name: impl Serialize) -> Result<String, StoreError> {
    let word = serde_json::to_value(name).and_then(serde_json::from_value);
    word.map_err(|_| StoreError::Corrupt { what: "a name" })
}
