//! Endpoints that events are sent to, as people see them. Each change is told to the audit trail in the statement that makes it.

use jiff::Timestamp;
use oms_domain::{
    endpoint::{EndpointFilter, EndpointOrdering, EndpointStatus},
    error::ErrorCode,
    ids::EndpointId,
};
use secrecy::{SecretBox, SecretSlice};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{audit::AuditAction, error::StoreError, keyed, order_list::Page, people::noted, store::Store};

/// Enough for any house, and few enough that each event is looked at for all of them.
const ENDPOINTS_MAX: i64 = 500;
/// One in use, and the next: secrets are changed without a gap.
const LIVE_SECRETS_MAX: i64 = 2;

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub endpoint_id: EndpointId,
    pub name: String,
    pub url: String,
    #[serde(flatten)]
    pub filter: EndpointFilter,
    pub ordering: EndpointOrdering,
    pub status: EndpointStatus,
    pub disabled_because: Option<String>,
    /// Goes up with each change by a person.
    pub version: u64,
    pub created_at: Timestamp,
    /// Since when nothing has arrived, though something was sent.
    pub failing_since: Option<Timestamp>,
    pub last_delivered_at: Option<Timestamp>,
    pub last_failed_at: Option<Timestamp>,
    pub last_failure: Option<String>,
    pub left_alone_until: Option<Timestamp>,
    pub delivered: u64,
    pub failed: u64,
}

/// An endpoint with how it stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EndpointState {
    #[serde(flatten)]
    pub endpoint: Endpoint,
    pub secrets: Vec<EndpointSecret>,
    /// For how long the oldest event has been there that was not looked at yet; to some seconds.
    pub lag_s: u64,
    /// Subjects, or single events, that wait for another try.
    pub held_back: u64,
    pub dead_letters: u64,
}

/// A secret, without what it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EndpointSecret {
    pub secret_id: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// An endpoint that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    pub name: String,
    pub url: String,
    pub filter: EndpointFilter,
    pub ordering: EndpointOrdering,
}

/// What of an endpoint is to be otherwise; None: as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EndpointChange {
    pub name: Option<String>,
    pub url: Option<String>,
    pub filter: Option<EndpointFilter>,
    pub ordering: Option<EndpointOrdering>,
    pub status: Option<EndpointStatus>,
}

/// What is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// Everything after a position, of these types (empty: all), and then what comes.
    From { position: String, filter: EndpointFilter },
    /// All of a subject, from its beginning.
    Subject(String),
}

/// An attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeliveryRow {
    pub delivery_id: u64,
    pub at: Timestamp,
    pub event_id: String,
    pub subject: String,
    pub kind: String,
    pub attempt: u32,
    pub delivered: bool,
    pub status: Option<u16>,
    pub took_ms: u64,
    pub answer: Option<String>,
}

/// An event that was given up at an endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeadEvent {
    pub event_id: String,
    pub subject: String,
    pub kind: String,
    pub attempts: u32,
    pub failure: String,
    pub dead_at: Timestamp,
}

macro_rules! select_endpoints {
    ($from:literal) => {
        concat!(
            "SELECT to_jsonb(e) || jsonb_build_object(
                'secrets', (SELECT coalesce(jsonb_agg(jsonb_build_object('secret_id', s.secret_id, 'created_at', s.created_at,
                    'expires_at', s.expires_at) ORDER BY s.created_at DESC, s.secret_id), '[]') FROM endpoint_secrets s
                    WHERE s.endpoint_id = e.endpoint_id AND (s.expires_at IS NULL OR s.expires_at > now())),
                'lag_s', (SELECT coalesce(greatest(0, extract(epoch FROM now() - min(l.told_through)))::bigint, 0) FROM endpoint_lanes l
                    WHERE l.endpoint_id = e.endpoint_id),
                'held_back', (SELECT count(*) FROM endpoint_retries r WHERE r.endpoint_id = e.endpoint_id AND r.next_at IS NOT NULL),
                'dead_letters', (SELECT count(*) FROM endpoint_dead_letters d WHERE d.endpoint_id = e.endpoint_id)) FROM ",
            $from
        )
    };
}

