//! What those who deliver events need: which lanes are theirs, what was held back, and where what became of it is noted.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use oms_domain::{ids::EndpointId, public_event::PublicType};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    endpoints::Endpoint,
    error::StoreError,
    outbox::{OutboxEvent, position_key},
    public_events::PlacedEvent,
    store::Store,
};

/// An endpoint of which some lanes are a server's own.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedEndpoint {
    pub endpoint: Endpoint,
    /// Ids of what it is signed with, the newest first.
    pub secret_ids: Vec<String>,
    pub lanes: Vec<ClaimedLane>,
}

#[derive(Deserialize)]
struct Claimed {
    endpoint: EndpointAndSecrets,
    lanes: Vec<ClaimedLane>,
}

#[derive(Deserialize)]
struct EndpointAndSecrets {
    #[serde(flatten)]
    endpoint: Endpoint,
    secrets: Vec<String>,
}

/// A lane that is a server's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClaimedLane {
    pub lane: u8,
    /// Everything up to here was dealt with.
    pub position: String,
    /// Up to here it tells what it has told before, of these types alone.
    pub replay_until: Option<String>,
    pub replay_types: Option<Vec<PublicType>>,
    /// For so long from when it was asked.
    pub leased_ms: u64,
}

/// A subject, or an event by itself (`event/<id>`), that waits for another try.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeldBack {
    pub held: String,
    pub lane: u8,
    /// Of the first event that is to be delivered.
    pub position: String,
    pub attempts: u32,
    /// Events that were given up just before.
    pub gap: Vec<String>,
}

/// What stands of a subject that new events have come for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// They wait behind another.
    pub is_held: bool,
    pub gap: Vec<String>,
}

/// What became of a piece of work.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Work {
    pub endpoint_id: String,
    /// Of the endpoint, as it was worked by.
    pub version: u64,
    pub server_id: Uuid,
    /// All that this was about: each must still be the server's own.
    pub lanes: Vec<u8>,
    pub moved: Vec<MovedLane>,
    /// Held back no more.
    pub done: Vec<String>,
    pub retries: Vec<Retry>,
    pub dead: Vec<Dead>,
    pub attempts: Vec<Attempt>,
    /// The last failure, in words.
    pub failure: Option<String>,
    pub leave_alone_ms: Option<u64>,
    /// The receiver wants nothing more.
    pub gone: bool,
}

impl Work {
    /// There is nothing to note.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.done.is_empty() && self.retries.is_empty() && self.attempts.is_empty() && !self.gone
    }
}

/// How far a lane has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MovedLane {
    pub lane: u8,
    pub position: String,
    pub told_through: Option<Timestamp>,
    pub is_replaying: bool,
}

/// What is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retry {
    pub held: String,
    pub lane: u8,
    pub position: String,
    pub attempts: u32,
    /// None: nothing is held back, and the next event says what was given up.
    pub wait_ms: Option<u64>,
    pub failure: Option<String>,
    pub gap: Vec<String>,
}

/// An event that is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dead {
    pub event_id: String,
    pub subject: String,
    pub kind: String,
    pub lane: u8,
    pub position: String,
    pub attempts: u32,
    pub failure: String,
    pub dead_at: Timestamp,
}

/// One try at one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub event_id: String,
    pub subject: String,
    pub kind: String,
    pub attempt: u32,
    pub delivered: bool,
    pub status: Option<u16>,
    pub took_ms: u64,
    pub answer: Option<String>,
}

const DUE: &str = "SELECT to_jsonb(r) FROM endpoint_retries r
    WHERE r.endpoint_id = $1 AND r.lane = ANY ($2) AND r.next_at <= now() ORDER BY r.next_at LIMIT $3";

const STANDING: &str = "SELECT jsonb_build_object(r.held, jsonb_build_object('is_held', r.next_at IS NOT NULL, 'gap', r.gap))
    FROM endpoint_retries r WHERE r.endpoint_id = $1 AND r.held = ANY ($2)";

macro_rules! events_of {
    ($whose:literal) => {
        concat!(
            "SELECT outbox_event(e) FROM order_events e WHERE ",
            $whose,
            " AND e.sequence IS NOT NULL
                AND (e.epoch, e.xid, e.event_id) >= ($2, $3::xid8, $4) AND (e.epoch, e.xid, e.event_id) <= ($5, $6::xid8, $7)
            ORDER BY e.epoch, e.xid, e.event_id LIMIT $8"
        )
    };
}

