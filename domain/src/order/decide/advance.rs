//! What follows by itself, after any command, until nothing more does.

use super::Draft;
use crate::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::PaymentId,
    order::{Attention, Event, FulfillmentOrder, OrderStatus, deadlines::later},
    parcel::ParcelStatus,
    payment::{Decline, OperationKind, OperationStatus, Payment},
    placed::PaymentMethod,
};

impl Draft {
    pub(super) fn advance(&mut self) {
        loop {
            let before = self.events.len();
            match self.order.status {
                OrderStatus::Created => self.advance_created(),
                OrderStatus::Approved => self.emit(Event::OrderProcessing),
                OrderStatus::Processing => self.advance_processing(),
                OrderStatus::Completed | OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired => self.give_money_back(),
            }
            if self.events.len() == before {
                return self.settle_overdue();
            }
        }
    }

    /// A wait that was overdue and is over needs nobody any more.
    fn settle_overdue(&mut self) {
        if self.order.attention.iter().all(|known| known.wait.is_none()) {
            return;
        }
        let waits = self.order.waits();
        let over = |known: &&Attention| known.wait.is_some_and(|wait| !waits.iter().any(|w| w.wait == wait && w.subject == known.subject));
        let over: Vec<Attention> = self.order.attention.iter().filter(over).cloned().collect();
        for Attention { subject, wait, .. } in over {
            self.emit(Event::AttentionResolved { subject, wait });
        }
    }

    /// Sourced → authorized → approved. A hard decline rejects; a soft one waits for the customer.
    fn advance_created(&mut self) {
        if self.order.version == 0 || self.order.sourcing.answered == 0 {
            return;
        }
        if self.order.all_units().unfinished() == 0 {
            return self.close();
        }
        if let Some(payment) = self.order.payments.iter().find(|p| refused(p, Decline::Hard)) {
            let reason = format!("payment {} was declined", payment.payment_id);
            return self.end_unpaid(Event::OrderRejected { reason: reason.clone() }, &reason);
        }
        if let Some(payment) = self.order.payments.iter().find(|p| refused(p, Decline::Soft)) {
            let payment_id = payment.payment_id.clone();
            return self.await_payment(&payment_id);
        }
        self.authorize();
        if self.order.holds.is_empty() && self.order.is_paid_for() {
            self.emit(Event::OrderApproved);
        }
    }

    /// Asks each instrument for its part of what is still owed, in the order's own order.
    fn authorize(&mut self) {
        let mut owed = self.order.remaining_minor();
        let mut asked = Vec::new();
        for payment in &self.order.payments {
            let part = payment.amount_minor.min(owed);
            owed -= part;
            if payment.uses_gateway() && payment.operations.is_empty() && part > 0 {
                asked.push((payment.payment_id.clone(), part));
            }
        }
        for (payment_id, amount_minor) in asked {
            self.ask(&payment_id, OperationKind::Authorize, amount_minor, None);
        }
    }

    fn ask(&mut self, payment_id: &PaymentId, kind: OperationKind, amount_minor: i64, acts_on: Option<String>) {
        let payment = self.order.payments.iter().find(|p| p.payment_id == *payment_id);
        let used = payment.map_or(0, |p| p.operations.len());
        let number = u32::try_from(used).map_or(u32::MAX, |used| used + 1);
        self.emit(Event::PaymentAsked { payment_id: payment_id.clone(), number, kind, amount_minor, acts_on });
    }

    /// Rejected or Expired: every unit is given up and every authorization voided.
    pub(super) fn end_unpaid(&mut self, end: Event, reason: &str) {
        self.cancel_everything(reason);
        self.emit(end);
    }

    fn cancel_everything(&mut self, reason: &str) {
        let open = self.order.lines.iter().filter(|(_, line)| line.open > 0).map(|(id, line)| (id.clone(), line.open)).collect();
        self.cancel_some(None, open, reason);
        let live = self.order.fulfillment_orders.iter().filter(|f| f.status.after(FulfillmentAction::Cancel).is_some());
        for (id, lines) in live.map(|f| (f.fulfillment_order_id.clone(), f.lines.clone())).collect::<Vec<_>>() {
            self.cancel_some(Some(id), lines, reason);
        }
    }

    fn advance_processing(&mut self) {
        self.source_again();
        self.release_due();
        self.ship_labelled();
        self.capture();
        if self.order.all_units().unfinished() == 0 {
            self.close();
        }
    }

