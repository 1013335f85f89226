//! Operations on many orders: taken in with the orders they are about, in one statement. So neither an order that is placed later nor
//! one that leaves the selection meanwhile makes a difference.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::By,
    bulk::{Bulk, BulkStatus, Lifted, Operation, Task},
    fulfillment::FulfillmentStatus,
    ids::{BulkId, FacilityId, OrderId},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::{
    error::StoreError,
    feeds::word,
    order_list::{OrderFilter, Page, bind_filter, cursor, orders_where, parse_cursor},
    store::Store,
};

/// Most orders that one bulk operation takes.
pub const BULK_ORDERS_MAX: u32 = 200_000;

/// A bulk operation that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkIntake {
    pub task: Task,
    pub filter: OrderFilter,
    pub orders_per_second: u32,
    /// Business time.
    pub started_at: Timestamp,
}

/// What an intake met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkTaken {
    New,
    /// The same one was there.
    Same,
    /// Another one has this id.
    Other,
    /// It would be about more orders than one may be; it was not taken.
    TooMany,
}

/// A bulk operation as it was taken in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BulkRow {
    pub task: Task,
    pub orders_per_second: u32,
    pub selected: u64,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
    /// As its workflow last recorded it; None: that has not begun.
    pub bulk: Option<Bulk>,
    /// Who did.
    pub started_by: Option<By>,
}

/// What a bulk operation would be about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BulkPreview {
    pub orders: u64,
    /// Some of them.
    pub sample: Vec<OrderId>,
}

/// Orders that the filter (1 to 16) names; with parameter 17, of which something is at that facility in one of these states (18).
macro_rules! chosen {
    () => {
        concat!(
            "SELECT o.order_id FROM orders o WHERE ",
            orders_where!(),
            " AND ($17::text IS NULL OR o.order_id IN (
                SELECT f.order_id FROM fulfillment_orders f WHERE f.facility_id = $17 AND f.status = ANY ($18)))"
        )
    };
}

const TAKE: &str = concat!(
    "WITH chosen AS MATERIALIZED (",
    chosen!(),
    " AND NOT EXISTS (SELECT FROM bulks b WHERE b.bulk_id = $20) LIMIT $19 + 1
    ), fresh AS (
        INSERT INTO bulks (bulk_id, intake, selected, started_at, updated_at, started_by)
        SELECT $20, $21, count(*), $22, $22, nullif($23, 'null') FROM chosen HAVING count(*) <= $19
        ON CONFLICT DO NOTHING RETURNING bulk_id
    ), listed AS (
        INSERT INTO bulk_orders (bulk_id, order_id) SELECT f.bulk_id, c.order_id FROM fresh f, chosen c
    )
    SELECT count(*) FROM fresh"
);

const PREVIEW: &str = concat!(
    "WITH chosen AS MATERIALIZED (",
    chosen!(),
    " LIMIT $19 + 1)
    SELECT jsonb_build_object('orders', (SELECT count(*) FROM chosen),
        'sample', (SELECT coalesce(jsonb_agg(order_id ORDER BY order_id), '[]') FROM (SELECT * FROM chosen ORDER BY order_id LIMIT $20) s))"
);

/// A [`BulkRow`].
macro_rules! select_bulks {
    ($rest:literal) => {
        concat!(
            "SELECT jsonb_build_object('task', intake -> 'task', 'orders_per_second', intake -> 'orders_per_second', 'selected', selected,
                'started_at', started_at, 'updated_at', updated_at, 'bulk', doc, 'started_by', started_by)
            FROM bulks WHERE ",
            $rest
        )
    };
}

/// What is at a facility, and might be moved.
fn there() -> Vec<&'static str> {
    FulfillmentStatus::ALL.iter().filter(|status| status.holds_stock()).map(|status| status.name()).collect()
}

fn leaving(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Move { from, .. } => Some(FacilityId::as_str(from)),
        Operation::Cancel | Operation::Hold { .. } | Operation::Release { .. } | Operation::ReleaseFor { .. } => None,
    }
}

