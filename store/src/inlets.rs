//! Inlets that others send messages to, and their messages: each once by its own id, what it said in DynamoDB for 30 days.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use oms_domain::{error::ErrorCode, ids::InletId};
use secrecy::{SecretBox, SecretSlice};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    audit::AuditAction,
    error::StoreError,
    feeds::FeedKind,
    keyed,
    order_item::{Item, number},
    order_list::Page,
    people::noted,
    store::Store,
};

/// Enough for any house.
const INLETS_MAX: i64 = 200;
/// One in use, and the next.
const LIVE_SECRETS_MAX: i64 = 2;
/// What was said is kept for so long.
const KEPT_S: i64 = 30 * 24 * 60 * 60;
/// Whoever works on a message has it for so long.
const LEASE_S: f64 = 120.0;

/// Where messages are sent to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Inlet {
    pub inlet_id: InletId,
    pub name: String,
    pub kind: FeedKind,
    pub mapping: Option<String>,
    pub mapping_version: u32,
    pub created_at: Timestamp,
    /// The newest first.
    pub secrets: Vec<InletSecret>,
    /// Messages that were refused, in whole or in part.
    pub refused: u64,
    /// Messages that nothing was done with yet.
    pub open: u64,
}

/// A secret, without what it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InletSecret {
    pub secret_id: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    Taken,
    Applied,
    Refused,
}

/// A message, without what it said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InletMessage {
    pub inlet_id: InletId,
    pub message_id: String,
    pub received_at: Timestamp,
    pub body_sha256: String,
    pub status: MessageStatus,
    pub attempts: u32,
    /// Of the table of columns that it was last read by.
    pub mapping_version: Option<u32>,
    pub feed_id: Option<Uuid>,
    pub why: Option<String>,
}

/// A message that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// For the first time, and it is kept by now; or nobody has done anything with it yet.
    ToDo(InletMessage),
    /// It was dealt with.
    Known(InletMessage),
    /// Another one has its id.
    OtherBody,
}

macro_rules! select_inlets {
    ($from:literal) => {
        concat!(
            "SELECT to_jsonb(i) || jsonb_build_object(
                'secrets', (SELECT coalesce(jsonb_agg(jsonb_build_object('secret_id', s.secret_id, 'created_at', s.created_at,
                    'expires_at', s.expires_at) ORDER BY s.created_at DESC, s.secret_id), '[]') FROM inlet_secrets s
                    WHERE s.inlet_id = i.inlet_id AND (s.expires_at IS NULL OR s.expires_at > now())),
                'refused', (SELECT count(*) FROM inlet_messages m WHERE m.inlet_id = i.inlet_id AND m.status = 'refused'),
                'open', (SELECT count(*) FROM inlet_messages m WHERE m.inlet_id = i.inlet_id AND m.status = 'taken')) FROM ",
            $from
        )
    };
}

const ADD: &str = concat!(
    "WITH added AS (
        INSERT INTO inlets (inlet_id, name, kind, mapping, mapping_version)
        SELECT $3, $4, $5, $6, CASE WHEN $6 IS NULL THEN 0 ELSE 1 END WHERE (SELECT count(*) FROM inlets) < $8 RETURNING *
    ), secret AS (
        INSERT INTO inlet_secrets (inlet_id, secret_id) SELECT inlet_id, $7 FROM added
    )",
    noted!("inlet_id, jsonb_build_object('name', name, 'kind', kind) FROM added"),
    "SELECT to_jsonb(inlet_id) FROM added"
);

const REMAP: &str = concat!(
    "WITH changed AS (
        UPDATE inlets SET mapping = $4, mapping_version = mapping_version + 1 WHERE inlet_id = $3 RETURNING inlet_id, mapping_version
    )",
    noted!("inlet_id, jsonb_build_object('mapping_version', mapping_version) FROM changed"),
    "SELECT to_jsonb(inlet_id) FROM changed"
);

const REMOVE: &str = concat!(
    "WITH removed AS (DELETE FROM inlets WHERE inlet_id = $3 RETURNING inlet_id, name)",
    noted!("inlet_id, jsonb_build_object('name', name) FROM removed"),
    "SELECT to_jsonb(inlet_id) FROM removed"
);

const ADD_SECRET: &str = concat!(
    "WITH known AS (
        SELECT i.inlet_id, (SELECT count(*) FROM inlet_secrets s WHERE s.inlet_id = i.inlet_id
            AND (s.expires_at IS NULL OR s.expires_at > now())) < $6 AS has_room
        FROM inlets i WHERE i.inlet_id = $3 FOR UPDATE
    ), ended AS (
        UPDATE inlet_secrets s SET expires_at = least(s.expires_at, now() + make_interval(secs => $5)) FROM known k
        WHERE k.has_room AND s.inlet_id = k.inlet_id AND (s.expires_at IS NULL OR s.expires_at > now())
    ), added AS (
        INSERT INTO inlet_secrets (inlet_id, secret_id) SELECT k.inlet_id, $4 FROM known k WHERE k.has_room
        RETURNING inlet_id, secret_id, created_at, expires_at
    )",
    noted!("inlet_id, jsonb_build_object('secret_id', secret_id) FROM added"),
    "SELECT jsonb_build_object('known', EXISTS (SELECT FROM known), 'added', (SELECT to_jsonb(a) FROM added a))"
);

