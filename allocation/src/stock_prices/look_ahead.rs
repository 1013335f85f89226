//! Demand to come, as recent demand foretells it, against the stock that is there: one transportation problem for each SKU.

use std::collections::BTreeMap;

use super::StockPrices;
use super::transport::{Transport, Unsolved};
use crate::geo::Position;
use crate::rate_card::Service;
use crate::rules::Rules;
use crate::sourcing::{Destination, Facility};

/// Where demand comes from: a country, and there a square of a degree; orders without coordinates are in none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    pub country: String,
    pub square: Option<(i32, i32)>,
}

/// A SKU's stock and demand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SkuAhead {
    pub sku: String,
    pub unit_weight_g: i64,
    /// Units by facility.
    pub available: BTreeMap<String, i64>,
    /// Units that each region will want until more stock comes.
    pub wanted: BTreeMap<Region, f64>,
}

/// What prices are computed from.
#[derive(Debug, Clone, Copy)]
pub struct LookAhead<'a> {
    pub facilities: &'a [Facility],
    pub rules: &'a Rules,
    pub skus: &'a [SkuAhead],
}

impl Region {
    pub fn of(destination: &Destination) -> Self {
        let square = destination.position.map(|at| (at.latitude.round() as i32, at.longitude.round() as i32));
        Self { country: destination.country.clone(), square }
    }

    fn position(&self) -> Option<Position> {
        self.square.map(|(latitude, longitude)| Position { latitude: latitude.into(), longitude: longitude.into() })
    }
}

/// The dual prices of each SKU's stock, less the SKU's lowest: what is scarce everywhere is no reason to send it from somewhere else.
///
/// # Errors
/// When a SKU's program cannot be solved, which names the SKU.
pub fn stock_prices(ahead: LookAhead) -> Result<StockPrices, Unsolved> {
    let mut prices = StockPrices::default();
    for sku in ahead.skus {
        let Some(transport) = transport(ahead, sku) else { continue };
        let duals = transport.prices().map_err(|status| Unsolved { sku: sku.sku.clone(), status })?;
        let least = duals.iter().copied().fold(f64::INFINITY, f64::min);
        for ((facility_id, _), dual) in stocked(sku).zip(duals) {
            prices.set(&sku.sku, facility_id, (dual - least).round() as i64);
        }
    }
    Ok(prices)
}

fn stocked(sku: &SkuAhead) -> impl Iterator<Item = (&String, i64)> {
    sku.available.iter().map(|(facility_id, &units)| (facility_id, units)).filter(|(_, units)| *units > 0)
}

/// None: there is no choice between facilities.
fn transport(ahead: LookAhead, sku: &SkuAhead) -> Option<Transport> {
    let wanted: Vec<(&Region, f64)> = sku.wanted.iter().map(|(region, &units)| (region, units)).filter(|(_, units)| *units > 0.0).collect();
    let sites: Option<Vec<(&Facility, i64)>> = stocked(sku).map(|(id, units)| Some((facility(ahead, id)?, units))).collect();
    let sites = sites.filter(|sites| sites.len() > 1 && !wanted.is_empty())?;
    let costs = |facility: &Facility| wanted.iter().map(|(region, _)| unit_cost_milli(ahead, sku, facility, region)).collect();
    Some(Transport {
        supply: sites.iter().map(|(_, units)| *units as f64).collect(),
        demand: wanted.iter().map(|(_, units)| *units).collect(),
        cost: sites.iter().map(|(facility, _)| costs(facility)).collect(),
    })
}

fn facility<'a>(ahead: LookAhead<'a>, facility_id: &str) -> Option<&'a Facility> {
    ahead.facilities.iter().find(|facility| facility.facility_id == facility_id)
}

/// The freight of a unit's weight; infinite where there is no rate. The fixed part of a package is left out: whether a unit needs one of its own depends on the
/// order's other units, and a share of it for each unit made prices worse on the recorded orders.
fn unit_cost_milli(ahead: LookAhead, sku: &SkuAhead, facility: &Facility, region: &Region) -> f64 {
    let distance_km = match (facility.position, region.position()) {
        (Some(here), Some(there)) => Some(here.distance_km(there)),
        (_, None) | (None, _) => None,
    };
    let freight = ahead.rules.rate_card.freight(Service::Standard, facility.country == region.country, distance_km);
    freight.map_or(f64::INFINITY, |freight| freight.weight_rate_milli_per_g as f64 * sku.unit_weight_g as f64)
}
