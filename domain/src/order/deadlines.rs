//! The one table of waits: every wait has a deadline, a default, and stands in this list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClaimStatus, FulfillmentOrder, Order, OrderStatus, Parcel, RejectionReason, decide::renews, money::operation_subject};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::PaymentId,
    parcel::ParcelStatus,
    payment::{OperationKind, OperationStatus, Payment, operation_key},
    policy::{Policy, ms},
    waits::{heard_of_by, waits},
};

waits! {
    /// What an order can wait for.
    Wait {
        Payment = "payment", "payment_deadline_ms after it was taken in, or begun if that was later", "the order expires and its stock is given back", "support";
        Sourcing = "sourcing", "sourcing_ms after asking", "no facility was found in time, nor that there is none", "operations";
        Screening = "screening", "screening_ms after asking the fraud check", "a person must lift the hold that it gets", "support";
        Hold = "hold", "until the hold's own expiry", "the hold is lifted", "support";
        HoldReview = "hold_review", "hold_review_ms after placing the hold, if it has no expiry", "nobody has lifted the hold in time", "support";
        Remorse = "remorse", "remorse_ms after it was taken in", "open fulfillment orders are released", "support";
        Preorder = "preorder", "until the line's fulfill_at", "the fulfillment order is opened", "support";
        Backorder = "backorder", "backorder_ms after waiting began, or the order's cancel_after", "the waiting units are cancelled", "support";
        SplitWait = "split_wait", "split_wait_ms after it was taken in", "the waiting units are sourced at any cost", "support";
        Capacity = "capacity", "no_capacity_ms after a facility had no time for them", "the waiting units are sourced again", "nobody";
        Acceptance = "acceptance", "accept_ms after release", "released and not accepted in time", "the facility";
        Packing = "packing", "pick_ms after acceptance", "accepted and not packed in time", "the facility";
        Shipping = "shipping", "ship_ms after packing", "packed and not shipped in time", "the facility";
        CancellationRequest = "cancellation_request", "cancellation_request_ms after asking", "refused if packed, else accepted", "support";
        ChangeRequest = "change_request", "change_request_ms after asking the first facility", "it is declined", "support";
        Label = "label", "label_ms after asking", "the carrier gave no label in time", "the facility";
        Delivery = "delivery", "assumed_delivery_ms after shipping", "assumed delivered, and marked so", "support";
        Decision = "decision", "decision_ms after asking the customer", "decision_default is done", "support";
        Transit = "transit", "transit_ms after the carrier's last word", "the carrier has said nothing for too long", "support";
        LostParcel = "lost_parcel", "lost_parcel_ms after it was lost or sent back", "its units' money is given back", "support";
        Pickup = "pickup", "pickup_window_ms after it was ready", "cancelled as not_collected, put back and given back", "support";
        Renewal = "renewal", "renew_before_ms before an authorization expires, or halfway if that is later", "it is renewed for what will still be captured", "finance";
        AuthorizationExpiry = "authorization_expiry", "until the authorization expires", "what is left of it counts no more", "nobody";
        ReturnItems = "return_items", "exchange_ms after an exchange was taken in, until its goods are back", "what has not gone out is cancelled", "support";
        Claim = "claim", "claim_ms after it was opened", "it is declined", "support";
        Retry = "retry", "retry_ms after it failed or gave up, retries_max times; then a person must", "it is tried again", "operations";
        UnknownPayment = "unknown_payment", "unknown_payment_ms after asking, or after losing sight", "the gateway did not say in time what became of it", "finance";
    }
}

/// One wait of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    pub wait: Wait,
    /// What waits: the order, a hold, a fulfillment order, a parcel, an operation.
    pub subject: String,
    pub due: Timestamp,
}

/// An authorization that ends by itself.
pub(super) struct Expiring {
    pub(super) subject: String,
    pub(super) payment_id: PaymentId,
    pub(super) number: u32,
    pub(super) reference: String,
    pub(super) since: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) left_minor: i64,
    /// It will be needed, and nobody has renewed it or tried in vain.
    pub(super) renewable: bool,
}

