//! What follows by itself, after any command, until nothing more does.

use super::{Draft, money::refused};
use crate::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    order::{Attention, Event, FulfillmentOrder, OrderStatus, Parcel, Wait, deadlines::later},
    parcel::ParcelStatus,
    payment::{Decline, Payment},
};

/// Far more rounds than any command needs: rules that contradict each other stop here rather than fill the memory.
const ROUNDS_MAX: u32 = 1_000;
/// What is then said of the order.
const UNSETTLED: &str = "the rules do not come to rest";

impl Draft {
    pub(super) fn advance(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let before = self.events.len();
            self.review_change();
            self.close_claims();
            self.lapse_credit();
            match self.order.status {
                OrderStatus::Created => self.advance_created(),
                OrderStatus::Approved => self.emit(Event::OrderProcessing),
                OrderStatus::Processing => self.advance_processing(),
                OrderStatus::Completed | OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired => self.advance_final(),
            }
            if self.events.len() == before {
                return self.settle_overdue();
            }
        }
        let order_id = self.order.core.order_id.to_string();
        self.attend(&order_id, UNSETTLED);
    }

    /// A wait that was overdue and is over needs nobody any more.
    fn settle_overdue(&mut self) {
        self.forget_given_up();
        self.forget_authorizations();
        self.forget_void_parcels();
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

    /// What a carrier said of a parcel before it became none needs nobody. What it says from then on does: it has what should be here.
    fn forget_void_parcels(&mut self) {
        if self.order.attention.is_empty() {
            return;
        }
        let before = |p: &Parcel| self.order.attention.iter().any(|known| known.subject == p.parcel_id.as_str() && known.since < p.since);
        let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        let void = parcels.filter(|parcel| parcel.status == ParcelStatus::Voided && before(parcel));
        let void: Vec<_> = void.map(|parcel| parcel.parcel_id.clone()).collect();
        void.iter().for_each(|parcel_id| self.settle(parcel_id.as_str()));
    }

    /// Sourced → authorized → approved. A hard decline rejects; a soft one waits for the customer (see `cover`).
    fn advance_created(&mut self) {
        if self.order.version == 0 || self.order.sourcing.answered == 0 {
            return;
        }
        if self.order.all_units().unfinished() == 0 {
            return self.close();
        }
        if let Some(payment) = self.refused_for_good() {
            let reason = format!("payment {} was declined", payment.payment_id);
            return self.end_unpaid(Event::OrderRejected { reason: reason.clone() }, &reason);
        }
        // What was changed, offered or missed meanwhile is reserved before it is paid for, as the rest was.
        self.source_again();
        self.authorize();
        self.void_renewed();
        self.cover();
        if self.order.is_paid_for() && self.is_screened() && self.order.holds.is_empty() {
            self.emit(Event::OrderApproved);
        }
    }

    /// An instrument that will not pay, where no other can be asked: else the customer has time to give another one. An exchange without its
    /// credit is none.
    fn refused_for_good(&self) -> Option<&Payment> {
        if let Some(credit) = self.order.credits().find(|credit| refused(credit, Decline::Hard)) {
            return Some(credit);
        }
        let mut asked = self.order.payments.iter().filter(|payment| payment.is_answered_for());
        let first = asked.next().filter(|payment| refused(payment, Decline::Hard))?;
        asked.all(|payment| refused(payment, Decline::Hard)).then_some(first)
    }

    /// Rejected or Expired: every unit is given up and every authorization voided.
    pub(super) fn end_unpaid(&mut self, end: Event, reason: &str) {
        self.cancel_everything(reason);
        self.emit(end);
    }

    pub(super) fn cancel_everything(&mut self, reason: &str) {
        let open = self.order.lines.iter().filter(|(_, line)| line.open > 0).map(|(id, line)| (id.clone(), line.open)).collect();
        self.cancel_some(None, open, reason);
        let live = self.order.fulfillment_orders.iter().filter(|f| f.status.after(FulfillmentAction::Cancel).is_some());
        for (id, lines) in live.map(|f| (f.fulfillment_order_id.clone(), f.lines.clone())).collect::<Vec<_>>() {
            self.cancel_some(Some(id), lines, reason);
        }
    }

    fn advance_processing(&mut self) {
        self.source_again();
        self.ask_customer();
        self.release_due();
        self.ship_labelled();
        self.set_off();
        self.capture();
        self.refund();
        self.void_renewed();
        self.cover();
        self.resolve_by_policy();
        let unresolved = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels).any(Parcel::is_unresolved);
        if !unresolved && self.order.all_units().unfinished() == 0 {
            self.close();
        }
    }

    fn release_due(&mut self) {
        if !self.order.holds.is_empty() {
            return;
        }
        let remorse_ends = later(self.order.core.received_at, self.order.policy.remorse_ms);
        let due = |f: &&FulfillmentOrder| self.order.due(Wait::Remorse, f.fulfillment_order_id.as_str(), remorse_ends) <= self.at;
        let open = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Open).filter(due);
        for fulfillment_order_id in open.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::FulfillmentReleased { fulfillment_order_id });
        }
    }

    /// A fulfillment order ships when each of its parcels has a label, unless it is held by then, or nobody pays for it any more. Shipping
    /// wins over an unanswered cancellation.
    fn ship_labelled(&mut self) {
        let labelled = |f: &&FulfillmentOrder| {
            let mut parcels = f.parcels.iter().filter(|p| p.status != ParcelStatus::Voided).peekable();
            f.ship_requested && parcels.peek().is_some() && parcels.all(|p| p.status == ParcelStatus::Labelled)
        };
        let ready: Vec<_> = self.order.fulfillment_orders.iter().filter(labelled).cloned().collect();
        for found in ready {
            if self.order.why_it_stays(&found).is_some() {
                continue;
            }
            let amount_minor = self.order.cost_minor(&found);
            self.emit(Event::FulfillmentShipped { fulfillment_order_id: found.fulfillment_order_id.clone(), amount_minor });
            // Whoever wondered why the carrier had it knows now.
            let left = found.parcels.iter().filter(|parcel| parcel.status != ParcelStatus::Voided);
            left.for_each(|parcel| self.settle(parcel.parcel_id.as_str()));
            if let Some(request) = &found.cancellation_request {
                self.settle_cancellations(&found, request.lines.clone(), false);
            }
        }
    }

    /// Nothing is left to do: what is still authorized is voided, and when the money is at rest the order ends.
    fn close(&mut self) {
        if self.is_money_moving() || self.order.uncaptured_minor() > 0 {
            return;
        }
        self.void_rest();
        if self.is_money_moving() {
            return;
        }
        let units = self.order.all_units();
        let completes = self.order.status == OrderStatus::Processing && units.delivered + units.picked_up > 0;
        self.emit(if completes { Event::OrderCompleted } else { Event::OrderCancelled });
    }

    /// An operation is under way, or something is still to be given back.
    fn is_money_moving(&self) -> bool {
        let order = &self.order;
        order.payments.iter().any(|p| p.open_operation().is_some()) || order.refunds.iter().any(|r| order.outstanding_minor(r) > 0)
    }

    /// After the end money may still go back: what is authorized, and what was refunded since.
    fn advance_final(&mut self) {
        self.give_back_unused();
        self.refund();
        self.void_rest();
    }
}
