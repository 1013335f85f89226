//! What is shown of bulk operations.

use jiff::Timestamp;
use oms_domain::{
    bulk::{Bulk, Counts, Operation, OrderOutcome, Outcome, Task},
    error::ErrorCode,
    ids::OrderId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OperationBody;

/// The answer to `POST /bulk`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BulkAnswer {
    Preview(BulkPreviewView),
    Started(BulkView),
}

/// A bulk operation, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkView {
    pub bulk_id: String,
    pub operation: OperationBody,
    pub reason: String,
    /// `running`, `paused`, `completed` or `cancelled`.
    pub status: String,
    /// Orders that were chosen when it began.
    pub selected: u64,
    /// Orders that were asked so far; `outcomes` sorts them.
    pub asked: u64,
    pub outcomes: OutcomesView,
    pub orders_per_second: u32,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// While paused: it is cancelled then, unless somebody resumes it or pauses it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paused_until: Option<Timestamp>,
    /// Why it paused by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Out of `pause`, `resume` and `cancel`.
    pub legal_actions: Vec<String>,
}

/// Orders by what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomesView {
    pub done: u64,
    /// Some of the order.
    pub partly: u64,
    /// A facility has begun with it and must agree.
    pub requested: u64,
    /// There was nothing to do any more.
    pub unchanged: u64,
    pub refused: u64,
    /// The order could not be asked.
    pub failed: u64,
}

/// What came of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResultView {
    pub order_id: String,
    /// `done`, `partly`, `requested`, `unchanged`, `refused` or `failed`.
    pub outcome: String,
    /// Of the refusal or failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("illegal_transition"))]
    pub code: Option<ErrorCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What a bulk operation would be; nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkPreviewView {
    pub bulk_id: String,
    pub operation: OperationBody,
    /// Orders that it would ask. More than 200,000: it would not be taken.
    pub orders: u64,
    /// Some of them, with what they would answer now.
    pub sample: Vec<ForeseenView>,
}

/// What an order would answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForeseenView {
    pub order_id: String,
    /// Whether any of it would be done, or asked for.
    pub legal: bool,
    pub outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<ErrorCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl BulkView {
    pub fn of(task: &Task, bulk: &Bulk, updated_at: Timestamp) -> Self {
        Self {
            bulk_id: task.bulk_id.to_string(),
            operation: OperationBody::from(&task.operation),
            reason: task.reason.clone(),
            status: bulk.status.name().to_owned(),
            selected: bulk.core.selected,
            asked: bulk.asked(),
            outcomes: OutcomesView::from(&bulk.counts),
            orders_per_second: bulk.core.orders_per_second,
            started_at: bulk.core.started_at,
            updated_at,
            paused_until: bulk.deadline(),
            why: bulk.why.clone(),
            legal_actions: bulk.legal_actions().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl From<&Counts> for OutcomesView {
    fn from(counts: &Counts) -> Self {
        let of = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        Self {
            done: of(Outcome::Done),
            partly: of(Outcome::Partly),
            requested: of(Outcome::Requested),
            unchanged: of(Outcome::Unchanged),
            refused: of(Outcome::Refused),
            failed: of(Outcome::Failed),
        }
    }
}

impl ForeseenView {
    pub fn of(order_id: &OrderId, foreseen: OrderOutcome) -> Self {
        let legal = match foreseen.outcome {
            Outcome::Done | Outcome::Partly | Outcome::Requested => true,
            Outcome::Unchanged | Outcome::Refused | Outcome::Failed => false,
        };
        let outcome = foreseen.outcome.name().to_owned();
        Self { order_id: order_id.to_string(), legal, outcome, code: foreseen.code, why: foreseen.why }
    }
}

impl From<&Operation> for OperationBody {
    fn from(operation: &Operation) -> Self {
        match operation {
            Operation::Cancel => Self::Cancel,
            Operation::Hold { hold_id, reason, expires_at } => {
                Self::Hold { hold_reason: reason.name().to_owned(), hold_id: Some(hold_id.to_string()), expires_at: *expires_at }
            }
            Operation::Release { hold_id } => Self::Release { hold_id: Some(hold_id.to_string()), hold_reason: None },
            Operation::ReleaseFor { reason } => Self::Release { hold_id: None, hold_reason: Some(reason.name().to_owned()) },
            Operation::Move { from, to, consented } => {
                Self::Move { facility_id: from.to_string(), to_facility_id: to.as_ref().map(ToString::to_string), consented: *consented }
            }
        }
    }
}
