//! Claims: money back for units that do not come back.

use jiff::Timestamp;
use oms_domain::{
    ids::{ClaimId, OrderId},
    order::{Claim, Lines, Order, Request},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    cancellation::{LineUnits, line_units},
    reader::{Node, ReadOnce, parsed, text, units_per_line},
};

/// The body of `POST /claims`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimBody {
    /// `<order_id>-C<n>`. Absent: the order's next number. The same id again is the same claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("536365-C1"))]
    pub claim_id: Option<ClaimId>,
    #[schema(value_type = String, examples("536365"))]
    pub order_id: OrderId,
    #[schema(value_type = Vec<LineUnits>)]
    pub lines: Lines,
    #[schema(min_length = 1, max_length = 200, examples("arrived broken"))]
    pub reason: String,
}

impl ClaimBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let claim_id: Option<Option<ClaimId>> = fields.optional("claim_id", parsed);
            let order_id: Option<OrderId> = fields.required("order_id", parsed);
            let lines = fields.required("lines", units_per_line("quantity"));
            let reason = fields.required("reason", text(200));
            let (claim_id, order_id) = (claim_id?, order_id?);
            if claim_id.as_ref().is_some_and(|id| id.order_id().as_ref() != Some(&order_id)) {
                return fields.error("claim_id", format!("must be {order_id}-C<n>"));
            }
            Some(Self { claim_id, order_id, lines: lines?, reason: reason? })
        })
    }
}

/// What can be done about a claim, in the path's words.
pub const CLAIM_ACTIONS: &[&str] = &["approve", "decline"];

/// Reads the body of an action; none for a word that is no action.
pub fn read_claim_action(action: &str, claim_id: ClaimId) -> Option<ReadOnce<Request>> {
    Some(match action {
        "approve" => Box::new(move |node| node.object(|_| Some(Request::ApproveClaim { claim_id }))),
        "decline" => Box::new(move |node| {
            node.object(|fields| Some(Request::DeclineClaim { claim_id, reason: fields.required("reason", text(200))? }))
        }),
        _ => return None,
    })
}

/// A claim, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimView {
    pub claim_id: String,
    pub order_id: String,
    /// `opened`, `approved`, `declined` or `closed`.
    pub status: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub lines: Vec<LineUnits>,
    pub reason: String,
    /// What is paid back, once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    pub currency: String,
    pub legal_actions: Vec<String>,
}

impl ClaimView {
    pub fn of(order: &Order, claim: &Claim) -> Self {
        let asked = |action: &&oms_domain::order::ClaimAction| CLAIM_ACTIONS.contains(&action.name());
        Self {
            claim_id: claim.claim_id.to_string(),
            order_id: order.core.order_id.to_string(),
            status: claim.status.name().to_owned(),
            since: claim.since,
            lines: line_units(&claim.lines),
            reason: claim.reason.clone(),
            amount_minor: claim.amount_minor,
            currency: order.core.currency.code().to_owned(),
            legal_actions: claim.status.legal_actions().iter().filter(asked).map(|action| action.name().to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    #[test]
    fn a_claim_names_its_order_units_and_reason() {
        let pointers = |body: serde_json::Value| -> Vec<String> {
            let problem = read_json(body.to_string().as_bytes(), ClaimBody::read).unwrap_err();
            problem.errors.into_iter().map(|error| error.pointer).collect()
        };
        assert_eq!(pointers(json!({"order_id": "A", "lines": []})), ["/lines", "/reason"]);
        let lines = json!([{"line_id": "1", "quantity": 1}]);
        assert_eq!(pointers(json!({"claim_id": "B-C1", "order_id": "A", "lines": lines, "reason": "broken"})), ["/claim_id"]);
        assert!(read_claim_action("eat", "A-C1".parse().unwrap()).is_none());
    }
}
