//! What the customer is asked about units that have no stock, each question with a deadline and a default.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::FulfillmentOrderId;

/// A question to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// `<fulfillment_order_id>-D`: one a fulfillment order.
    pub decision_id: String,
    /// The waiting units it is about.
    pub fulfillment_order_id: FulfillmentOrderId,
    pub since: Timestamp,
    /// Open until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

/// What the customer, or the default, says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// They wait for stock, as long as the order waits.
    #[default]
    Wait,
    /// They do without.
    Drop,
}
