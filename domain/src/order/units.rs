//! Where every unit of every line is. Counted from the fulfillment orders and parcels, never set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FulfillmentOrder, LineState, Order};
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
    /// Of those the customer had: back for good.
    pub returned: u64,
}

impl Units {
    /// LIFECYCLE.md's equations: every unit is somewhere, and what was shipped is somewhere out there.
    pub fn add_up(&self) -> bool {
        let everywhere = self.open + self.backordered + self.allocated + self.shipped + self.cancelled;
        let out_there = self.in_transit + self.delivered + self.picked_up + self.lost + self.sent_back;
        self.ordered + self.replaced == everywhere && self.shipped == out_there && self.returned <= self.delivered + self.picked_up
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
        self.returned += other.returned;
    }
}

/// How far an order is fulfilled: derived from its units, never set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FulfillmentProgress {
    Unfulfilled,
    PartiallyFulfilled,
    Fulfilled,
    PartiallyReturned,
    Returned,
}

impl FulfillmentProgress {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::PartiallyFulfilled => "partially_fulfilled",
            Self::Fulfilled => "fulfilled",
            Self::PartiallyReturned => "partially_returned",
            Self::Returned => "returned",
        }
    }
}

impl Units {
    /// How far these units have come. Returned: nothing that was ordered is with the customer any more, or will be.
    pub fn progress(&self) -> FulfillmentProgress {
        match (self.returned, self.shipped) {
            (0, 0) => FulfillmentProgress::Unfulfilled,
            (0, shipped) if shipped + self.cancelled < self.ordered + self.replaced => FulfillmentProgress::PartiallyFulfilled,
            (0, _) => FulfillmentProgress::Fulfilled,
            (returned, _) if returned == self.delivered + self.picked_up && self.unfinished() == 0 => FulfillmentProgress::Returned,
            _ => FulfillmentProgress::PartiallyReturned,
        }
    }
}

impl Order {
    /// Where each line's units are.
    pub fn units(&self) -> BTreeMap<LineId, Units> {
        let mut units: BTreeMap<LineId, Units> = self.lines.iter().map(|(id, line)| (id.clone(), line.units())).collect();
        self.fulfillment_orders.iter().for_each(|found| {
            count(found, |id, counted| {
                if let Some(line) = units.get_mut(id) {
                    line.add(counted);
                }
            });
        });
        self.each_returned(|id, returned| {
            if let Some(line) = units.get_mut(id) {
                line.returned += returned;
            }
        });
        units
    }

    /// Where all units are.
    pub fn all_units(&self) -> Units {
        let mut all = Units::default();
        self.lines.values().for_each(|line| all.add(&line.units()));
        self.fulfillment_orders.iter().for_each(|found| count(found, |_, counted| all.add(counted)));
        self.each_returned(|_, returned| all.returned += returned);
        all
    }
}

impl LineState {
    /// The units that no fulfillment order has.
    fn units(&self) -> Units {
        Units {
            ordered: u64::from(self.ordered),
            replaced: u64::from(self.replaced),
            open: u64::from(self.open),
            cancelled: u64::from(self.cancelled),
            ..Units::default()
        }
    }
}

/// Counts what a fulfillment order has, line by line, into `sum`.
fn count(found: &FulfillmentOrder, mut sum: impl FnMut(&LineId, &Units)) {
    for (id, quantity) in &found.lines {
        sum(id, &standing(found.status, u64::from(*quantity)));
    }
    if found.status == FulfillmentStatus::Shipped {
        for parcel in &found.parcels {
            parcel.lines.iter().for_each(|(id, quantity)| sum(id, &under_way(parcel.status, u64::from(*quantity))));
        }
    }
}

/// Units in a fulfillment order of this status. Where shipped ones are, their parcels say.
fn standing(status: FulfillmentStatus, quantity: u64) -> Units {
    let none = Units::default();
    match status {
        FulfillmentStatus::Backordered => Units { backordered: quantity, ..none },
        FulfillmentStatus::Incomplete => Units { open: quantity, ..none },
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Released => Units { allocated: quantity, ..none },
        FulfillmentStatus::Accepted | FulfillmentStatus::Picking | FulfillmentStatus::Packed => Units { allocated: quantity, ..none },
        FulfillmentStatus::ReadyForPickup => Units { allocated: quantity, ..none },
        FulfillmentStatus::Shipped => Units { shipped: quantity, ..none },
        FulfillmentStatus::PickedUp => Units { shipped: quantity, picked_up: quantity, ..none },
        FulfillmentStatus::Cancelled => none,
    }
}

/// Shipped units in a parcel of this status.
fn under_way(status: ParcelStatus, quantity: u64) -> Units {
    let none = Units::default();
    match status {
        ParcelStatus::Labelled | ParcelStatus::HandedOver | ParcelStatus::InTransit => Units { in_transit: quantity, ..none },
        ParcelStatus::OutForDelivery | ParcelStatus::Attempted | ParcelStatus::Exception => Units { in_transit: quantity, ..none },
        ParcelStatus::Delivered => Units { delivered: quantity, ..none },
        ParcelStatus::ReturnedToSender => Units { sent_back: quantity, ..none },
        ParcelStatus::Lost => Units { lost: quantity, ..none },
        // A voided parcel's units were packed again into another one; the others have not shipped.
        ParcelStatus::Packed | ParcelStatus::LabelPending | ParcelStatus::Voided => none,
    }
}
