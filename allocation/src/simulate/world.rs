//! The state that orders meet one after another: stock on hand, and capacity taken.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::data::{Data, RecordedOrder};
use crate::mistake::Invalid;
use crate::rate_card::Service;
use crate::rules::Rules;
use crate::sourcing::{Decision, Destination, Facility, LineToSource, OrderToSource, Sourcing, StockLevel, build_problem};

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

    /// What a recorded order asks for. With `waits`, a unit may stay unfilled at the cost of its price; without, all that can ship must.
    pub fn order_to_source(&self, order: &RecordedOrder, waits: bool) -> OrderToSource {
        OrderToSource {
            order_id: order.order_id.clone(),
            channel: order.channel.clone(),
            destination: Destination { country: order.ship_to.country.clone(), position: order.ship_to.position() },
            service: if order.shipping.method == "express" { Service::Express } else { Service::Standard },
            pickup_facility_id: None,
            requested_delivery_date: order.requested_delivery_date,
            allow_split: true,
            packages_already: 0,
            open_packages: vec![],
            lines: order
                .lines
                .iter()
                .map(|line| LineToSource {
                    line_id: line.line_id.clone(),
                    sku: line.sku.clone(),
                    category: None,
                    quantity: line.quantity,
                    unit_weight_g: self.data.products.get(&line.sku).map_or(0, |product| product.weight_g),
                    unfilled_penalty_minor: waits.then_some(line.unit_price_minor),
                    rejected_by: vec![],
                })
                .collect(),
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

    /// Takes what a decision ships out of stock, and a token of capacity for each package.
    pub fn ship(&mut self, order: &OrderToSource, decision: &Decision) {
        for package in &decision.packages {
            let Some(&place) = self.places.get(package.facility_id.as_str()) else { continue };
            *self.facilities[place].capacity_taken.entry(package.outlook.ship_date).or_default() += 1;
            for shipped in &package.lines {
                let line = order.lines.iter().find(|line| line.line_id == shipped.line_id);
                let units = line.and_then(|line| self.stock.get_mut(line.sku.as_str())?.get_mut(&place));
                if let Some(units) = units {
                    *units -= shipped.quantity;
                }
            }
        }
    }
}
