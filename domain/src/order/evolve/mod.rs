//! What each event means. Never refuses, never decides: an event has happened.

mod changes;
mod fulfillment;
mod money;
mod units;

use jiff::Timestamp;

use super::{Attention, ChangeAction, ClaimAction, Effect, Event, FulfillmentOrder, Order, OrderStatus, Parcel, Screening};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, ParcelId},
    parcel::ParcelAction,
    payment::Operation,
};

impl Order {
    /// Applies an event that happened at `at`, in business time.
    pub fn evolve(&mut self, event: &Event, at: Timestamp) {
        self.version += 1;
        match event {
            Event::OrderPlaced { rules, .. } => (self.rules, self.status_since) = (*rules, at),
            Event::SourcingAsked { round, reallocation } => {
                self.pooled.asked = reallocation.clone();
                self.ask_sourcing(*round, at);
            }
            Event::OrderSourced { round, packages, waiting } => self.answer_sourcing(*round, packages, waiting, at),
            Event::PaymentAsked { payment_id, number, kind, amount_minor, acts_on, refund_id } => {
                let operation = Operation::asked(*number, *kind, *amount_minor, at);
                self.open_operation(payment_id, Operation { acts_on: acts_on.clone(), refund_id: refund_id.clone(), ..operation });
            }
            Event::PaymentAnswered { payment_id, number, outcome, .. } => self.answer_operation(payment_id, *number, outcome, at),
            Event::PaymentResolved { payment_id, number, finding, .. } => self.resolve_operation(payment_id, *number, finding, at),
            Event::InvoiceDue { payment_id, amount_minor } => self.invoice(payment_id, *amount_minor),
            Event::ClaimOpened { claim_id, lines, reason } => self.open_claim(claim_id, lines, reason, at),
            Event::ClaimApproved { claim_id, amount_minor } => {
                self.answer_claim(claim_id, ClaimAction::Approve, Some(*amount_minor), at);
            }
            Event::ClaimDeclined { claim_id, .. } => self.answer_claim(claim_id, ClaimAction::Decline, None, at),
            Event::ClaimClosed { claim_id } => self.answer_claim(claim_id, ClaimAction::Close, None, at),
            Event::ReturnOpened { return_id, lines, credit } => self.open_return(return_id, lines, credit.as_ref()),
            Event::ReturnSettled { return_id, lines, amount_minor } => self.settle_return(return_id, lines, *amount_minor),
            Event::CreditGranted { return_id, amount_minor, .. } => self.grant_credit(return_id, *amount_minor),
            Event::CreditReleased { return_id, number, amount_minor } => self.release_credit(return_id, *number, *amount_minor),
            Event::CreditSettled { amount_minor } => self.settle_credit(*amount_minor, at),
            Event::RefundAsked(refund) => self.owe_back(refund),
            Event::RefundSetOff { refund_id, amount_minor } => {
                self.set_off_minor = self.set_off_minor.saturating_add(*amount_minor);
                self.settle_refund(refund_id, *amount_minor);
            }
            Event::CreditDue { payment_id, refund_id, amount_minor } => self.credit(payment_id, refund_id, *amount_minor),
            Event::ScreeningAsked => self.screening = Some(Screening { since: at, verdict: None }),
            Event::ScreeningAnswered { verdict, .. } => {
                self.screening = self.screening.map(|screening| Screening { verdict: Some(*verdict), ..screening });
            }
            Event::OrderApproved => self.enter(OrderStatus::Approved, at),
            Event::OrderProcessing => self.enter(OrderStatus::Processing, at),
            Event::OrderRejected { .. } => self.enter(OrderStatus::Rejected, at),
            Event::OrderExpired => self.enter(OrderStatus::Expired, at),
            Event::OrderCompleted => self.enter(OrderStatus::Completed, at),
            Event::OrderCancelled => self.enter(OrderStatus::Cancelled, at),
            Event::HoldPlaced(hold) => self.holds.push(hold.clone()),
            Event::HoldReleased { hold_id } => self.holds.retain(|hold| hold.hold_id != *hold_id),
            Event::CancellationRecorded(cancellation) => self.cancellations.push(cancellation.clone()),
            Event::AttentionRaised { subject, why, wait, event_id } => {
                self.attention.retain(|known| known.subject != *subject || known.wait != *wait);
                self.attention.push(Attention { subject: subject.clone(), why: why.clone(), wait: *wait, since: at });
                if wait.is_none() {
                    self.note_contradiction(subject);
                }
                if let (Some(event_id), Ok(parcel_id)) = (event_id, ParcelId::parse(subject.clone())) {
                    self.touch_parcel(&parcel_id, |p| p.note_event(event_id));
                }
            }
            Event::EffectGaveUp { effect, why } => {
                let known = self.gave_up.entry(effect.clone()).or_default();
                (known.times, known.waits) = (known.times.saturating_add(1), true);
                self.attention.retain(|known| known.subject != *effect || known.wait.is_some());
                self.attention.push(Attention { subject: effect.clone(), why: why.clone(), wait: None, since: at });
            }
            Event::BooksRestored { .. } => {}
            Event::AttentionResolved { subject, wait } => {
                if let Some(known) = self.gave_up.get_mut(subject) {
                    known.waits = false;
                }
                self.attention.retain(|known| known.subject != *subject || known.wait != *wait);
            }
            Event::UnitsCancelled { fulfillment_order_id, lines, .. } => {
                self.cancel_units(fulfillment_order_id.as_ref(), lines, at);
            }
            Event::GrantsSeen { grant_ids } => self.see_grants(grant_ids),
            Event::StockGranted { from, package } => self.grant(from, package, at),
            Event::WaitingEnded { fulfillment_order_id } => self.end_waiting(fulfillment_order_id, at),
            Event::FulfillmentRejected { fulfillment_order_id, rejection, reopened, into } => {
                self.reject(fulfillment_order_id, rejection, reopened, into.as_ref(), at);
            }
            Event::FulfillmentShorted { fulfillment_order_id, reopened, into } => {
                self.reopen(fulfillment_order_id, reopened, into.as_ref(), at);
            }
            Event::FulfillmentCalledBack { fulfillment_order_id, reopened, into } => {
                self.pooled.note_move();
                self.reopen(fulfillment_order_id, reopened, into.as_ref(), at);
            }
            Event::DeadlineExtended { wait, subject, until } => {
                self.extended.insert(wait.of(subject), *until);
                self.attention.retain(|known| known.subject != *subject || known.wait != Some(*wait));
            }
            Event::FulfillmentSplit { from, into, lines, parcels } => self.split((from, into), lines, parcels, at),
            Event::FulfillmentMoved { from, into, wanted } => self.move_away((from, into), wanted.as_ref(), at),
            Event::FulfillmentMerged { from, into } => self.merge(from, into, at),
            Event::FulfillmentReissued { from, into } => self.reissue(from, into, at),
            Event::LineAdded(line) => self.add_line(line),
            Event::UnitsAdded { line_id, quantity, due_minor } => self.add_units(line_id, *quantity, *due_minor),
            Event::UnitsRemoved { fulfillment_order_id, lines } => self.remove_units(fulfillment_order_id.as_ref(), lines, at),
            Event::DeliveryChanged { group, to } => self.change_delivery(*group, to),
            Event::ShippingPriced { by_minor, .. } => {
                self.core.shipping_minor = self.core.shipping_minor.saturating_add(*by_minor);
                self.share_among_unshipped(*by_minor);
            }
            Event::PaymentRaised { payment_id, by_minor } => self.raise_payment(payment_id, *by_minor),
            Event::ChangeConfirmed(change) => self.confirm(change, at),
            Event::ChangeRequested(request) => self.request_change(request),
            Event::ChangeAnswered { change_id, fulfillment_order_id, accepted, .. } => {
                self.answer_change(change_id, fulfillment_order_id, *accepted);
            }
            Event::ChangeDeclined { change_id, why } => self.end_change(change_id, ChangeAction::Decline, Some(why), at),
            Event::ChangeCancelled { change_id } => self.end_change(change_id, ChangeAction::Cancel, None, at),
            Event::DecisionAsked(decision) => self.decisions.push(decision.clone()),
            Event::DecisionMade { decision_id, choice, .. } => {
                for decision in self.decisions.iter_mut().filter(|known| known.decision_id == *decision_id) {
                    decision.choice = Some(*choice);
                }
            }
            Event::FulfillmentBackordered { fulfillment_order_id } => {
                let whole = !self.core.allow_split;
                self.touch(fulfillment_order_id, |f| (f.facility_id, f.whole) = (None, whole));
                self.advance_to(fulfillment_order_id, FulfillmentStatus::Backordered, at);
            }
            Event::PreorderDue { fulfillment_order_id } => self.advance_to(fulfillment_order_id, FulfillmentStatus::Open, at),
            Event::FulfillmentReleased { fulfillment_order_id } => self.advance_to(fulfillment_order_id, FulfillmentStatus::Released, at),
            Event::FulfillmentAccepted { fulfillment_order_id } => self.advance_to(fulfillment_order_id, FulfillmentStatus::Accepted, at),
            Event::PickingStarted { fulfillment_order_id, .. } => self.advance_to(fulfillment_order_id, FulfillmentStatus::Picking, at),
            Event::Packed { fulfillment_order_id, parcels } => {
                self.touch(fulfillment_order_id, |f| f.pack(parcels, at));
                self.advance_to(fulfillment_order_id, FulfillmentStatus::Packed, at);
            }
            Event::Unpacked { fulfillment_order_id } => {
                self.touch(fulfillment_order_id, |f| f.void_parcels(at));
                self.advance_to(fulfillment_order_id, FulfillmentStatus::Picking, at);
            }
            Event::ShippingAsked { fulfillment_order_id } => self.touch(fulfillment_order_id, |f| f.ship_requested = true),
            Event::FulfillmentShipped { fulfillment_order_id, amount_minor } => {
                self.hand_out(fulfillment_order_id, *amount_minor, FulfillmentStatus::Shipped, at);
            }
            Event::FulfillmentPickedUp { fulfillment_order_id, amount_minor } => {
                self.hand_out(fulfillment_order_id, *amount_minor, FulfillmentStatus::PickedUp, at);
            }
            Event::FulfillmentReady { fulfillment_order_id, code_hash } => {
                self.touch(fulfillment_order_id, |f| f.pickup_code_hash = code_hash.clone());
                self.advance_to(fulfillment_order_id, FulfillmentStatus::ReadyForPickup, at);
            }
            Event::FulfillmentUnshipped { fulfillment_order_id, given_before_minor, .. } => {
                self.unship(fulfillment_order_id, *given_before_minor, at);
            }
            Event::ParcelResolved { parcel_id, resolution, into } => self.resolve_parcel(parcel_id, *resolution, into.as_ref(), at),
            Event::LabelVoided { parcel_id } => self.touch_parcel(parcel_id, |p| p.label_at_carrier = false),
            Event::LabelResolved { parcel_id, outcome, .. } => {
                self.touch_parcel(parcel_id, |p| (p.label_at_carrier, p.label_finding) = (false, Some(*outcome)));
            }
            Event::PaymentAdded(payment) => self.payments.push(payment.opened()),
            Event::AuthorizationLapsed { payment_id, number } => self.lapse(payment_id, *number),
            Event::CancellationRequested { fulfillment_order_id, cancellation_id, lines } => {
                self.touch(fulfillment_order_id, |f| f.ask_to_cancel(cancellation_id, lines, at));
            }
            Event::CancellationAnswered { fulfillment_order_id, cancellation_id, lines, accepted } => {
                self.touch(fulfillment_order_id, |f| f.answer_cancellation(cancellation_id, lines));
                if let Some(known) = self.cancellations.iter_mut().find(|known| known.cancellation_id == *cancellation_id) {
                    known.answer(lines, *accepted);
                }
            }
            Event::LabelAsked { parcel_id } => self.move_parcel(parcel_id, ParcelAction::RequestLabel, at, |p| {
                p.label_attempts = p.label_attempts.saturating_add(1);
                p.label_at_carrier = true;
            }),
            Event::LabelRefused { parcel_id, .. } => {
                self.move_parcel(parcel_id, ParcelAction::RefuseLabel, at, |p| p.label_at_carrier = false);
                self.touch_parcel_owner(parcel_id, |f| f.ship_requested = false);
            }
            Event::LabelBooked { parcel_id, carrier, tracking_number, tracking_url } => {
                self.move_parcel(parcel_id, ParcelAction::Label, at, |p| {
                    p.carrier = Some(carrier.clone());
                    p.tracking_number = Some(tracking_number.clone());
                    p.tracking_url.clone_from(tracking_url);
                });
            }
            Event::ParcelMoved { parcel_id, action, occurred_at, assumed, event_id } => {
                self.move_parcel(parcel_id, *action, at, |p| {
                    p.note_report(*occurred_at, event_id.as_deref());
                    p.assumed_delivered = *assumed;
                });
                // What the carrier has is not unshipped any more.
                self.touch_parcel_owner(parcel_id, |f| f.forget_charges());
            }
        }
        self.forget_done();
    }

