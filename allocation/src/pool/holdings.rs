//! Who has what: units that are free, units that orders of the pool hold, and places in the days' packages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::Held;
use crate::problem::{ProblemFile, ProblemStock};

/// Stock and capacity that a pool shares.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// Units nobody holds, by SKU and facility.
    free: BTreeMap<String, BTreeMap<String, i64>>,
    /// Units that orders of the pool hold, by SKU, then facility and the order's place.
    held: BTreeMap<String, BTreeMap<(String, usize), i64>>,
    /// Packages that may still leave; what is not named has no limit.
    capacity: BTreeMap<(String, Date), i64>,
}

impl Holdings {
    /// Free units of a SKU; less than 0 counts as none.
    pub fn add_free(&mut self, facility_id: &str, sku: &str, units: i64) {
        *self.free.entry(sku.to_owned()).or_default().entry(facility_id.to_owned()).or_default() += units.max(0);
    }

    /// How many packages may still leave a facility on a day, those of the pool not counted.
    pub fn limit(&mut self, facility_id: &str, date: Date, packages: i64) {
        self.capacity.insert((facility_id.to_owned(), date), packages);
    }

    pub(super) fn capacity_left(&self, facility_id: &str, date: Date) -> Option<i64> {
        self.capacity.get(&(facility_id.to_owned(), date)).map(|&left| left.max(0))
    }

    /// Notes what an order of the pool has had all along.
    pub(super) fn hold(&mut self, place: usize, units: &[Held]) {
        for held in units {
            *self.held.entry(held.sku.to_owned()).or_default().entry((held.facility_id.to_owned(), place)).or_default() += held.units;
        }
    }

    /// Takes free units for an order, and a place in the day for each package.
    pub(super) fn take(&mut self, place: usize, units: &[Held], ship_dates: &BTreeMap<String, Date>) {
        self.hold(place, units);
        self.book(units, ship_dates, -1);
    }

    /// Frees all that an order holds.
    pub(super) fn release(&mut self, place: usize, units: &[Held], ship_dates: &BTreeMap<String, Date>) {
        for held in units {
            if let Some(holders) = self.held.get_mut(held.sku) {
                holders.remove(&(held.facility_id.to_owned(), place));
            }
        }
        self.book(units, ship_dates, 1);
    }

    fn book(&mut self, units: &[Held], ship_dates: &BTreeMap<String, Date>, sign: i64) {
        for held in units {
            *self.free.entry(held.sku.to_owned()).or_default().entry(held.facility_id.to_owned()).or_default() += sign * held.units;
        }
        for facility_id in units.iter().map(|held| held.facility_id).collect::<BTreeSet<_>>() {
            let date = ship_dates.get(facility_id);
            if let Some(left) = date.and_then(|&date| self.capacity.get_mut(&(facility_id.to_owned(), date))) {
                *left += sign;
            }
        }
    }

    /// The free stock of what a problem wants, at its facilities.
    pub(super) fn free(&self, problem: &ProblemFile) -> Vec<ProblemStock> {
        self.with_held(problem, &[])
    }

    /// The same with what orders hold that may give it.
    pub(super) fn with_held(&self, problem: &ProblemFile, may_give: &[bool]) -> Vec<ProblemStock> {
        let facilities: BTreeSet<&str> = problem.facilities.iter().map(|facility| facility.facility_id.as_str()).collect();
        let skus: BTreeSet<&str> = problem.lines.iter().map(|line| line.sku.as_str()).collect();
        let mut rows = vec![];
        for sku in skus {
            let free = self.free.get(sku).into_iter().flatten().map(|(facility_id, &units)| (facility_id.as_str(), units));
            let held = self.held.get(sku).into_iter().flatten();
            let held = held.filter(|((_, place), _)| may_give.get(*place).copied().unwrap_or(false));
            let mut units: BTreeMap<&str, i64> = BTreeMap::new();
            for (facility_id, more) in free.chain(held.map(|((facility_id, _), &units)| (facility_id.as_str(), units))) {
                if facilities.contains(facility_id) {
                    *units.entry(facility_id).or_default() += more;
                }
            }
            let row = |(facility_id, available): (&str, i64)| ProblemStock {
                facility_id: facility_id.to_owned(),
                sku: sku.to_owned(),
                available,
                stock_price_milli: 0,
            };
            rows.extend(units.into_iter().filter(|(_, units)| *units > 0).map(row));
        }
        rows
    }

    /// The orders that must give units so that these can be had: of those that hold some, the last of the pool first.
    pub(super) fn displaced(&self, wanted: &[Held], may_give: &[bool]) -> Vec<usize> {
        let mut short: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for held in wanted {
            *short.entry((held.sku, held.facility_id)).or_default() += held.units;
        }
        let mut displaced = BTreeSet::new();
        for ((sku, facility_id), units) in short {
            let mut missing = units - self.free.get(sku).and_then(|free| free.get(facility_id)).copied().unwrap_or(0);
            let holders = self.held.get(sku).into_iter().flatten().rev().filter(|((at, place), _)| at == facility_id && may_give[*place]);
            for ((_, place), units) in holders {
                if missing > 0 {
                    missing -= units;
                    displaced.insert(*place);
                }
            }
        }
        displaced.into_iter().collect()
    }
}
