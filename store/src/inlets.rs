//! Inlets: where messages from others come from, and what they are read by.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{error::ErrorCode, ids::InletId};
use secrecy::{SecretBox, SecretSlice};
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{audit::AuditAction, error::StoreError, feeds::FeedKind, keyed, order_list::Page, people::noted, store::Store};

/// Enough for any house.
const INLETS_MAX: i64 = 200;
/// One in use, and the next.
const LIVE_SECRETS_MAX: i64 = 2;

/// Where messages are sent to, or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Inlet {
    pub inlet_id: InletId,
    pub name: String,
    pub kind: FeedKind,
    pub mapping: Option<String>,
    pub mapping_version: u32,
    pub created_at: Timestamp,
    /// Where messages are fetched; None: they are sent.
    pub source: Option<String>,
    pub fetched_at: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub last_failure: Option<String>,
    pub behind_since: Option<Timestamp>,
    /// The newest first.
    pub secrets: Vec<InletSecret>,
    /// Messages that were refused, in whole or in part.
    pub refused: u64,
    /// Messages that nothing was done with yet.
    pub open: u64,
}

/// An inlet that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInlet {
    pub name: String,
    pub kind: FeedKind,
    pub mapping: Option<String>,
    pub source: Option<String>,
}

/// A secret, without what it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InletSecret {
    pub secret_id: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
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
        INSERT INTO inlets (inlet_id, name, kind, mapping, mapping_version, source)
        SELECT $3, $4, $5, $6, CASE WHEN $6 IS NULL THEN 0 ELSE 1 END, $9 WHERE (SELECT count(*) FROM inlets) < $8 RETURNING *
    ), secret AS (
        INSERT INTO inlet_secrets (inlet_id, secret_id) SELECT inlet_id, $7 FROM added
    )",
    noted!("inlet_id, jsonb_strip_nulls(jsonb_build_object('name', name, 'kind', kind, 'source', source)) FROM added"),
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

const FETCHED: &str = "UPDATE inlets SET fetched_at = CASE WHEN $2::text IS NULL THEN now() ELSE fetched_at END,
        failing_since = CASE WHEN $2 IS NOT NULL THEN coalesce(failing_since, now()) END, last_failure = coalesce($2, last_failure),
        behind_since = $3
    WHERE inlet_id = $1";

#[derive(Deserialize)]
struct AddedSecret {
    known: bool,
    added: Option<InletSecret>,
}

impl Store {
    /// Makes an inlet with a first secret. Errors: `too_many_endpoints`.
    pub async fn add_inlet(&self, new: &NewInlet) -> Result<Inlet, StoreError> {
        let query = sqlx::query_scalar(ADD)
            .bind(Json(self.acting()))
            .bind(AuditAction::InletMade.name())
            .bind(format!("in-{}", Uuid::now_v7().simple()))
            .bind(&new.name)
            .bind(crate::feeds::word(new.kind)?)
            .bind(&new.mapping)
            .bind(fresh_secret_id())
            .bind(INLETS_MAX)
            .bind(&new.source);
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

    /// Inlets whose messages are fetched.
    pub async fn inlets_to_fetch(&self) -> Result<Vec<Inlet>, StoreError> {
        self.rows(sqlx::query_scalar(select_inlets!("inlets i WHERE i.source IS NOT NULL ORDER BY i.inlet_id"))).await
    }

    /// How fetching went: what failed, and when the last message was sent if more wait.
    pub async fn note_fetch(&self, id: &InletId, failure: Option<&str>, behind_since: Option<Timestamp>) -> Result<(), StoreError> {
        let query = sqlx::query(FETCHED).bind(id.as_str()).bind(failure).bind(behind_since.map(ToSqlx::to_sqlx));
        query.execute(&self.pool).await?;
        Ok(())
    }
}

fn fresh_secret_id() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// An inlet's figures, for monitoring.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InletFigures {
    pub inlet_id: InletId,
    pub refused: u64,
    pub open: u64,
    /// For how long fetching has failed, or nobody has fetched.
    pub silent_s: u64,
    /// How old the last message is, if more wait.
    pub lag_s: u64,
}

const FIGURES: &str = "SELECT jsonb_build_object('inlet_id', i.inlet_id,
        'refused', (SELECT count(*) FROM inlet_messages m WHERE m.inlet_id = i.inlet_id AND m.status = 'refused'),
        'open', (SELECT count(*) FROM inlet_messages m WHERE m.inlet_id = i.inlet_id AND m.status = 'taken'),
        'silent_s', CASE WHEN i.source IS NULL THEN 0
            ELSE greatest(0, extract(epoch FROM now() - coalesce(i.fetched_at, i.created_at)))::bigint END,
        'lag_s', coalesce(greatest(0, extract(epoch FROM now() - i.behind_since))::bigint, 0))
    FROM inlets i ORDER BY i.inlet_id";

impl Store {
    /// The figures of all inlets.
    pub async fn inlet_figures(&self) -> Result<Vec<InletFigures>, StoreError> {
        self.rows(sqlx::query_scalar(FIGURES)).await
    }
}
