//! Events: an order's timeline, and the stream of everybody's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::actor::ActorView;

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Computed from what the event says, so that it is the same however often the event is decided, recorded or sent.
    #[schema(examples("0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11"))]
    pub id: String,
    /// Counted from 1 within the order, without gaps.
    pub seq: u64,
    #[serde(rename = "type")]
    #[schema(examples("order_placed"))]
    pub kind: String,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What the event says, by its type. No personal data.
    pub data: Value,
    /// Whose doing it was; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    /// The request in which they did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An event for others: at once a CloudEvents 1.0 event and a payload of Standard Webhooks 1.0.0. `docs/events.md` has every type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublicEventView {
    /// 1.0, of CloudEvents.
    #[schema(examples("1.0"))]
    pub specversion: String,
    /// Computed from what the event says, so that it is the same however often the event is decided, recorded or sent: whoever has it has seen the
    /// event.
    #[schema(examples("0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11"))]
    pub id: String,
    #[schema(examples("oms"))]
    pub source: String,
    #[serde(rename = "type")]
    #[schema(examples("order.placed"))]
    pub kind: String,
    /// Business time.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// The same.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What it is about, and in order for.
    #[schema(examples("order/536365"))]
    pub subject: String,
    #[schema(examples("application/json"))]
    pub datacontenttype: String,
    /// Counts the events of the subject from 1, without a gap.
    pub sequence: u64,
    /// Of what it is about: an order's own version.
    pub version: u64,
    /// Ids, units, amounts and links, by its type. No personal data.
    pub data: Value,
}

/// An event of the stream: at least once, and in order for each subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamEventView {
    /// For `?cursor=`, to go on after this one. All else is the event itself, as it is sent everywhere.
    pub position: String,
    #[serde(flatten)]
    pub event: PublicEventView,
}

impl StreamEventView {
    /// The order that it is of, or that its return is of.
    pub fn order_id(&self) -> Option<&str> {
        self.event.data.get("order_id").and_then(Value::as_str)
    }
}

/// One decision of sourcing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AllocationView {
    /// Counted from 1 within the order.
    pub round: u32,
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: Timestamp,
    /// Inputs, plan, cost, gap, and why each other facility was not chosen.
    pub decision: Value,
}
