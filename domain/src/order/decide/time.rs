//! What happens when a wait is over (the defaults of the one table in `deadlines`).

use super::Draft;
use jiff::Timestamp;

use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FulfillmentOrderId, HoldId},
    order::{Deadline, Event, FulfillmentOrder, Resolution, Verdict, Wait},
    parcel::ParcelAction,
    waits::{EXTENDED_MAX, refuse_extension},
};

/// Far more than what is due at once can bring about: what would be due for ever goes on at the next tick.
const ROUNDS_MAX: u32 = 20;

impl Draft {
    /// Each wait whose deadline has passed gets its default, and so does what comes due by that: nothing is due any more.
    pub(super) fn time_passed(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let due = self.order.deadlines().into_iter().filter(|deadline| deadline.due <= self.at).collect::<Vec<_>>();
            due.iter().for_each(|deadline| self.default_of(deadline));
            self.advance();
            if due.is_empty() {
                return;
            }
        }
    }

    fn default_of(&mut self, deadline: &Deadline) {
        let subject = deadline.subject.as_str();
        match deadline.wait {
            Wait::Payment => self.end_unpaid(Event::OrderExpired, "payment did not come in time"),
            Wait::Hold => {
                if let Ok(hold_id) = HoldId::parse(subject) {
                    self.emit(Event::HoldReleased { hold_id });
                }
            }
            // Advancing releases and schedules what is due.
            Wait::Remorse => {}
            Wait::Preorder => self.fall_due(subject),
            Wait::Backorder => self.give_up_waiting(subject),
            Wait::SplitWait | Wait::Capacity => self.stop_waiting(subject),
            Wait::CancellationRequest => self.answer_for_facility(subject),
            Wait::ChangeRequest => self.decline_change("no answer came in time"),
            Wait::Renewal => self.renew(subject),
            Wait::AuthorizationExpiry => self.lapse(subject),
            Wait::Screening => self.screened(Verdict::Referred, true),
            Wait::Decision => self.decide_by_default(subject),
            Wait::ReturnItems => self.goods_overdue(deadline),
            Wait::Pickup => self.not_collected(subject),
            Wait::LostParcel => self.refund_lost(subject),
            Wait::Claim => self.decline_by_default(subject),
            Wait::Retry => self.settle(subject),
            Wait::Delivery => self.assume_delivered(subject),
            Wait::Acceptance | Wait::Packing | Wait::Shipping | Wait::Label => self.overdue(deadline),
            Wait::Sourcing | Wait::HoldReview | Wait::UnknownPayment | Wait::Transit => self.overdue(deadline),
        }
    }

    /// A wait gets more time, by whoever may give it. The same time again is the same.
    pub(super) fn extend(&mut self, wait: Wait, subject: &str, until: Timestamp) -> Result<(), Rejection> {
        let waits = self.order.waits();
        let Some(known) = waits.iter().find(|known| known.wait == wait && known.subject == subject) else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("the order does not wait for {} of {subject}", wait.key())));
        };
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        if wait.extended_by().is_none() {
            return refuse(format!("{} ends when it ends: nobody here can put it off", wait.key()));
        }
        if known.due == until {
            return Ok(());
        }
        refuse_extension(known.due, until, self.at)?;
        if self.order.extended.len() >= EXTENDED_MAX && !self.order.extended.contains_key(&wait.of(subject)) {
            return refuse(format!("an order has at most {EXTENDED_MAX} extended deadlines"));
        }
        self.emit(Event::DeadlineExtended { wait, subject: subject.to_owned(), until });
        Ok(())
    }

    pub(super) fn overdue(&mut self, deadline: &Deadline) {
        let (subject, wait) = (deadline.subject.clone(), deadline.wait);
        self.emit(Event::AttentionRaised { subject, why: wait.overdue().to_owned(), wait: Some(wait), event_id: None });
    }

    fn found(&self, subject: &str) -> Option<FulfillmentOrder> {
        self.order.fulfillment_order(&FulfillmentOrderId::parse(subject).ok()?).cloned()
    }

    fn fall_due(&mut self, subject: &str) {
        if let Some(found) = self.found(subject).filter(|f| f.status.after(FulfillmentAction::FallDue).is_some()) {
            self.emit(Event::PreorderDue { fulfillment_order_id: found.fulfillment_order_id });
        }
    }

    fn give_up_waiting(&mut self, subject: &str) {
        if let Some(found) = self.found(subject).filter(|f| f.status.after(FulfillmentAction::Cancel).is_some()) {
            self.cancel_some(Some(found.fulfillment_order_id), found.lines, "no stock in time");
        }
    }

    fn stop_waiting(&mut self, subject: &str) {
        if let Some(found) = self.found(subject).filter(|f| f.status == FulfillmentStatus::Backordered) {
            self.emit(Event::WaitingEnded { fulfillment_order_id: found.fulfillment_order_id });
        }
    }

    /// A facility's silence: refused if it has packed, else accepted.
    fn answer_for_facility(&mut self, subject: &str) {
        let Some(found) = self.found(subject) else { return };
        let packed = matches!(found.status, FulfillmentStatus::Packed | FulfillmentStatus::ReadyForPickup);
        if let Some(request) = &found.cancellation_request {
            self.settle_cancellations(&found, request.lines.clone(), !packed);
        }
    }

    fn not_collected(&mut self, subject: &str) {
        if let Some(found) = self.found(subject)
            && self.no_show(&found).is_err()
        {
            self.attend(subject, "it was not collected, and is not ready any more");
        }
    }

    /// Nobody said what to do about it, so the customer has their money back.
    fn refund_lost(&mut self, subject: &str) {
        let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        if let Some(parcel) = parcels.into_iter().find(|p| p.parcel_id.as_str() == subject && p.is_unresolved()).cloned() {
            self.resolve(&parcel, Resolution::Refund);
        }
    }

    fn assume_delivered(&mut self, subject: &str) {
        let Some(found) = self.found(subject) else { return };
        let silent = found.parcels.iter().filter(|p| p.is_silent());
        for parcel_id in silent.map(|p| p.parcel_id.clone()).collect::<Vec<_>>() {
            let (action, occurred_at) = (ParcelAction::Deliver, self.at);
            self.emit(Event::ParcelMoved { parcel_id, action, occurred_at, assumed: true, event_id: None });
        }
    }
}
