//! Messages from others: each once by its own id, what it said in DynamoDB for 30 days, or in the bucket that it is in.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{error::ErrorCode, ids::InletId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::StoreError,
    order_item::{Item, number},
    order_list::Page,
    store::Store,
};

/// What was said is kept for so long.
const KEPT_S: i64 = 30 * 24 * 60 * 60;
/// Whoever works on a message has it for so long.
const LEASE_S: f64 = 120.0;

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
    /// Of one that was fetched, by its source's clock.
    pub sent_at: Option<Timestamp>,
    /// Where in its bucket a file is; None: what it says is kept.
    pub object: Option<String>,
    /// Of a file, S3's own mark.
    pub body_sha256: String,
    pub status: MessageStatus,
    pub attempts: u32,
    /// Of the table of columns that it was last read by.
    pub mapping_version: Option<u32>,
    pub feed_id: Option<Uuid>,
    pub why: Option<String>,
}

/// A message that is there, as its source tells of it.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    pub message_id: &'a str,
    /// Another message under the same id has another one.
    pub body_sha256: &'a str,
    pub sent_at: Option<Timestamp>,
    /// What it says; a file says it where it is.
    pub said: MessageSaid<'a>,
}

/// Where what a message says is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageSaid<'a> {
    Here(&'a [u8]),
    InObject(&'a str),
    /// It is too long to be kept.
    Nowhere,
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

/// Whoever has a message for now; the others wait for the lease's end.
const TAKE: &str = "INSERT INTO inlet_messages AS m (inlet_id, message_id, body_sha256, leased_until, attempts, sent_at, object)
    VALUES ($1, $2, $3, now() + make_interval(secs => $4), 1, $5, $6)
    ON CONFLICT (inlet_id, message_id) DO UPDATE SET leased_until = excluded.leased_until, attempts = m.attempts + 1
    WHERE m.status = 'taken' AND m.leased_until < now() AND m.body_sha256 = excluded.body_sha256
    RETURNING to_jsonb(m)";

const KNOWN: &str = "SELECT to_jsonb(m.message_id) FROM inlet_messages m
    WHERE m.inlet_id = $1 AND m.message_id = ANY ($2) AND (m.status <> 'taken' OR m.leased_until > now())";

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

impl Store {
    /// Keeps what a message says, then that it has come: whoever is told so can rely on it.
    pub async fn take_message(&self, id: &InletId, new: NewMessage<'_>) -> Result<Arrived, StoreError> {
        let NewMessage { message_id, body_sha256, sent_at, said } = new;
        if let Some(known) = self.message(id, message_id).await? {
            if known.body_sha256 != body_sha256 {
                return Ok(Arrived::OtherBody);
            }
            if known.status != MessageStatus::Taken {
                return Ok(Arrived::Known(known));
            }
        }
        let object = match said {
            MessageSaid::Here(body) => {
                self.put_message(id, message_id, body).await?;
                None
            }
            MessageSaid::InObject(key) => Some(key),
            MessageSaid::Nowhere => None,
        };
        let query = sqlx::query_scalar(TAKE).bind(id.as_str()).bind(message_id).bind(body_sha256).bind(LEASE_S);
        let query = query.bind(sent_at.map(ToSqlx::to_sqlx)).bind(object);
        match self.row(query).await? {
            Some(taken) => Ok(Arrived::ToDo(taken)),
            // Somebody else has it.
            None => self.message(id, message_id).await?.map(Arrived::Known).ok_or(StoreError::Corrupt { what: "a message that was taken" }),
        }
    }

    /// Which of these messages nobody needs to take: they were dealt with, or somebody is about it.
    pub async fn messages_known(&self, id: &InletId, message_ids: &[String]) -> Result<BTreeSet<String>, StoreError> {
        let known: Vec<String> = self.rows(sqlx::query_scalar(KNOWN).bind(id.as_str()).bind(message_ids)).await?;
        Ok(known.into_iter().collect())
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
