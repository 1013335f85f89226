//! Where every unit of every line is. Counted from the fulfillment orders and parcels, never set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FulfillmentOrder, Order, Parcel};
use crate::{fulfillment::FulfillmentStatus, ids::LineId, parcel::ParcelStatus};

/// The units of one line, or of several added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    pub ordered: u64,
    pub replaced: u64,
    pub open: u64,
    pub backordered: u64,
    pub allocated: u64,
    pub shipped: u64,
    pub cancelled: u64,
    pub in_transit: u64,
    pub delivered: u64,
    pub picked_up: u64,
    pub lost: u64,
    pub sent_back: u64,
}

impl Units {
    /// LIFECYCLE.md's equations: every unit is somewhere, and what was shipped is somewhere out there.
    pub fn add_up(&self) -> bool {
        let everywhere = self.open + self.backordered + self.allocated + self.shipped + self.cancelled;
        let out_there = self.in_transit + self.delivered + self.picked_up + self.lost + self.sent_back;
        self.ordered + self.replaced == everywhere && self.shipped == out_there
    }

    /// Still to be dealt with.
    pub fn unfinished(&self) -> u64 {
        self.open + self.backordered + self.allocated + self.in_transit
    }

    fn add(&mut self, other: &Self) {
        self.ordered += other.ordered;
        self.replaced += other.replaced;
        self.open += other.open;
        self.backordered += other.backordered;
        self.allocated += other.allocated;
        self.shipped += other.shipped;
        self.cancelled += other.cancelled;
        self.in_transit += other.in_transit;
        self.delivered += other.delivered;
        self.picked_up += other.picked_up;
        self.lost += other.lost;
        self.sent_back += other.sent_back;
    }
}

impl Order {
    /// Where each line's units are.
    pub fn units(&self) -> BTreeMap<LineId, Units> {
        let own = |(id, state): (&LineId, &super::LineState)| {
            let units = Units {
                ordered: u64::from(state.ordered),
                replaced: u64::from(state.replaced),
                open: u64::from(state.open),
                cancelled: u64::from(state.cancelled),
                ..Units::default()
            };
            (id.clone(), units)
        };
        let mut units: BTreeMap<LineId, Units> = self.lines.iter().map(own).collect();
        for fulfillment_order in &self.fulfillment_orders {
            count(fulfillment_order, &mut units);
        }
        units
    }

    /// Where all units are.
    pub fn all_units(&self) -> Units {
        let mut all = Units::default();
        for units in self.units().values() {
            all.add(units);
        }
        all
    }
}

fn count(fulfillment_order: &FulfillmentOrder, units: &mut BTreeMap<LineId, Units>) {
    for (id, quantity) in &fulfillment_order.lines {
        let (Some(line), quantity) = (units.get_mut(id), u64::from(*quantity)) else { continue };
        match fulfillment_order.status {
            FulfillmentStatus::Backordered => line.backordered += quantity,
            FulfillmentStatus::Incomplete => line.open += quantity,
            FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Released => line.allocated += quantity,
            FulfillmentStatus::Accepted | FulfillmentStatus::Picking | FulfillmentStatus::Packed => line.allocated += quantity,
            FulfillmentStatus::ReadyForPickup => line.allocated += quantity,
            FulfillmentStatus::Shipped => line.shipped += quantity,
            FulfillmentStatus::PickedUp => {
                line.shipped += quantity;
                line.picked_up += quantity;
            }
            FulfillmentStatus::Cancelled => {}
        }
    }
    if fulfillment_order.status == FulfillmentStatus::Shipped {
        fulfillment_order.parcels.iter().for_each(|parcel| count_shipped(parcel, units));
    }
}

fn count_shipped(parcel: &Parcel, units: &mut BTreeMap<LineId, Units>) {
    for (id, quantity) in &parcel.lines {
        let (Some(line), quantity) = (units.get_mut(id), u64::from(*quantity)) else { continue };
        match parcel.status {
            ParcelStatus::Labelled | ParcelStatus::HandedOver | ParcelStatus::InTransit => line.in_transit += quantity,
            ParcelStatus::OutForDelivery | ParcelStatus::Attempted | ParcelStatus::Exception => line.in_transit += quantity,
            ParcelStatus::Delivered => line.delivered += quantity,
            ParcelStatus::ReturnedToSender => line.sent_back += quantity,
            ParcelStatus::Lost => line.lost += quantity,
            // A voided parcel's units were packed again into another one; the others have not shipped.
            ParcelStatus::Packed | ParcelStatus::LabelPending | ParcelStatus::Voided => {}
        }
    }
}
