//! The audit trail: what somebody did that is no event of an order. Rows are added and read, and nothing else.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::access::By;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;

use crate::{error::StoreError, order_list::Page, store::Store};

/// What is kept there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    AccountMade,
    KeyMade,
    KeyRevoked,
    /// A credential that was none, or none that is in force.
    AuthenticationRefused,
    PersonMade,
    /// Roles, reach, or whether they may come in.
    PersonChanged,
    PersonInvited,
    PasswordSet,
    LoggedIn,
    LoggedOut,
    StationMade,
    StationRemoved,
    BadgeGiven,
    /// By a person: of one thing or a list. By a machine: how often, of a route.
    PersonalDataRead,
    ApprovalGiven,
    ApprovalDeclined,
    GivingLimitChanged,
    /// Whether a company outside is asked.
    ProviderChanged,
    EndpointMade,
    /// Its address, what it is told, whether it is; or what it was sent again.
    EndpointChanged,
    EndpointRemoved,
    EndpointSecretMade,
    EndpointSecretEnded,
    EventsReplayed,
    InletMade,
    /// Its table of columns.
    InletChanged,
    InletRemoved,
    InletSecretMade,
}

impl AuditAction {
    /// Its name in the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountMade => "account_made",
            Self::KeyMade => "key_made",
            Self::KeyRevoked => "key_revoked",
            Self::AuthenticationRefused => "authentication_refused",
            Self::PersonMade => "person_made",
            Self::PersonChanged => "person_changed",
            Self::PersonInvited => "person_invited",
            Self::PasswordSet => "password_set",
            Self::LoggedIn => "logged_in",
            Self::LoggedOut => "logged_out",
            Self::StationMade => "station_made",
            Self::StationRemoved => "station_removed",
            Self::BadgeGiven => "badge_given",
            Self::PersonalDataRead => "personal_data_read",
            Self::ApprovalGiven => "approval_given",
            Self::ApprovalDeclined => "approval_declined",
            Self::GivingLimitChanged => "giving_limit_changed",
            Self::ProviderChanged => "provider_changed",
            Self::EndpointMade => "endpoint_made",
            Self::EndpointChanged => "endpoint_changed",
            Self::EndpointRemoved => "endpoint_removed",
            Self::EndpointSecretMade => "endpoint_secret_made",
            Self::EndpointSecretEnded => "endpoint_secret_ended",
            Self::EventsReplayed => "events_replayed",
            Self::InletMade => "inlet_made",
            Self::InletChanged => "inlet_changed",
            Self::InletRemoved => "inlet_removed",
            Self::InletSecretMade => "inlet_secret_made",
        }
    }
}

/// A row to add.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    pub by: Option<By>,
    pub action: &'static str,
    pub subject: Option<String>,
    pub detail: Value,
}

/// A row of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    pub audit_id: i64,
    pub at: Timestamp,
    /// None: nobody who is known.
    pub by: Option<By>,
    pub action: String,
    pub subject: Option<String>,
    pub detail: Value,
}

/// Which rows to read: those for which everything given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub subject: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
}

impl Store {
    /// Adds rows.
    pub async fn audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
            SELECT e #>> '{by,kind}', e #>> '{by,id}', e #>> '{by,station}', e #>> '{by,request_id}', e ->> 'action', e ->> 'subject',
                e -> 'detail'
            FROM jsonb_array_elements($1) AS e",
        );
        query.bind(Json(entries)).execute(&self.pool).await?;
        Ok(())
    }

    /// The trail, newest first.
    pub async fn audit_page(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<Page<AuditRow>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(t) || jsonb_build_object('by', shown_by(actor_kind, actor_id, station_id, request_id)) FROM audit t
            WHERE ($1::text IS NULL OR t.actor_id = $1) AND ($2::text IS NULL OR t.subject = $2) AND ($3::bigint IS NULL OR t.audit_id < $3)
                AND ($5::timestamptz IS NULL OR (t.at >= $5
                    -- What is older is not looked through. Rows may be seen in another order than their ids were drawn in.
                    AND t.audit_id > (SELECT f.audit_id - 1000 FROM audit f WHERE f.at >= $5 ORDER BY f.at LIMIT 1)))
            ORDER BY t.audit_id DESC LIMIT $4",
        );
        let before = before.map(|before| i64::try_from(before).unwrap_or(i64::MAX));
        let query = query.persistent(false).bind(&filter.actor).bind(&filter.subject).bind(before).bind(i64::from(limit) + 1);
        let query = query.bind(filter.from.map(ToSqlx::to_sqlx));
        Ok(Page::cut(self.rows(query).await?, limit, |last: &AuditRow| last.audit_id.to_string()))
    }
}
