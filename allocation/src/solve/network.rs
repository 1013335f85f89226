//! The problem as the search sees it: facilities in bytewise order of their ids, and SKUs with their sources.

use std::ops::Range;

use super::amount::Amount;
use super::levels::Levels;
use crate::check::{Problem, Sku};
use crate::cost;

/// Which facilities a network has, of those with capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those with a unit that costs no more than leaving it unfilled: a best plan of two packages or more has no other.
    Useful,
    /// All that have stock.
    Stocked,
}

#[derive(Debug, Clone)]
pub(super) struct Network<A> {
    /// Rank in the problem, for each facility here.
    pub(super) ranks: Vec<usize>,
    /// What opening it adds, whatever it ships.
    pub(super) opening: Vec<A>,
    pub(super) demands: Vec<Demand>,
    sources: Vec<Source<A>>,
    /// Of all facilities one after the other, the SKUs each is a source of.
    held: Vec<Held>,
    /// Where each facility's begin, and after the last where they end.
    held_from: Vec<usize>,
    pub(super) most_packages: usize,
    /// Every plan's amount is a multiple of this.
    pub(super) grain: A,
}

/// A SKU that is wanted, or a part of its units ([`Network::divided`]).
#[derive(Debug, Clone)]
pub(super) struct Demand {
    pub(super) part: (usize, Part),
    pub(super) units: i64,
    sources: Range<usize>,
}

/// Which of a SKU's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All, or as many as the open facilities have.
    Main,
    /// Those that the open facilities lack.
    Rest,
}

/// Where units can come from. The order of the fields is the order in which units are taken: shipping wins the tie with leaving unfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source<A> {
    pub(super) unit_cost: A,
    /// Place in the network, or the number of facilities for units left unfilled.
    pub(super) facility: usize,
    /// No more than are wanted.
    pub(super) units: i64,
}

/// A SKU at a facility.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) sku: usize,
    /// Which of the SKU's sources the facility is.
    pub(super) source: usize,
}

impl<A: Amount> Network<A> {
    pub(super) fn new(problem: &Problem, levels: &Levels, scope: Scope) -> Self {
        let mut sources = Vec::with_capacity(problem.stock.len() + problem.file.lines.len());
        let mut demands = Vec::with_capacity(problem.skus.len());
        let unfilled = problem.by_id.len();
        let mut included = vec![false; unfilled];
        let mut stock = problem.stock.iter().peekable();
        for (place, sku) in problem.skus.iter().enumerate() {
            let first = sources.len();
            push_unfilled(problem, levels, sku, &mut sources);
            let dearest = sources[first..].iter().map(|source: &Source<A>| source.unit_cost).max();
            while let Some(stock) = stock.next_if(|stock| stock.sku == place) {
                if problem.facility(stock.facility).capacity_left == Some(0) {
                    continue;
                }
                let unit_cost = A::narrow(levels.milli(cost::unit_milli(problem, sku, stock)));
                let useful = Some(unit_cost) <= dearest;
                included[stock.facility] |= useful || scope == Scope::Stocked;
                if useful {
                    sources.push(Source { unit_cost, facility: stock.facility, units: stock.available.min(sku.quantity) });
                }
            }
            sources[first..].sort_unstable();
            demands.push(Demand { part: (place, Part::Main), units: sku.quantity, sources: first..sources.len() });
        }
        let ranks: Vec<usize> = (0..unfilled).filter(|&rank| included[rank]).collect();
        let opening = ranks.iter().map(|&rank| levels.opening(problem, rank)).collect();
        let most_packages = problem.packages_left().unwrap_or(usize::MAX);
        let mut network =
            Self { ranks, opening, demands, sources, held: vec![], held_from: vec![], most_packages, grain: A::narrow(levels.grain) };
        let ranks = std::mem::take(&mut network.ranks);
        network.number_facilities(&ranks, unfilled);
        network.ranks = ranks;
        network
    }

    /// The same network with just these facilities, in their order.
    pub(super) fn restrict(&self, kept: &[usize]) -> Self {
        let mut keeps = vec![false; self.len()];
        kept.iter().for_each(|&facility| keeps[facility] = true);
        let mut sources = Vec::with_capacity(self.sources.len());
        let demands = self.demands.iter().map(|demand| {
            let first = sources.len();
            let all = self.sources[demand.sources.clone()].iter();
            sources.extend(all.filter(|source| keeps.get(source.facility).copied().unwrap_or(true)));
            Demand { sources: first..sources.len(), ..*demand }
        });
        let demands = demands.collect();
        let mut network = Self {
            ranks: kept.iter().map(|&facility| self.ranks[facility]).collect(),
            opening: kept.iter().map(|&facility| self.opening[facility]).collect(),
            demands,
            sources,
            held: vec![],
            held_from: vec![],
            most_packages: self.most_packages,
            grain: self.grain,
        };
        network.number_facilities(kept, self.len());
        network
    }

