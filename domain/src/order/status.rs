//! The order's own machine. Everything else about an order is an axis beside it (LIFECYCLE.md).

use crate::machine;

machine! {
    /// Where an order stands.
    states OrderStatus {
        /// Taken in: being sourced, reserved and authorized.
        Created = "created",
        Approved = "approved",
        /// With the facilities.
        Processing = "processing",
        Completed = "completed",
        Cancelled = "cancelled",
        /// Payment or screening said no.
        Rejected = "rejected",
        /// Payment did not come in time.
        Expired = "expired",
    }
    /// What moves an order on.
    actions OrderAction {
        Approve = "approve",
        Reject = "reject",
        Expire = "expire",
        /// Sourcing has answered, whatever it answered.
        Process = "process",
        Complete = "complete",
        Cancel = "cancel",
    }
    transitions {
        Created, Approve => Approved;
        Created, Reject => Rejected;
        Created, Expire => Expired;
        Approved, Process => Processing;
        Processing, Complete => Completed;
        Created | Approved | Processing, Cancel => Cancelled;
    }
}

impl OrderStatus {
    /// It ended, and nothing was sent for it.
    pub fn came_to_nothing(self) -> bool {
        match self {
            Self::Cancelled | Self::Rejected | Self::Expired => true,
            Self::Created | Self::Approved | Self::Processing | Self::Completed => false,
        }
    }
}
