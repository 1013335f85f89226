//! What is noted at an event of a fulfillment order, a parcel or a wait.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, LineId, ParcelId},
    order::{Event, FacilityRejection, FulfillmentOrder, Lines, Order, SourcedPackage},
    parcel::{ParcelAction, ParcelStatus},
};

use crate::{
    derive::Following,
    facts::{CancelledUnits, Delivery, FulfillmentFact, GivenBack, Shipment, WaitFact},
};

/// All units of some lines.
pub(crate) fn units_of(lines: &Lines) -> u64 {
    lines.values().map(|units| u64::from(*units)).sum()
}

fn add(sum: &mut BTreeMap<LineId, u64>, lines: &Lines) {
    for (id, units) in lines {
        *sum.entry(id.clone()).or_default() += u64::from(*units);
    }
}

/// The earlier one stands.
fn note(time: &mut Option<Timestamp>, at: Timestamp) {
    time.get_or_insert(at);
}

impl FulfillmentFact {
    pub(crate) fn of(order: &Order, found: &FulfillmentOrder) -> Self {
        let method = order.core.groups.get(usize::from(found.group)).map_or("", |group| group.method.as_str());
        let mut fact = Self {
            fulfillment_order_id: found.fulfillment_order_id.clone(),
            order_id: order.core.order_id.clone(),
            facility_id: None,
            status: "",
            delivery_method: method,
            units: 0,
            ship_by: None,
            released_at: None,
            accepted_at: None,
            picking_at: None,
            packed_at: None,
            shipped_at: None,
            handed_over_at: None,
            delivered_at: None,
            units_released: 0,
            units_given_back: 0,
            shipped_minor: 0,
            given_back: Vec::new(),
            last_parcel_at: None,
        };
        fact.catch_up(found);
        fact
    }

    /// As it is now.
    pub(crate) fn catch_up(&mut self, found: &FulfillmentOrder) {
        self.status = found.shown_status();
        self.facility_id = found.facility_id.clone().or_else(|| self.facility_id.take());
        self.units = found.units();
        self.ship_by = found.ship_by;
    }
}

impl Following {
    /// What is told from the order as it was.
    pub(crate) fn note_before(&mut self, event: &Event, at: Timestamp) {
        if let Event::FulfillmentRejected { fulfillment_order_id, rejection, .. } = event {
            self.give_back(fulfillment_order_id, rejection);
        }
        if let Event::UnitsCancelled { fulfillment_order_id, lines, .. } = event {
            self.cancel(fulfillment_order_id.as_ref(), lines, at);
        }
        if let Event::OrderSourced { packages, .. } = event {
            packages.iter().for_each(|package| self.end_open_waits(package, at));
        }
        if let Event::StockGranted { from, package } = event {
            self.end_wait(from, package, at);
        }
        if let Event::FulfillmentShipped { fulfillment_order_id, amount_minor }
        | Event::FulfillmentPickedUp { fulfillment_order_id, amount_minor } = event
        {
            self.ship(fulfillment_order_id, *amount_minor, at);
        }
        if let Event::FulfillmentSplit { from, lines, .. } = event
            && let Some(fact) = self.fact(from)
        {
            fact.units_released = fact.units_released.saturating_sub(units_of(lines));
        }
    }