    /// The network as a sharper bound sees it: units of a SKU that the open facilities have only some of are two demands, as many as they have and the rest,
    /// which only others can fill. What another facility has counts for the rest no further than it reaches, so that prices must pay its opening with fewer
    /// units. It is a relaxation: whoever ships, what comes from the open facilities can be counted for the first and what is left be dealt to both.
    /// (Knapsack cover inequalities, Carr, Fleischer, Leung and Phillips 2000, as prices.)
    pub(super) fn divided(&self, is_open: impl Fn(usize) -> bool) -> Self {
        let is_open = |source: &Source<A>| source.facility < self.len() && is_open(source.facility);
        let (mut demands, mut sources) = (Vec::with_capacity(2 * self.demands.len()), Vec::with_capacity(2 * self.sources.len()));
        for (sku, demand) in self.demands.iter().enumerate() {
            let offered: i64 = self.sources(sku).iter().filter(|source| is_open(source)).map(|source| source.units).sum();
            let main = if offered == 0 { demand.units } else { offered.min(demand.units) };
            for (part, units) in [(Part::Main, main), (Part::Rest, demand.units - main)].into_iter().filter(|(_, units)| *units > 0) {
                let first = sources.len();
                let serves = |source: &&Source<A>| part == Part::Main || !is_open(source);
                let serving = self.sources(sku).iter().filter(serves);
                sources.extend(serving.map(|source| Source { units: source.units.min(units), ..*source }));
                demands.push(Demand { part: (sku, part), units, sources: first..sources.len() });
            }
        }
        let (ranks, opening) = (self.ranks.clone(), self.opening.clone());
        let mut network = Self { ranks, opening, demands, sources, held: vec![], held_from: vec![], ..*self };
        let all: Vec<usize> = (0..self.len()).collect();
        network.number_facilities(&all, self.len());
        network
    }

    /// Renames the sources' facilities to their places in `kept`, what is left unfilled to the place after the last, and lists what each holds.
    fn number_facilities(&mut self, kept: &[usize], unfilled: usize) {
        let mut places = vec![0; unfilled + 1];
        kept.iter().enumerate().for_each(|(place, &facility)| places[facility] = place);
        places[unfilled] = kept.len();
        self.held_from = vec![0; kept.len() + 2];
        for source in &mut self.sources {
            source.facility = places[source.facility];
            self.held_from[source.facility + 1] += 1;
        }
        for facility in 0..kept.len() {
            self.held_from[facility + 1] += self.held_from[facility];
        }
        let mut next = self.held_from.clone();
        self.held = vec![Held { sku: 0, source: 0 }; self.held_from[kept.len()]];
        for (sku, demand) in self.demands.iter().enumerate() {
            for (place, source) in self.sources[demand.sources.clone()].iter().enumerate() {
                if source.facility < kept.len() {
                    self.held[next[source.facility]] = Held { sku, source: place };
                    next[source.facility] += 1;
                }
            }
        }
    }

    /// Number of facilities.
    pub(super) fn len(&self) -> usize {
        self.ranks.len()
    }

    /// The sources of a SKU, in the order in which units are taken.
    pub(super) fn sources(&self, sku: usize) -> &[Source<A>] {
        &self.sources[self.demands[sku].sources.clone()]
    }

    /// The SKUs a facility is a source of.
    pub(super) fn held(&self, facility: usize) -> &[Held] {
        &self.held[self.held_from[facility]..self.held_from[facility + 1]]
    }

    /// Hands each SKU's units to the sources that give them if just these facilities open.
    pub(super) fn deal(&self, open: &[bool], mut each: impl FnMut(usize, &Source<A>, i64)) {
        for (sku, demand) in self.demands.iter().enumerate() {
            let mut left = demand.units;
            for source in self.sources(sku) {
                if left == 0 {
                    break;
                }
                // Past the last facility lies "left unfilled", always open.
                if open.get(source.facility).copied().unwrap_or(true) {
                    let units = left.min(source.units);
                    each(sku, source, units);
                    left -= units;
                }
            }
        }
    }

    /// What a plan amounts to that opens just these facilities and uses them as well as can be.
    pub(super) fn evaluate(&self, open: &[bool]) -> A {
        let mut amount: A = open.iter().zip(&self.opening).filter(|(open, _)| **open).map(|(_, opening)| *opening).sum();
        self.deal(open, |_, source, units| amount += source.unit_cost * A::units(units));
        amount
    }
}

/// One source for each price at which units of a SKU can stay unfilled; its facility is the one past the last.
fn push_unfilled<A: Amount>(problem: &Problem, levels: &Levels, sku: &Sku, sources: &mut Vec<Source<A>>) {
    let first = sources.len();
    for &line in &sku.lines {
        let (unit_cost, units) = (A::narrow(levels.penalty(problem, line)), problem.file.lines[line].quantity);
        match sources[first..].iter_mut().find(|source| source.unit_cost == unit_cost) {
            Some(source) => source.units += units,
            None => sources.push(Source { unit_cost, facility: problem.by_id.len(), units }),
        }
    }
}
