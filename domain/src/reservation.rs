//! The reservation's machine. The rows live in the store, which moves them in one conditional transaction; the rules are here.

use crate::machine;

machine! {
    /// Where reserved units stand (LIFECYCLE.md, Stock and reservations).
    states ReservationStatus {
        Requested = "Requested",
        /// For a checkout, until its deadline.
        Held = "Held",
        Denied = "Denied",
        /// For an order.
        Allocated = "Allocated",
        Expired = "Expired",
        Released = "Released",
        /// Taken at another facility instead, in the same transaction.
        Moved = "Moved",
        /// A fact (count, theft, rejection) took the stock away.
        Shorted = "Shorted",
        /// Shipped or picked up.
        Consumed = "Consumed",
        Restocked = "Restocked",
    }
    /// What happens to reserved units.
    actions ReservationAction {
        Hold = "hold",
        Deny = "deny",
        Allocate = "allocate",
        Expire = "expire",
        Release = "release",
        Move = "move",
        Short = "short",
        Consume = "consume",
        Restock = "restock",
    }
    transitions {
        Requested, Hold => Held;
        Requested, Deny => Denied;
        Requested | Held, Allocate => Allocated;
        Held, Expire => Expired;
        Held | Allocated, Release => Released;
        Allocated, Move => Moved;
        Allocated, Short => Shorted;
        Allocated, Consume => Consumed;
        Consumed, Restock => Restocked;
    }
}
