//! The order's own machine. Everything else about an order is an axis beside it (LIFECYCLE.md).

use crate::machine;

machine! {
    /// Where an order stands.
    states OrderStatus {
        /// Taken in: being sourced, reserved and authorized.
        Created = "Created",
        Approved = "Approved",
        /// With the facilities.
        Processing = "Processing",
        Completed = "Completed",
        Cancelled = "Cancelled",
        /// Payment or screening said no.
        Rejected = "Rejected",
        /// Payment did not come in time.
        Expired = "Expired",
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