    /// How often an effect gave up counts as long as it is owed.
    fn forget_done(&mut self) {
        if self.gave_up.values().any(|known| !known.waits) {
            let owed: Vec<String> = self.owed_effects().iter().map(Effect::key).collect();
            self.gave_up.retain(|key, known| known.waits || owed.contains(key));
        }
    }

    fn enter(&mut self, status: OrderStatus, at: Timestamp) {
        self.status = status;
        self.status_since = at;
    }

    /// Changes one fulfillment order and marks it changed.
    fn touch(&mut self, id: &FulfillmentOrderId, change: impl FnOnce(&mut FulfillmentOrder)) {
        let version = self.version;
        if let Some(found) = self.fulfillment_orders.iter_mut().find(|f| f.fulfillment_order_id == *id) {
            change(found);
            found.version = version;
        }
    }

    fn touch_parcel_owner(&mut self, parcel_id: &ParcelId, change: impl FnOnce(&mut FulfillmentOrder)) {
        if let Some(owner) = parcel_id.fulfillment_order_id() {
            self.touch(&owner, change);
        }
    }

    fn advance_to(&mut self, id: &FulfillmentOrderId, status: FulfillmentStatus, at: Timestamp) {
        self.touch(id, |f| f.enter(status, at));
    }

    fn touch_parcel(&mut self, id: &ParcelId, change: impl FnOnce(&mut Parcel)) {
        self.touch_parcel_owner(id, |f| {
            if let Some(parcel) = f.parcels.iter_mut().find(|p| p.parcel_id == *id) {
                change(parcel);
            }
        });
    }

    fn move_parcel(&mut self, id: &ParcelId, action: ParcelAction, at: Timestamp, change: impl FnOnce(&mut Parcel)) {
        self.touch_parcel(id, |parcel| {
            parcel.status = parcel.status.after(action).unwrap_or(parcel.status);
            parcel.since = at;
            change(parcel);
        });
    }
}