impl Store {
    /// Takes it in with its orders, unless its id is taken.
    pub async fn put_bulk(&self, intake: &BulkIntake) -> Result<BulkTaken, StoreError> {
        let BulkIntake { task, filter, orders_per_second, started_at } = intake;
        let email_hash = filter.email.as_deref().map(|email| self.email_hash(email));
        let kept = json!({"task": task, "orders_per_second": orders_per_second, "filter": filter, "email_hash": email_hash});
        let query = bind_filter!(sqlx::query_scalar(TAKE), self, filter)
            .bind(leaving(&task.operation))
            .bind(there())
            .bind(i64::from(BULK_ORDERS_MAX))
            .bind(task.bulk_id.as_str())
            .bind(Json(&kept))
            .bind(started_at.to_sqlx())
            .bind(Json(self.acting()));
        let fresh: i64 = query.fetch_one(&self.pool).await?;
        if fresh > 0 {
            return Ok(BulkTaken::New);
        }
        let query = sqlx::query_scalar("SELECT intake FROM bulks WHERE bulk_id = $1").bind(task.bulk_id.as_str());
        Ok(match self.row::<Value>(query).await? {
            None => BulkTaken::TooMany,
            Some(known) if known == kept => BulkTaken::Same,
            Some(_) => BulkTaken::Other,
        })
    }

    /// How many orders it would be about, counted to one more than it may be, and some of them.
    pub async fn preview_bulk(&self, operation: &Operation, filter: &OrderFilter, sample: u32) -> Result<BulkPreview, StoreError> {
        let query = bind_filter!(sqlx::query_scalar(PREVIEW), self, filter)
            .bind(leaving(operation))
            .bind(there())
            .bind(i64::from(BULK_ORDERS_MAX))
            .bind(i64::from(sample));
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "a preview" })
    }

    /// A bulk operation.
    pub async fn bulk(&self, id: &BulkId) -> Result<Option<BulkRow>, StoreError> {
        self.row(sqlx::query_scalar(select_bulks!("bulk_id = $1")).bind(id.as_str())).await
    }

    /// Bulk operations, newest first. One that has not begun is as good as running.
    pub async fn bulks_page(&self, status: Option<BulkStatus>, after: Option<&str>, limit: u32) -> Result<Page<BulkRow>, StoreError> {
        let (started_at, bulk_id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let query = sqlx::query_scalar(select_bulks!(
            "($1::text IS NULL OR coalesce(doc ->> 'status', 'running') = $1)
                AND ($2::timestamptz IS NULL OR (started_at, bulk_id) < ($2, $3))
            ORDER BY started_at DESC, bulk_id DESC LIMIT $4"
        ));
        let query = query.persistent(false).bind(status.map(BulkStatus::name)).bind(started_at.map(ToSqlx::to_sqlx));
        let rows: Vec<BulkRow> = self.rows(query.bind(bulk_id).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows, limit, |last| cursor(Some(last.started_at), last.task.bulk_id.as_str())))
    }

    /// Keeps what has become of it, at `at` in business time. One that is older than what is kept changes nothing.
    pub async fn record_bulk(&self, bulk: &Bulk, at: Timestamp) -> Result<(), StoreError> {
        let version = i64::try_from(bulk.version).map_err(|_| StoreError::Corrupt { what: "a bulk operation's version" })?;
        let record = "UPDATE bulks SET version = $2, doc = $3, updated_at = $4, ended_at = CASE WHEN $5 THEN now() END
            WHERE bulk_id = $1 AND version <= $2";
        let query = sqlx::query(record).bind(bulk.core.bulk_id.as_str()).bind(version).bind(Json(bulk)).bind(at.to_sqlx());
        query.bind(bulk.status.is_final()).execute(&self.pool).await?;
        Ok(())
    }

    /// Whether such a hold of the order was lifted since then, in business time.
    pub async fn hold_lifted(&self, order_id: &OrderId, lifted: Lifted<'_>, since: Timestamp) -> Result<bool, StoreError> {
        const LIFTED: &str = "SELECT EXISTS (
            SELECT FROM order_events r WHERE r.order_id = $1 AND r.kind = 'hold_released' AND r.at >= $2
                AND ($3::text IS NULL OR r.data ->> 'hold_id' = $3)
                AND ($4::text IS NULL OR EXISTS (SELECT FROM order_events p WHERE p.order_id = $1 AND p.kind = 'hold_placed'
                    AND p.seq < r.seq AND p.data -> 'hold_id' = r.data -> 'hold_id' AND p.data ->> 'reason' = $4)))";
        let (hold_id, reason) = match lifted {
            Lifted::Hold(hold_id) => (Some(hold_id.as_str()), None),
            Lifted::Reason(reason) => (None, Some(word(reason)?)),
        };
        let query = sqlx::query_scalar(LIFTED).bind(order_id.as_str()).bind(since.to_sqlx()).bind(hold_id).bind(reason);
        Ok(query.fetch_one(&self.pool).await?)
    }
}
