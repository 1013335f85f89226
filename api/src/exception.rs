//! What somebody has to look at, over all orders.

use jiff::Timestamp;
use oms_domain::{ids::OrderId, order::Exception};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that somebody has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionView {
    /// `attention`, `hold`, `decision` (the customer was asked) or `backorder` (it should have gone out by now).
    #[schema(examples("hold"))]
    pub kind: String,
    pub order_id: String,
    /// An operation, a hold, a decision, a fulfillment order.
    pub subject: String,
    /// For people, or the reason of a hold.
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When it is too late, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// The role that settles it.
    #[schema(examples("support"))]
    pub owner: String,
    /// What settles it: `retry`, `release`, `decide`, or `look`.
    #[schema(examples("release"))]
    pub action: String,
}

impl ExceptionView {
    pub fn of(order_id: &OrderId, found: Exception) -> Self {
        Self {
            kind: found.kind.name().to_owned(),
            order_id: order_id.to_string(),
            subject: found.subject,
            why: found.why,
            since: found.since,
            due: found.due,
            owner: found.owner.name().to_owned(),
            action: found.settling.name().to_owned(),
        }
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionsView {
    /// The oldest first.
    pub items: Vec<ExceptionView>,
    /// There are more orders than were looked at.
    pub has_more: bool,
}
