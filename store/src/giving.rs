//! What people give away, counted against what they may; and the approvals of a second person.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::{
        By,
        approval::{APPROVAL_S, ApprovalStatus},
    },
    error::ErrorCode,
    ids::OrderId,
    money::Currency,
    order::{Giving, GivingKind},
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    audit::AuditAction,
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    people::noted,
    store::Store,
};

/// A giving that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedGiving<'a> {
    pub giving: &'a Giving,
    pub order_id: &'a OrderId,
    pub order_version: u64,
    pub currency: Currency,
    /// The same command counts once.
    pub command_id: &'a str,
}

/// Something that a second person is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approval {
    pub approval_id: String,
    pub kind: GivingKind,
    pub order_id: Option<OrderId>,
    pub what: String,
    pub amount_minor: Option<i64>,
    pub currency: Option<Currency>,
    /// Of a bulk operation: how many it is about.
    pub orders: Option<u64>,
    pub order_version: Option<u64>,
    pub asked_by: By,
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
    status: ApprovalStatus,
    pub decided_by: Option<By>,
    pub decided_at: Option<Timestamp>,
}

impl Approval {
    /// What has become of it by now.
    pub fn status(&self, now: Timestamp) -> ApprovalStatus {
        match self.status {
            ApprovalStatus::Pending | ApprovalStatus::Approved if self.expires_at <= now => ApprovalStatus::Expired,
            status => status,
        }
    }
}

/// What everybody may give away of a currency; None: as much as they like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivingLimit {
    pub currency: Currency,
    pub per_day_minor: Option<i64>,
    pub per_order_minor: Option<i64>,
}

#[derive(Serialize)]
struct Asked<'a> {
    approval_id: String,
    approval_s: u32,
    by: Option<&'a By>,
    kind: GivingKind,
    what: &'a str,
    order_id: Option<&'a OrderId>,
    order_version: Option<u64>,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
    orders: Option<u64>,
    command_id: Option<&'a str>,
}

const DECIDE: &str = concat!(
    "WITH decided AS (
        UPDATE approvals SET status = $4, decided_by = $1, decided_at = now()
        WHERE approval_id = $3 AND status = 'pending' AND expires_at > now() RETURNING *
    )",
    noted!(
        "approval_id, jsonb_build_object('kind', kind, 'order_id', order_id, 'amount_minor', amount_minor, 'currency', currency) FROM decided"
    ),
    "SELECT to_jsonb(d) FROM decided d"
);

const LIMIT: &str = concat!(
    "WITH changed AS (
        INSERT INTO giving_limits AS l (currency, per_day_minor, per_order_minor) VALUES ($3, $4, $5)
        ON CONFLICT (currency) DO UPDATE SET per_day_minor = excluded.per_day_minor, per_order_minor = excluded.per_order_minor,
            changed_at = now()
        RETURNING l.currency, l.per_day_minor, l.per_order_minor
    )",
    noted!("currency, to_jsonb(changed) FROM changed"),
    "SELECT to_jsonb(c) FROM changed c"
);

impl Store {
    /// Counts what whoever acts is about to give away. None: they may; else what a second person must say first.
    pub async fn count_giving(&self, asked: &AskedGiving<'_>) -> Result<Option<Approval>, StoreError> {
        let Giving { kind, what, amount_minor } = asked.giving;
        let argument = Asked {
            order_id: Some(asked.order_id),
            order_version: Some(asked.order_version),
            amount_minor: Some(*amount_minor),
            currency: Some(asked.currency),
            command_id: Some(asked.command_id),
            ..self.asked(*kind, what)
        };
        self.needed("SELECT count_giving($1)", &argument).await
    }

    /// Its order has refused it: nothing was given.
    pub async fn take_back_giving(&self, order_id: &OrderId, command_id: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT take_back_giving($1, $2)").bind(order_id.as_str()).bind(command_id).execute(&self.pool).await?;
        Ok(())
    }

    /// Whether whoever acts may do something to so many orders at once. None: they may, once; else what a second person must say first.
    pub async fn use_approval_of_bulk(&self, what: &str, orders: u64) -> Result<Option<Approval>, StoreError> {
        let argument = Asked { orders: Some(orders), ..self.asked(GivingKind::Bulk, what) };
        self.needed("SELECT use_approval($1)", &argument).await
    }

    fn asked<'a>(&'a self, kind: GivingKind, what: &'a str) -> Asked<'a> {
        Asked {
            approval_id: format!("apv-{}", Uuid::now_v7().simple()),
            approval_s: APPROVAL_S,
            by: self.acting(),
            kind,
            what,
            order_id: None,
            order_version: None,
            amount_minor: None,
            currency: None,
            orders: None,
            command_id: None,
        }
    }

    async fn needed(&self, sql: &'static str, asked: &Asked<'_>) -> Result<Option<Approval>, StoreError> {
        let answers: Vec<(Option<Json<Approval>>,)> = self.call(sql, asked).await?;
        Ok(answers.into_iter().find_map(|(needed,)| needed).map(|Json(approval)| approval))
    }

    /// One of them.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, StoreError> {
        self.row(sqlx::query_scalar("SELECT to_jsonb(a) FROM approvals a WHERE approval_id = $1").bind(id)).await
    }

    /// Approvals, the newest first; of one status only, if that is said.
    pub async fn approvals_page(
        &self,
        status: Option<ApprovalStatus>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Approval>, StoreError> {
        let (asked_at, approval_id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(a) FROM approvals a
            WHERE ($1::text IS NULL OR $1 = CASE WHEN status IN ('pending', 'approved') AND expires_at <= now() THEN 'expired' ELSE status END)
                AND ($2::timestamptz IS NULL OR (asked_at, approval_id) < ($2, $3))
            ORDER BY asked_at DESC, approval_id DESC LIMIT $4",
        );
        let query = query.persistent(false).bind(status.map(ApprovalStatus::name)).bind(asked_at.map(ToSqlx::to_sqlx));
        let rows: Vec<Approval> = self.rows(query.bind(approval_id).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows, limit, |last| cursor(Some(last.asked_at), &last.approval_id)))
    }

    /// Decides about one, as whoever acts. None: there is nothing to decide any more.
    pub async fn decide_approval(&self, id: &str, is_approved: bool) -> Result<Option<Approval>, StoreError> {
        let (status, action) = match is_approved {
            true => (ApprovalStatus::Approved, AuditAction::ApprovalGiven),
            false => (ApprovalStatus::Declined, AuditAction::ApprovalDeclined),
        };
        self.row(sqlx::query_scalar(DECIDE).bind(Json(self.acting())).bind(action.name()).bind(id).bind(status.name())).await
    }

    /// What may be given away, by currency.
    pub async fn giving_limits(&self) -> Result<Vec<GivingLimit>, StoreError> {
        self.rows(sqlx::query_scalar("SELECT to_jsonb(l) FROM giving_limits l ORDER BY currency")).await
    }

    /// Changes it for a currency.
    pub async fn put_giving_limit(&self, limit: &GivingLimit) -> Result<GivingLimit, StoreError> {
        let query = sqlx::query_scalar(LIMIT)
            .bind(Json(self.acting()))
            .bind(AuditAction::GivingLimitChanged.name())
            .bind(limit.currency.code())
            .bind(limit.per_day_minor)
            .bind(limit.per_order_minor);
        self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::Internal })
    }
}
