//! What the world reports. Facts are never refused: what cannot be used changes nothing here and stays on record in the store.

use std::collections::BTreeMap;

use super::Draft;
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId, LineId},
    order::{CarrierReport, Event, Grant, SourcedPackage},
    parcel::ParcelAction,
};

impl Draft {
    /// Waiting units were granted stock. A grant for units that wait no more is left out; recording gives its stock back.
    pub(super) fn stock_arrived(&mut self, grants: &[Grant]) {
        if grants.is_empty() {
            return self.plan_waiting_again();
        }
        let new: Vec<&Grant> = grants.iter().filter(|g| !self.order.grants_seen.contains_key(&g.grant_id)).collect();
        if new.is_empty() {
            return;
        }
        self.emit(Event::GrantsSeen { grant_ids: new.iter().map(|g| g.grant_id.clone()).collect() });
        let mut granted: BTreeMap<(&FulfillmentOrderId, &FacilityId), BTreeMap<LineId, u32>> = BTreeMap::new();
        for grant in new {
            let units = granted.entry((&grant.fulfillment_order_id, &grant.facility_id)).or_default();
            *units.entry(grant.line_id.clone()).or_default() += grant.quantity;
        }
        for ((from, facility_id), units) in granted {
            self.grant(from, facility_id, &units);
        }
    }

    fn grant(&mut self, from: &FulfillmentOrderId, facility_id: &FacilityId, units: &BTreeMap<LineId, u32>) {
        let waiting = self.order.fulfillment_order(from).filter(|f| f.status == FulfillmentStatus::Backordered);
        let Some(waiting) = waiting else { return };
        let within = |(id, granted): (&LineId, &u32)| Some((id.clone(), (*granted).min(*waiting.lines.get(id)?)));
        let lines: BTreeMap<LineId, u32> = units.iter().filter_map(within).collect();
        if lines.is_empty() {
            return;
        }
        let fulfillment_order_id = FulfillmentOrderId::of(&self.order.core.order_id, self.order.next_fulfillment_order());
        let (facility_id, group) = (facility_id.clone(), waiting.group);
        let package = SourcedPackage { fulfillment_order_id, facility_id, group, lines, ship_by: None };
        self.emit(Event::StockGranted { from: from.clone(), package });
    }

    /// Orders that ship only as a whole are planned again when any of their stock moved.
    fn plan_waiting_again(&mut self) {
        let whole = self.order.fulfillment_orders.iter().filter(|f| f.whole && f.status == FulfillmentStatus::Backordered);
        for fulfillment_order_id in whole.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::WaitingEnded { fulfillment_order_id });
        }
    }

    /// Events come late, twice and out of order: only a legal step that is not older than the last one counts.
    pub(super) fn carrier_reported(&mut self, report: &CarrierReport) {
        let shipped = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Shipped);
        let mut parcels = shipped.flat_map(|f| &f.parcels);
        let Some(parcel) = parcels.find(|p| p.tracking_number.as_deref() == Some(&report.tracking_number)) else { return };
        let stale = parcel.reported_at.is_some_and(|last| last > report.occurred_at);
        if stale || parcel.status.after(report.action).is_none() {
            return;
        }
        let (parcel_id, action) = (parcel.parcel_id.clone(), report.action);
        self.emit(Event::ParcelMoved { parcel_id: parcel_id.clone(), action, occurred_at: report.occurred_at, assumed: false });
        if matches!(action, ParcelAction::Lose | ParcelAction::ReturnToSender) {
            self.attend(parcel_id.as_str(), &format!("the carrier reports it {}", action.name()));
        }
    }
}
