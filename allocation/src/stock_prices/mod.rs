//! What using a unit at one facility forgoes elsewhere: prices of stock from a look-ahead on recent demand (Acimovic and Graves 2015). An order's own plan
//! sees only its own cost; with the prices it leaves the scarce unit to the region that has no other near.

mod look_ahead;
mod transport;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use look_ahead::{LookAhead, Region, SkuAhead, stock_prices};
pub use transport::Unsolved;

use crate::check::Problem;
use crate::mistake::Invalid;
use crate::plan::Plan;
use crate::solve::{Options, solve};

/// Prices by SKU and facility, in milli a unit, at least 1; what is not named costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StockPrices(BTreeMap<String, BTreeMap<String, i64>>);

impl StockPrices {
    /// 0 where there is none.
    pub fn price_milli(&self, sku: &str, facility_id: &str) -> i64 {
        self.0.get(sku).and_then(|prices| prices.get(facility_id)).copied().unwrap_or(0)
    }

    /// Sets a price; one of 0 or less is none.
    pub fn set(&mut self, sku: &str, facility_id: &str, price_milli: i64) {
        if price_milli > 0 {
            self.0.entry(sku.to_owned()).or_default().insert(facility_id.to_owned(), price_milli);
        }
    }

    /// How many positions have a price.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each price: SKU, facility, milli.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, i64)> {
        self.0.iter().flat_map(|(sku, prices)| prices.iter().map(move |(facility, &price)| (sku.as_str(), facility.as_str(), price)))
    }
}

/// The plan of least cost with the prices on top. Its cost has them in it.
pub(crate) fn solve_priced(problem: &Problem, prices: &StockPrices) -> Result<Plan, Invalid> {
    let mut file = problem.file().clone();
    for row in &mut file.availability {
        row.stock_price_milli = row.stock_price_milli.saturating_add(prices.price_milli(&row.sku, &row.facility_id));
    }
    Ok(solve(&Problem::new(file)?, Options::default()))
}
