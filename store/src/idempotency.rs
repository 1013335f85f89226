//! Answers already given under an Idempotency-Key.

use std::{
    borrow::Cow,
    io::{self, Read},
    time::Duration,
};

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde_json::Value;
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// A request that names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedRequest<'a> {
    /// Who asks: keys of two callers never meet.
    pub caller: &'a str,
    /// Method and path.
    pub route: &'a str,
    pub key: &'a str,
    pub body_hash: &'a str,
}

/// An answer to give again. Kept as it is for 30 days: it must hold no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    pub status: u16,
    pub headers: Value,
    pub body: Vec<u8>,
}

/// What a key says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Nobody has asked, or whoever did has died: go ahead, then `finish` this attempt.
    Fresh(Attempt),
    /// Answered before.
    Replay(StoredAnswer),
    /// The key was used with another body.
    OtherBody,
    /// The first request is not answered yet.
    InFlight,
}

/// What a key says of a request that nobody need begin: who does it twice does it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or not yet.
    Open,
    /// Answered, or being answered so.
    Answered(StoredAnswer),
    /// The key was used with another body.
    OtherBody,
}

/// One attempt at a request, which has its key until its lease is over. From then on another may have it: what this one keeps or forgets is
/// its own alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(Timestamp);

/// The idempotency keys of a [`Store`].
pub struct Idempotency<'a>(&'a Store);

impl Store {
    /// Where answers are kept by key.
    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency(self)
    }
}

/// Takes the key if it is free: new, past its 30 days, or left behind by a request that never finished.
const TAKE: &str = "INSERT INTO idempotency_keys AS k (caller, route, key, body_hash, leased_until)
    VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
    ON CONFLICT (caller, route, key) DO UPDATE SET body_hash = excluded.body_hash, begun_at = now(),
        leased_until = excluded.leased_until, status = NULL, headers = NULL, body = NULL
    WHERE k.begun_at < now() - interval '30 days'
        OR (k.status IS NULL AND k.leased_until < now() AND k.body_hash = excluded.body_hash)
    RETURNING begun_at";

/// The row of a request that is under way in this attempt.
macro_rules! under_way {
    () => {
        " WHERE caller = $1 AND route = $2 AND key = $3 AND body_hash = $4 AND status IS NULL AND begun_at = $5"
    };
}

const KEEP: &str = concat!("UPDATE idempotency_keys SET status = $6, headers = $7, body = $8", under_way!());
const FORGET: &str = concat!("DELETE FROM idempotency_keys", under_way!());

/// Of an answer that was kept before it was given, and then was another.
const FORGET_PLACED: &str = "DELETE FROM idempotency_keys WHERE caller = $1 AND route = $2 AND key = $3 AND body_hash = $4 AND body = ''";
const FIND: &str = "SELECT body_hash, status, headers, body FROM idempotency_keys
    WHERE caller = $1 AND route = $2 AND key = $3 AND begun_at >= now() - interval '30 days'";

/// The parts of a stored row.
type Stored = (String, Option<i32>, Option<Json<Value>>, Option<Vec<u8>>);

impl Idempotency<'_> {
    /// Takes the key for this request, for as long as the lease, or says why not.
    pub async fn begin(&self, request: &KeyedRequest<'_>, lease: Duration) -> Result<Begin, StoreError> {
        let taken: Option<SqlTimestamp> = sqlx::query_scalar(TAKE)
            .bind(request.caller)
            .bind(request.route)
            .bind(request.key)
            .bind(request.body_hash)
            .bind(lease.as_secs_f64())
            .fetch_optional(&self.0.pool)
            .await?;
        match taken {
            Some(begun_at) => Ok(Begin::Fresh(Attempt(begun_at.to_jiff()))),
            None => self.taken(request).await,
        }
    }

    /// What a key says of a request; it is not taken.
    pub async fn standing(&self, request: &KeyedRequest<'_>) -> Result<Standing, StoreError> {
        Ok(match self.taken(request).await? {
            Begin::Replay(answer) => Standing::Answered(answer),
            Begin::OtherBody => Standing::OtherBody,
            Begin::Fresh(_) | Begin::InFlight => Standing::Open,
        })
    }

    /// Forgets what was kept with an order's announcement: the order was refused.
    pub(crate) async fn forget_placed(&self, request: &KeyedRequest<'_>) -> Result<(), StoreError> {
        let query = sqlx::query(FORGET_PLACED).bind(request.caller).bind(request.route).bind(request.key).bind(request.body_hash);
        query.execute(&self.0.pool).await?;
        Ok(())
    }

    /// What a key says that is not free.
    async fn taken(&self, request: &KeyedRequest<'_>) -> Result<Begin, StoreError> {
        let find = sqlx::query_as(FIND).bind(request.caller).bind(request.route).bind(request.key);
        let stored: Option<Stored> = find.fetch_optional(&self.0.pool).await?;
        Ok(match stored {
            Some((body_hash, ..)) if body_hash != request.body_hash => Begin::OtherBody,
            Some((_, Some(status), Some(Json(headers)), Some(body))) => {
                let status = u16::try_from(status).map_err(|_| StoreError::Corrupt { what: "a stored answer" })?;
                Begin::Replay(StoredAnswer { status, headers, body: unpacked(body)? })
            }
            // Gone in between: the first request has just failed. The caller's next try finds the key free.
            Some(_) | None => Begin::InFlight,
        })
    }

    /// Keeps the answer to what was done. A refusal or a failure has done nothing: it is forgotten, with the key, for the next try may
    /// succeed, with this body or a mended one. Once another attempt has the key, or has answered, nothing changes.
    pub async fn finish(&self, request: &KeyedRequest<'_>, attempt: Attempt, answer: &StoredAnswer) -> Result<(), StoreError> {
        let done = (200..300).contains(&answer.status);
        let body = packed(&answer.body).map_err(|_| StoreError::Corrupt { what: "an answer to keep" })?;
        let mut query = sqlx::query(if done { KEEP } else { FORGET })
            .bind(request.caller)
            .bind(request.route)
            .bind(request.key)
            .bind(request.body_hash)
            .bind(attempt.0.to_sqlx());
        if done {
            query = query.bind(i32::from(answer.status)).bind(Json(&answer.headers)).bind(&*body);
        }
        query.execute(&self.0.pool).await?;
        Ok(())
    }
}

/// Answers beyond this are kept compressed.
const PACKED_FROM_BYTES: usize = 1_024;
/// How a zstd frame begins (RFC 8878); no JSON text does.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No answer that was kept is larger.
const UNPACKED_MAX_BYTES: u64 = 64 * 1024 * 1024;

fn packed(body: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    if body.len() < PACKED_FROM_BYTES { Ok(body.into()) } else { Ok(zstd::encode_all(body, 0)?.into()) }
}

fn unpacked(body: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if !body.starts_with(&ZSTD_MAGIC) {
        return Ok(body);
    }
    let corrupt = |_| StoreError::Corrupt { what: "a stored answer" };
    let mut text = Vec::new();
    zstd::Decoder::new(&*body).map_err(corrupt)?.take(UNPACKED_MAX_BYTES).read_to_end(&mut text).map_err(corrupt)?;
    Ok(text)
}
