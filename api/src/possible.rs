//! What may be asked of an order now, and by whom.

use jiff::Timestamp;
use oms_domain::{
    access::Permission,
    order::{AskedAction, Order},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that is asked of an order as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PossibleActionView {
    /// `cancel`, `change`, `hold` or `refund`.
    #[schema(examples("cancel"))]
    pub action: String,
    /// Whether the order would do it now.
    pub possible: bool,
    /// Why it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether whoever asks may.
    pub permitted: bool,
    /// Of a refund: the most that can be given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most_minor: Option<i64>,
}

/// The permission that an action needs.
fn permission(action: AskedAction) -> Permission {
    match action {
        AskedAction::Cancel => Permission::CancelOrders,
        AskedAction::Change => Permission::ChangeOrders,
        AskedAction::Hold => Permission::HoldOrders,
        AskedAction::Refund => Permission::RefundOrders,
    }
}

impl PossibleActionView {
    /// All of an order's, at a time of business.
    pub fn all(order: &Order, at: Timestamp, may: impl Fn(Permission) -> bool) -> Vec<Self> {
        let view = |found: oms_domain::order::Possible| Self {
            action: found.action.name().to_owned(),
            possible: found.refused.is_none(),
            why: found.refused,
            permitted: may(permission(found.action)),
            at_most_minor: (found.action == AskedAction::Refund).then(|| order.refundable_minor()),
        };
        order.possible(at).into_iter().map(view).collect()
    }
}
