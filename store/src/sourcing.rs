//! Rows as plans see them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use oms_allocation::{Position, StockLevel};

use crate::{Available, Facility};

impl From<Available> for StockLevel {
    fn from(position: Available) -> Self {
        Self {
            facility_id: position.facility_id.into(),
            sku: position.sku.into(),
            available: position.available,
            stock_price_milli: position.stock_price_milli,
        }
    }
}

/// What is taken of a day that is closed: more than there ever is.
pub(crate) const CLOSED: i64 = i64::MAX / 2;
/// What a facility without a bound takes in a day, where some day is closed.
const UNBOUNDED: i64 = 1_000_000_000;

impl Facility {
    /// With the capacity that is taken, by local day. None for working days that no calendar knows: the feed refuses such rows, so there
    /// is none in practice.
    pub fn for_sourcing(self, capacity_taken: BTreeMap<Date, i64>) -> Option<oms_allocation::Facility> {
        let Ok(working_days) = self.working_days.parse() else {
            tracing::error!(facility.id = %self.facility_id, "working days cannot be read; the facility is left out");
            return None;
        };
        Some(oms_allocation::Facility {
            facility_id: self.facility_id.into(),
            facility_type: self.facility_type,
            country: self.country,
            position: Some(Position { latitude: self.latitude, longitude: self.longitude }),
            timezone: self.timezone,
            cutoff: self.cutoff_local_time,
            working_days,
            handling_cost_minor: self.handling_cost_minor,
            daily_order_capacity: self.daily_order_capacity.map(i64::from).or((!capacity_taken.is_empty()).then_some(UNBOUNDED)),
            capacity_taken,
            active: true,
            ship_enabled: self.ship_enabled,
            pickup_enabled: self.pickup_enabled,
        })
    }
}
