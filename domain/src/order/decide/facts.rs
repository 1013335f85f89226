//! What the world reports. Facts are never refused: what cannot be used changes nothing here and stays on record in the store.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Draft;
use crate::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FacilityId, FulfillmentOrderId, ParcelId},
    order::{CarrierReport, Event, Grant, Lines, Parcel, Short, SourcedPackage, lines::take},
    parcel::ParcelAction,
};

impl Draft {
    /// Waiting units were granted stock. A grant for units that wait no more is left out; recording gives its stock back.
    pub(super) fn stock_arrived(&mut self, grants: &[Grant], hint_id: Option<&str>) {
        let hint = hint_id.filter(|id| !self.order.grants_seen.contains_key(*id));
        let new: Vec<&Grant> = grants.iter().filter(|g| !self.order.grants_seen.contains_key(&g.grant_id)).collect();
        if new.is_empty() && hint.is_none() {
            return;
        }
        let ids = new.iter().map(|g| g.grant_id.clone()).chain(hint.map(str::to_owned));
        self.emit(Event::GrantsSeen { grant_ids: ids.collect() });
        if hint.is_some() {
            self.plan_waiting_again();
        }
        let mut granted: BTreeMap<(&FulfillmentOrderId, &FacilityId), Lines> = BTreeMap::new();
        for grant in new {
            let units = granted.entry((&grant.fulfillment_order_id, &grant.facility_id)).or_default();
            let sum = units.entry(grant.line_id.clone()).or_default();
            *sum = sum.saturating_add(grant.quantity);
        }
        for ((from, facility_id), units) in granted {
            self.grant(from, facility_id, &units);
        }
    }

    fn grant(&mut self, from: &FulfillmentOrderId, facility_id: &FacilityId, units: &Lines) {
        let waiting = self.order.fulfillment_order(from).filter(|f| f.status == FulfillmentStatus::Backordered);
        let Some(waiting) = waiting else { return };
        let lines = take(&mut waiting.lines.clone(), units);
        if lines.is_empty() {
            return;
        }
        let fulfillment_order_id = self.order.next_id();
        let (facility_id, group) = (facility_id.clone(), waiting.group);
        let package = SourcedPackage { fulfillment_order_id, facility_id, group, lines, ship_by: None };
        self.emit(Event::StockGranted { from: from.clone(), package });
    }

    /// Reserved units are not there. A short of units that went on meanwhile is left out: whoever chose it looks for others.
    pub(super) fn stock_shorted(&mut self, shorts: &[Short]) {
        let new: Vec<&Short> = shorts.iter().filter(|s| !self.order.grants_seen.contains_key(&s.short_id)).collect();
        if new.is_empty() {
            return;
        }
        self.emit(Event::GrantsSeen { grant_ids: new.iter().map(|s| s.short_id.clone()).collect() });
        let mut missing: BTreeMap<&FulfillmentOrderId, Lines> = BTreeMap::new();
        for short in new {
            let sum = missing.entry(&short.fulfillment_order_id).or_default().entry(short.line_id.clone()).or_default();
            *sum = sum.saturating_add(short.quantity);
        }
        for (id, mut units) in missing {
            let found = self.order.fulfillment_order(id).filter(|f| f.status.after(FulfillmentAction::Short).is_some()).cloned();
            let Some(found) = found else { continue };
            let lines = take(&mut units, &found.lines);
            if !lines.is_empty() {
                self.short(&found, &lines);
            }
        }
    }

    /// What ships only as a whole, or waits on purpose, is planned again when any of their stock moved.
    fn plan_waiting_again(&mut self) {
        let whole =
            self.order.fulfillment_orders.iter().filter(|f| (f.whole || f.on_purpose) && f.status == FulfillmentStatus::Backordered);
        for fulfillment_order_id in whole.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::WaitingEnded { fulfillment_order_id });
        }
    }

    /// Events come late, twice and out of order: only a legal step that is not older than the last one counts. A number that stands
    /// for several parcels moves them all. What is lost, sent back or in trouble was with the carrier, whoever forgot to scan it.
    pub(super) fn carrier_reported(&mut self, report: &CarrierReport) {
        if self.order.has_heard(report) {
            return;
        }
        let shipped = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Shipped);
        let handed_over = |p: &Parcel| p.status.after(ParcelAction::HandOver).and_then(|with_carrier| with_carrier.after(report.action));
        let counts = |p: &&Parcel| {
            let stale = p.reported_at.is_some_and(|last| last > report.occurred_at);
            let possible = p.status.after(report.action).or_else(|| handed_over(p)).is_some();
            p.tracking_number.as_deref() == Some(&report.tracking_number) && !stale && possible
        };
        let skips = |p: &Parcel| p.status.after(report.action).is_none();
        let parcels = shipped.flat_map(|f| &f.parcels).filter(counts).map(|p| (p.parcel_id.clone(), skips(p)));
        for (parcel_id, skips) in parcels.collect::<Vec<_>>() {
            if skips {
                self.parcel_moved(&parcel_id, ParcelAction::HandOver, report.occurred_at, None);
            }
            self.parcel_moved(&parcel_id, report.action, report.occurred_at, Some(&report.event_id));
        }
    }

    /// A parcel has moved, by the carrier's event with this id, or by somebody's word.
    pub(super) fn parcel_moved(&mut self, parcel_id: &ParcelId, action: ParcelAction, occurred_at: Timestamp, event_id: Option<&str>) {
        let event_id = event_id.map(str::to_owned);
        self.emit(Event::ParcelMoved { parcel_id: parcel_id.clone(), action, occurred_at, assumed: false, event_id });
        if matches!(action, ParcelAction::Lose | ParcelAction::ReturnToSender) {
            self.attend(parcel_id.as_str(), &format!("it is {}: send it again, or give the money back", action.name()));
        }
        if action == ParcelAction::Deliver {
            self.settle(parcel_id.as_str());
            let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
            if parcels.into_iter().any(|p| p.parcel_id == *parcel_id && p.resolution.is_some()) {
                self.attend(parcel_id.as_str(), "it was found and delivered, after it had been replaced or refunded");
            }
        }
    }
}
