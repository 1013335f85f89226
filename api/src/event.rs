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

/// An event of the stream: at least once, and in order for each order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamEventView {
    /// For `?cursor=`, to go on after this one.
    pub position: String,
    /// None of `events.restored`, which says that events after the position `after` may have been lost with a restored database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    #[serde(flatten)]
    pub event: EventView,
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
