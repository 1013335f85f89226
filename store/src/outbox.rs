//! Every event of every order, for those outside, in an order that never skips.
//!
//! A row's place is (epoch, transaction id, number). Numbers alone would not do: a transaction that drew a lower number may commit
//! after one that drew a higher, behind the back of a reader who has gone past. So readers stop below the oldest transaction
//! that is still open (`pg_snapshot_xmin`): whatever may still appear has an id at or above it. Transaction ids begin anew on another
//! server and come back after a restore, so each such life has an epoch, which begins with an event of its own.

use jiff::Timestamp;
use oms_domain::ids::OrderId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sqlx::{PgConnection, Row};

use crate::{error::StoreError, store::Store};

/// The type of event that speaks of the outbox itself: events after the position in `after` may be lost, and a new epoch begins.
pub const EVENTS_RESTORED: &str = "events.restored";

/// In place of a position: whatever begins from now on.
pub const EVENTS_END: &str = "end";

/// Lanes for those who read in parallel; all events of an order are in one.
pub const LANES: u8 = 16;

/// Rows that a page looks at to find those that are asked for.
const SCAN_MAX: u32 = 5_000;

/// Rows of stock whose marks are cleared at a time.
const MARKS_AT_ONCE: i64 = 10_000;

/// An event with its place in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutboxEvent {
    /// Opaque; goes into `after`.
    pub position: String,
    /// None: it is no order's.
    #[serde(deserialize_with = "order_if_any")]
    pub order_id: Option<OrderId>,
    /// Within its order, from 1.
    pub seq: u64,
    pub kind: String,
    pub at: Timestamp,
    pub data: Value,
    /// What kind of one it was who did it; None: nobody said.
    pub actor_kind: Option<String>,
    /// Computed from what it says.
    pub id: String,
    /// Whose it is, if not an order's.
    pub subject: Option<String>,
    /// Among the events for others of its subject; None: it is not for others.
    pub sequence: Option<u64>,
    /// By the database's clock.
    pub recorded_at: Timestamp,
    /// Below [`LANES`].
    pub lane: u8,
}

fn order_if_any<'de, D: Deserializer<'de>>(text: D) -> Result<Option<OrderId>, D::Error> {
    let text = String::deserialize(text)?;
    if text.is_empty() { Ok(None) } else { OrderId::parse(&*text).map(Some).map_err(serde::de::Error::custom) }
}

/// Some events, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsPage {
    pub events: Vec<OutboxEvent>,
    /// Opaque; goes into `after`, also when there were no events.
    pub next: String,
    /// Whether more was there beyond the bound of the page.
    pub has_more: bool,
}

/// Which events are asked for; all, unless said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub kinds: Vec<String>,
    /// Below [`LANES`]. What speaks of the outbox itself is in all of them.
    pub lane: Option<u8>,
    /// Those for others, and no more.
    pub public_alone: bool,
}

#[derive(Deserialize)]
struct Read {
    /// Everything below it has been read, unless a limit was met.
    horizon: String,
    scanned: u32,
    last_scanned: Option<String>,
    events: Vec<OutboxEvent>,
}

/// The beginning.
const START: (i64, &str, i64) = (0, "0", 0);
/// Beyond every event that there will ever be: nothing is found, and the answer says how far everything has been written.
const END: (i64, &str, i64) = (i64::MAX, "0", 0);

const READ: &str = "SELECT read_outbox($1, $2::xid8, $3, $4, $5, $6, $7, $8)";

pub(crate) fn parse(position: &str) -> Option<(i64, &str, i64)> {
    if position == EVENTS_END {
        return Some(END);
    }
    let (epoch, rest) = position.split_once('-')?;
    let (xid, event_id) = rest.split_once('-')?;
    xid.parse::<u64>().ok()?;
    Some((epoch.parse().ok().filter(|epoch| *epoch >= 0)?, xid, event_id.parse().ok()?))
}

/// A position as what positions are compared by: epoch, transaction id, number.
pub fn position_key(position: &str) -> Option<(i64, u64, i64)> {
    let (epoch, xid, event_id) = parse(position).filter(|_| position != EVENTS_END)?;
    Some((epoch, xid.parse().ok()?, event_id))
}

impl Store {
    /// Events after a position, or from the beginning, or from the [end](EVENTS_END) on. A page looks at a bounded number of events, so it
    /// may have fewer than there are, or none, and still say where to go on.
    pub async fn events_after(&self, after: Option<&str>, filter: &EventFilter, limit: u32) -> Result<EventsPage, StoreError> {
        let place = after.map_or(Some(START), parse);
        let (epoch, xid, event_id) = place.ok_or(StoreError::NoCursor)?;
        // Who takes everything needs no more rows than events.
        let scan = if *filter == EventFilter::default() { limit } else { SCAN_MAX.max(limit) };
        let query = sqlx::query_scalar(READ).bind(epoch).bind(xid).bind(event_id).bind(i64::from(scan));
        let query = query.bind(&filter.kinds).bind(filter.lane.map(i32::from)).bind(i64::from(limit)).bind(filter.public_alone);
        let read: Read = self.row(query).await?.ok_or(StoreError::Corrupt { what: "the outbox" })?;
        let (next, has_more) = match (read.events.last(), read.last_scanned) {
            (Some(last), _) if read.events.len() >= limit as usize => (last.position.clone(), true),
            (_, Some(last_scanned)) if read.scanned >= scan => (last_scanned, true),
            _ => (read.horizon, false),
        };
        Ok(EventsPage { events: read.events, next, has_more })
    }

    /// Begins a new epoch whatever the server says of itself: after a dump was restored on the same one. Answers its number.
    pub async fn begin_epoch(&self) -> Result<i64, StoreError> {
        let epoch: Option<i64> = sqlx::query_scalar("SELECT begin_epoch(true)").fetch_one(&self.pool).await?;
        self.clear_marks().await?;
        epoch.ok_or(StoreError::Unavailable { system: crate::error::POSTGRESQL })
    }

    /// Makes the marks of stock right after a move, if there was one; how many rows were touched.
    pub async fn clear_marks(&self) -> Result<u64, StoreError> {
        let mut cleared = 0;
        loop {
            let now: i64 = sqlx::query_scalar("SELECT clear_marks($1)").bind(MARKS_AT_ONCE).fetch_one(&self.pool).await?;
            cleared += u64::try_from(now).unwrap_or_default();
            if now == 0 {
                return Ok(cleared);
            }
        }
    }
}

/// SQLSTATE of a function that is not there.
const UNDEFINED_FUNCTION: &str = "42883";

/// Whatever a new connection reaches, the epoch is right before anything is written through it: a promotion ends every connection.
pub(crate) async fn settle_epoch(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    match sqlx::query("SELECT begin_epoch(false)").fetch_one(connection).await {
        Ok(row) => {
            if let Some(epoch) = row.try_get::<Option<i64>, _>(0)? {
                tracing::warn!(outbox.epoch = epoch, "PostgreSQL is another server, or was restored: the events' positions begin anew");
            }
            Ok(())
        }
        // Not set up yet.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_FUNCTION) => Ok(()),
        Err(error) => Err(error),
    }
}