impl Expiring {
    /// One that does not last long is not renewed before half of its time is over: else it would be as soon as it was made.
    fn renewed_at(&self, policy: &Policy) -> Timestamp {
        let half = self.expires_at.duration_since(self.since) / 2;
        let halfway = self.since.saturating_add(half).unwrap_or(self.expires_at);
        later(self.expires_at, policy.renew_before_ms.saturating_neg()).max(halfway)
    }
}

impl Order {
    /// Every deadline that is still to come, soonest first. What a person was told to look at is not told again.
    pub fn deadlines(&self) -> Vec<Deadline> {
        let mut deadlines = self.waits();
        deadlines.retain(|d| !self.attention.iter().any(|known| known.wait == Some(d.wait) && known.subject == d.subject));
        deadlines.sort_by(|a, b| (a.due, a.wait, &a.subject).cmp(&(b.due, b.wait, &b.subject)));
        deadlines
    }

    /// When something should be heard of the order, if it was last heard of at `at`: the next wait is over, or something asked outside has
    /// been answered, within minutes. None: it has ended, and nothing is owed any more.
    pub fn next_wait_at(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_closed() {
            return None;
        }
        let next = self.deadlines().first().map(|deadline| deadline.due);
        Some(heard_of_by(at, next, !self.pending_effects().is_empty()))
    }

    /// Every wait the order is in, overdue or not. After the end nothing is waited for but money.
    pub(super) fn waits(&self) -> Vec<Deadline> {
        let mut waits = Vec::new();
        self.payment_waits(&mut waits);
        self.authorization_waits(&mut waits);
        self.retry_waits(&mut waits);
        self.claim_waits(&mut waits);
        if !self.status.is_final() {
            self.order_waits(&mut waits);
            for found in &self.fulfillment_orders {
                self.fulfillment_waits(found, &mut waits);
            }
        }
        if !self.extended.is_empty() {
            waits.iter_mut().for_each(|known| known.due = self.due(known.wait, &known.subject, known.due));
        }
        waits
    }

    /// When a wait is over that would be over at `due` if nobody had given it more time.
    pub(super) fn due(&self, wait: Wait, subject: &str, due: Timestamp) -> Timestamp {
        self.extended.get(&wait.of(subject)).map_or(due, |until| due.max(*until))
    }

    fn authorization_waits(&self, waits: &mut Vec<Deadline>) {
        for expiring in self.expiring() {
            push(waits, Wait::AuthorizationExpiry, &expiring.subject, expiring.expires_at);
            if expiring.renewable {
                push(waits, Wait::Renewal, &expiring.subject, expiring.renewed_at(&self.policy));
            }
        }
    }

    /// Authorizations that end by themselves, with what is left of them.
    pub(super) fn expiring(&self) -> Vec<Expiring> {
        let needed = self.needs_authorizations();
        let mut found = Vec::new();
        for payment in &self.payments {
            for (old, left_minor) in payment.live_authorizations() {
                let (Some(expires_at), Some(reference)) = (old.expires_at, old.reference.clone()) else { continue };
                let asked = payment.operations.iter().any(|new| renews(new, old) && new.status != OperationStatus::Failed);
                let blocked = self.is_blocked(OperationKind::Authorize, &payment.payment_id);
                found.push(Expiring {
                    subject: format!("authorization {} {}", payment.payment_id, old.number),
                    payment_id: payment.payment_id.clone(),
                    number: old.number,
                    reference,
                    since: old.since,
                    expires_at,
                    left_minor,
                    renewable: needed && !asked && !blocked && payment.open_operation().is_none(),
                });
            }
        }
        found
    }

    /// Something is still to be captured.
    pub(super) fn needs_authorizations(&self) -> bool {
        !self.status.is_final() && self.remaining_minor() + self.uncaptured_minor() > 0
    }