/// Whoever has a message for now; the others wait for the lease's end.
const TAKE: &str = "INSERT INTO inlet_messages AS m (inlet_id, message_id, body_sha256, leased_until, attempts)
    VALUES ($1, $2, $3, now() + make_interval(secs => $4), 1)
    ON CONFLICT (inlet_id, message_id) DO UPDATE SET leased_until = excluded.leased_until, attempts = m.attempts + 1
    WHERE m.status = 'taken' AND m.leased_until < now() AND m.body_sha256 = excluded.body_sha256
    RETURNING to_jsonb(m)";

const AGAIN: &str =
    "UPDATE inlet_messages m SET status = 'taken', leased_until = now() + make_interval(secs => $3), attempts = attempts + 1
    WHERE m.inlet_id = $1 AND m.message_id = $2 AND (m.status = 'refused' OR m.status = 'taken' AND m.leased_until < now())
    RETURNING to_jsonb(m)";

/// What was left by somebody who died.
const LEFT: &str = "UPDATE inlet_messages m SET leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
    WHERE m.ctid = ANY (ARRAY (SELECT l.ctid FROM inlet_messages l WHERE l.status = 'taken' AND l.leased_until < now()
        ORDER BY l.leased_until LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING to_jsonb(m)";

const END: &str =
    "UPDATE inlet_messages m SET status = $3, feed_id = $4, why = $5, mapping_version = $6 WHERE m.inlet_id = $1 AND m.message_id = $2
    RETURNING to_jsonb(m)";

#[derive(Deserialize)]
struct AddedSecret {
    known: bool,
    added: Option<InletSecret>,
}

impl Store {
    /// Makes an inlet with a first secret. Errors: `too_many_endpoints`.
    pub async fn add_inlet(&self, name: &str, kind: FeedKind, mapping: Option<&str>) -> Result<Inlet, StoreError> {
        let query = sqlx::query_scalar(ADD)
            .bind(Json(self.acting()))
            .bind(AuditAction::InletMade.name())
            .bind(format!("in-{}", Uuid::now_v7().simple()))
            .bind(name)
            .bind(crate::feeds::word(kind)?)
            .bind(mapping)
            .bind(fresh_secret_id())
            .bind(INLETS_MAX);
        let id: InletId = self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::TooManyEndpoints })?;
        self.known_inlet(&id).await
    }

    /// One of them.
    pub async fn inlet(&self, id: &InletId) -> Result<Option<Inlet>, StoreError> {
        self.row(sqlx::query_scalar(select_inlets!("inlets i WHERE i.inlet_id = $1")).bind(id.as_str())).await
    }

    async fn known_inlet(&self, id: &InletId) -> Result<Inlet, StoreError> {
        self.inlet(id).await?.ok_or(StoreError::Refused { code: ErrorCode::InletNotFound })
    }

    /// Inlets, by id, which is by age.
    pub async fn inlets_page(&self, after: Option<&str>, limit: u32) -> Result<Page<Inlet>, StoreError> {
        let query = sqlx::query_scalar(select_inlets!("inlets i WHERE ($1::text IS NULL OR i.inlet_id > $1) ORDER BY i.inlet_id LIMIT $2"));
        let rows: Vec<Inlet> = self.rows(query.persistent(false).bind(after).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows, limit, |last| last.inlet_id.to_string()))
    }

    /// Messages are read by another table of columns from now on, or by none. Errors: `inlet_not_found`.
    pub async fn remap_inlet(&self, id: &InletId, mapping: Option<&str>) -> Result<Inlet, StoreError> {
        let query =
            sqlx::query_scalar(REMAP).bind(Json(self.acting())).bind(AuditAction::InletChanged.name()).bind(id.as_str()).bind(mapping);
        self.row::<InletId>(query).await?.ok_or(StoreError::Refused { code: ErrorCode::InletNotFound })?;
        self.known_inlet(id).await
    }

    /// Nothing is taken there any more. Errors: `inlet_not_found`.
    pub async fn remove_inlet(&self, id: &InletId) -> Result<(), StoreError> {
        let query = sqlx::query_scalar(REMOVE).bind(Json(self.acting())).bind(AuditAction::InletRemoved.name()).bind(id.as_str());
        self.row::<InletId>(query).await?.map(drop).ok_or(StoreError::Refused { code: ErrorCode::InletNotFound })
    }

    /// Another secret beside those that there are, which end after so many seconds. Errors: `inlet_not_found`, `too_many_secrets`.
    pub async fn add_inlet_secret(&self, id: &InletId, others_end_in_s: u32) -> Result<InletSecret, StoreError> {
        let query = sqlx::query_scalar(ADD_SECRET)
            .bind(Json(self.acting()))
            .bind(AuditAction::InletSecretMade.name())
            .bind(id.as_str())
            .bind(fresh_secret_id())
            .bind(f64::from(others_end_in_s))
            .bind(LIVE_SECRETS_MAX);
        let AddedSecret { known, added } = self.row(query).await?.ok_or(StoreError::Corrupt { what: "a secret that was made" })?;
        added.ok_or(StoreError::Refused { code: if known { ErrorCode::TooManySecrets } else { ErrorCode::InletNotFound } })
    }

    /// What messages are signed with under this id.
    pub fn inlet_secret(&self, id: &InletId, secret_id: &str) -> SecretSlice<u8> {
        SecretBox::new(Box::from(keyed::endpoint_secret(&self.email_key, id.as_str(), secret_id)))
    }

    /// Keeps what a message says, then that it has come: whoever is told so can rely on it.
    pub async fn take_message(&self, id: &InletId, message_id: &str, body_sha256: &str, body: &[u8]) -> Result<Arrived, StoreError> {
        if let Some(known) = self.message(id, message_id).await? {
            if known.body_sha256 != body_sha256 {
                return Ok(Arrived::OtherBody);
            }
            if known.status != MessageStatus::Taken {
                return Ok(Arrived::Known(known));
            }
        }
        self.put_message(id, message_id, body).await?;
        let query = sqlx::query_scalar(TAKE).bind(id.as_str()).bind(message_id).bind(body_sha256).bind(LEASE_S);
        match self.row(query).await? {
            Some(taken) => Ok(Arrived::ToDo(taken)),
            // Somebody else has it.
            None => self.message(id, message_id).await?.map(Arrived::Known).ok_or(StoreError::Corrupt { what: "a message that was taken" }),
        }
    }

    /// One that was refused is to be dealt with again; or one that was left. None: there is no such one.
    pub async fn message_again(&self, id: &InletId, message_id: &str) -> Result<Option<InletMessage>, StoreError> {
        self.row(sqlx::query_scalar(AGAIN).bind(id.as_str()).bind(message_id).bind(LEASE_S)).await
    }

    /// Messages whose takers have died.
    pub async fn messages_left(&self, limit: u32) -> Result<Vec<InletMessage>, StoreError> {
        self.rows(sqlx::query_scalar(LEFT).bind(i64::from(limit)).bind(LEASE_S)).await
    }

    /// What became of it.
    pub async fn end_message(
        &self,
        message: &InletMessage,
        status: MessageStatus,
        feed_id: Option<Uuid>,
        why: Option<&str>,
        mapping_version: u32,
    ) -> Result<InletMessage, StoreError> {
        let query = sqlx::query_scalar(END)
            .bind(message.inlet_id.as_str())
            .bind(&message.message_id)
            .bind(crate::feeds::word(status)?)
            .bind(feed_id)
            .bind(why)
            .bind(i64::from(mapping_version) as i32);
        self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::NotFound })
    }

    /// A message, without what it said.
    pub async fn message(&self, id: &InletId, message_id: &str) -> Result<Option<InletMessage>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(m) FROM inlet_messages m WHERE m.inlet_id = $1 AND m.message_id = $2");
        self.row(query.bind(id.as_str()).bind(message_id)).await
    }

    /// Messages of the last 30 days, by id: all, or those that were refused.
    pub async fn messages_page(
        &self,
        id: &InletId,
        refused_alone: bool,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<InletMessage>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(m) FROM inlet_messages m WHERE m.inlet_id = $1 AND (m.status = 'refused' OR NOT $2)
                AND ($3::text IS NULL OR m.message_id > $3) ORDER BY m.message_id LIMIT $4",
        );
        let query = query.persistent(false).bind(id.as_str()).bind(refused_alone).bind(after).bind(i64::from(limit) + 1);
        let rows: Vec<InletMessage> = self.rows(query).await?;
        Ok(Page::cut(rows, limit, |last| last.message_id.clone()))
    }

    /// What a message says; None: it is past its time.
    pub async fn message_body(&self, id: &InletId, message_id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let asked =
            self.table.client.get_item().table_name(&*self.table.name).set_key(Some(message_key(id, message_id))).consistent_read(true);
        let Some(item) = asked.send().await?.item else { return Ok(None) };
        let body = item.get("body").and_then(|body| body.as_b().ok()).ok_or(StoreError::Corrupt { what: "a message" })?;
        Ok(Some(body.clone().into_inner()))
    }

    async fn put_message(&self, id: &InletId, message_id: &str, body: &[u8]) -> Result<(), StoreError> {
        let mut item = message_key(id, message_id);
        item.insert("body".to_owned(), AttributeValue::B(Blob::new(body)));
        // DynamoDB's own time to live.
        item.insert("expires_at".to_owned(), number(Timestamp::now().as_second() + KEPT_S));
        let put = self.table.put(item).send().await?;
        self.table.note_cost(put.consumed_capacity());
        Ok(())
    }
}

fn message_key(id: &InletId, message_id: &str) -> Item {
    let text = |text: String| AttributeValue::S(text);
    Item::from([("pk".to_owned(), text(format!("INLET#{id}"))), ("sk".to_owned(), text(format!("MESSAGE#{message_id}")))])
}

fn fresh_secret_id() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_owned()
}
