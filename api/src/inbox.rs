//! Messages to orders that could not be delivered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A dead letter: a message that an order could not be told, often enough that nobody tries it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    pub message_id: i64,
    pub order_id: String,
    /// `stock_arrived`, `stock_shorted` or `carrier_event`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the order would be told. No personal data.
    pub payload: Value,
    pub attempts: u32,
    /// What the last attempt failed with.
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub dead_at: Timestamp,
}
