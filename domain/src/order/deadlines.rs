//! The one table of waits: every wait has a deadline, a default, and stands in this list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FulfillmentOrder, Order, OrderStatus};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::PaymentId,
    parcel::ParcelStatus,
    payment::OperationKind,
    policy::{Policy, ms},
};

macro_rules! waits {
    ($( $name:ident = $key:literal, $lasts:literal, $default:literal, $extends:literal; )+) => {
        /// What an order can wait for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Wait { $( #[serde(rename = $key)] $name, )+ }

        impl Wait {
            /// Every wait: key, how long, what happens then, who may extend it. Printed into the docs.
            pub const TABLE: &[(Wait, &str, &str, &str, &str)] = &[ $( (Wait::$name, $key, $lasts, $default, $extends), )+ ];
            /// What happens when it is over, in words.
            pub fn overdue(self) -> &'static str { match self { $( Self::$name => $default, )+ } }
            pub fn key(self) -> &'static str { match self { $( Self::$name => $key, )+ } }
        }
    };
}

waits! {
    Payment = "payment", "payment_deadline_ms after placing", "the order expires and its stock is given back", "support";
    Sourcing = "sourcing", "sourcing_ms after asking", "no facility was found in time, nor that there is none", "operations";
    Hold = "hold", "until the hold's own expiry", "the hold is lifted", "support";
    HoldReview = "hold_review", "hold_review_ms after placing the hold, if it has no expiry", "nobody has lifted the hold in time", "support";
    Remorse = "remorse", "remorse_ms after placing", "open fulfillment orders are released", "support";
    Preorder = "preorder", "until the line's fulfill_at", "the fulfillment order is opened", "support";
    Backorder = "backorder", "backorder_ms after waiting began, or the order's cancel_after", "the waiting units are cancelled", "support";
    SplitWait = "split_wait", "split_wait_ms after placing", "the waiting units are sourced at any cost", "support";
    Acceptance = "acceptance", "accept_ms after release", "released and not accepted in time", "the facility";
    Packing = "packing", "pick_ms after acceptance", "accepted and not packed in time", "the facility";
    Shipping = "shipping", "ship_ms after packing", "packed and not shipped in time", "the facility";
    CancellationRequest = "cancellation_request", "cancellation_request_ms after asking", "refused if Packed, else accepted", "support";
    Label = "label", "label_ms after asking", "the carrier gave no label in time", "the facility";
    Delivery = "delivery", "assumed_delivery_ms after shipping", "assumed delivered, and marked so", "support";
    UnknownPayment = "unknown_payment", "unknown_payment_ms after asking, or after losing sight", "the gateway did not say in time what became of it", "finance";
}

/// One wait of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    pub wait: Wait,
    /// What waits: the order, a hold, a fulfillment order, a parcel, an operation.
    pub subject: String,
    pub due: Timestamp,
}

impl Order {
    /// Every deadline that is still to come, soonest first. What a person was told to look at is not told again.
    pub fn deadlines(&self) -> Vec<Deadline> {
        let mut deadlines = self.waits();
        deadlines.retain(|d| !self.attention.iter().any(|known| known.wait == Some(d.wait) && known.subject == d.subject));
        deadlines.sort_by(|a, b| (a.due, a.wait, &a.subject).cmp(&(b.due, b.wait, &b.subject)));
        deadlines
    }

    /// Every wait the order is in, overdue or not. After the end nothing is waited for but the gateway.
    pub(super) fn waits(&self) -> Vec<Deadline> {
        let mut waits = Vec::new();
        self.payment_waits(&mut waits);
        if !self.status.is_final() {
            self.order_waits(&mut waits);
            for found in &self.fulfillment_orders {
                self.fulfillment_waits(found, &mut waits);
            }
        }
        waits
    }

    fn payment_waits(&self, waits: &mut Vec<Deadline>) {
        for payment in &self.payments {
            for operation in payment.operations.iter().filter(|op| op.is_open()) {
                let subject = operation_subject(operation.kind, &payment.payment_id);
                push(waits, Wait::UnknownPayment, &subject, later(operation.since, self.policy.unknown_payment_ms));
            }
        }
    }