    /// Units that facilities gave back, or that need not wait any longer, are sourced again.
    fn source_again(&mut self) {
        let sourcing = self.order.sourcing;
        if sourcing.asked == sourcing.answered && !self.order.sourceable().is_empty() {
            self.emit(Event::SourcingAsked { round: sourcing.asked + 1 });
        }
    }

    fn release_due(&mut self) {
        let due = later(self.order.core.placed_at, self.order.policy.remorse_ms);
        if due > self.at || !self.order.holds.is_empty() {
            return;
        }
        let open = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Open);
        for fulfillment_order_id in open.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::FulfillmentReleased { fulfillment_order_id });
        }
    }

    /// A fulfillment order ships when each of its parcels has a label. Shipping wins over an unanswered cancellation.
    fn ship_labelled(&mut self) {
        let labelled = |f: &&FulfillmentOrder| {
            let mut parcels = f.parcels.iter().filter(|p| p.status != ParcelStatus::Voided).peekable();
            f.ship_requested && parcels.peek().is_some() && parcels.all(|p| p.status == ParcelStatus::Labelled)
        };
        let ready: Vec<_> = self.order.fulfillment_orders.iter().filter(labelled).cloned().collect();
        for found in ready {
            let amount_minor = self.order.share_minor(&found.lines);
            self.emit(Event::FulfillmentShipped { fulfillment_order_id: found.fulfillment_order_id.clone(), amount_minor });
            if let Some(request) = &found.cancellation_request {
                self.settle_cancellations(&found, request.lines.clone(), false);
            }
        }
    }

    /// Captures what was shipped and is not captured yet: one operation at a time per instrument, gift cards first.
    fn capture(&mut self) {
        let mut due = self.order.uncaptured_minor();
        let mut ranked: Vec<Payment> = self.order.payments.clone();
        ranked.sort_by_key(Payment::capture_rank);
        for payment in ranked {
            if due <= 0 || payment.open_operation().is_some() {
                return;
            }
            let part = match payment.method {
                PaymentMethod::Card | PaymentMethod::GiftCard => payment.capturable_minor().min(due),
                PaymentMethod::Terms => due,
                // Paid already: what is due is due beyond it.
                PaymentMethod::External => 0,
            };
            due -= part;
            match payment.method {
                _ if part <= 0 || capture_failed(&payment) => {}
                PaymentMethod::Terms => self.emit(Event::InvoiceDue { payment_id: payment.payment_id, amount_minor: part }),
                PaymentMethod::Card | PaymentMethod::GiftCard | PaymentMethod::External => {
                    let acts_on = payment.authorization().map(str::to_owned);
                    self.ask(&payment.payment_id, OperationKind::Capture, part, acts_on);
                }
            }
        }
    }

    /// Nothing is left to do: what is still authorized is voided, and when the money is at rest the order ends.
    fn close(&mut self) {
        if self.order.payments.iter().any(|p| p.open_operation().is_some()) || self.order.uncaptured_minor() > 0 {
            return;
        }
        self.give_money_back();
        if self.order.payments.iter().any(|p| p.open_operation().is_some()) {
            return;
        }
        let units = self.order.all_units();
        let completes = self.order.status == OrderStatus::Processing && units.delivered + units.picked_up > 0;
        self.emit(if completes { Event::OrderCompleted } else { Event::OrderCancelled });
    }

    /// Voids what is authorized and will not be captured.
    fn give_money_back(&mut self) {
        let voidable = |p: &&Payment| {
            let tried = p.last(OperationKind::Void).is_some_and(|op| op.status == OperationStatus::Failed);
            p.uses_gateway() && p.capturable_minor() > 0 && p.open_operation().is_none() && !tried
        };
        let left: Vec<Payment> = self.order.payments.iter().filter(voidable).cloned().collect();
        for payment in left {
            let acts_on = payment.authorization().map(str::to_owned);
            self.ask(&payment.payment_id, OperationKind::Void, payment.capturable_minor(), acts_on);
        }
    }
}

/// The last authorization failed in this way.
fn refused(payment: &Payment, how: Decline) -> bool {
    let last = payment.last(OperationKind::Authorize).filter(|op| op.status == OperationStatus::Failed);
    last.and_then(|op| op.decline.as_ref()).is_some_and(|(decline, _)| *decline == how)
}

/// A capture that failed is retried by a person, not by every later event.
fn capture_failed(payment: &Payment) -> bool {
    payment.last(OperationKind::Capture).is_some_and(|op| op.status == OperationStatus::Failed)
}
