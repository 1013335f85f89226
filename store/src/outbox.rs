//! Every event of every order, for those outside, in an order that never skips.
//!
//! A row's place is (transaction id, number). Numbers alone would not do: a transaction that drew a lower number may commit
//! after one that drew a higher, behind the back of a reader who has gone past. So readers stop below the oldest transaction
//! that is still open (`pg_snapshot_xmin`): whatever may still appear has an id at or above it.

use jiff::Timestamp;
use oms_domain::{error::ErrorCode, ids::OrderId};
use serde::Deserialize;
use serde_json::Value;

use crate::{error::StoreError, store::Store};

/// An event with its place in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutboxEvent {
    /// Opaque; goes into `after`.
    pub position: String,
    pub order_id: OrderId,
    /// Within its order, from 1. A lost task's event is followed by the one that replaced it, under the same number.
    pub seq: u64,
    pub kind: String,
    pub at: Timestamp,
    pub data: Value,
}

/// Some events, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsPage {
    pub events: Vec<OutboxEvent>,
    /// Opaque; goes into `after`, also when there were no events.
    pub next: String,
}

#[derive(Deserialize)]
struct Read {
    /// Everything below it has been read, unless the limit was met.
    horizon: String,
    events: Vec<OutboxEvent>,
}

/// The beginning.
const START: (&str, i64) = ("0", 0);

fn parse(position: &str) -> Option<(&str, i64)> {
    let (xid, event_id) = position.split_once('-')?;
    xid.parse::<u64>().ok()?;
    Some((xid, event_id.parse().ok()?))
}

impl Store {
    /// Events after a position, or from the beginning; of these kinds, or of all.
    pub async fn events_after(&self, after: Option<&str>, kinds: &[String], limit: u32) -> Result<EventsPage, StoreError> {
        let place = after.map_or(Some(START), parse);
        let (xid, event_id) = place.ok_or(StoreError::Refused { code: ErrorCode::ValidationFailed })?;
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('horizon', pg_snapshot_xmin(pg_current_snapshot())::text, 'events', coalesce((
                SELECT jsonb_agg(jsonb_build_object('position', xid::text || '-' || event_id, 'order_id', order_id, 'seq', seq,
                    'kind', kind, 'at', at, 'data', data) ORDER BY xid, event_id)
                FROM (
                    SELECT * FROM order_events
                    WHERE (xid, event_id) > ($1::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                        AND ($3::text[] = '{}' OR kind = ANY ($3))
                    ORDER BY xid, event_id LIMIT $4
                ) AS page), '[]'))",
        );
        let query = query.bind(xid).bind(event_id).bind(kinds).bind(i64::from(limit));
        let read: Read = self.row(query).await?.ok_or(StoreError::Corrupt { what: "the outbox" })?;
        let next = match read.events.last() {
            Some(last) if read.events.len() >= limit as usize => last.position.clone(),
            _ => format!("{}-0", read.horizon),
        };
        Ok(EventsPage { events: read.events, next })
    }
}
