//! The fulfillment order's machine: what one facility ships of an order by one method.

use crate::machine;

machine! {
    /// Where a fulfillment order stands (LIFECYCLE.md, Fulfillment order).
    states FulfillmentStatus {
        /// A preorder, until its time comes.
        Scheduled = "scheduled",
        /// Sourced; the facility has not been told yet.
        Open = "open",
        /// No facility has the stock: its units wait.
        Backordered = "backordered",
        /// In the facility's queue.
        Released = "released",
        Accepted = "accepted",
        Picking = "picking",
        Packed = "packed",
        ReadyForPickup = "ready_for_pickup",
        Shipped = "shipped",
        PickedUp = "picked_up",
        /// Rejected or picked short: its units look for another facility.
        Incomplete = "incomplete",
        Cancelled = "cancelled",
    }
    /// What can happen to a fulfillment order.
    actions FulfillmentAction {
        /// A preorder's time comes.
        FallDue = "fall-due",
        /// Stock arrived, or another facility was found.
        Source = "source",
        /// No facility was found.
        Backorder = "backorder",
        Release = "release",
        Accept = "accept",
        Reject = "reject",
        StartPicking = "start-picking",
        ShortPick = "short-pick",
        /// Its stock is not there after all: a count, a sale or a theft says so.
        Short = "short",
        /// A pool of orders was decided again together: its units go elsewhere.
        CallBack = "call-back",
        Pack = "pack",
        Unpack = "unpack",
        Ready = "ready",
        Ship = "ship",
        Unship = "unship",
        Handover = "handover",
        NoShow = "no-show",
        /// Move, split or merge: the units go on under another number.
        Move = "move",
        /// At once; what a facility has accepted is asked for instead.
        Cancel = "cancel",
        RequestCancellation = "request-cancellation",
        AcceptCancellation = "accept-cancellation",
        RefuseCancellation = "refuse-cancellation",
        /// A change set touches what a facility has accepted.
        RequestChange = "request-change",
        /// Once everyone who was asked agrees, the units are called back, or some of them leave.
        AcceptChange = "accept-change",
        RefuseChange = "refuse-change",
    }
    transitions {
        Scheduled, FallDue => Open;
        Backordered | Incomplete, Source => Open;
        Incomplete, Backorder => Backordered;
        Open, Release => Released;
        Released, Accept => Accepted;
        Released | Accepted, StartPicking => Picking;
        Picking, Pack => Packed;
        Packed, Unpack => Picking;
        Packed | Picking, Ready => ReadyForPickup;
        Packed, Ship => Shipped;
        Shipped, Unship => Packed;
        ReadyForPickup, Handover => PickedUp;
        ReadyForPickup, NoShow => Cancelled;
        Released | Accepted | Picking | Packed | ReadyForPickup, Reject => Incomplete;
        Picking, ShortPick => Incomplete;
        Scheduled | Open | Released | Accepted | Picking, Short => Incomplete;
        Open, CallBack => Incomplete;
        Scheduled | Open | Backordered | Incomplete | Released | Accepted, Move => Cancelled;
        Scheduled | Open | Backordered | Incomplete | Released, Cancel => Cancelled;
        Accepted, RequestCancellation => Accepted;
        Picking, RequestCancellation => Picking;
        Packed, RequestCancellation => Packed;
        ReadyForPickup, RequestCancellation => ReadyForPickup;
        Accepted | Picking | Packed | ReadyForPickup, AcceptCancellation => Cancelled;
        Accepted, RefuseCancellation => Accepted;
        Picking, RefuseCancellation => Picking;
        Packed, RefuseCancellation => Packed;
        ReadyForPickup, RefuseCancellation => ReadyForPickup;
        Accepted, RequestChange => Accepted;
        Picking, RequestChange => Picking;
        Packed, RequestChange => Packed;
        ReadyForPickup, RequestChange => ReadyForPickup;
        Accepted | Picking | Packed | ReadyForPickup, AcceptChange => Cancelled;
        Accepted, RefuseChange => Accepted;
        Picking, RefuseChange => Picking;
        Packed, RefuseChange => Packed;
        ReadyForPickup, RefuseChange => ReadyForPickup;
    }
}

impl FulfillmentStatus {
    /// Its units are reserved at its facility.
    pub fn holds_stock(self) -> bool {
        match self {
            Self::Scheduled | Self::Open | Self::Released | Self::Accepted | Self::Picking | Self::Packed | Self::ReadyForPickup => true,
            Self::Backordered | Self::Incomplete | Self::Shipped | Self::PickedUp | Self::Cancelled => false,
        }
    }

    /// Its units have left the facility.
    pub fn has_left(self) -> bool {
        match self {
            Self::Shipped | Self::PickedUp => true,
            Self::Scheduled | Self::Open | Self::Backordered | Self::Released | Self::Accepted | Self::Picking => false,
            Self::Packed | Self::ReadyForPickup | Self::Incomplete | Self::Cancelled => false,
        }
    }

    /// In its facility's queue: nobody has begun to pick, and it takes its place of the day.
    pub fn is_queued(self) -> bool {
        matches!(self, Self::Released | Self::Accepted)
    }

    /// Somebody has its units in hand, or is picking them.
    pub fn is_picked(self) -> bool {
        self == Self::Picking || self.is_packed()
    }

    /// Its units are off the shelf, and in the house.
    pub fn is_packed(self) -> bool {
        matches!(self, Self::Packed | Self::ReadyForPickup)
    }

    /// Where units are missing: who gives theirs up first, the lowest first. None: what is packed, or holds none.
    pub fn gives_way_rank(self) -> Option<u8> {
        let in_turn = [Self::Scheduled, Self::Open, Self::Released, Self::Accepted, Self::Picking];
        in_turn.into_iter().zip(0..).find(|(status, _)| *status == self).map(|(_, rank)| rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gives_way_holds_stock_and_may_be_short_of_it() {
        for status in FulfillmentStatus::ALL {
            let may_be_short = status.after(FulfillmentAction::Short).is_some();
            assert_eq!(status.gives_way_rank().is_some(), may_be_short, "{status:?}");
            assert!(status.holds_stock() || !(may_be_short || status.is_picked() || status.is_queued()), "{status:?}");
        }
    }
}