    /// What is told from the order as it is by now.
    pub(crate) fn note_after(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::OrderPlaced { lines, units, total_minor, .. } => self.placed = (*lines as u64, *units, *total_minor),
            Event::SourcingAsked { .. } => note(&mut self.times.sourcing_asked_at, at),
            Event::OrderSourced { packages, waiting, .. } => {
                if !packages.is_empty() {
                    note(&mut self.times.sourced_at, at);
                }
                waiting.iter().for_each(|package| self.begin_wait(&package.fulfillment_order_id, at));
            }
            Event::FulfillmentBackordered { fulfillment_order_id } => self.begin_wait(fulfillment_order_id, at),
            Event::OrderApproved => note(&mut self.times.approved_at, at),
            Event::OrderCompleted | Event::OrderCancelled | Event::OrderRejected { .. } | Event::OrderExpired => {
                note(&mut self.times.ended_at, at);
            }
            Event::FulfillmentReleased { fulfillment_order_id } => self.release(fulfillment_order_id, at),
            Event::FulfillmentAccepted { fulfillment_order_id } => self.at(fulfillment_order_id, |fact| note(&mut fact.accepted_at, at)),
            Event::PickingStarted { fulfillment_order_id, .. } => self.at(fulfillment_order_id, |fact| {
                note(&mut fact.accepted_at, at);
                note(&mut fact.picking_at, at);
            }),
            Event::Packed { fulfillment_order_id, .. } | Event::FulfillmentReady { fulfillment_order_id, .. } => {
                note(&mut self.times.packed_at, at);
                self.at(fulfillment_order_id, |fact| note(&mut fact.packed_at, at));
            }
            Event::FulfillmentUnshipped { fulfillment_order_id, .. } => {
                self.shipments.retain(|shipment| shipment.fulfillment_order_id != *fulfillment_order_id);
                self.at(fulfillment_order_id, |fact| (fact.shipped_at, fact.shipped_minor) = (None, 0));
            }
            Event::FulfillmentPickedUp { fulfillment_order_id, .. } => self.pick_up(fulfillment_order_id, at),
            Event::FulfillmentSplit { from, into, lines, .. } => self.part(from, into, lines),
            Event::FulfillmentMerged { from, into } => {
                let released = self.fact(from).map_or(0, |fact| std::mem::take(&mut fact.units_released));
                self.at(into, |fact| fact.units_released += released);
            }
            Event::ParcelMoved { parcel_id, action, occurred_at, .. } => self.move_parcel(parcel_id, *action, *occurred_at),
            Event::CancellationRecorded(_) => self.attribute_cancelled(at),
            // Nothing of these is counted, or it is with what comes of them; money is noted by itself.
            Event::PaymentAsked { .. }
            | Event::PaymentAnswered { .. }
            | Event::PaymentResolved { .. }
            | Event::InvoiceDue { .. }
            | Event::PaymentAdded { .. }
            | Event::AuthorizationLapsed { .. }
            | Event::RefundAsked { .. }
            | Event::ReturnOpened { .. }
            | Event::ClaimOpened { .. }
            | Event::ClaimApproved { .. }
            | Event::ClaimDeclined { .. }
            | Event::ClaimClosed { .. }
            | Event::ReturnSettled { .. }
            | Event::CreditGranted { .. }
            | Event::CreditReleased { .. }
            | Event::CreditSettled { .. }
            | Event::RefundSetOff { .. }
            | Event::CreditDue { .. }
            | Event::ScreeningAsked
            | Event::ScreeningAnswered { .. }
            | Event::OrderProcessing
            | Event::HoldPlaced { .. }
            | Event::HoldReleased { .. }
            | Event::PreorderDue { .. }
            | Event::Unpacked { .. }
            | Event::FulfillmentRejected { .. }
            | Event::FulfillmentShorted { .. }
            | Event::FulfillmentCalledBack { .. }
            | Event::ShippingAsked { .. }
            | Event::LabelAsked { .. }
            | Event::LabelBooked { .. }
            | Event::LabelRefused { .. }
            | Event::FulfillmentShipped { .. }
            | Event::LabelVoided { .. }
            | Event::LabelResolved { .. }
            | Event::ParcelResolved { .. }
            | Event::GrantsSeen { .. }
            | Event::StockGranted { .. }
            | Event::WaitingEnded { .. }
            | Event::FulfillmentMoved { .. }
            | Event::FulfillmentReissued { .. }
            | Event::LineAdded { .. }
            | Event::UnitsAdded { .. }
            | Event::UnitsRemoved { .. }
            | Event::DeliveryChanged { .. }
            | Event::ShippingPriced { .. }
            | Event::PaymentRaised { .. }
            | Event::ChangeConfirmed { .. }
            | Event::ChangeRequested { .. }
            | Event::ChangeAnswered { .. }
            | Event::ChangeDeclined { .. }
            | Event::ChangeCancelled { .. }
            | Event::DecisionAsked { .. }
            | Event::DecisionMade { .. }
            | Event::UnitsCancelled { .. }
            | Event::CancellationRequested { .. }
            | Event::CancellationAnswered { .. }
            | Event::DeadlineExtended { .. }
            | Event::AttentionRaised { .. }
            | Event::EffectGaveUp { .. }
            | Event::AttentionResolved { .. }
            | Event::BooksRestored { .. } => {}
        }
        self.has_agreed = matches!(event, Event::CancellationAnswered { accepted: true, .. });
        self.note_money(event, at);
    }

    fn at(&mut self, id: &FulfillmentOrderId, change: impl FnOnce(&mut FulfillmentFact)) {
        if let Some(fact) = self.fact(id) {
            change(fact);
        }
    }

    fn release(&mut self, id: &FulfillmentOrderId, at: Timestamp) {
        let lines = self.lines_of(id);
        let facility_id = self.order.fulfillment_order(id).and_then(|found| found.facility_id.clone());
        note(&mut self.times.released_at, at);
        add(&mut self.released, &lines);
        self.at(id, |fact| {
            fact.facility_id = facility_id.or_else(|| fact.facility_id.take());
            note(&mut fact.released_at, at);
            fact.units_released += units_of(&lines);
        });
    }

    fn give_back(&mut self, id: &FulfillmentOrderId, rejection: &FacilityRejection) {
        let is_short_pick = self.status_of(id).is_some_and(FulfillmentStatus::is_picked);
        let given = GivenBack { reason: rejection.reason, is_short_pick, units: units_of(&rejection.lines) };
        add(&mut self.given_back, &rejection.lines);
        let facility_id = rejection.facility_id.clone();
        self.at(id, |fact| {
            fact.facility_id = Some(facility_id);
            fact.units_given_back += given.units;
            fact.given_back.push(given);
        });
    }

    fn cancel(&mut self, id: Option<&FulfillmentOrderId>, lines: &Lines, at: Timestamp) {
        let stage = match id.and_then(|id| self.status_of(id)) {
            None | Some(FulfillmentStatus::Scheduled | FulfillmentStatus::Open) => "before_release",
            Some(FulfillmentStatus::Backordered | FulfillmentStatus::Incomplete) => "before_release",
            Some(FulfillmentStatus::Released) => "released",
            Some(FulfillmentStatus::Accepted | FulfillmentStatus::Picking | FulfillmentStatus::Packed) => "accepted",
            Some(FulfillmentStatus::ReadyForPickup | FulfillmentStatus::Shipped) => "accepted",
            Some(FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled) => "accepted",
        };
        self.cancelled.push(CancelledUnits { line_units: lines.clone(), stage, by_request: self.has_agreed, at });
    }

    /// The record of a request comes after what it has cancelled, in one breath.
    fn attribute_cancelled(&mut self, at: Timestamp) {
        self.cancelled.iter_mut().rev().take_while(|gone| gone.at == at).for_each(|gone| gone.by_request = true);
    }

    fn ship(&mut self, id: &FulfillmentOrderId, amount_minor: i64, at: Timestamp) {
        let Some(found) = self.order.fulfillment_order(id) else { return };
        let shipment = Shipment {
            fulfillment_order_id: id.clone(),
            facility_id: found.facility_id.clone(),
            at,
            is_punctual: found.ship_by.is_none_or(|due| at <= due),
            lines: found.lines.clone(),
            amount_minor,
        };
        self.shipments.push(shipment);
        self.at(id, |fact| (fact.shipped_at, fact.shipped_minor) = (Some(at), amount_minor));
    }

    fn pick_up(&mut self, id: &FulfillmentOrderId, at: Timestamp) {
        let lines = self.lines_of(id);
        self.deliver(id, &lines, at);
        self.at(id, |fact| fact.delivered_at = Some(at));
    }

    fn deliver(&mut self, id: &FulfillmentOrderId, lines: &Lines, at: Timestamp) {
        let facility_id = self.fact(id).and_then(|fact| fact.facility_id.clone());
        let delivery = |(line_id, units): (&LineId, &u32)| Delivery {
            at,
            facility_id: facility_id.clone(),
            line_id: line_id.clone(),
            units: u64::from(*units),
        };
        self.deliveries.extend(lines.iter().map(delivery));
    }

    /// A part of it under another number has been as far as what it was part of, but is only released once.
    fn part(&mut self, from: &FulfillmentOrderId, into: &FulfillmentOrderId, lines: &Lines) {
        let Some(origin) = self.fact(from).cloned() else { return };
        let is_released_again = self.status_of(into) == Some(FulfillmentStatus::Open);
        self.at(into, |fact| {
            fact.units_released = if is_released_again || origin.released_at.is_none() { 0 } else { units_of(lines) };
            fact.released_at = origin.released_at.filter(|_| !is_released_again);
            (fact.accepted_at, fact.picking_at, fact.packed_at) = (origin.accepted_at, origin.picking_at, origin.packed_at);
        });
    }

    /// The carrier's word, at the time that it says, but not before the parcel left.
    fn move_parcel(&mut self, parcel_id: &ParcelId, action: ParcelAction, occurred_at: Timestamp) {
        let Some(id) = parcel_id.fulfillment_order_id() else { return };
        let Some(found) = self.order.fulfillment_order(&id) else { return };
        let (is_delivered, status) = (found.is_delivered(), found.status);
        let parcel = found.parcels.iter().find(|parcel| parcel.parcel_id == *parcel_id);
        let Some(lines) = parcel.map(|parcel| parcel.lines.clone()) else { return };
        let is_there = parcel.is_some_and(|parcel| parcel.status == ParcelStatus::Delivered) && action == ParcelAction::Deliver;
        let shipped_at = self.fact(&id).and_then(|fact| fact.shipped_at);
        let at = shipped_at.map_or(occurred_at, |left| left.max(occurred_at));
        if status == FulfillmentStatus::Shipped {
            self.at(&id, |fact| fact.handed_over_at = Some(fact.handed_over_at.map_or(at, |known| known.min(at))));
        }
        if is_there {
            self.deliver(&id, &lines, at);
            self.at(&id, |fact| {
                fact.last_parcel_at = fact.last_parcel_at.max(Some(at));
                fact.delivered_at = fact.last_parcel_at.filter(|_| is_delivered);
            });
        }
    }

    /// Units that were waiting before, and were only planned again, go on waiting.
    fn begin_wait(&mut self, id: &FulfillmentOrderId, at: Timestamp) {
        let Some(found) = self.order.fulfillment_order(id) else { return };
        if found.status != FulfillmentStatus::Backordered || found.waiting_since.is_some() {
            return;
        }
        let lines = found.lines.clone();
        add(&mut self.backordered, &lines);
        self.waits.push(WaitFact { since: at, units: units_of(&lines), filled_at: None });
    }

    fn end_wait(&mut self, from: &FulfillmentOrderId, package: &SourcedPackage, at: Timestamp) {
        let Some(found) = self.order.fulfillment_order(from) else { return };
        let since = found.waiting_since.unwrap_or(found.since);
        self.waits.push(WaitFact { since, units: units_of(&package.lines), filled_at: Some(at) });
    }

    /// Units that had been waiting and were planned again have found a place.
    fn end_open_waits(&mut self, package: &SourcedPackage, at: Timestamp) {
        let waited = |id: &LineId| self.order.lines.get(id).and_then(|line| line.waiting_since);
        let mut ended: BTreeMap<Timestamp, u64> = BTreeMap::new();
        for (id, units) in &package.lines {
            if let Some(since) = waited(id) {
                *ended.entry(since).or_default() += u64::from(*units);
            }
        }
        self.waits.extend(ended.into_iter().map(|(since, units)| WaitFact { since, units, filled_at: Some(at) }));
    }
}
