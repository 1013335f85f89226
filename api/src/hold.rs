//! Holds: what keeps an order from going on.

use jiff::Timestamp;
use oms_domain::{
    ids::HoldId,
    order::{Deadline, Hold, HoldReason, Wait},
    returns,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, choice, parsed, timestamp};

/// The body of `POST /orders/{id}/holds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldBody {
    /// Absent: one is made up. The same id again is the same hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub hold_id: Option<HoldId>,
    #[schema(value_type = String, examples("incorrect_address"))]
    pub reason: HoldReason,
    /// It is lifted by itself then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl HoldBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let hold_id = fields.optional("hold_id", parsed);
            let reason = fields.required("reason", choice(HoldReason::NAMED));
            let expires_at = fields.optional("expires_at", timestamp);
            Some(Self { hold_id: hold_id?, reason: reason?, expires_at: expires_at? })
        })
    }
}

/// A hold that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    pub hold_id: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// What the order itself has found, where nobody placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("the postal code is not of a form that its country has"))]
    pub why: Option<String>,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        Self {
            hold_id: hold.hold_id.to_string(),
            reason: hold.reason.name().to_owned(),
            placed_at: hold.placed_at,
            expires_at: hold.expires_at,
            why: hold.why.clone(),
        }
    }
}

/// Something the order, or the return, waits for, and what happens when it does not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadlineView {
    /// For `PATCH /orders/{id}/deadlines/{deadline_id}`, or that of the return.
    #[schema(examples("backorder.536365-F1"))]
    pub deadline_id: String,
    #[schema(examples("backorder"))]
    pub wait: String,
    /// The order, a hold, a fulfillment order, a parcel or an operation; the return, or what failed of it.
    pub subject: String,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub due: Timestamp,
    /// What happens then.
    #[schema(examples("the waiting units are cancelled"))]
    pub default: String,
    /// Who may give it more time; absent: nobody can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("support"))]
    pub extended_by: Option<String>,
}

/// The body of `PATCH /orders/{id}/deadlines/{deadline_id}`, and of that of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExtensionBody {
    /// Later than it is due now, and within a year. Business time.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

impl ExtensionBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { until: fields.required("until", timestamp)? }))
    }
}

/// The wait and the subject of the id of an order's deadline, if it is one.
pub fn parse_deadline_id(id: &str) -> Option<(Wait, &str)> {
    let (key, subject) = id.split_once('.')?;
    Some((Wait::from_key(key)?, subject))
}

/// The same of a return's deadline.
pub fn parse_return_deadline_id(id: &str) -> Option<(returns::Wait, &str)> {
    let (key, subject) = id.split_once('.')?;
    Some((returns::Wait::from_key(key)?, subject))
}

impl From<&Deadline> for DeadlineView {
    fn from(deadline: &Deadline) -> Self {
        Self {
            deadline_id: deadline.wait.of(&deadline.subject),
            wait: deadline.wait.key().to_owned(),
            subject: deadline.subject.clone(),
            due: deadline.due,
            default: deadline.wait.overdue().to_owned(),
            extended_by: deadline.wait.extended_by().map(str::to_owned),
        }
    }
}

impl From<&returns::Deadline> for DeadlineView {
    fn from(deadline: &returns::Deadline) -> Self {
        Self {
            deadline_id: deadline.wait.of(&deadline.subject),
            wait: deadline.wait.key().to_owned(),
            subject: deadline.subject.clone(),
            due: deadline.due,
            default: deadline.wait.overdue().to_owned(),
            extended_by: deadline.wait.extended_by().map(str::to_owned),
        }
    }
}
