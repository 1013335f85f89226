//! What each event means. Never refuses, never decides: an event has happened.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Attention, CancellationRequest, Event, FulfillmentOrder, Order, OrderStatus, PackedParcel, Parcel, SourcedPackage};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId, LineId, ParcelId, PaymentId},
    parcel::{ParcelAction, ParcelStatus},
    payment::{Operation, OperationAction, OperationKind, OperationOutcome, OperationStatus},
};

impl Order {
    /// Applies an event that happened at `at`, in business time.
    pub fn evolve(&mut self, event: &Event, at: Timestamp) {
        self.version += 1;
        match event {
            Event::OrderPlaced { .. } => self.status_since = at,
            Event::SourcingAsked { round } => self.sourcing.asked = *round,
            Event::OrderSourced { round, packages, waiting } => {
                self.sourcing.answered = *round;
                for package in packages {
                    self.open_fulfillment_order(package, at);
                }
                for package in waiting {
                    self.backorder(package, at);
                }
            }
            Event::PaymentAsked { payment_id, number, kind, amount_minor, acts_on } => {
                self.open_operation(payment_id, *number, *kind, *amount_minor, acts_on.clone(), at);
            }
            Event::PaymentAnswered { payment_id, number, outcome, .. } => self.answer_operation(payment_id, *number, outcome, at),
            Event::InvoiceDue { amount_minor, .. } => self.invoiced_minor += amount_minor,
            Event::OrderApproved => self.enter(OrderStatus::Approved, at),
            Event::OrderProcessing => self.enter(OrderStatus::Processing, at),
            Event::OrderRejected { .. } => self.enter(OrderStatus::Rejected, at),
            Event::OrderExpired => self.enter(OrderStatus::Expired, at),
            Event::OrderCompleted => self.enter(OrderStatus::Completed, at),
            Event::OrderCancelled => self.enter(OrderStatus::Cancelled, at),
            Event::HoldPlaced(hold) => self.holds.push(hold.clone()),
            Event::HoldReleased { hold_id } => self.holds.retain(|hold| hold.hold_id != *hold_id),
            Event::CancellationRecorded(cancellation) => self.record_cancellation(cancellation),
            Event::AttentionRaised { subject, why } => {
                self.attention.push(Attention { subject: subject.clone(), why: why.clone(), since: at });
            }
            Event::UnitsCancelled { fulfillment_order_id, lines, .. } => {
                self.cancel_units(fulfillment_order_id.as_ref(), lines, at);
            }
            Event::GrantsSeen { grant_ids } => {
                let version = self.version;
                self.grants_seen.extend(grant_ids.iter().map(|id| (id.clone(), version)));
            }
            Event::StockGranted { from, package } => self.grant(from, package, at),
            Event::WaitingEnded { fulfillment_order_id } => self.reopen_units(fulfillment_order_id, None, at),
            Event::FulfillmentRejected { fulfillment_order_id, rejection } => {
                self.reopen_units(fulfillment_order_id, Some(&rejection.lines), at);
                self.touch(fulfillment_order_id, |f| f.rejections.push(rejection.clone()));
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
            Event::CancellationRequested { fulfillment_order_id, cancellation_id, lines } => self.touch(fulfillment_order_id, |f| {
                let request = CancellationRequest { cancellation_id: cancellation_id.clone(), lines: lines.clone(), since: at };
                f.cancellation_request = Some(request);
            }),
            Event::CancellationAnswered { fulfillment_order_id, .. } => self.touch(fulfillment_order_id, |f| f.cancellation_request = None),
            Event::LabelAsked { parcel_id } => self.move_parcel(parcel_id, ParcelAction::RequestLabel, at, |p| p.label_attempts += 1),
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

    fn open_fulfillment_order(&mut self, package: &SourcedPackage, at: Timestamp) {
        self.take_open(&package.lines);
        self.push_sourced(package, at);
    }

    fn push_sourced(&mut self, package: &SourcedPackage, at: Timestamp) {
        let fulfill_at = package.lines.keys().filter_map(|id| self.core_line(id)?.fulfill_at).max();
        let status = match fulfill_at {
            Some(due) if due > at => FulfillmentStatus::Scheduled,
            Some(_) | None => FulfillmentStatus::Open,
        };
        let mut opened = FulfillmentOrder::new(&package.fulfillment_order_id, package.group, &package.lines, status, at);
        opened.facility_id = Some(package.facility_id.clone());
        opened.fulfill_at = fulfill_at;
        opened.ship_by = package.ship_by;
        opened.version = self.version;
        self.fulfillment_orders.push(opened);
    }

    fn backorder(&mut self, package: &super::WaitingPackage, at: Timestamp) {
        self.take_open(&package.lines);
        let id = &package.fulfillment_order_id;
        let mut waiting = FulfillmentOrder::new(id, package.group, &package.lines, FulfillmentStatus::Backordered, at);
        waiting.whole = package.whole;
        waiting.on_purpose = package.on_purpose;
        waiting.version = self.version;
        self.fulfillment_orders.push(waiting);
    }

    fn take_open(&mut self, lines: &BTreeMap<LineId, u32>) {
        for (id, units) in lines {
            if let Some(line) = self.lines.get_mut(id) {
                line.open = line.open.saturating_sub(*units);
            }
        }
    }

    /// Waiting units leave their fulfillment order for one of the granting facility.
    fn grant(&mut self, from: &FulfillmentOrderId, package: &SourcedPackage, at: Timestamp) {
        self.touch(from, |f| f.remove(&package.lines, at));
        self.push_sourced(package, at);
    }

    /// Units leave a fulfillment order and are open again; without lines, all of them.
    fn reopen_units(&mut self, id: &FulfillmentOrderId, lines: Option<&BTreeMap<LineId, u32>>, at: Timestamp) {
        let Some(found) = self.fulfillment_order(id) else { return };
        let lines = lines.unwrap_or(&found.lines).clone();
        self.touch(id, |f| f.remove(&lines, at));
        for (line_id, units) in &lines {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.open += units;
            }
        }
    }

    fn cancel_units(&mut self, id: Option<&FulfillmentOrderId>, lines: &BTreeMap<LineId, u32>, at: Timestamp) {
        self.number(lines);
        match id {
            Some(id) => self.touch(id, |f| f.remove(lines, at)),
            None => self.take_open(lines),
        }
        for (line_id, units) in lines {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.cancelled += units;
            }
        }
    }

    fn record_cancellation(&mut self, cancellation: &super::Cancellation) {
        self.cancellations.retain(|known| known.cancellation_id != cancellation.cancellation_id);
        self.cancellations.push(cancellation.clone());
    }

    fn ship(&mut self, id: &FulfillmentOrderId, amount_minor: i64, at: Timestamp) {
        self.shipped_minor += amount_minor;
        let lines = self.fulfillment_order(id).map(|f| f.lines.clone()).unwrap_or_default();
        self.number(&lines);
        self.touch(id, |f| f.ship_requested = false);
        self.advance_to(id, FulfillmentStatus::Shipped, at);
    }

    fn open_operation(
        &mut self,
        id: &PaymentId,
        number: u32,
        kind: OperationKind,
        amount_minor: i64,
        acts_on: Option<String>,
        at: Timestamp,
    ) {
        if let Some(payment) = self.payment_mut(id) {
            payment.operations.push(Operation {
                number,
                kind,
                amount_minor,
                status: OperationStatus::Pending,
                acts_on,
                reference: None,
                decline: None,
                expires_at: None,
                since: at,
            });
        }
    }

    fn answer_operation(&mut self, id: &PaymentId, number: u32, outcome: &OperationOutcome, at: Timestamp) {
        let Some(payment) = self.payment_mut(id) else { return };
        let Some(operation) = payment.operations.iter_mut().find(|op| op.number == number) else { return };
        let action = match outcome {
            OperationOutcome::Succeeded { reference, expires_at } => {
                operation.reference = Some(reference.clone());
                operation.expires_at = *expires_at;
                OperationAction::Succeed
            }
            OperationOutcome::Declined { decline, code } => {
                operation.decline = Some((*decline, code.clone()));
                OperationAction::Fail
            }
            OperationOutcome::Unknown => OperationAction::LoseSight,
        };
        operation.status = operation.status.after(action).unwrap_or(operation.status);
        operation.since = at;
    }
}

impl FulfillmentOrder {
    fn new(id: &FulfillmentOrderId, group: u16, lines: &BTreeMap<LineId, u32>, status: FulfillmentStatus, at: Timestamp) -> Self {
        Self {
            fulfillment_order_id: id.clone(),
            facility_id: None::<FacilityId>,
            group,
            status,
            since: at,
            version: 0,
            lines: lines.clone(),
            whole: false,
            on_purpose: false,
            fulfill_at: None,
            ship_by: None,
            parcels: Vec::new(),
            ship_requested: false,
            cancellation_request: None,
            rejections: Vec::new(),
        }
    }

