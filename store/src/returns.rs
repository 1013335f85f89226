//! Returns: what became of each, in one transaction with the stock that it puts back. All of it is PostgreSQL's: a return's document
//! is small, and is read beside its list.

use jiff::Timestamp;
use oms_domain::{
    access::{By, Scope},
    ids::{FacilityId, OrderId, ReturnId, Sku},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    public_events,
    reach::{channels, facilities},
    record::{IdentifiedEvent, Progressed, Recorded, RecordedEvent, identified, moved_by},
    store::Store,
};

/// What happened to a return since its last record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReturnRecord {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    /// The recorded version that these events come after.
    pub base: u64,
    /// The last event's `seq`.
    pub version: u64,
    pub status: String,
    pub needs_attention: bool,
    pub opened_at: Timestamp,
    /// Business time; also when its stock movements occurred.
    pub updated_at: Timestamp,
    /// When something should be heard of it, in business time; null: it has ended, and nothing is owed any more.
    pub next_wait_at: Option<Timestamp>,
    /// At least one, with consecutive numbers.
    #[serde(skip)]
    pub events: Vec<RecordedEvent>,
    /// All units that are on hand because of it, not those that are new.
    pub goods: Vec<RestockedGoods>,
    pub label: Option<ReturnLabel>,
    /// The return as JSON.
    pub doc: Value,
}

/// Units of a return that can be sold again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestockedGoods {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub restocked: u32,
}

/// The number its carrier knows a return by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReturnLabel {
    pub carrier: String,
    pub tracking_number: String,
}

/// Which returns to list: those for which everything given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnFilter {
    pub order_id: Option<OrderId>,
    pub status: Option<String>,
    pub needs_attention: Option<bool>,
    /// What whoever asks knows of.
    pub scope: Scope,
}

/// What a list shows of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnSummary {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub version: u64,
    pub status: String,
    pub needs_attention: bool,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What others are told of a return's event, if anything.
#[derive(Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<Value>,
}

/// What PostgreSQL gets of a record.
#[derive(Serialize)]
struct Progress<'a> {
    #[serde(flatten)]
    record: &'a ReturnRecord,
    events: Vec<IdentifiedEvent<'a, Told>>,
    by: Option<&'a By>,
}

impl Store {
    /// Appends to a return's history, once however often it is called, in one round trip.
    pub async fn record_return(&self, record: &ReturnRecord) -> Result<Recorded, StoreError> {
        const RECORD: &str = "SELECT outcome, stored_version, 0::bigint AS deficit_units FROM record_return($1)";
        let said = |event: &RecordedEvent| Told { said: public_events::said_of_return(&record.return_id, &record.order_id, event) };
        let events = identified(record.return_id.as_str(), &record.events, said);
        let answers: Vec<Progressed> = self.call(RECORD, &Progress { record, events, by: moved_by(&record.events) }).await?;
        answers.into_iter().next().ok_or(StoreError::Corrupt { what: "a return's record" })?.read()
    }

    /// The return's document, as last recorded.
    pub async fn return_document(&self, id: &ReturnId) -> Result<Option<Value>, StoreError> {
        self.row(sqlx::query_scalar("SELECT doc FROM returns WHERE return_id = $1").bind(id.as_str())).await
    }

    /// The highest number of an order's returns; 0: it has none.
    pub async fn returns_of(&self, order_id: &OrderId) -> Result<u32, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(return_id) FROM returns WHERE order_id = $1");
        let ids: Vec<ReturnId> = self.rows(query.bind(order_id.as_str())).await?;
        Ok(ids.iter().filter_map(ReturnId::number).max().unwrap_or(0))
    }

    /// The return's timeline, from the beginning.
    pub async fn return_events(&self, id: &ReturnId) -> Result<Vec<RecordedEvent>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('seq', seq, 'kind', kind, 'at', at, 'data', data,
                'by', shown_by(actor_kind, actor_id, station_id, request_id))
            FROM return_events WHERE return_id = $1 ORDER BY seq",
        );
        self.rows(query.bind(id.as_str())).await
    }

    /// Returns, newest first.
    pub async fn returns_page(&self, filter: &ReturnFilter, after: Option<&str>, limit: u32) -> Result<Page<ReturnSummary>, StoreError> {
        let (opened_at, return_id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(r) - 'doc' FROM returns r
            WHERE ($1::text IS NULL OR r.order_id = $1)
                AND ($2::text IS NULL OR r.status = $2)
                AND ($3::boolean IS NULL OR r.needs_attention = $3)
                AND ($7::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = r.order_id AND o.channel = ANY ($7)))
                AND ($8::text[] IS NULL
                    OR EXISTS (SELECT FROM fulfillment_orders f WHERE f.order_id = r.order_id AND f.facility_id = ANY ($8)))
                AND ($4::timestamptz IS NULL OR (r.opened_at, r.return_id) < ($4, $5))
            ORDER BY r.opened_at DESC, r.return_id DESC LIMIT $6",
        );
        let query = query
            .persistent(false)
            .bind(filter.order_id.as_ref().map(OrderId::as_str))
            .bind(&filter.status)
            .bind(filter.needs_attention)
            .bind(opened_at.map(jiff_sqlx::ToSqlx::to_sqlx))
            .bind(return_id)
            .bind(i64::from(limit) + 1)
            .bind(channels(&filter.scope))
            .bind(facilities(&filter.scope));
        let rows: Vec<ReturnSummary> = self.rows(query).await?;
        Ok(Page::cut(rows, limit, |last| cursor(Some(last.opened_at), last.return_id.as_str())))
    }
}
