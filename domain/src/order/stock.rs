//! What the reservations of an order must be: the absolute figures, from which the store works out what moves.

use serde::{Deserialize, Serialize};

use super::{FulfillmentOrder, Order};
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
}

impl Order {
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
            })
        };
        found.lines.iter().filter_map(target).collect()
    }
}