    fn order_waits(&self, waits: &mut Vec<Deadline>) {
        let (policy, id) = (&self.policy, self.core.order_id.as_str());
        if self.status == OrderStatus::Created && !self.is_paid_for() {
            push(waits, Wait::Payment, id, later(self.core.placed_at, policy.payment_deadline_ms));
        }
        if let Some(since) = self.sourcing.since.filter(|_| self.sourcing.asked > self.sourcing.answered) {
            push(waits, Wait::Sourcing, id, later(since, policy.sourcing_ms));
        }
        for hold in &self.holds {
            let (wait, due) = match hold.expires_at {
                Some(due) => (Wait::Hold, due),
                None => (Wait::HoldReview, later(hold.placed_at, policy.hold_review_ms)),
            };
            push(waits, wait, hold.hold_id.as_str(), due);
        }
    }

    fn fulfillment_waits(&self, found: &FulfillmentOrder, waits: &mut Vec<Deadline>) {
        let (policy, id) = (&self.policy, found.fulfillment_order_id.as_str());
        let mut wait = |wait, due| push(waits, wait, id, due);
        match found.status {
            FulfillmentStatus::Open if self.status == OrderStatus::Processing && self.holds.is_empty() => {
                wait(Wait::Remorse, later(self.core.placed_at, policy.remorse_ms));
            }
            FulfillmentStatus::Open | FulfillmentStatus::Incomplete | FulfillmentStatus::ReadyForPickup => {}
            FulfillmentStatus::Scheduled => wait(Wait::Preorder, found.fulfill_at.unwrap_or(found.since)),
            FulfillmentStatus::Backordered => {
                wait(Wait::Backorder, self.waits_until(found, policy));
                if found.on_purpose {
                    wait(Wait::SplitWait, self.may_wait_until());
                }
            }
            FulfillmentStatus::Released => wait(Wait::Acceptance, later(found.since, policy.accept_ms)),
            FulfillmentStatus::Accepted | FulfillmentStatus::Picking => wait(Wait::Packing, later(found.since, policy.pick_ms)),
            FulfillmentStatus::Shipped if !found.is_delivered() && found.parcels.iter().any(|p| p.status.is_in_transit()) => {
                wait(Wait::Delivery, later(found.since, policy.assumed_delivery_ms));
            }
            FulfillmentStatus::Packed => wait(Wait::Shipping, later(found.since, policy.ship_ms)),
            FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => {}
        }
        if let Some(request) = &found.cancellation_request {
            wait(Wait::CancellationRequest, later(request.since, policy.cancellation_request_ms));
        }
        for parcel in found.parcels.iter().filter(|p| p.status == ParcelStatus::LabelPending) {
            push(waits, Wait::Label, parcel.parcel_id.as_str(), later(parcel.since, policy.label_ms));
        }
    }

    /// Until then units may wait rather than travel in a dear consignment of their own; an order that does not wait never lets them.
    pub(super) fn may_wait_until(&self) -> Timestamp {
        let wait_ms = if self.core.allow_backorder { self.policy.split_wait_ms } else { 0 };
        later(self.core.placed_at, wait_ms)
    }

    fn waits_until(&self, found: &FulfillmentOrder, policy: &Policy) -> Timestamp {
        let by_policy = later(found.waiting_since.unwrap_or(found.since), policy.backorder_ms);
        self.core.cancel_after.map_or(by_policy, |cancel_after| cancel_after.min(by_policy))
    }
}

/// What an operation is called where a person must look at it.
pub(super) fn operation_subject(kind: OperationKind, payment_id: &PaymentId) -> String {
    format!("{} {payment_id}", kind.as_str())
}

/// Saturates at the end of the calendar, which is never reached.
pub(super) fn later(since: Timestamp, after_ms: i64) -> Timestamp {
    since.saturating_add(ms(after_ms)).unwrap_or(Timestamp::MAX)
}

fn push(waits: &mut Vec<Deadline>, wait: Wait, subject: &str, due: Timestamp) {
    waits.push(Deadline { wait, subject: subject.to_owned(), due });
}
