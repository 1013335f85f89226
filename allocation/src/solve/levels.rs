//! One scalar objective out of the levels of the specification.
//!
//! The levels are: unfilled units without a penalty, then cost, then packages. Each weighs more than the levels below it can sum to, so that comparing two
//! amounts compares all levels at once. Only the tie-breaks after these are left to the search.

use super::amount::Amount;
use crate::check::Problem;
use crate::cost;

/// The largest grain: what the bound loses in rounding its prices must stay below the least difference of two plans, or ties cannot be proven.
const LARGEST_GRAIN: i128 = 1 << 16;
/// The least grain for which 64 bits are worth it.
const LEAST_GRAIN: i128 = 1 << 4;

/// The weights of the levels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    /// One package. Every plan's amount is a multiple of this.
    pub(super) grain: i128,
    /// A thousandth of a minor unit.
    milli: i128,
    /// One unit unfilled that has no penalty.
    pub(super) unfilled: i128,
    all_or_none: bool,
    /// Whether 64 bits hold all amounts.
    pub(super) fits_64_bits: bool,
}

impl Levels {
    pub(super) fn new(problem: &Problem) -> Self {
        let units: i128 = problem.skus.iter().map(|sku| i128::from(sku.quantity)).sum();
        // No plan has more packages than units, but for one that is forced open; and their number must not reach the next level.
        let packages = units.min(problem.by_id.len() as i128) + 2;
        // The factor leaves room for what a facility is overspent while prices move.
        let (largest, overflows) = (problem.cost_limit * packages).overflowing_mul(8 * (units + 2));
        let grain_64 = if overflows { 0 } else { i128::from(i64::MAX) / largest.max(1) };
        let fits_64_bits = grain_64 >= LEAST_GRAIN;
        let grain = if fits_64_bits { grain_64.min(LARGEST_GRAIN) } else { LARGEST_GRAIN };
        let milli = grain * packages;
        let all_or_none = problem.file.rules.ship_complete;
        Self { grain, milli, unfilled: milli * problem.cost_limit, all_or_none, fits_64_bits }
    }

    pub(super) fn milli(&self, milli: i128) -> i128 {
        self.milli * milli
    }

    /// The cost in an amount.
    pub(super) fn cost_milli(&self, amount: i128) -> i128 {
        amount.rem_euclid(self.unfilled) / self.milli
    }

    /// How far above a bound an amount is: units without a penalty, and milli.
    pub(super) fn gap(&self, amount: i128, bound: i128) -> (i64, i128) {
        let units = amount.div_euclid(self.unfilled) - bound.div_euclid(self.unfilled);
        let milli = self.cost_milli(amount) - self.cost_milli(bound);
        // There are no more units than 64 bits hold.
        (i64::try_from(units).unwrap_or(i64::MAX), milli.max(0))
    }

    /// What an order's first package, which pays no split penalty, differs from the next ones.
    pub(super) fn first_package(&self, problem: &Problem) -> i128 {
        let rules = &problem.file.rules;
        self.milli(i128::from(rules.split_penalty_milli) * (i128::from(rules.packages_already) - 1))
    }

    /// Leaving one unit of a line unfilled. Where an order ships complete or not at all, no penalty is small enough to pay.
    pub(super) fn penalty(&self, problem: &Problem, line: usize) -> i128 {
        match problem.file.lines[line].unfilled_penalty_milli {
            Some(penalty) if !self.all_or_none => self.milli(penalty.into()),
            Some(_) | None => self.unfilled,
        }
    }

    /// What opening a facility adds: its fixed cost, a split penalty and a package.
    pub(super) fn opening<A: Amount>(&self, problem: &Problem, rank: usize) -> A {
        let fixed = cost::fixed_parts(problem, problem.facility(rank)).total_milli();
        A::narrow(self.milli(fixed + i128::from(problem.file.rules.split_penalty_milli)) + self.grain)
    }
}
