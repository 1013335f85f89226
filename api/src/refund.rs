//! Refunds: an id and an explicit amount.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{LineId, RefundId},
    order::{Order, Refund, RefundOf, Request},
    placed::AMOUNT_MAX_MINOR,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    cancellation::{LineUnits, line_units},
    reader::{Node, choice, integer, text, units_per_line},
};

/// The body of `POST /orders/{id}/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundBody {
    /// Absent: one is made up. The same id again is the same refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    /// In the currency's minor unit; at most what was charged and not given back yet, of shipping or in all.
    #[schema(minimum = 1)]
    pub amount_minor: i64,
    #[schema(min_length = 1, max_length = 200, examples("a gesture of goodwill"))]
    pub reason: String,
    /// What it is for: `order`, units or a gesture, or `shipping`, which a later return or claim does not give back once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(order|shipping)$")]
    pub of: Option<String>,
    /// The units that it is for, if it is for some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineUnits>>,
}

/// What people give money back for. What bought nothing the order gives back itself.
const OF: &[(&str, RefundOf)] = &[("order", RefundOf::Order), ("shipping", RefundOf::Shipping)];

/// Reads the body into the order's request, and names the refund; `made_up`, if it has no id of its own.
pub fn read_refund(node: &Node<'_>, made_up: &str) -> Option<(RefundId, Request)> {
    node.object(|fields| {
        let refund_id: Option<RefundId> = fields.new_id("refund_id", made_up);
        let amount_minor = fields.required("amount_minor", integer(1..=AMOUNT_MAX_MINOR));
        let reason = fields.required("reason", text(200));
        let of = fields.optional("of", choice(OF)).map(Option::unwrap_or_default);
        let lines: Option<Option<BTreeMap<LineId, u32>>> = fields.optional("lines", units_per_line("quantity"));
        let refund_id = refund_id?;
        let request =
            Request::Refund { refund_id: refund_id.clone(), amount_minor: amount_minor?, reason: reason?, lines: lines?, of: of? };
        Some((refund_id, request))
    })
}

/// Money that is owed back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundView {
    pub refund_id: String,
    pub amount_minor: i64,
    /// What of it has reached the customer.
    pub given_back_minor: i64,
    pub reason: String,
    /// `order`, `shipping`, or `unused`: paid elsewhere, and nothing was bought with it.
    pub of: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineUnits>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl RefundView {
    pub fn of(order: &Order, refund: &Refund) -> Self {
        Self {
            refund_id: refund.refund_id.to_string(),
            amount_minor: refund.amount_minor,
            given_back_minor: order.given_back_minor(refund),
            reason: refund.reason.clone(),
            of: refund.of.name().to_owned(),
            lines: line_units(&refund.lines),
            at: refund.at,
        }
    }
}