const ADD: &str = concat!(
    "WITH added AS (
        INSERT INTO endpoints (endpoint_id, name, url, types, facilities, channels, ordering)
        SELECT $3, $4, $5, $6, $7, $8, $9 WHERE (SELECT count(*) FROM endpoints) < $11 RETURNING *
    ), lanes AS (
        INSERT INTO endpoint_lanes (endpoint_id, lane, position) SELECT endpoint_id, lane, outbox_end() FROM added, generate_series(0, 15) AS lane
    ), secret AS (
        INSERT INTO endpoint_secrets (endpoint_id, secret_id) SELECT endpoint_id, $10 FROM added
    )",
    noted!("endpoint_id, jsonb_build_object('name', name, 'url', url) FROM added"),
    "SELECT to_jsonb(endpoint_id) FROM added"
);

/// What is said anew counts from the next event on, and what was held back is tried at once; one that goes on after it was given up has
/// another five days.
const CHANGE: &str = concat!(
    "WITH changed AS (
        UPDATE endpoints SET version = version + 1, name = coalesce($4 ->> 'name', name), url = coalesce($4 ->> 'url', url),
            types = CASE WHEN $4 -> 'filter' = 'null' THEN types ELSE ARRAY (SELECT jsonb_array_elements_text($4 -> 'filter' -> 'types')) END,
            facilities = CASE WHEN $4 -> 'filter' = 'null' THEN facilities WHEN $4 -> 'filter' -> 'facilities' <> 'null'
                THEN ARRAY (SELECT jsonb_array_elements_text($4 -> 'filter' -> 'facilities')) END,
            channels = CASE WHEN $4 -> 'filter' = 'null' THEN channels WHEN $4 -> 'filter' -> 'channels' <> 'null'
                THEN ARRAY (SELECT jsonb_array_elements_text($4 -> 'filter' -> 'channels')) END,
            ordering = coalesce($4 ->> 'ordering', ordering), status = coalesce($4 ->> 'status', status),
            disabled_because = CASE WHEN $4 ->> 'status' IS NULL THEN disabled_because END,
            failing_since = CASE WHEN $4 ->> 'status' IS NULL THEN failing_since END, left_alone_until = NULL
        WHERE endpoint_id = $3 RETURNING *
    ), due AS (
        UPDATE endpoint_retries r SET next_at = now() FROM changed c WHERE r.endpoint_id = c.endpoint_id AND r.next_at IS NOT NULL
    )",
    noted!("endpoint_id, jsonb_strip_nulls($4) FROM changed"),
    "SELECT to_jsonb(endpoint_id) FROM changed"
);

const REMOVE: &str = concat!(
    "WITH removed AS (DELETE FROM endpoints WHERE endpoint_id = $3 RETURNING endpoint_id, name)",
    noted!("endpoint_id, jsonb_build_object('name', name) FROM removed"),
    "SELECT to_jsonb(endpoint_id) FROM removed"
);

/// The one that was there before is good for a while.
const ADD_SECRET: &str = concat!(
    "WITH known AS (
        SELECT e.endpoint_id, (SELECT count(*) FROM endpoint_secrets s WHERE s.endpoint_id = e.endpoint_id
            AND (s.expires_at IS NULL OR s.expires_at > now())) < $6 AS has_room
        FROM endpoints e WHERE e.endpoint_id = $3 FOR UPDATE
    ), ended AS (
        UPDATE endpoint_secrets s SET expires_at = least(s.expires_at, now() + make_interval(secs => $5)) FROM known k
        WHERE k.has_room AND s.endpoint_id = k.endpoint_id AND (s.expires_at IS NULL OR s.expires_at > now())
    ), added AS (
        INSERT INTO endpoint_secrets (endpoint_id, secret_id) SELECT k.endpoint_id, $4 FROM known k WHERE k.has_room
        RETURNING endpoint_id, secret_id, created_at, expires_at
    ), told AS (
        UPDATE endpoints e SET version = e.version + 1 FROM added a WHERE e.endpoint_id = a.endpoint_id
    )",
    noted!("endpoint_id, jsonb_build_object('secret_id', secret_id) FROM added"),
    "SELECT jsonb_build_object('known', EXISTS (SELECT FROM known), 'added', (SELECT to_jsonb(a) FROM added a))"
);

