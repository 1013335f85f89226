//! Cancellation, always answered: at once, or as a request to the facility that has begun, or too late; unit by unit.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    free_text::is_the_same,
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{CancellationId, FulfillmentOrderId, LineId},
    order::{
        Cancellation, Event, FulfillmentOrder, Lines,
        lines::{add, take},
    },
};

/// Most cancellations that one order keeps; the last one may always be of the whole order.
const CANCELLATIONS_MAX: usize = 1_000;

impl Draft {
    /// Cancels what is furthest from the customer first: open units, then waiting ones, then those nearest to their facility.
    pub(super) fn cancel(&mut self, id: &CancellationId, reason: &str, lines: Option<&Lines>) -> Result<(), Rejection> {
        if let Some(known) = self.order.cancellations.iter().find(|known| known.cancellation_id == *id) {
            let same = known.asked.as_ref() == lines && is_the_same(&known.reason, reason);
            let refusal = || Rejection::new(ErrorCode::RefusedByRule, format!("cancellation {id} exists with other lines or reason"));
            return if same { Ok(()) } else { Err(refusal()) };
        }
        if self.order.cancellations.len() >= CANCELLATIONS_MAX && lines.is_some() {
            let why = format!("this order has {CANCELLATIONS_MAX} cancellations: only the whole order can still be cancelled");
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        let mut wanted = self.wanted(lines)?;
        let mut cancelled = self.cancel_open(&mut wanted, reason);
        let mut requested = Lines::new();
        for (fulfillment_order_id, status) in self.by_progress() {
            let Some(found) = self.order.fulfillment_order(&fulfillment_order_id) else { continue };
            let units = take(&mut wanted, &found.unasked());
            if units.is_empty() {
                continue;
            }
            if status.after(FulfillmentAction::Cancel).is_some() {
                add(&mut cancelled, &units);
                self.cancel_some(Some(fulfillment_order_id), units, reason);
            } else {
                add(&mut requested, &units);
                self.emit(Event::CancellationRequested { fulfillment_order_id, cancellation_id: id.clone(), lines: units });
            }
        }
        wanted.retain(|_, units| *units > 0);
        let (asked, too_late, at) = (lines.cloned(), wanted, self.at);
        let record = Cancellation { cancellation_id: id.clone(), reason: reason.to_owned(), at, asked, cancelled, requested, too_late };
        self.emit(Event::CancellationRecorded(record));
        if lines.is_none() {
            self.decline_change("the order was cancelled");
        }
        Ok(())
    }

    /// What is to be cancelled: the named units, or every unit that is not cancelled yet.
    fn wanted(&self, lines: Option<&Lines>) -> Result<Lines, Rejection> {
        let live = |line: &crate::order::LineState| (line.ordered + line.replaced).saturating_sub(line.cancelled);
        let Some(lines) = lines else {
            let all = self.order.lines.iter().map(|(id, line)| (id.clone(), live(line)));
            return Ok(all.filter(|(_, units)| *units > 0).collect());
        };
        if lines.is_empty() {
            return Err(Rejection::new(ErrorCode::RefusedByRule, "no units are named: leave the lines out to cancel the whole order"));
        }
        for (id, units) in lines {
            let Some(line) = self.order.lines.get(id) else {
                return Err(Rejection::new(ErrorCode::RefusedByRule, format!("this order has no line {id}")));
            };
            if *units == 0 || *units > live(line) {
                let why = format!("line {id}: {units} units named, {} are not cancelled yet", live(line));
                return Err(Rejection::new(ErrorCode::RefusedByRule, why));
            }
        }
        Ok(lines.clone())
    }

    fn cancel_open(&mut self, wanted: &mut Lines, reason: &str) -> Lines {
        let open: Lines = self.order.lines.iter().map(|(id, line)| (id.clone(), line.open)).collect();
        let units = take(wanted, &open);
        self.cancel_some(None, units.clone(), reason);
        units
    }

    /// Fulfillment orders that still have units to give, least advanced first.
    pub(super) fn by_progress(&self) -> Vec<(FulfillmentOrderId, FulfillmentStatus)> {
        let live = self.order.fulfillment_orders.iter().filter(|f| !f.status.has_left() && !f.status.is_final());
        let mut live: Vec<_> = live.map(|f| (rank(f.status), f.fulfillment_order_id.clone(), f.status)).collect();
        live.sort();
        live.into_iter().map(|(_, id, status)| (id, status)).collect()
    }

    /// The facility says yes (the units are put back) or no (they ship), to everything that is asked of it.
    pub(super) fn answer_cancellation(&mut self, found: &FulfillmentOrder, accepted: bool) -> Result<(), Rejection> {
        let action = if accepted { FulfillmentAction::AcceptCancellation } else { FulfillmentAction::RefuseCancellation };
        let Some(request) = &found.cancellation_request else {
            return Err(Rejection { message: "nobody has asked to cancel this".to_owned(), ..found.status.refuse(action) });
        };
        found.status.try_after(action)?;
        self.settle_cancellations(found, request.lines.clone(), accepted);
        Ok(())
    }

    /// Units that someone asked to cancel are cancelled, or it is too late for them; the oldest question is answered first.
    pub(super) fn settle_cancellations(&mut self, found: &FulfillmentOrder, mut units: Lines, accepted: bool) {
        let Some(request) = &found.cancellation_request else { return };
        for part in &request.parts {
            let lines = take(&mut units, &part.lines);
            if !lines.is_empty() {
                self.settle_cancellation(&found.fulfillment_order_id, &part.cancellation_id, lines, accepted);
            }
        }
    }

    fn settle_cancellation(&mut self, id: &FulfillmentOrderId, cancellation_id: &CancellationId, lines: Lines, accepted: bool) {
        let asked = self.order.cancellations.iter().find(|known| known.cancellation_id == *cancellation_id);
        let Some(reason) = asked.map(|known| known.reason.clone()) else { return };
        let (fulfillment_order_id, cancellation_id) = (id.clone(), cancellation_id.clone());
        self.emit(Event::CancellationAnswered { fulfillment_order_id, cancellation_id, lines: lines.clone(), accepted });
        if accepted {
            self.cancel_some(Some(id.clone()), lines, &reason);
        }
    }

    /// Units of a fulfillment order, or of none, are cancelled.
    pub(super) fn cancel_some(&mut self, fulfillment_order_id: Option<FulfillmentOrderId>, lines: Lines, reason: &str) {
        if lines.is_empty() {
            return;
        }
        // Units that were paid for and are sent again are given back, if nothing else is left to cancel.
        let paid = |(id, units): (&LineId, &u32)| Some(self.order.lines.get(id)?.clone().forgo(*units).minor);
        let paid_minor: i64 = lines.iter().filter_map(paid).sum();
        self.emit(Event::UnitsCancelled { fulfillment_order_id, lines, reason: reason.to_owned() });
        if let Some(refund_id) = self.refund_id("cancelled") {
            self.owe_back(refund_id, paid_minor, Lines::new(), reason);
        }
    }
}

/// How near a fulfillment order is to leaving.
fn rank(status: FulfillmentStatus) -> u8 {
    match status {
        FulfillmentStatus::Incomplete | FulfillmentStatus::Backordered => 0,
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open => 1,
        FulfillmentStatus::Released => 2,
        FulfillmentStatus::Accepted => 3,
        FulfillmentStatus::Picking => 4,
        FulfillmentStatus::Packed | FulfillmentStatus::ReadyForPickup => 5,
        FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => 6,
    }
}
