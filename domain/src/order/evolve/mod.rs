//! What each event means. Never refuses, never decides: an event has happened.

mod fulfillment;
mod money;
mod units;

use jiff::Timestamp;

use super::{Attention, Event, FulfillmentOrder, Order, OrderStatus, Parcel};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, ParcelId},
    parcel::ParcelAction,
};

impl Order {
    /// Applies an event that happened at `at`, in business time.
    pub fn evolve(&mut self, event: &Event, at: Timestamp) {
        self.version += 1;
        match event {
            Event::OrderPlaced { .. } => self.status_since = at,
            Event::SourcingAsked { round } => self.ask_sourcing(*round, at),
            Event::OrderSourced { round, packages, waiting } => self.answer_sourcing(*round, packages, waiting, at),
            Event::PaymentAsked { payment_id, number, kind, amount_minor, acts_on } => {
                self.open_operation(payment_id, *number, (*kind, *amount_minor), acts_on.as_deref(), at);
            }
            Event::PaymentAnswered { payment_id, number, outcome, .. } => self.answer_operation(payment_id, *number, outcome, at),
            Event::InvoiceDue { amount_minor, .. } => self.invoiced_minor = self.invoiced_minor.saturating_add(*amount_minor),
            Event::OrderApproved => self.enter(OrderStatus::Approved, at),
            Event::OrderProcessing => self.enter(OrderStatus::Processing, at),
            Event::OrderRejected { .. } => self.enter(OrderStatus::Rejected, at),
            Event::OrderExpired => self.enter(OrderStatus::Expired, at),
            Event::OrderCompleted => self.enter(OrderStatus::Completed, at),
            Event::OrderCancelled => self.enter(OrderStatus::Cancelled, at),
            Event::HoldPlaced(hold) => self.holds.push(hold.clone()),
            Event::HoldReleased { hold_id } => self.holds.retain(|hold| hold.hold_id != *hold_id),
            Event::CancellationRecorded(cancellation) => self.record_cancellation(cancellation),
            Event::AttentionRaised { subject, why, wait } => {
                self.attention.retain(|known| known.subject != *subject || known.wait != *wait);
                self.attention.push(Attention { subject: subject.clone(), why: why.clone(), wait: *wait, since: at });
            }
            Event::AttentionResolved { subject, wait } => self.attention.retain(|known| known.subject != *subject || known.wait != *wait),
            Event::UnitsCancelled { fulfillment_order_id, lines, .. } => {
                self.cancel_units(fulfillment_order_id.as_ref(), lines, at);
            }
            Event::GrantsSeen { grant_ids } => {
                let version = self.version;
                self.grants_seen.extend(grant_ids.iter().map(|id| (id.clone(), version)));
            }
            Event::StockGranted { from, package } => self.grant(from, package, at),
            Event::WaitingEnded { fulfillment_order_id } => self.end_waiting(fulfillment_order_id, at),
            Event::FulfillmentRejected { fulfillment_order_id, rejection, reopened, into } => {
                self.reject(fulfillment_order_id, rejection, reopened, into.as_ref(), at);
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
            Event::FulfillmentShipped { fulfillment_order_id, amount_minor } => self.ship(fulfillment_order_id, *amount_minor, at),
            Event::CancellationRequested { fulfillment_order_id, cancellation_id, lines } => {
                self.touch(fulfillment_order_id, |f| f.ask_to_cancel(cancellation_id, lines, at));
            }
            Event::CancellationAnswered { fulfillment_order_id, cancellation_id, lines, .. } => {
                self.touch(fulfillment_order_id, |f| f.answer_cancellation(cancellation_id, lines));
            }
            Event::LabelAsked { parcel_id } => {
                self.move_parcel(parcel_id, ParcelAction::RequestLabel, at, |p| p.label_attempts = p.label_attempts.saturating_add(1))
            }
            Event::LabelRefused { parcel_id, .. } => {
                self.move_parcel(parcel_id, ParcelAction::RefuseLabel, at, |_| {});
                self.touch_parcel_owner(parcel_id, |f| f.ship_requested = false);
            }
            Event::LabelBooked { parcel_id, carrier, tracking_number } => {
                self.move_parcel(parcel_id, ParcelAction::Label, at, |p| {
                    p.carrier = Some(carrier.clone());
                    p.tracking_number = Some(tracking_number.clone());
                });
            }
            Event::ParcelMoved { parcel_id, action, occurred_at, assumed } => self.move_parcel(parcel_id, *action, at, |p| {
                p.reported_at = Some(*occurred_at);
                p.assumed_delivered = *assumed;
            }),
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

    fn move_parcel(&mut self, id: &ParcelId, action: ParcelAction, at: Timestamp, change: impl FnOnce(&mut Parcel)) {
        self.touch_parcel_owner(id, |f| {
            if let Some(parcel) = f.parcels.iter_mut().find(|p| p.parcel_id == *id) {
                parcel.status = parcel.status.after(action).unwrap_or(parcel.status);
                parcel.since = at;
                change(parcel);
            }
        });
    }

    fn record_cancellation(&mut self, cancellation: &super::Cancellation) {
        match self.cancellations.iter_mut().find(|known| known.cancellation_id == cancellation.cancellation_id) {
            Some(known) => *known = cancellation.clone(),
            None => self.cancellations.push(cancellation.clone()),
        }
    }
}