const END_SECRET: &str = concat!(
    "WITH ended AS (
        UPDATE endpoint_secrets s SET expires_at = now() WHERE s.endpoint_id = $3 AND s.secret_id = $4
            AND (s.expires_at IS NULL OR s.expires_at > now())
            -- The only one cannot go: nothing could be signed.
            AND EXISTS (SELECT FROM endpoint_secrets o WHERE o.endpoint_id = $3 AND o.secret_id <> $4
                AND (o.expires_at IS NULL OR o.expires_at > now() + interval '1 day' OR o.expires_at > s.expires_at))
        RETURNING endpoint_id
    ), told AS (
        UPDATE endpoints e SET version = e.version + 1 FROM ended a WHERE e.endpoint_id = a.endpoint_id
    )",
    noted!("endpoint_id, jsonb_build_object('secret_id', $4::text) FROM ended"),
    "SELECT to_jsonb(endpoint_id) FROM ended"
);

/// Its lanes go back, and tell what they have told before of these types alone.
const REPLAY_FROM: &str = concat!(
    "WITH known AS (
        UPDATE endpoints SET version = version + 1 WHERE endpoint_id = $3 RETURNING endpoint_id
    ), back AS (
        UPDATE endpoint_lanes l SET replay_until = coalesce(l.replay_until, l.position), replay_types = $5, position = $4 FROM known k
        WHERE l.endpoint_id = k.endpoint_id
    )",
    noted!("endpoint_id, jsonb_build_object('from', $4::text, 'types', $5::text[]) FROM known"),
    "SELECT to_jsonb(endpoint_id) FROM known"
);

/// As if its first event had failed: what comes after it waits for its turn.
const REPLAY_SUBJECT: &str = concat!(
    "WITH known AS (
        SELECT endpoint_id FROM endpoints WHERE endpoint_id = $3
    ), held AS (
        INSERT INTO endpoint_retries AS r (endpoint_id, held, lane, position, attempts, next_at)
        SELECT k.endpoint_id, $4, outbox_lane(regexp_replace($4, '^order/', '')), outbox_position(0, '0', 0), 0, now() FROM known k
        ON CONFLICT (endpoint_id, held) DO UPDATE SET position = excluded.position, attempts = 0, next_at = now()
    )",
    noted!("endpoint_id, jsonb_build_object('subject', $4::text) FROM known"),
    "SELECT to_jsonb(endpoint_id) FROM known"
);

const RESEND: &str = concat!(
    "WITH dead AS (
        SELECT endpoint_id, event_id, lane, position FROM endpoint_dead_letters WHERE endpoint_id = $3 AND event_id = $4
    ), held AS (
        INSERT INTO endpoint_retries AS r (endpoint_id, held, lane, position, attempts, next_at)
        SELECT endpoint_id, 'event/' || event_id, lane, position, 0, now() FROM dead
        ON CONFLICT (endpoint_id, held) DO UPDATE SET attempts = 0, next_at = now()
    )",
    noted!("endpoint_id, jsonb_build_object('event_id', event_id) FROM dead"),
    "SELECT to_jsonb(endpoint_id) FROM dead"
);

#[derive(Deserialize)]
struct AddedSecret {
    known: bool,
    added: Option<EndpointSecret>,
}

fn texts<T: ToString>(all: &Option<std::collections::BTreeSet<T>>) -> Option<Vec<String>> {
    all.as_ref().map(|all| all.iter().map(ToString::to_string).collect())
}

