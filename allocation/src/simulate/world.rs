//! The state that orders meet one after another: stock on hand, and capacity taken.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;

use super::data::{Data, Product};
use crate::mistake::Invalid;
use crate::rules::Rules;
use crate::sourcing::{DecidedPackage, Facility, OrderToSource, Sourcing, StockLevel, build_problem};

/// Facilities and their stock at one time of a replay.
#[derive(Debug, Clone)]
pub struct World<'d> {
    data: &'d Data,
    facilities: Vec<Facility>,
    places: BTreeMap<&'d str, usize>,
    /// For each SKU: units available by facility place.
    stock: BTreeMap<&'d str, BTreeMap<usize, i64>>,
    /// Receipts booked so far.
    received: usize,
}

impl<'d> World<'d> {
    /// The opening stock, less the safety stock.
    pub fn new(data: &'d Data) -> Self {
        let places = data.facilities.iter().enumerate().map(|(place, facility)| (facility.facility_id.as_str(), place)).collect();
        let mut world = Self { data, facilities: data.facilities.clone(), places, stock: BTreeMap::new(), received: 0 };
        for row in &data.opening_stock {
            world.add(&row.facility_id, &row.sku, row.on_hand - row.safety_stock);
        }
        world
    }

    fn add(&mut self, facility_id: &str, sku: &'d str, units: i64) {
        if let Some(&place) = self.places.get(facility_id) {
            *self.stock.entry(sku).or_default().entry(place).or_default() += units;
        }
    }

    /// Books all receipts up to a time.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(receipt) = self.data.receipts.get(self.received).filter(|receipt| receipt.received_at <= now) {
            self.add(&receipt.facility_id, &receipt.sku, receipt.quantity);
            self.received += 1;
        }
    }

    /// The problem an order poses now.
    pub fn source(&self, order: &OrderToSource, rules: &Rules, now: Timestamp) -> Result<Sourcing, Invalid> {
        build_problem(order, &self.facilities, &self.stock_levels(order), rules, now)
    }

    fn stock_levels(&self, order: &OrderToSource) -> Vec<StockLevel> {
        let mut skus: Vec<&str> = order.lines.iter().map(|line| line.sku.as_str()).collect();
        skus.sort_unstable();
        skus.dedup();
        let level = |sku: &str, place: usize, units: i64| StockLevel {
            facility_id: self.facilities[place].facility_id.clone(),
            sku: sku.to_owned(),
            available: units.max(0),
            stock_price_milli: 0,
        };
        let of_sku = |sku| self.stock.get(sku).into_iter().flatten().map(move |(&place, &units)| level(sku, place, units));
        skus.into_iter().flat_map(of_sku).collect()
    }

    pub(super) fn facilities(&self) -> &[Facility] {
        &self.facilities
    }

    pub(super) fn product(&self, sku: &str) -> Option<&'d Product> {
        self.data.products.get(sku)
    }

    /// Units of a SKU that nobody has, by facility.
    pub(super) fn free(&self, sku: &str) -> impl Iterator<Item = (&str, i64)> {
        let here = |(&place, &units): (&usize, &i64)| (self.facilities[place].facility_id.as_str(), units.max(0));
        self.stock.get(sku).into_iter().flatten().map(here)
    }

    fn facility(&self, facility_id: &str) -> Option<&Facility> {
        self.places.get(facility_id).map(|&place| &self.facilities[place])
    }

    /// Packages that may still leave on a day; None is no limit.
    pub(super) fn capacity_left(&self, facility_id: &str, date: Date) -> Option<i64> {
        let facility = self.facility(facility_id)?;
        Some(facility.daily_order_capacity? - facility.capacity_taken.get(&date).copied().unwrap_or(0))
    }

    /// The instant by which a package must be released to leave on a day.
    pub(super) fn cutoff(&self, facility_id: &str, date: Date) -> Option<Timestamp> {
        let facility = self.facility(facility_id)?;
        let zone = TimeZoneDatabase::bundled().get(&facility.timezone).ok()?;
        Some(date.to_datetime(facility.cutoff).to_zoned(zone).ok()?.timestamp())
    }

    /// Takes packages out of stock, and a token of capacity for each on the day it leaves.
    pub fn ship(&mut self, order: &OrderToSource, packages: &[DecidedPackage]) {
        self.book(order, packages, 1);
    }

    /// Puts back what [`World::ship`] took.
    pub(super) fn take_back(&mut self, order: &OrderToSource, packages: &[DecidedPackage]) {
        self.book(order, packages, -1);
    }

    fn book(&mut self, order: &OrderToSource, packages: &[DecidedPackage], sign: i64) {
        for package in packages {
            let Some(&place) = self.places.get(package.facility_id.as_str()) else { continue };
            *self.facilities[place].capacity_taken.entry(package.outlook.ship_date).or_default() += sign;
            for shipped in &package.lines {
                let line = order.lines.iter().find(|line| line.line_id == shipped.line_id);
                let units = line.and_then(|line| self.stock.get_mut(line.sku.as_str())?.get_mut(&place));
                if let Some(units) = units {
                    *units -= sign * shipped.quantity;
                }
            }
        }
    }
}
