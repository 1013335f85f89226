//! The reservation's machine. The rows live in the store, which moves them in one conditional transaction; the rules are here.

use crate::{machine, waits::waits};

/// How long stock is held for a checkout, unless it says.
pub const HOLD_DEFAULT_S: u32 = 15 * 60;
/// The longest a hold can last from when it was made, however often its deadline is moved.
pub const HOLD_MAX_S: u32 = 2 * 60 * 60;

waits! {
    /// What a reservation can wait for; its deadline is by the database's clock.
    Wait {
        Checkout = "checkout_hold", "`hold_s` of the request (15 min unless it says), at most 2 h in all", "the units go back: to whoever waits for them first", "the checkout";
    }
}

machine! {
    /// Where reserved units stand (LIFECYCLE.md, Stock and reservations).
    states ReservationStatus {
        Requested = "requested",
        /// For a checkout, until its deadline.
        Held = "held",
        Denied = "denied",
        /// For an order.
        Allocated = "allocated",
        Expired = "expired",
        Released = "released",
        /// Taken at another facility instead, in the same transaction.
        Moved = "moved",
        /// A fact (count, theft, rejection) took the stock away.
        Shorted = "shorted",
        /// Shipped or picked up.
        Consumed = "consumed",
        Restocked = "restocked",
    }
    /// What happens to reserved units.
    actions ReservationAction {
        Hold = "hold",
        Deny = "deny",
        Allocate = "allocate",
        Expire = "expire",
        /// Give it another deadline.
        Extend = "extend",
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
        Held, Extend => Held;
        Held, Expire => Expired;
        Held | Allocated, Release => Released;
        Allocated, Move => Moved;
        Allocated, Short => Shorted;
        Allocated, Consume => Consumed;
        Consumed, Restock => Restocked;
    }
}
