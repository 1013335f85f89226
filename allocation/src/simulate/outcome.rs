//! What became of an order, and of all of them.

use std::collections::BTreeMap;

use super::data::RecordedOrder;
use crate::rules::Rules;
use crate::sourcing::{DecidedPackage, OrderToSource};

/// What became of an order over all its decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderOutcome {
    pub order_id: String,
    pub units: i64,
    pub unfilled_units: i64,
    pub packages: usize,
    /// Packages that cost more than the goods in them.
    pub dear_packages: usize,
    /// Packages delivered after the promised date.
    pub late_packages: usize,
    /// Of all packages together, each rounded.
    pub distance_km: i64,
    /// Packages and split penalties; what stays unfilled costs nothing here, and stock prices are not paid to anyone.
    pub cost_milli: i128,
    pub shadow: Option<Shadow>,
}

/// What the live and another rule file decided for the order when it was placed, from the same stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    pub live: Decided,
    pub candidate: Decided,
}

/// One decision in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub unfilled_units: i64,
    pub packages: usize,
    pub cost_milli: i128,
}

impl OrderOutcome {
    pub(super) fn new(recorded: &RecordedOrder) -> Self {
        let units = recorded.lines.iter().map(|line| line.quantity).sum();
        Self {
            order_id: recorded.order_id.clone(),
            units,
            unfilled_units: units,
            packages: 0,
            dear_packages: 0,
            late_packages: 0,
            distance_km: 0,
            cost_milli: 0,
            shadow: None,
        }
    }

    /// Adds packages that leave.
    pub(super) fn book(&mut self, recorded: &RecordedOrder, order: &OrderToSource, packages: &[DecidedPackage], rules: &Rules) {
        let prices: BTreeMap<&str, i64> = recorded.lines.iter().map(|line| (line.line_id.as_str(), line.unit_price_minor)).collect();
        self.cost_milli += cost_milli(order, packages, rules);
        self.packages += packages.len();
        self.unfilled_units -= units(packages);
        for package in packages {
            let worth = |line_id: &str| i128::from(prices.get(line_id).copied().unwrap_or(0));
            let goods: i128 = package.lines.iter().map(|line| 1000 * i128::from(line.quantity) * worth(&line.line_id)).sum();
            self.dear_packages += usize::from(package.cost_milli > goods);
            self.late_packages += usize::from(package.outlook.days_late > 0);
            self.distance_km += package.outlook.distance_km.unwrap_or(0);
        }
    }
}

impl Decided {
    pub(super) fn new(order: &OrderToSource, packages: &[DecidedPackage], rules: &Rules) -> Self {
        let wanted: i64 = order.lines.iter().map(|line| line.quantity).sum();
        Self { unfilled_units: wanted - units(packages), packages: packages.len(), cost_milli: cost_milli(order, packages, rules) }
    }
}

fn units(packages: &[DecidedPackage]) -> i64 {
    packages.iter().flat_map(|package| &package.lines).map(|line| line.quantity).sum()
}

/// What packages cost, with the split penalties that they add to the order.
pub(super) fn cost_milli(order: &OrderToSource, packages: &[DecidedPackage], rules: &Rules) -> i128 {
    let splits = |packages: i64| i128::from((packages - 1).max(0));
    let added = splits(order.packages_already + packages.len() as i64) - splits(order.packages_already);
    let own: i128 = packages.iter().map(|package| package.cost_milli).sum();
    own + added * 1000 * i128::from(rules.costs.split_penalty_minor)
}

/// A policy's figures over all orders.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Figures {
    pub orders: usize,
    pub packages_per_order: f64,
    /// Share of the orders that left in more than one package.
    pub split_share: f64,
    /// Share of the packages that cost more than the goods in them.
    pub dear_share: f64,
    /// In minor units.
    pub cost_per_order: f64,
    pub km_per_order: f64,
    /// Share of the packages that came after the promised date.
    pub late_share: f64,
    /// Share of the units that shipped.
    pub fill_share: f64,
    pub unfilled_units: i64,
}

impl Figures {
    /// Of outcomes; all shares of nothing are 0.
    pub fn of(outcomes: &[OrderOutcome]) -> Self {
        let count = |each: fn(&OrderOutcome) -> usize| outcomes.iter().map(each).sum::<usize>() as f64;
        let orders = outcomes.len() as f64;
        let packages = count(|order| order.packages);
        let units: i64 = outcomes.iter().map(|order| order.units).sum();
        let unfilled_units: i64 = outcomes.iter().map(|order| order.unfilled_units).sum();
        let cost_milli: i128 = outcomes.iter().map(|order| order.cost_milli).sum();
        let km: i64 = outcomes.iter().map(|order| order.distance_km).sum();
        let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
        Self {
            orders: outcomes.len(),
            packages_per_order: share(packages, orders),
            split_share: share(count(|order| usize::from(order.packages > 1)), orders),
            dear_share: share(count(|order| order.dear_packages), packages),
            cost_per_order: share(cost_milli as f64 / 1000.0, orders),
            km_per_order: share(km as f64, orders),
            late_share: share(count(|order| order.late_packages), packages),
            fill_share: share((units - unfilled_units) as f64, units as f64),
            unfilled_units,
        }
    }
}