impl Store {
    /// Makes an endpoint, which is told what happens from now on, with a first secret. Errors: `too_many_endpoints`.
    pub async fn add_endpoint(&self, new: &NewEndpoint) -> Result<EndpointState, StoreError> {
        let types: Vec<&str> = new.filter.types.iter().map(|kind| kind.name()).collect();
        let query = sqlx::query_scalar(ADD)
            .bind(Json(self.acting()))
            .bind(AuditAction::EndpointMade.name())
            .bind(format!("ep-{}", Uuid::now_v7().simple()))
            .bind(&new.name)
            .bind(&new.url)
            .bind(types)
            .bind(texts(&new.filter.facilities))
            .bind(texts(&new.filter.channels))
            .bind(new.ordering.name())
            .bind(fresh_secret_id())
            .bind(ENDPOINTS_MAX);
        let id: EndpointId = self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::TooManyEndpoints })?;
        self.known_endpoint(&id).await
    }

    /// One of them, with how it stands.
    pub async fn endpoint(&self, id: &EndpointId) -> Result<Option<EndpointState>, StoreError> {
        self.row(sqlx::query_scalar(select_endpoints!("endpoints e WHERE e.endpoint_id = $1")).bind(id.as_str())).await
    }

    async fn known_endpoint(&self, id: &EndpointId) -> Result<EndpointState, StoreError> {
        self.endpoint(id).await?.ok_or(StoreError::Refused { code: ErrorCode::EndpointNotFound })
    }

    /// Endpoints, by id, which is by age.
    pub async fn endpoints_page(&self, after: Option<&str>, limit: u32) -> Result<Page<EndpointState>, StoreError> {
        let query = sqlx::query_scalar(select_endpoints!(
            "endpoints e WHERE ($1::text IS NULL OR e.endpoint_id > $1) ORDER BY e.endpoint_id LIMIT $2"
        ));
        let query = query.persistent(false).bind(after).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &EndpointState| last.endpoint.endpoint_id.to_string()))
    }

    /// What is said of it counts from the next event on. Errors: `endpoint_not_found`.
    pub async fn change_endpoint(&self, id: &EndpointId, change: &EndpointChange) -> Result<EndpointState, StoreError> {
        self.on_endpoint(CHANGE, AuditAction::EndpointChanged, id, |query| query.bind(Json(change))).await?;
        self.known_endpoint(id).await
    }

    /// Nothing is sent there any more, and nothing of it is kept. Errors: `endpoint_not_found`.
    pub async fn remove_endpoint(&self, id: &EndpointId) -> Result<(), StoreError> {
        self.on_endpoint(REMOVE, AuditAction::EndpointRemoved, id, |query| query).await
    }

    /// Another secret; what it is signed with from now on beside those that there are, which end after so many seconds. Errors:
    /// `endpoint_not_found`, `too_many_secrets`.
    pub async fn add_endpoint_secret(&self, id: &EndpointId, others_end_in_s: u32) -> Result<EndpointSecret, StoreError> {
        let query = sqlx::query_scalar(ADD_SECRET)
            .bind(Json(self.acting()))
            .bind(AuditAction::EndpointSecretMade.name())
            .bind(id.as_str())
            .bind(fresh_secret_id())
            .bind(f64::from(others_end_in_s))
            .bind(LIVE_SECRETS_MAX);
        let AddedSecret { known, added } = self.row(query).await?.ok_or(StoreError::Corrupt { what: "a secret that was made" })?;
        added.ok_or(StoreError::Refused { code: if known { ErrorCode::TooManySecrets } else { ErrorCode::EndpointNotFound } })
    }

    /// Nothing is signed with it any more. The only one stays. Errors: `key_not_found`.
    pub async fn end_endpoint_secret(&self, id: &EndpointId, secret_id: &str) -> Result<(), StoreError> {
        let ended = self.on_endpoint(END_SECRET, AuditAction::EndpointSecretEnded, id, |query| query.bind(secret_id.to_owned())).await;
        ended.map_err(|error| match error {
            StoreError::Refused { .. } => StoreError::Refused { code: ErrorCode::KeyNotFound },
            other => other,
        })
    }

    /// What deliveries are signed with under this id.
    pub fn endpoint_secret(&self, id: &EndpointId, secret_id: &str) -> SecretSlice<u8> {
        SecretBox::new(Box::from(keyed::endpoint_secret(&self.email_key, id.as_str(), secret_id)))
    }

    /// Sends again. Errors: `endpoint_not_found`.
    pub async fn replay_events(&self, id: &EndpointId, replay: &Replay) -> Result<(), StoreError> {
        match replay {
            Replay::From { position, filter } => {
                let (position, types) = (position.clone(), filter.types.iter().map(|kind| kind.name().to_owned()).collect::<Vec<_>>());
                self.on_endpoint(REPLAY_FROM, AuditAction::EventsReplayed, id, |query| query.bind(position).bind(types)).await
            }
            Replay::Subject(subject) => {
                self.on_endpoint(REPLAY_SUBJECT, AuditAction::EventsReplayed, id, |query| query.bind(subject.clone())).await
            }
        }
    }

    /// The position after which what was recorded since a time begins.
    pub async fn event_position_at(&self, at: Timestamp) -> Result<String, StoreError> {
        let query = sqlx::query_scalar("SELECT outbox_position_at($1)").bind(jiff_sqlx::ToSqlx::to_sqlx(at));
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Has a dead letter sent again, by itself. Errors: `not_found`.
    pub async fn resend_event(&self, id: &EndpointId, event_id: Uuid) -> Result<(), StoreError> {
        let sent = self.on_endpoint(RESEND, AuditAction::EventsReplayed, id, |query| query.bind(event_id)).await;
        sent.map_err(|error| match error {
            StoreError::Refused { .. } => StoreError::Refused { code: ErrorCode::NotFound },
            other => other,
        })
    }

    /// Attempts of the last days, the newest first: all, or those that failed.
    pub async fn deliveries_page(
        &self,
        id: &EndpointId,
        failed_alone: bool,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(d) - 'endpoint_id' FROM endpoint_deliveries d
            WHERE d.endpoint_id = $1 AND ($2::bigint IS NULL OR d.delivery_id < $2) AND NOT (d.delivered AND $3) ORDER BY d.delivery_id DESC LIMIT $4",
        );
        let before = before.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
        self.rows(query.bind(id.as_str()).bind(before).bind(failed_alone).bind(i64::from(limit))).await
    }

    /// Attempts at one event, the newest first.
    pub async fn deliveries_of(&self, id: &EndpointId, event_id: Uuid) -> Result<Vec<DeliveryRow>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(d) - 'endpoint_id' FROM endpoint_deliveries d WHERE d.endpoint_id = $1 AND d.event_id = $2
            ORDER BY d.delivery_id DESC LIMIT 100",
        );
        self.rows(query.bind(id.as_str()).bind(event_id)).await
    }

    /// Events that were given up, by id.
    pub async fn dead_events_page(&self, id: &EndpointId, after: Option<Uuid>, limit: u32) -> Result<Page<DeadEvent>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(d) - 'endpoint_id' FROM endpoint_dead_letters d WHERE d.endpoint_id = $1 AND ($2::uuid IS NULL OR d.event_id > $2)
            ORDER BY d.event_id LIMIT $3",
        );
        let query = query.bind(id.as_str()).bind(after).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &DeadEvent| last.event_id.clone()))
    }

    /// A statement about one endpoint that answers with its id where there is one.
    async fn on_endpoint<'q>(
        &self,
        statement: &'static str,
        action: AuditAction,
        id: &EndpointId,
        bind: impl FnOnce(Said<'q>) -> Said<'q>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query_scalar(statement).bind(Json(self.acting().cloned())).bind(action.name()).bind(id.to_string());
        self.row::<EndpointId>(bind(query)).await?.map(drop).ok_or(StoreError::Refused { code: ErrorCode::EndpointNotFound })
    }
}

type Said<'q> = crate::store::JsonQuery<'q, EndpointId>;

fn fresh_secret_id() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// Its figures, for monitoring: by endpoint, how far behind it is, what it holds back and has given up, and what it was sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EndpointFigures {
    pub endpoint_id: EndpointId,
    pub status: EndpointStatus,
    pub lag_s: u64,
    pub held_back: u64,
    pub dead_letters: u64,
    pub delivered: u64,
    pub failed: u64,
}

impl Store {
    /// The figures of all endpoints.
    pub async fn endpoint_figures(&self) -> Result<Vec<EndpointFigures>, StoreError> {
        let states: Vec<Value> = self.rows(sqlx::query_scalar(select_endpoints!("endpoints e ORDER BY e.endpoint_id"))).await?;
        let read = |state: Value| serde_json::from_value(state).map_err(|_| StoreError::Corrupt { what: "an endpoint's figures" });
        states.into_iter().map(read).collect()
    }
}
