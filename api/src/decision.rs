//! What somebody has to decide: the customer about units without stock, a person about a parcel that did not arrive.

use jiff::Timestamp;
use oms_domain::order::{Choice, Decision, Order, Resolution, Wait};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, choice};

const CHOICES: &[(&str, Choice)] = &[("wait", Choice::Wait), ("drop", Choice::Drop)];
const RESOLUTIONS: &[(&str, Resolution)] = &[("replace", Resolution::Replace), ("refund", Resolution::Refund)];

/// The choice as JSON has it.
pub fn choice_name(choice: Choice) -> &'static str {
    match choice {
        Choice::Wait => "wait",
        Choice::Drop => "drop",
    }
}

/// The resolution as JSON has it.
pub fn resolution_name(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Replace => "replace",
        Resolution::Refund => "refund",
    }
}

/// The body of `POST /orders/{id}/decisions/{decision_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionBody {
    /// `wait` for stock, or `drop` the units.
    #[schema(examples("drop"))]
    pub choice: String,
}

/// Reads the customer's choice.
pub fn read_decision(node: &Node<'_>) -> Option<Choice> {
    node.object(|fields| fields.required("choice", choice(CHOICES)))
}

/// The body of `POST /parcels/{parcel_id}/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResolveBody {
    /// `replace`: its units are sent again, at no charge; `refund`: their money is given back.
    #[schema(examples("replace"))]
    pub resolution: String,
}

/// Reads what is done about a parcel.
pub fn read_resolution(node: &Node<'_>) -> Option<Resolution> {
    node.object(|fields| fields.required("resolution", choice(RESOLUTIONS)))
}

/// What the customer was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    pub decision_id: String,
    /// The waiting units it is about.
    pub fulfillment_order_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the default is done; absent once it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// `wait` or `drop`, once it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

impl DecisionView {
    pub fn of(order: &Order, decision: &Decision) -> Self {
        let deadlines = order.deadlines();
        let due = deadlines.iter().find(|known| known.wait == Wait::Decision && known.subject == decision.decision_id);
        Self {
            decision_id: decision.decision_id.clone(),
            fulfillment_order_id: decision.fulfillment_order_id.to_string(),
            since: decision.since,
            due: due.map(|known| known.due),
            choice: decision.choice.map(|choice| choice_name(choice).to_owned()),
        }
    }
}
