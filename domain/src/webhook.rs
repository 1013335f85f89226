//! What companies outside say unasked, in the house's words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ids::OrderId, kinds::named, money::Currency, parcel::ParcelAction};

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookFact {
    Scan { event_id: String, carrier: String, tracking_number: String, action: ParcelAction, occurred_at: Timestamp },
    Gateway(GatewayReport),
}

/// What a gateway says of a payment. Each counts once, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayReport {
    pub event_id: String,
    pub order_id: OrderId,
    pub news: GatewayNews,
    /// The gateway's id of what it is about: a dispute, a refund, a payment.
    pub about: String,
    pub amount_minor: i64,
    pub currency: Currency,
}

named! {
    /// What has become of a payment.
    GatewayNews {
        /// The customer's bank has taken the money back, until it is decided whose it is.
        Disputed = "disputed",
        DisputeWon = "dispute_won",
        DisputeLost = "dispute_lost",
        /// A refund that had been taken for made.
        RefundFailed = "refund_failed",
        /// It is not where it was, as after a capture that came late: what the order had given up asking about is asked again.
        Moved = "moved",
    }
}

/// Why something that was said does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFlaw {
    #[error("it has no signature")]
    Unsigned,
    #[error("it is not signed with the secret of this webhook")]
    Forged,
    #[error("it was signed too long ago, or ahead of now")]
    Old,
    #[error("its secret cannot be read")]
    NoSecret,
    #[error("it cannot be read")]
    Unreadable,
    #[error("what it is about cannot be looked up now")]
    Later,
}
