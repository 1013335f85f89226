//! Claims: the customer keeps or never had the use of the goods, and asks for their money; nothing comes back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lines, refund::AUTOMATIC};
use crate::{
    ids::{ClaimId, RefundId},
    machine,
};

machine! {
    /// Where a claim stands.
    states ClaimStatus {
        /// A person answers, or the deadline does.
        Opened = "opened",
        /// The money is on its way.
        Approved = "approved",
        Declined = "declined",
        /// The money has reached the customer.
        Closed = "closed",
    }
    /// What moves a claim on.
    actions ClaimAction {
        Approve = "approve",
        Decline = "decline",
        Close = "close",
    }
    transitions {
        Opened, Approve => Approved;
        Opened, Decline => Declined;
        Approved, Close => Closed;
    }
}

/// Units that the customer has and wants their money back for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub claim_id: ClaimId,
    pub status: ClaimStatus,
    pub since: Timestamp,
    pub lines: Lines,
    /// What is wrong with them.
    pub reason: String,
    /// What is owed for them; none until the claim is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
}

impl Claim {
    /// The refund that the claim leads to, under the order's own name for it.
    pub fn refund_id(&self) -> Option<RefundId> {
        RefundId::parse(format!("{AUTOMATIC}claim.{}", self.claim_id.number()?)).ok()
    }

    /// No return, and no other claim, may speak for its units.
    pub(super) fn holds_units(&self) -> bool {
        match self.status {
            ClaimStatus::Opened | ClaimStatus::Approved | ClaimStatus::Closed => true,
            ClaimStatus::Declined => false,
        }
    }
}
