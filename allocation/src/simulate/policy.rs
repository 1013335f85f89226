//! The ways to decide that are compared.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::check::Problem;
use crate::mistake::Invalid;
use crate::plan::Plan;
use crate::problem::{ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock};
use crate::solve::{Options, Shipment, price, solve};
use crate::sourcing::Sourcing;
use crate::stock_prices::{StockPrices, solve_priced};

/// How an order's facilities are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Each facility in turn, the nearest first, gives all it has of what is wanted. What most systems do.
    Nearest,
    /// As few packages as fill as many units, and of those the nearest.
    Fewest,
    /// The plan of least cost that fills as many units as can be.
    Exact,
    /// The same, where a unit also costs what using it there forgoes.
    StockPrices,
    /// Exact; orders not yet released are decided again together.
    Pooling,
    /// Pooling with stock prices.
    Both,
}

impl Policy {
    pub const ALL: [Self; 6] = [Self::Nearest, Self::Fewest, Self::Exact, Self::StockPrices, Self::Pooling, Self::Both];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Fewest => "fewest",
            Self::Exact => "exact",
            Self::StockPrices => "stock-prices",
            Self::Pooling => "pooling",
            Self::Both => "both",
        }
    }

    pub(super) fn prices_stock(self) -> bool {
        matches!(self, Self::StockPrices | Self::Both)
    }

    pub(super) fn pools(self) -> bool {
        matches!(self, Self::Pooling | Self::Both)
    }

    /// The plan, at its real cost whatever it was chosen by.
    pub(super) fn plan(self, sourcing: &Sourcing, prices: &StockPrices) -> Result<Plan, Invalid> {
        let problem = sourcing.problem();
        let shipments = match self {
            Self::Nearest => nearest_first(sourcing),
            Self::Fewest => solve(&Problem::new(counting_packages(sourcing))?, Options::default()).shipments(),
            Self::Exact | Self::Pooling => solve(problem, Options::default()).shipments(),
            Self::StockPrices | Self::Both => solve_priced(problem, prices)?.shipments(),
        };
        match price(problem, &shipments) {
            Some(plan) => Ok(plan),
            None => unreachable!("a plan ships lines of its problem from facilities of its problem"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no policy {name:?}; there are: {}", Policy::ALL.map(Policy::name).join(", "))]
pub struct UnknownPolicy {
    name: String,
}

impl FromStr for Policy {
    type Err = UnknownPolicy;
    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL.into_iter().find(|policy| policy.name() == text).ok_or_else(|| UnknownPolicy { name: text.to_owned() })
    }
}

/// How far away a facility is; without coordinates its zone says which is nearer.
fn remoteness(sourcing: &Sourcing, facility_id: &str) -> (i64, usize) {
    let outlook = sourcing.outlook(facility_id);
    (outlook.and_then(|outlook| outlook.distance_km).unwrap_or(i64::MAX), outlook.map_or(usize::MAX, |outlook| outlook.zone))
}

fn nearest_first(sourcing: &Sourcing) -> Vec<Shipment> {
    let file = sourcing.problem().file();
    let mut nearest: Vec<&ProblemFacility> = file.facilities.iter().collect();
    nearest.sort_by_key(|facility| (remoteness(sourcing, &facility.facility_id), &facility.facility_id));
    let stock = file.availability.iter().map(|row| ((row.facility_id.as_str(), row.sku.as_str()), row.available));
    let mut stock: BTreeMap<(&str, &str), i64> = stock.collect();
    let mut open: Vec<i64> = file.lines.iter().map(|line| line.quantity).collect();
    let mut shipments = vec![];
    for facility in nearest {
        for (line, open) in file.lines.iter().zip(&mut open) {
            let Some(available) = stock.get_mut(&(facility.facility_id.as_str(), line.sku.as_str())) else { continue };
            let units = (*available).min(*open);
            if units > 0 {
                *available -= units;
                *open -= units;
                shipments.push(Shipment { facility_id: facility.facility_id.clone(), line_id: line.line_id.clone(), units });
            }
        }
    }
    shipments
}

/// The same units, facilities and stock, where only the number of packages costs, and next to nothing their distance.
fn counting_packages(sourcing: &Sourcing) -> ProblemFile {
    const PACKAGE: i64 = 1_000_000_000;
    const FARTHEST_KM: i64 = 20_040;
    let file = sourcing.problem().file();
    let facility = |facility: &ProblemFacility| ProblemFacility {
        facility_id: facility.facility_id.clone(),
        package_milli: PACKAGE + remoteness(sourcing, &facility.facility_id).0.min(FARTHEST_KM),
        handling_milli: 0,
        weight_rate_milli_per_g: 0,
        pick_milli: 0,
        days_late: 0,
        capacity_left: facility.capacity_left,
        package_open: false,
    };
    ProblemFile {
        lines: file.lines.iter().map(|line| ProblemLine { unfilled_penalty_milli: None, ..line.clone() }).collect(),
        facilities: file.facilities.iter().map(facility).collect(),
        availability: file.availability.iter().map(|row| ProblemStock { stock_price_milli: 0, ..row.clone() }).collect(),
        rules: ProblemRules { split_penalty_milli: 0, late_penalty_milli_per_day: 0, ..file.rules.clone() },
    }
}
