//! Demand to come, taken to be what recent days saw, and the prices of stock it makes.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::data::RecordedOrder;
use super::replay::ForecastSettings;
use super::world::World;
use crate::rules::Rules;
use crate::sourcing::Destination;
use crate::stock_prices::{LookAhead, Region, SkuAhead, StockPrices, Unsolved, stock_prices};

/// Recent orders, and when prices are due again.
pub(super) struct Forecast<'d> {
    settings: ForecastSettings,
    first_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
    recent: VecDeque<&'d RecordedOrder>,
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

impl<'d> Forecast<'d> {
    pub(super) fn new(settings: ForecastSettings) -> Self {
        Self { settings, first_at: None, due_at: None, recent: VecDeque::new() }
    }

    /// Remembers an order, and forgets those too long ago.
    pub(super) fn note(&mut self, order: &'d RecordedOrder) {
        self.first_at.get_or_insert(order.placed_at);
        // A first look when there is something to look at.
        self.due_at.get_or_insert(order.placed_at + days(self.settings.refresh_days));
        self.recent.push_back(order);
        let oldest = order.placed_at - days(self.settings.look_back_days);
        while self.recent.front().is_some_and(|order| order.placed_at < oldest) {
            self.recent.pop_front();
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due_at.is_some_and(|due| due <= now)
    }

    /// Prices as of now; the next are due when these are old.
    pub(super) fn prices(&mut self, now: Timestamp, world: &World<'d>, rules: &Rules) -> Result<StockPrices, Unsolved> {
        self.due_at = Some(now + days(self.settings.refresh_days));
        let skus = self.ahead(now, world);
        stock_prices(LookAhead { facilities: world.facilities(), rules, skus: &skus })
    }

    fn ahead(&self, now: Timestamp, world: &World<'d>) -> Vec<SkuAhead> {
        let seen = self.first_at.map_or(days(1), |first| now.duration_since(first)).min(days(self.settings.look_back_days));
        let scale = days(self.settings.look_ahead_days).as_secs_f64() / seen.max(days(1)).as_secs_f64();
        let mut skus: BTreeMap<&str, SkuAhead> = BTreeMap::new();
        for order in &self.recent {
            let region = Region::of(&Destination { country: order.ship_to.country.clone(), position: order.ship_to.position() });
            for line in &order.lines {
                let sku = skus.entry(&line.sku).or_insert_with(|| stocked(&line.sku, world));
                *sku.wanted.entry(region.clone()).or_default() += scale * line.quantity as f64;
            }
        }
        skus.into_values().collect()
    }
}

fn stocked(sku: &str, world: &World) -> SkuAhead {
    SkuAhead {
        sku: sku.to_owned(),
        unit_weight_g: world.product(sku).map_or(0, |product| product.weight_g),
        available: world.free(sku).map(|(facility_id, units)| (facility_id.to_owned(), units)).collect(),
        wanted: BTreeMap::new(),
    }
}
