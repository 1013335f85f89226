//! What a decision is made from, in the business' terms. Ids are texts and money is minor units, so that no other room is needed.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use crate::calendar::WorkingDays;
use crate::geo::Position;
use crate::rate_card::Service;

/// The units of an order that are to be sourced now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderToSource {
    pub order_id: String,
    pub channel: String,
    pub destination: Destination,
    pub service: Service,
    /// The customer collects there: no other facility may serve, and there is no freight.
    pub pickup_facility_id: Option<String>,
    /// The date asked for or promised. None: no delivery is late.
    pub requested_delivery_date: Option<Date>,
    /// False: one package, and all units or none.
    pub allow_split: bool,
    /// Consignments of earlier decisions. Unless 0, a further one leaves only if that is worth it.
    pub packages_already: i64,
    /// Facilities with an open consignment of this order that can be joined.
    pub open_packages: Vec<String>,
    pub lines: Vec<LineToSource>,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// None: allocated by country, and the decision says so.
    pub position: Option<Position>,
}

/// Units of a line that are to be sourced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineToSource {
    pub line_id: String,
    pub sku: String,
    pub category: Option<String>,
    pub quantity: i64,
    pub unit_weight_g: i64,
    /// What a unit left waiting costs: its price, so that a further consignment leaves only if it is worth it. None: fill it whatever that costs.
    pub unfilled_penalty_minor: Option<i64>,
    /// Facilities that rejected this line and are not offered it again yet.
    pub rejected_by: Vec<String>,
}

/// A place that ships or hands over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facility {
    pub facility_id: String,
    /// As the facility feed names it: `warehouse`, `store`, ...
    pub facility_type: String,
    pub country: String,
    pub position: Option<Position>,
    /// IANA name.
    pub timezone: String,
    /// An order that comes at this local time or later ships the next working day.
    pub cutoff: Time,
    pub working_days: WorkingDays,
    pub handling_cost_minor: i64,
    /// Consignments a day; None is no limit.
    pub daily_order_capacity: Option<i64>,
    /// Capacity tokens taken, by local day.
    pub capacity_taken: BTreeMap<Date, i64>,
    pub active: bool,
    pub ship_enabled: bool,
    pub pickup_enabled: bool,
}

/// Units of a SKU available to promise at a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockLevel {
    pub facility_id: String,
    pub sku: String,
    pub available: i64,
    /// The opportunity cost of using a unit there; 0 unless a policy sets it.
    pub stock_price_milli: i64,
}

impl Facility {
    /// A warehouse in Coventry that works Monday to Friday until 17:00, without a limit: for examples and tests to vary.
    pub fn example(facility_id: &str) -> Self {
        Self {
            facility_id: facility_id.to_owned(),
            facility_type: "warehouse".to_owned(),
            country: "GB".to_owned(),
            position: Some(Position { latitude: 52.40656, longitude: -1.51217 }),
            timezone: "Europe/London".to_owned(),
            cutoff: Time::constant(17, 0, 0, 0),
            working_days: WorkingDays::MON_FRI,
            handling_cost_minor: 90,
            daily_order_capacity: None,
            capacity_taken: BTreeMap::new(),
            active: true,
            ship_enabled: true,
            pickup_enabled: false,
        }
    }
}