    fn enter(&mut self, status: FulfillmentStatus, at: Timestamp) {
        self.status = status;
        self.since = at;
    }

    /// Units leave it. What is packed is unpacked first; with the last unit it is Cancelled.
    fn remove(&mut self, lines: &BTreeMap<LineId, u32>, at: Timestamp) {
        for (id, units) in lines {
            if let Some(left) = self.lines.get_mut(id) {
                *left = left.saturating_sub(*units);
            }
        }
        self.lines.retain(|_, left| *left > 0);
        self.void_parcels(at);
        if self.lines.is_empty() {
            self.enter(FulfillmentStatus::Cancelled, at);
        } else if self.status == FulfillmentStatus::Packed {
            self.enter(FulfillmentStatus::Picking, at);
        }
    }

    fn pack(&mut self, parcels: &[PackedParcel], at: Timestamp) {
        for packed in parcels {
            let number = u32::try_from(self.parcels.len()).map_or(u32::MAX, |used| used + 1);
            self.parcels.push(Parcel {
                parcel_id: ParcelId::of(&self.fulfillment_order_id, number),
                status: ParcelStatus::Packed,
                since: at,
                lines: packed.lines.clone(),
                weight_g: packed.weight_g,
                carrier: None,
                tracking_number: None,
                reported_at: None,
                label_attempts: 0,
                assumed_delivered: false,
            });
        }
    }

    fn void_parcels(&mut self, at: Timestamp) {
        self.ship_requested = false;
        for parcel in &mut self.parcels {
            if let Some(voided) = parcel.status.after(ParcelAction::Void) {
                parcel.status = voided;
                parcel.since = at;
            }
        }
    }
}
