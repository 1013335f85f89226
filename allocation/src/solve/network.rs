//! The problem as the search sees it: numbers only, and one scalar objective.
//!
//! The objective has levels (unfilled units without a penalty, then cost, then packages). Each level weighs more than the levels below it can sum to,
//! so that comparing two amounts compares all levels at once. Only the tie-breaks after these are left to the search.

use std::ops::Range;

use crate::check::{Problem, Sku};
use crate::cost;

/// All levels of the objective in one number.
pub(super) type Amount = i128;

/// Every plan's amount is a multiple of this: the bound divides, and what it loses in rounding must stay below the least difference of two plans.
pub(super) const GRAIN: Amount = 1 << 16;

/// The weights of the objective's levels above the lowest, which counts packages in grains.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    milli: Amount,
    /// One unit unfilled that has no penalty.
    pub(super) unfilled: Amount,
    all_or_none: bool,
}

impl Levels {
    pub(super) fn new(problem: &Problem) -> Self {
        let milli = GRAIN * (problem.by_id.len() as Amount + 1);
        Self { milli, unfilled: milli * problem.cost_limit, all_or_none: problem.file.rules.ship_complete }
    }

    pub(super) fn milli(&self, milli: i128) -> Amount {
        self.milli * milli
    }

    /// The cost in an amount.
    pub(super) fn cost_milli(&self, amount: Amount) -> i128 {
        amount.rem_euclid(self.unfilled) / self.milli
    }

    /// How far above a bound an amount is: units without a penalty, and milli.
    pub(super) fn gap(&self, amount: Amount, bound: Amount) -> (i64, i128) {
        let units = amount.div_euclid(self.unfilled) - bound.div_euclid(self.unfilled);
        let milli = self.cost_milli(amount) - self.cost_milli(bound);
        // There are no more units than 64 bits hold.
        (i64::try_from(units).unwrap_or(i64::MAX), milli.max(0))
    }

    /// What an order's first package, which pays no split penalty, differs from the next ones.
    pub(super) fn first_package(&self, problem: &Problem) -> Amount {
        let rules = &problem.file.rules;
        self.milli(i128::from(rules.split_penalty_milli) * (i128::from(rules.packages_already) - 1))
    }

    /// Leaving one unit of a line unfilled. Where an order ships complete or not at all, no penalty is small enough to pay.
    pub(super) fn penalty(&self, problem: &Problem, line: usize) -> Amount {
        match problem.file.lines[line].unfilled_penalty_milli {
            Some(penalty) if !self.all_or_none => self.milli(penalty.into()),
            Some(_) | None => self.unfilled,
        }
    }

    /// What opening a facility adds: its fixed cost, a split penalty and a package.
    fn opening(&self, problem: &Problem, rank: usize) -> Amount {
        let fixed = cost::fixed_parts(problem, problem.facility(rank)).total_milli();
        self.milli(fixed + i128::from(problem.file.rules.split_penalty_milli)) + GRAIN
    }
}

/// Which facilities a network has, of those with capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those with a unit that costs no more than leaving it unfilled: a best plan of two packages or more has no other.
    Useful,
    /// All that have stock.
    Stocked,
}

/// Facilities in bytewise order of their ids, and the SKUs with their sources.
#[derive(Debug)]
pub(super) struct Network {
    /// Rank in the problem, for each facility here.
    pub(super) ranks: Vec<usize>,
    pub(super) opening: Vec<Amount>,
    pub(super) demands: Vec<Demand>,
    sources: Vec<Source>,
    /// SKUs of which it is a source, for each facility.
    pub(super) holds: Vec<Vec<usize>>,
    pub(super) most_packages: usize,
}

/// A SKU that is wanted.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) units: i64,
    sources: Range<usize>,
}

/// Where units can come from. The order of the fields is the order in which units are taken: shipping wins the tie with leaving unfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) unit_cost: Amount,
    /// Place in the network, or the number of facilities for units left unfilled.
    pub(super) facility: usize,
    /// No more than are wanted.
    pub(super) units: i64,
}