    fn claim_waits(&self, waits: &mut Vec<Deadline>) {
        for claim in self.claims.iter().filter(|claim| claim.status == ClaimStatus::Opened) {
            push(waits, Wait::Claim, claim.claim_id.as_str(), later(claim.since, self.policy.claim_ms));
        }
    }

    /// What was refused at the gateway, or gave up, and is tried again by itself.
    fn retry_waits(&self, waits: &mut Vec<Deadline>) {
        for known in self.attention.iter().filter(|known| known.wait.is_none() && self.is_retryable(&known.subject)) {
            if self.failures(&known.subject) <= self.policy.retries_max {
                push(waits, Wait::Retry, &known.subject, later(known.since, self.policy.retry_ms));
            }
        }
    }

    /// Something follows by itself once it does not need attention any more.
    pub fn is_retryable(&self, subject: &str) -> bool {
        self.failures(subject) > 0 || self.owed_effects().iter().any(|effect| effect.key() == subject)
    }

    /// A person may say that it is dealt with: it is tried again, or was only to be known.
    pub fn may_be_retried(&self, subject: &str) -> bool {
        self.is_retryable(subject) || self.is_contradicted(subject) || self.is_found_again(subject)
    }

    fn is_contradicted(&self, subject: &str) -> bool {
        let key = |payment: &Payment, number| operation_key(&self.core.order_id, &payment.payment_id, number);
        self.payments.iter().any(|p| p.operations.iter().any(|op| op.contradicted && key(p, op.number) == subject))
    }

    /// A parcel that has arrived after it had been replaced or paid back, or that the carrier has although its label is void.
    fn is_found_again(&self, subject: &str) -> bool {
        let mut parcels = self.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        let ended = |status| matches!(status, ParcelStatus::Delivered | ParcelStatus::Voided);
        parcels.any(|parcel| parcel.parcel_id.as_str() == subject && ended(parcel.status))
    }

