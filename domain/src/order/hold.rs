//! Why an order may not go on for now.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ids::HoldId, kinds::named};

named! {
    /// Why an order may not go on for now.
    HoldReason {
        AwaitingPayment = "awaiting_payment",
        HighRiskOfFraud = "high_risk_of_fraud",
        IncorrectAddress = "incorrect_address",
        InventoryOutOfStock = "inventory_out_of_stock",
        AwaitingReturnItems = "awaiting_return_items",
        UnknownDeliveryDate = "unknown_delivery_date",
        Other = "other",
    }
}

/// Blocks approval, release and what leaves the house until it is lifted or expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub hold_id: HoldId,
    pub reason: HoldReason,
    pub placed_at: Timestamp,
    /// Lifted by itself then.
    pub expires_at: Option<Timestamp>,
    /// What the order itself has found, for the person who lifts it. No personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