impl Network {
    pub(super) fn new(problem: &Problem, levels: &Levels, scope: Scope) -> Self {
        let mut network = Self {
            ranks: vec![],
            opening: vec![],
            demands: Vec::with_capacity(problem.skus.len()),
            sources: Vec::with_capacity(problem.stock.len() + problem.file.lines.len()),
            holds: vec![],
            most_packages: problem.packages_left().unwrap_or(usize::MAX),
        };
        let unfilled_rank = problem.by_id.len();
        let mut included = vec![false; unfilled_rank];
        let mut stock = problem.stock.iter().peekable();
        for (place, sku) in problem.skus.iter().enumerate() {
            let first = network.sources.len();
            network.push_unfilled(problem, levels, sku);
            let dearest = network.sources[first..].iter().map(|source| source.unit_cost).max();
            while let Some(stock) = stock.next_if(|stock| stock.sku == place) {
                if problem.facility(stock.facility).capacity_left == Some(0) {
                    continue;
                }
                let unit_cost = levels.milli(cost::unit_milli(problem, sku, stock));
                let useful = Some(unit_cost) <= dearest;
                included[stock.facility] |= useful || scope == Scope::Stocked;
                if useful {
                    network.sources.push(Source { unit_cost, facility: stock.facility, units: stock.available.min(sku.quantity) });
                }
            }
            network.sources[first..].sort_unstable();
            network.demands.push(Demand { units: sku.quantity, sources: first..network.sources.len() });
        }
        network.ranks = (0..unfilled_rank).filter(|&rank| included[rank]).collect();
        network.opening = network.ranks.iter().map(|&rank| levels.opening(problem, rank)).collect();
        network.renumber(unfilled_rank);
        network
    }

    /// One source for each price at which units of a SKU can stay unfilled.
    fn push_unfilled(&mut self, problem: &Problem, levels: &Levels, sku: &Sku) {
        let first = self.sources.len();
        for &line in &sku.lines {
            let (unit_cost, units) = (levels.penalty(problem, line), problem.file.lines[line].quantity);
            match self.sources[first..].iter_mut().find(|source| source.unit_cost == unit_cost) {
                Some(source) => source.units += units,
                None => self.sources.push(Source { unit_cost, facility: problem.by_id.len(), units }),
            }
        }
    }

    /// From the problem's facility ranks to places in the network.
    fn renumber(&mut self, unfilled_rank: usize) {
        let mut places = vec![0; unfilled_rank + 1];
        self.ranks.iter().enumerate().for_each(|(place, &rank)| places[rank] = place);
        places[unfilled_rank] = self.ranks.len();
        self.holds = vec![vec![]; self.ranks.len() + 1];
        for (sku, demand) in self.demands.iter().enumerate() {
            for source in &mut self.sources[demand.sources.clone()] {
                source.facility = places[source.facility];
                self.holds[source.facility].push(sku);
            }
        }
        self.holds.pop();
    }

    /// The sources of a SKU, in the order in which units are taken.
    pub(super) fn sources(&self, sku: usize) -> &[Source] {
        &self.sources[self.demands[sku].sources.clone()]
    }

    /// Hands each SKU's units to the sources that give them if just these facilities open.
    pub(super) fn deal(&self, open: &[bool], mut each: impl FnMut(usize, &Source, i64)) {
        for (sku, demand) in self.demands.iter().enumerate() {
            let mut left = demand.units;
            for source in self.sources(sku) {
                // Past the last facility lies "left unfilled", always open.
                if left > 0 && open.get(source.facility).copied().unwrap_or(true) {
                    let units = left.min(source.units);
                    each(sku, source, units);
                    left -= units;
                }
            }
        }
    }

    /// What a plan costs that opens just these facilities and uses them as well as can be.
    pub(super) fn evaluate(&self, open: &[bool]) -> Amount {
        let mut amount: Amount = open.iter().zip(&self.opening).filter(|(open, _)| **open).map(|(_, opening)| opening).sum();
        self.deal(open, |_, source, units| amount += source.unit_cost * Amount::from(units));
        amount
    }
}
