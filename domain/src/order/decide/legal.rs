//! What can be asked of a fulfillment order now, in the API's words: the machine's rows that have a door, as far as this order allows.

use crate::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    order::{FulfillmentOrder, Order, OrderStatus},
    parcel::{ParcelAction, ParcelStatus},
    placed::DeliveryMethod,
};

impl Order {
    /// Requests that would not be refused for the state's sake. A rule may still refuse one: a wrong code, units that are not there.
    pub fn legal_actions(&self, found: &FulfillmentOrder) -> Vec<&'static str> {
        if self.status.is_final() {
            return Vec::new();
        }
        let open = FulfillmentAction::ALL.iter().filter(|action| self.is_open_to(found, **action));
        let mut words: Vec<&str> = open.map(|action| action.name()).collect();
        let shipped = found.status == FulfillmentStatus::Shipped;
        if shipped && found.parcels.iter().any(|p| p.status.after(ParcelAction::Deliver).is_some() && p.resolution.is_none()) {
            words.push("deliver");
        }
        if shipped && found.parcels.iter().any(|p| p.status.after(ParcelAction::Lose).is_some()) {
            words.push("mark-lost");
        }
        let movable = words.contains(&FulfillmentAction::Move.name());
        if movable && self.may_split(found) {
            words.push("split");
        }
        if movable && self.fulfillment_orders.iter().any(|other| may_merge(found, other)) {
            words.push("merge");
        }
        words
    }

    /// What must not be split, or was accepted as one, stays one.
    pub(super) fn may_split(&self, found: &FulfillmentOrder) -> bool {
        self.core.allow_split && found.status != FulfillmentStatus::Accepted && found.units() > 1
    }

    fn is_open_to(&self, found: &FulfillmentOrder, action: FulfillmentAction) -> bool {
        let pickup = self.core.groups.get(usize::from(found.group)).is_some_and(|group| group.method == DeliveryMethod::Pickup);
        let legal = found.status.after(action).is_some();
        let labelled_only = || found.parcels.iter().all(|p| matches!(p.status, ParcelStatus::Labelled | ParcelStatus::Voided));
        match action {
            // Nobody asks for these: they follow by themselves, or from a cancellation.
            FulfillmentAction::FallDue | FulfillmentAction::Source | FulfillmentAction::Backorder | FulfillmentAction::Short => false,
            FulfillmentAction::CallBack => false,
            FulfillmentAction::Cancel | FulfillmentAction::RequestCancellation | FulfillmentAction::RequestChange => false,
            FulfillmentAction::AcceptCancellation | FulfillmentAction::RefuseCancellation => legal && found.cancellation_request.is_some(),
            FulfillmentAction::AcceptChange | FulfillmentAction::RefuseChange => legal && self.is_asked(found),
            FulfillmentAction::Release => legal && self.status == OrderStatus::Processing && self.holds.is_empty(),
            FulfillmentAction::Ready | FulfillmentAction::NoShow => legal && pickup,
            FulfillmentAction::Handover => legal && pickup && self.why_it_stays(found).is_none(),
            FulfillmentAction::Ship => !pickup && is_shippable(found.status) && self.why_it_stays(found).is_none(),
            FulfillmentAction::Unship => legal && labelled_only(),
            FulfillmentAction::Accept | FulfillmentAction::Reject | FulfillmentAction::StartPicking | FulfillmentAction::ShortPick => legal,
            FulfillmentAction::Pack | FulfillmentAction::Unpack | FulfillmentAction::Move => legal,
        }
    }
}

/// Only before a facility has begun, and only what is alike.
pub(super) fn may_merge(found: &FulfillmentOrder, other: &FulfillmentOrder) -> bool {
    let early = [FulfillmentStatus::Scheduled, FulfillmentStatus::Open, FulfillmentStatus::Backordered, FulfillmentStatus::Released];
    let alike = |f: &FulfillmentOrder| (f.status, f.facility_id.clone(), f.group, f.fulfill_at, f.whole, f.replaces.clone());
    other.fulfillment_order_id != found.fulfillment_order_id && alike(other) == alike(found) && early.contains(&found.status)
}

/// Shipping implies accepting, picking and packing.
fn is_shippable(status: FulfillmentStatus) -> bool {
    match status {
        FulfillmentStatus::Released | FulfillmentStatus::Accepted | FulfillmentStatus::Picking | FulfillmentStatus::Packed => true,
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Backordered | FulfillmentStatus::Incomplete => false,
        FulfillmentStatus::ReadyForPickup | FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp => false,
        FulfillmentStatus::Cancelled => false,
    }
}