    /// How often in a row the operations of this name were refused or came to nothing, or the effect with this key gave up.
    fn failures(&self, subject: &str) -> u32 {
        if let Some(known) = self.gave_up.get(subject) {
            return known.times;
        }
        let named = |p: &Payment| OperationKind::ALL.iter().copied().find(|kind| operation_subject(*kind, &p.payment_id) == subject);
        let Some((payment, kind)) = self.payments.iter().find_map(|p| Some((p, named(p)?))) else { return 0 };
        payment.in_vain(kind, self.policy.renew_before_ms)
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
        if self.status == OrderStatus::Created && !self.is_paid_for() && self.all_units().unfinished() > 0 {
            push(waits, Wait::Payment, id, later(self.payment_since(), policy.payment_deadline_ms));
        }
        if let Some(open) = self.screening.filter(|screening| screening.verdict.is_none() && self.status == OrderStatus::Created) {
            push(waits, Wait::Screening, id, later(open.since, policy.screening_ms));
        }
        if let Some(since) = self.sourcing.since.filter(|_| self.sourcing.asked > self.sourcing.answered) {
            push(waits, Wait::Sourcing, id, later(since, policy.sourcing_ms));
        }
        for decision in self.decisions.iter().filter(|decision| decision.choice.is_none()) {
            push(waits, Wait::Decision, &decision.decision_id, later(decision.since, policy.decision_ms));
        }
        if let Some(open) = self.open_change() {
            push(waits, Wait::ChangeRequest, open.change_id.as_str(), later(open.since, policy.change_request_ms));
        }
        if self.awaits_goods() && self.all_units().shipped + self.all_units().unfinished() > 0 {
            push(waits, Wait::ReturnItems, id, later(self.core.received_at, policy.exchange_ms));
        }
        for hold in self.holds.iter().filter(|hold| !Self::is_for_goods(hold)) {
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
                wait(Wait::Remorse, later(self.core.received_at, policy.remorse_ms));
            }
            FulfillmentStatus::Open | FulfillmentStatus::Incomplete => {}
            FulfillmentStatus::ReadyForPickup => wait(Wait::Pickup, later(found.since, policy.pickup_window_ms)),
            FulfillmentStatus::Scheduled => wait(Wait::Preorder, found.fulfill_at.unwrap_or(found.since)),
            FulfillmentStatus::Backordered => {
                wait(Wait::Backorder, self.waits_until(found, policy));
                if found.on_purpose {
                    wait(Wait::SplitWait, self.may_wait_until());
                }
                if let Some(another_day) = self.has_time_again(found) {
                    wait(Wait::Capacity, another_day);
                }
            }
            FulfillmentStatus::Released => wait(Wait::Acceptance, later(found.since, policy.accept_ms)),
            FulfillmentStatus::Accepted | FulfillmentStatus::Picking => wait(Wait::Packing, later(found.since, policy.pick_ms)),
            FulfillmentStatus::Shipped if found.parcels.iter().any(Parcel::is_silent) => {
                wait(Wait::Delivery, later(found.since, policy.assumed_delivery_ms));
            }
            FulfillmentStatus::Packed => wait(Wait::Shipping, later(found.since, policy.ship_ms)),
            FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => {}
        }
        if let Some(request) = &found.cancellation_request {
            wait(Wait::CancellationRequest, later(request.since, policy.cancellation_request_ms));
        }
        found.parcels.iter().for_each(|parcel| self.parcel_waits(parcel, waits));
    }

    /// When a facility that had no time for units that wait now has had a night to find some: the store serves them then, and if it did
    /// not, they are sourced again.
    fn has_time_again(&self, waiting: &FulfillmentOrder) -> Option<Timestamp> {
        let rejections = self.fulfillment_orders.iter().flat_map(|f| &f.rejections).filter(|r| r.reason == RejectionReason::NoCapacity);
        let of_these = rejections.filter(|r| r.lines.keys().any(|line_id| waiting.lines.contains_key(line_id)));
        of_these.map(|r| later(r.at, self.policy.no_capacity_ms)).filter(|due| *due > waiting.since).min()
    }

    /// Until then units may wait rather than travel in a dear consignment of their own; an order that does not wait never lets them.
    pub(super) fn may_wait_until(&self) -> Timestamp {
        let wait_ms = if self.core.allow_backorder { self.policy.split_wait_ms } else { 0 };
        later(self.core.received_at, wait_ms)
    }

    fn parcel_waits(&self, parcel: &Parcel, waits: &mut Vec<Deadline>) {
        let (policy, mut wait) = (&self.policy, |wait, due| push(waits, wait, parcel.parcel_id.as_str(), due));
        if parcel.status == ParcelStatus::LabelPending {
            wait(Wait::Label, later(parcel.since, policy.label_ms));
        }
        if let Some(reported_at) = parcel.reported_at.filter(|_| parcel.status.is_in_transit()) {
            wait(Wait::Transit, later(reported_at, policy.transit_ms));
        }
        if parcel.is_unresolved() {
            wait(Wait::LostParcel, later(parcel.since, policy.lost_parcel_ms));
        }
    }

    fn waits_until(&self, found: &FulfillmentOrder, policy: &Policy) -> Timestamp {
        let by_policy = later(found.waiting_since.unwrap_or(found.since), policy.backorder_ms);
        self.core.cancel_after.map_or(by_policy, |cancel_after| cancel_after.min(by_policy))
    }
}

/// Saturates at the end of the calendar, which is never reached.
pub(super) fn later(since: Timestamp, after_ms: i64) -> Timestamp {
    since.saturating_add(ms(after_ms)).unwrap_or(Timestamp::MAX)
}

fn push(waits: &mut Vec<Deadline>, wait: Wait, subject: &str, due: Timestamp) {
    waits.push(Deadline { wait, subject: subject.to_owned(), due });
}
