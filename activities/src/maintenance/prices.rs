//! Prices of stock from a look-ahead on recent demand.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use oms_allocation::{LookAhead, Region, SkuAhead, StockPrices, stock_prices};
use oms_domain::{error::ErrorCode, ids::Sku};
use oms_store::{Demand, SkuDemand, StockPrice, WantedUnits};
use oms_workflows::maintenance::contracts::PricesReport;
use temporalio_sdk::activities::ActivityError;

use super::MaintenanceActivities;
use crate::failure::{failure, store_failure};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Demand of so many days foretells that of so many more (docs/allocation.md, tried in the simulator).
const LOOK_BACK_DAYS: i32 = 28;
const LOOK_AHEAD_DAYS: i32 = 7;

impl MaintenanceActivities {
    /// Prices as of a time; the same time again puts prices in the place of its own.
    pub(super) async fn price(&self, at: Timestamp) -> Result<PricesReport, ActivityError> {
        let since = at.saturating_sub(DAY * LOOK_BACK_DAYS).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        let demand = self.store.demand(since, at).await.map_err(|error| store_failure(&error))?;
        let (places, rules) = (self.store.places(None, at).await.map_err(|error| store_failure(&error))?, self.rules.current());
        let skus = ahead(demand, at);
        let count = u32::try_from(skus.len()).unwrap_or(u32::MAX);
        let solved =
            tokio::task::spawn_blocking(move || stock_prices(LookAhead { facilities: &places.facilities, rules: &rules, skus: &skus }));
        let solved = solved.await.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        let prices = rows(&solved.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?);
        let version = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let in_force = self.store.put_stock_prices(&version, at, &prices).await.map_err(|error| store_failure(&error))?;
        Ok(PricesReport { version, skus: count, positions: u32::try_from(prices.len()).unwrap_or(u32::MAX), in_force })
    }
}

/// Demand to come, taken to be what recent days saw.
fn ahead(demand: Demand, at: Timestamp) -> Vec<SkuAhead> {
    let seen = demand.since.map_or(DAY, |since| at.duration_since(since)).clamp(DAY, DAY * LOOK_BACK_DAYS);
    let scale = (DAY * LOOK_AHEAD_DAYS).as_secs_f64() / seen.as_secs_f64();
    demand.skus.into_iter().map(|sku| sku_ahead(sku, scale)).collect()
}

fn sku_ahead(of: SkuDemand, scale: f64) -> SkuAhead {
    let mut wanted: BTreeMap<Region, f64> = BTreeMap::new();
    for WantedUnits { country, latitude, longitude, quantity } in of.wanted {
        let square = latitude.zip(longitude).map(|(latitude, longitude)| (latitude.into(), longitude.into()));
        *wanted.entry(Region { country, square }).or_default() += scale * quantity as f64;
    }
    let available = of.available.into_iter().map(|(facility_id, units)| (facility_id.into(), units)).collect();
    SkuAhead { sku: of.sku.into(), unit_weight_g: of.unit_weight_g, available, wanted }
}

fn rows(prices: &StockPrices) -> Vec<StockPrice> {
    let row = |(sku, facility_id, price_milli): (&str, &str, i64)| {
        // Both came out of the database as ids.
        Some(StockPrice { facility_id: facility_id.parse().ok()?, sku: Sku::parse(sku).ok()?, price_milli })
    };
    prices.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_of_demand_foretell_half_as_much_for_one() {
        let wanted = |quantity| WantedUnits { country: "GB".into(), latitude: Some(54), longitude: Some(-2), quantity };
        let (sku, available) = (Sku::parse("A").unwrap(), [("WH-1".parse().unwrap(), 3)].into());
        let skus = vec![SkuDemand { sku, unit_weight_g: 200, available, wanted: vec![wanted(10), wanted(4)] }];
        let at: Timestamp = "2010-12-15T00:00:00Z".parse().unwrap();
        let demand = |since: Option<&str>| Demand { since: since.map(|since| since.parse().unwrap()), skus: skus.clone() };
        let units = |demand| ahead(demand, at)[0].wanted.values().sum::<f64>();
        assert!((units(demand(Some("2010-12-01T00:00:00Z"))) - 7.0).abs() < 1e-9);
        // Less than a day is taken for one.
        assert!((units(demand(Some("2010-12-14T23:00:00Z"))) - 98.0).abs() < 1e-9);
    }
}
