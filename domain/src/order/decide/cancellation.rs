//! Cancellation, always answered: at once, or as a request to the facility that has begun, or too late; unit by unit.

use std::collections::BTreeMap;

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{CancellationId, FulfillmentOrderId, LineId},
    order::{Cancellation, Event, FulfillmentOrder},
};

/// Units per line.
type Lines = BTreeMap<LineId, u32>;

impl Draft {
    /// Cancels what is furthest from the customer first: open units, then waiting ones, then those nearest to their facility.
    pub(super) fn cancel(&mut self, id: &CancellationId, reason: &str, lines: Option<&Lines>) -> Result<(), Rejection> {
        if let Some(known) = self.order.cancellations.iter().find(|known| known.cancellation_id == *id) {
            let same = known.asked.as_ref() == lines && known.reason == reason;
            let refusal = || Rejection::new(ErrorCode::RefusedByRule, format!("cancellation {id} exists with other lines or reason"));
            return if same { Ok(()) } else { Err(refusal()) };
        }
        let mut wanted = self.wanted(lines)?;
        let mut cancelled = self.cancel_open(&mut wanted, reason);
        let mut requested = Lines::new();
        for (fulfillment_order_id, status) in self.by_progress() {
            let Some(found) = self.order.fulfillment_order(&fulfillment_order_id) else { continue };
            let units = take(&mut wanted, &found.lines);
            if units.is_empty() {
                continue;
            }
            if status.after(FulfillmentAction::Cancel).is_some() {
                add(&mut cancelled, &units);
                self.emit(Event::UnitsCancelled {
                    fulfillment_order_id: Some(fulfillment_order_id),
                    lines: units,
                    reason: reason.to_owned(),
                });
            } else if found.cancellation_request.is_none() {
                add(&mut requested, &units);
                self.emit(Event::CancellationRequested { fulfillment_order_id, cancellation_id: id.clone(), lines: units });
            } else {
                // One question at a time: the facility has not answered the first one yet.
                add(&mut wanted, &units);
            }
        }
        wanted.retain(|_, units| *units > 0);
        let (asked, too_late, at) = (lines.cloned(), wanted, self.at);
        let record = Cancellation { cancellation_id: id.clone(), reason: reason.to_owned(), at, asked, cancelled, requested, too_late };
        self.emit(Event::CancellationRecorded(record));
        Ok(())
    }

    /// What is to be cancelled: the named units, or every unit that is not cancelled yet.
    fn wanted(&self, lines: Option<&Lines>) -> Result<Lines, Rejection> {
        let live = |line: &crate::order::LineState| line.ordered + line.replaced - line.cancelled;
        let Some(lines) = lines else {
            let all = self.order.lines.iter().map(|(id, line)| (id.clone(), live(line)));
            return Ok(all.filter(|(_, units)| *units > 0).collect());
        };
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
        if !units.is_empty() {
            let reason = reason.to_owned();
            self.emit(Event::UnitsCancelled { fulfillment_order_id: None, lines: units.clone(), reason });
        }
        units
    }

    /// Fulfillment orders that still have units to give, least advanced first.
    fn by_progress(&self) -> Vec<(FulfillmentOrderId, FulfillmentStatus)> {
        let live = self.order.fulfillment_orders.iter().filter(|f| !f.status.has_left() && !f.status.is_final());
        let mut live: Vec<_> = live.map(|f| (rank(f.status), f.fulfillment_order_id.clone(), f.status)).collect();
        live.sort();
        live.into_iter().map(|(_, id, status)| (id, status)).collect()
    }

    /// The facility says yes (the units are put back) or no (they ship).
    pub(super) fn answer_cancellation(&mut self, found: &FulfillmentOrder, accepted: bool) -> Result<(), Rejection> {
        let action = if accepted { FulfillmentAction::AcceptCancellation } else { FulfillmentAction::RefuseCancellation };
        let Some(request) = found.cancellation_request.clone() else {
            return Err(Rejection { message: "nobody has asked to cancel this".to_owned(), ..found.status.refuse(action) });
        };
        found.status.try_after(action)?;
        let (fulfillment_order_id, cancellation_id) = (found.fulfillment_order_id.clone(), request.cancellation_id.clone());
        self.emit(Event::CancellationAnswered { fulfillment_order_id, cancellation_id: cancellation_id.clone(), accepted });
        let reason = self.order.cancellations.iter().find(|c| c.cancellation_id == cancellation_id).map(|c| c.reason.clone());
        if accepted {
            self.emit(Event::UnitsCancelled {
                fulfillment_order_id: Some(found.fulfillment_order_id.clone()),
                lines: request.lines.clone(),
                reason: reason.unwrap_or_default(),
            });
        }
        self.settle_cancellation(&cancellation_id, &request.lines, accepted);
        Ok(())
    }

    /// Moves requested units of a cancellation's record to cancelled or too late.
    pub(super) fn settle_cancellation(&mut self, id: &CancellationId, lines: &Lines, accepted: bool) {
        let Some(mut record) = self.order.cancellations.iter().find(|c| c.cancellation_id == *id).cloned() else { return };
        let moved = take(&mut record.requested, lines);
        record.requested.retain(|_, units| *units > 0);
        add(if accepted { &mut record.cancelled } else { &mut record.too_late }, &moved);
        self.emit(Event::CancellationRecorded(record));
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

/// Takes from `wanted` what `available` has of it.
fn take(wanted: &mut Lines, available: &Lines) -> Lines {
    let mut taken = Lines::new();
    for (id, units) in available {
        let Some(left) = wanted.get_mut(id) else { continue };
        let now = (*left).min(*units);
        *left -= now;
        if now > 0 {
            taken.insert(id.clone(), now);
        }
    }
    taken
}

fn add(sum: &mut Lines, lines: &Lines) {
    for (id, units) in lines {
        *sum.entry(id.clone()).or_default() += units;
    }
}
