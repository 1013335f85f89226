//! What the reservations of an order must be: the absolute figures, from which the store works out what moves.

use serde::{Deserialize, Serialize};

use super::{Event, FulfillmentOrder, Order, RejectionReason};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId, LineId, Sku},
};

/// One line of one fulfillment order, as the stock must see it: at most one of the three figures is above zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockTarget {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    /// None while waiting.
    pub facility_id: Option<FacilityId>,
    pub sku: Sku,
    pub allocated: u32,
    pub consumed: u32,
    pub waiting: u32,
    /// Waiting: stock that arrives is not taken bit by bit, the order plans again as a whole.
    pub whole: bool,
    /// Waiting: where alone it may be served.
    pub only_at: Option<FacilityId>,
}

/// What a facility's rejection says about its stock of a line; the reason decides what becomes of it (LIFECYCLE.md).
/// It is a fact: booked once under its key, whatever it leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockFact {
    /// The sequence number of the event that says it; with the order and the line, the key.
    pub seq: u64,
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub reason: RejectionReason,
    /// How many units could not be shipped.
    pub quantity: u32,
}

impl Order {
    /// What an event of this order, recorded under `seq`, says about stock that is not where the books have it.
    pub fn stock_facts(&self, seq: u64, event: &Event) -> Vec<StockFact> {
        let (fulfillment_order_id, rejection) = match event {
            Event::FulfillmentRejected { fulfillment_order_id, rejection, .. } => (fulfillment_order_id, Some(rejection)),
            // What was moved away is not offered to the same place again.
            Event::FulfillmentMoved { from, .. } => {
                (from, self.fulfillment_order(from).and_then(|f| f.rejections.last()).filter(|r| r.reason == RejectionReason::Other))
            }
            _ => return Vec::new(),
        };
        let Some(rejection) = rejection else { return Vec::new() };
        let fact = |(line_id, quantity): (&LineId, &u32)| {
            Some(StockFact {
                seq,
                fulfillment_order_id: fulfillment_order_id.clone(),
                line_id: line_id.clone(),
                facility_id: rejection.facility_id.clone(),
                sku: self.core_line(line_id)?.sku.clone(),
                reason: rejection.reason,
                quantity: *quantity,
            })
        };
        rejection.lines.iter().filter_map(fact).collect()
    }

    /// The targets of the fulfillment orders that changed after `version`.
    pub fn stock_targets_since(&self, version: u64) -> Vec<StockTarget> {
        self.changed_since(version).flat_map(|found| self.targets(found)).collect()
    }

    /// The grants that were seen after `version`.
    pub fn grants_seen_since(&self, version: u64) -> Vec<String> {
        self.grants_seen.iter().filter(|(_, seen)| **seen > version).map(|(id, _)| id.clone()).collect()
    }

    /// The fulfillment orders that changed after `version`.
    pub fn changed_since(&self, version: u64) -> impl Iterator<Item = &FulfillmentOrder> {
        self.fulfillment_orders.iter().filter(move |found| found.version > version)
    }

    fn targets(&self, found: &FulfillmentOrder) -> Vec<StockTarget> {
        let (allocated, consumed, waiting) = match found.status {
            FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp => (0, 1, 0),
            FulfillmentStatus::Backordered => (0, 0, 1),
            FulfillmentStatus::Incomplete | FulfillmentStatus::Cancelled => return Vec::new(),
            FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Released | FulfillmentStatus::Accepted => (1, 0, 0),
            FulfillmentStatus::Picking | FulfillmentStatus::Packed | FulfillmentStatus::ReadyForPickup => (1, 0, 0),
        };
        let target = |(line_id, units): (&LineId, &u32)| {
            Some(StockTarget {
                fulfillment_order_id: found.fulfillment_order_id.clone(),
                line_id: line_id.clone(),
                facility_id: found.facility_id.clone(),
                sku: self.core_line(line_id)?.sku.clone(),
                allocated: allocated * units,
                consumed: consumed * units,
                waiting: waiting * units,
                whole: found.whole || found.on_purpose,
                only_at: self.core.groups.get(usize::from(found.group)).and_then(|group| group.pickup_facility_id.clone()),
            })
        };
        found.lines.iter().filter_map(target).collect()
    }
}
