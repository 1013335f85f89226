//! A set of open facilities whose amount is known, and how small moves improve it.

use super::amount::Amount;
use super::dual::{Dual, Status};
use super::network::Network;

/// Facilities the moves may open: those that the prices like best.
const CANDIDATES: usize = 64;

/// Facilities that open, each SKU's units taken from them as well as can be.
#[derive(Clone)]
pub(super) struct Chosen<'n, A> {
    network: &'n Network<A>,
    pub(super) open: Vec<bool>,
    count: usize,
    pub(super) amount: A,
    /// For each SKU the places of its open sources, in the order in which units are taken.
    sources: Vec<Vec<usize>>,
    costs: Vec<A>,
}

/// A facility that closes and one that opens.
type Move = (Option<usize>, Option<usize>);

impl<'n, A: Amount> Chosen<'n, A> {
    pub(super) fn new(network: &'n Network<A>, open: Vec<bool>) -> Self {
        let is_open = |facility: usize| open.get(facility).copied().unwrap_or(true);
        let open_sources = |sku: usize| {
            let sources = network.sources(sku).iter().enumerate();
            sources.filter(|(_, source)| is_open(source.facility)).map(|(place, _)| place).collect()
        };
        let sources: Vec<Vec<usize>> = (0..network.demands.len()).map(open_sources).collect();
        let count = open.iter().filter(|open| **open).count();
        let mut chosen = Self { network, count, amount: network.evaluate(&open), open, sources, costs: vec![] };
        chosen.costs = (0..network.demands.len()).map(|sku| chosen.cost(sku, None, None)).collect();
        chosen
    }

    /// Closes what saves by closing, and, while there are too many, what costs least to close.
    pub(super) fn thin(&mut self, dual: &Dual<A>) {
        let free = self.free(dual);
        loop {
            let closes = free.iter().filter(|&&facility| self.open[facility]).map(|&facility| (Some(facility), None));
            let Some((amount, change)) = closes.map(|change| (self.amount_after(change), change)).min() else { return };
            if self.count == 1 || (amount >= self.amount && self.count <= self.network.most_packages) {
                return;
            }
            self.apply(change, amount);
        }
    }

    /// Opens, closes and exchanges facilities, and rebuilds from all but two, while that saves.
    pub(super) fn improve(&mut self, dual: &Dual<A>) {
        let mut free = self.free(dual);
        free.sort_by_key(|&facility| dual.slack[facility]);
        free.truncate(CANDIDATES);
        loop {
            while let Some((amount, change)) = self.best_move(&free) {
                self.apply(change, amount);
            }
            let Some(better) = self.rebuilt(&free) else { return };
            *self = better;
        }
    }

    fn free(&self, dual: &Dual<A>) -> Vec<usize> {
        (0..self.open.len()).filter(|&facility| dual.status[facility] == Status::Free).collect()
    }

    /// What a SKU's units cost without one of its sources and with another.
    fn cost(&self, sku: usize, out: Option<usize>, mut into: Option<usize>) -> A {
        let all = self.network.sources(sku);
        let mut left = self.network.demands[sku].units;
        let mut sum = A::default();
        let mut take = |place: usize| {
            let units = left.min(all[place].units);
            sum += all[place].unit_cost * A::units(units);
            left -= units;
            left == 0
        };
        for &place in self.sources[sku].iter().filter(|&&place| Some(place) != out) {
            if into.take_if(|extra| *extra < place).is_some_and(&mut take) || take(place) {
                break;
            }
        }
        sum
    }

    /// The amount after a move.
    fn amount_after(&self, (out, into): Move) -> A {
        let opening = |facility: Option<usize>| facility.map_or(A::default(), |facility| self.network.opening[facility]);
        let held = |facility: Option<usize>| facility.map_or(&[][..], |facility| self.network.held(facility));
        let (mut closes, mut opens) = (held(out).iter().peekable(), held(into).iter().peekable());
        let mut amount = self.amount - opening(out) + opening(into);
        loop {
            let sku = match (closes.peek(), opens.peek()) {
                (Some(a), Some(b)) => a.sku.min(b.sku),
                (Some(a), None) | (None, Some(a)) => a.sku,
                (None, None) => return amount,
            };
            let out = closes.next_if(|held| held.sku == sku).map(|held| held.source);
            let into = opens.next_if(|held| held.sku == sku).map(|held| held.source);
            amount += self.cost(sku, out, into) - self.costs[sku];
        }
    }

    fn apply(&mut self, (out, into): Move, amount: A) {
        for facility in [out, into].into_iter().flatten() {
            let opens = Some(facility) == into;
            self.open[facility] = opens;
            self.count = if opens { self.count + 1 } else { self.count - 1 };
            for held in self.network.held(facility) {
                let sources = &mut self.sources[held.sku];
                let place = sources.partition_point(|&place| place < held.source);
                if opens {
                    sources.insert(place, held.source);
                } else {
                    sources.remove(place);
                }
                self.costs[held.sku] = self.cost(held.sku, None, None);
            }
        }
        self.amount = amount;
    }

    fn best_move(&self, free: &[usize]) -> Option<(A, Move)> {
        let opened = free.iter().copied().filter(|&facility| self.open[facility]).map(Some);
        let closed = || free.iter().copied().filter(|&facility| !self.open[facility]).map(Some);
        let moves = opened.chain([None]).flat_map(|out| closed().chain([None]).map(move |into| (out, into)));
        let fits = |(out, into): &Move| {
            let count = self.count + usize::from(into.is_some()) - usize::from(out.is_some());
            (1..=self.network.most_packages).contains(&count)
        };
        let priced = moves.filter(fits).map(|change| (self.amount_after(change), change));
        priced.min().filter(|(amount, _)| *amount < self.amount)
    }

    /// The first better set found by closing two facilities and opening, one by one, what then saves most.
    fn rebuilt(&self, free: &[usize]) -> Option<Self> {
        let opened: Vec<usize> = free.iter().copied().filter(|&facility| self.open[facility]).collect();
        let pairs = opened.iter().enumerate().flat_map(|(place, &a)| opened[place + 1..].iter().map(move |&b| [a, b]));
        let rebuild = |pair: [usize; 2]| {
            let mut other = self.clone();
            for facility in pair {
                let close = (Some(facility), None);
                other.apply(close, other.amount_after(close));
            }
            while other.count < self.network.most_packages {
                let opens = free.iter().copied().filter(|&facility| !other.open[facility]).map(|facility| (None, Some(facility)));
                let Some((amount, change)) = opens.map(|change| (other.amount_after(change), change)).min() else { break };
                if amount >= other.amount {
                    break;
                }
                other.apply(change, amount);
            }
            other
        };
        pairs.map(rebuild).find(|other| other.amount < self.amount && other.count > 0)
    }
}