const OF_ORDER: &str = events_of!("e.order_id = $1");
const OF_SUBJECT: &str = events_of!("e.subject = $1");
const BY_ID: &str = events_of!("e.id::text = $1");

impl Store {
    /// Takes this server's share of the lanes of all that is to be delivered, and keeps what it has.
    pub async fn claim_lanes(&self, server_id: Uuid, lease: Duration) -> Result<Vec<ClaimedEndpoint>, StoreError> {
        let query = sqlx::query_scalar("SELECT claim_lanes($1, make_interval(secs => $2))").bind(server_id).bind(lease.as_secs_f64());
        let claimed: Vec<Claimed> = self.row(query).await?.unwrap_or_default();
        let claim = |Claimed { endpoint: EndpointAndSecrets { endpoint, secrets }, lanes }| ClaimedEndpoint {
            endpoint,
            secret_ids: secrets,
            lanes,
        };
        Ok(claimed.into_iter().map(claim).collect())
    }

    /// Lets go of all of them: others need not wait.
    pub async fn release_lanes(&self, server_id: Uuid) -> Result<(), StoreError> {
        sqlx::query("SELECT release_lanes($1)").bind(server_id).execute(&self.pool).await?;
        Ok(())
    }

    /// Notes what became of a piece of work. False: nothing is noted, for somebody else has the lanes, or the endpoint is another by now.
    pub async fn note_deliveries(&self, work: &Work) -> Result<bool, StoreError> {
        let answers: Vec<(bool,)> = self.call("SELECT note_deliveries($1)", work).await?;
        Ok(answers.first().is_some_and(|(is_noted,)| *is_noted))
    }

    /// What is to be tried again by now.
    pub async fn due_retries(&self, id: &EndpointId, lanes: &[u8], limit: u32) -> Result<Vec<HeldBack>, StoreError> {
        let lanes: Vec<i16> = lanes.iter().map(|lane| i16::from(*lane)).collect();
        self.rows(sqlx::query_scalar(DUE).bind(id.as_str()).bind(lanes).bind(i64::from(limit))).await
    }

    /// Of these subjects, those of which something is held back or was given up.
    pub async fn standing_of(&self, id: &EndpointId, held: &[String]) -> Result<BTreeMap<String, Standing>, StoreError> {
        let rows: Vec<BTreeMap<String, Standing>> = self.rows(sqlx::query_scalar(STANDING).bind(id.as_str()).bind(held)).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Events of what is held back, from one position to another, both included.
    pub async fn events_held(&self, held: &str, from: &str, through: &str, limit: u32) -> Result<Vec<PlacedEvent>, StoreError> {
        let (from, through) = (position_key(from).ok_or(StoreError::NoCursor)?, position_key(through).ok_or(StoreError::NoCursor)?);
        let (statement, whose) = match (held.strip_prefix("order/"), held.strip_prefix("event/")) {
            (Some(order_id), _) => (OF_ORDER, order_id),
            (_, Some(event_id)) => (BY_ID, event_id),
            (None, None) => (OF_SUBJECT, held),
        };
        // An event by itself is at one position; to where its lane has come does not matter.
        let through = if statement == BY_ID { from } else { through };
        let query = sqlx::query_scalar(statement).bind(whose);
        let query = query.bind(from.0).bind(from.1.to_string()).bind(from.2);
        let query = query.bind(through.0).bind(through.1.to_string()).bind(through.2).bind(i64::from(limit));
        let rows: Vec<Json<OutboxEvent>> = query.fetch_all(&self.pool).await?;
        self.told(rows.into_iter().map(|Json(event)| event).collect()).await
    }

    /// An event for others by its id, if it is still kept: among those of its subject.
    pub async fn public_event(&self, subject: &str, event_id: Uuid) -> Result<Option<PlacedEvent>, StoreError> {
        let id = event_id.to_string();
        let all = self.events_held(subject, "0-0-0", &format!("{}-0-0", i64::MAX), 10_000).await?;
        Ok(all.into_iter().find(|placed| placed.event.id == id))
    }
}
