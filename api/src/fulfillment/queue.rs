//! What a facility has before it, in numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A facility's queue, by state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    pub facility_id: String,
    /// In the order in which a fulfillment order goes through them.
    pub items: Vec<QueueCountView>,
}

/// How many are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueCountView {
    #[schema(examples("released"))]
    pub status: String,
    pub count: u64,
    /// Those that should have shipped by now.
    pub late: u64,
    /// When the first of them must ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_ship_by: Option<Timestamp>,
}
