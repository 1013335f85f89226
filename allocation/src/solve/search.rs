//! Branch and bound over which facilities open.

use super::amount::Amount;
use super::chosen::Chosen;
use super::dominance::undominated;
use super::dual::{Dual, Status};
use super::network::Network;
use super::partial::Partial;
use super::prices::Subgradient;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Best<A> {
    /// The best set of at least one facility; None if no facility may open.
    pub(super) set: Option<Set<A>>,
    /// No set of at least one facility amounts to less.
    pub(super) bound: A,
    /// Partial decisions whose bound was computed.
    pub(super) nodes: u64,
}

/// Facilities that open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Set<A> {
    pub(super) amount: A,
    /// In rising order. Of sets that amount to the same the first in order is the one the tie-breaks want.
    pub(super) ranks: Vec<usize>,
}

/// Nodes after which a problem counts as hard: then dominance, better prices and divided demands pay.
const EASY_NODES: u64 = 64;

/// The best set: least amount, then the list of ids. With `forced`, among those that have a facility.
pub(super) fn best<A: Amount>(network: &Network<A>, node_budget: u64, forced: Option<usize>) -> Best<A> {
    let mut root = Dual::new(network);
    if let Some(facility) = forced {
        root.open(network, facility);
    }
    root.ascend(network, A::MAX);
    let node_budget = node_budget.max(1);
    let mut search = Search { nodes: 0, nodes_end: node_budget.min(EASY_NODES), is_hard: false, best: None };
    search.try_near(network, &root);
    if !search.is_hopeless(network, &root, root.bound(network)) {
        let mut near = Chosen::new(network, nearest(network, &root));
        near.thin(&root);
        search.offer(network, near.amount, &near.open);
    }
    let mut bound = search.explore(Partial::new(network, root.clone()));
    if search.nodes == search.nodes_end && search.nodes < node_budget {
        (search.nodes_end, search.is_hard) = (node_budget, true);
        bound = search.explore_hard(network, &root);
    }
    Best { bound: bound.min(search.limit()), set: search.best, nodes: search.nodes }
}

/// One run.
struct Search<A> {
    nodes: u64,
    /// Nodes at which the search gives up.
    nodes_end: u64,
    /// The problem is hard: a sharper bound repays its cost.
    is_hard: bool,
    best: Option<Set<A>>,
}

impl<A: Amount> Search<A> {
    /// Sets that amount to more are of no interest.
    fn limit(&self) -> A {
        self.best.as_ref().map_or(A::MAX, |best| best.amount)
    }

    /// As [`Search::explore`], after some work on the whole that only a long search repays.
    fn explore_hard(&mut self, network: &Network<A>, root: &Dual<A>) -> A {
        let is_forced = |facility: usize| root.status[facility] == Status::Open;
        let kept = undominated(network, is_forced);
        let network = network.restrict(&kept);
        let root = root.restrict(&kept, &network);
        let mut better = Subgradient::new(&network, &root).best_prices(self.limit());
        better.ascend(&network, A::MAX);
        let mut near = Chosen::new(&network, nearest(&network, &better));
        near.thin(&better);
        near.improve(&better);
        self.offer(&network, near.amount, &near.open);
        let is_better = better.bound(&network) > root.bound(&network);
        self.explore(Partial::new(&network, if is_better { better } else { root }))
    }

    /// Searches all completions of a partial decision; the answer bounds from below each one that was not found.
    fn explore(&mut self, mut partial: Partial<A>) -> A {
        if self.nodes == self.nodes_end {
            return partial.bound();
        }
        self.nodes += 1;
        let Some(mut bound) = self.tighten(&mut partial) else { return A::MAX };
        if self.is_hopeless(&partial.network, &partial.dual, bound) {
            return bound;
        }
        if partial.narrow(self.is_hard) {
            let Some(sharper) = self.tighten(&mut partial) else { return A::MAX };
            bound = bound.max(sharper);
        }
        if self.is_hopeless(&partial.network, &partial.dual, bound) {
            return bound;
        }
        let near = self.try_near(&partial.network, &partial.dual);
        if self.is_hopeless(&partial.network, &partial.dual, bound) {
            return bound;
        }
        self.branch(partial, &near, bound)
    }

    /// Opens and closes the free facility that the prices spend and overspend most, of those in the set near them if there is one. The weight of overspending was
    /// found by trying recorded orders, which want it low, and large networks, which want it high.
    fn branch(&mut self, partial: Partial<A>, near: &[bool], bound: A) -> A {
        let (network, dual) = (&partial.network, &partial.dual);
        let free = (0..network.len()).filter(|&facility| dual.status[facility] == Status::Free);
        let unspent = |facility: usize| A::units(4) * dual.slack[facility] - network.opening[facility];
        let Some(facility) = free.min_by_key(|&facility| (!near[facility], unspent(facility))) else { return A::MAX };
        let (opened, closed) = (partial.opening(facility), partial.closing(facility));
        let (first, second) = if near[facility] { (opened, closed) } else { (closed, opened) };
        let first = self.explore(first);
        first.min(self.explore(second)).max(bound)
    }

    /// Whether no completion is better than the best known set.
    fn is_hopeless(&self, network: &Network<A>, dual: &Dual<A>, bound: A) -> bool {
        let Some(best) = &self.best else { return false };
        if bound <= best.amount - network.grain {
            return false;
        }
        bound > best.amount || first_completion(network, dual, best.ranks.len()) >= best.ranks
    }

    /// Raises the bound and decides what it forces, until nothing moves. None if no completion is left.
    fn tighten(&self, partial: &mut Partial<A>) -> Option<A> {
        let (network, limit) = (partial.divided.as_deref().unwrap_or(&partial.network), self.limit());
        let dual = &mut partial.dual;
        loop {
            dual.ascend(network, limit);
            let bound = dual.bound(network);
            if bound > limit {
                return Some(bound);
            }
            let opened = (0..network.len()).filter(|&facility| dual.status[facility] == Status::Open).count();
            if opened > network.most_packages {
                return None;
            }
            if !decide_forced(network, dual, limit - bound, opened == network.most_packages) {
                return Some(bound);
            }
        }
    }

    /// Tries the set nearest the prices, and returns it.
    fn try_near(&mut self, network: &Network<A>, dual: &Dual<A>) -> Vec<bool> {
        let near = nearest(network, dual);
        self.offer(network, network.evaluate(&near), &near);
        near
    }

    /// Keeps a set if it is the best so far.
    fn offer(&mut self, network: &Network<A>, amount: A, open: &[bool]) {
        if amount > self.limit() {
            return;
        }
        let ranks = (0..network.len()).filter(|&facility| open[facility]).map(|facility| network.ranks[facility]);
        let set = Set { amount, ranks: ranks.collect() };
        let fits = (1..=network.most_packages).contains(&set.ranks.len());
        if fits && self.best.as_ref().is_none_or(|best| set < *best) {
            self.best = Some(set);
        }
    }
}

/// Closes each free facility whose opening would lift the bound by more than there is to spare, and opens each whose closing would; closes all if no
/// more may open. Whether there was one.
fn decide_forced<A: Amount>(network: &Network<A>, dual: &mut Dual<A>, spare: A, full: bool) -> bool {
    let mut moved = false;
    for facility in 0..network.len() {
        if dual.status[facility] != Status::Free {
            continue;
        }
        // Opening a facility that has slack left adds the slack; closing one that overspent adds the excess.
        let slack = dual.slack[facility];
        if full || slack > spare {
            dual.close(network, facility);
            moved = true;
        } else if A::default() - slack > spare {
            dual.open(network, facility);
            moved = true;
        }
    }
    moved
}

/// The open facilities, and of the free those that the prices have all but paid for.
fn nearest<A: Amount>(network: &Network<A>, dual: &Dual<A>) -> Vec<bool> {
    let paid = |facility: usize| match dual.status[facility] {
        Status::Open => true,
        Status::Closed => false,
        Status::Free => dual.slack[facility] < network.opening[facility] / A::units(16),
    };
    (0..network.len()).map(paid).collect()
}

/// The first list of ids among the completions with so many facilities: it takes the free ones with the smallest ids.
fn first_completion<A: Amount>(network: &Network<A>, dual: &Dual<A>, count: usize) -> Vec<usize> {
    let opened = (0..network.len()).filter(|&facility| dual.status[facility] == Status::Open).count();
    let mut spare = count.saturating_sub(opened);
    let takes = |facility: &usize| match dual.status[*facility] {
        Status::Open => true,
        Status::Closed => false,
        Status::Free => {
            let takes = spare > 0;
            spare -= usize::from(takes);
            takes
        }
    };
    (0..network.len()).filter(takes).map(|facility| network.ranks[facility]).collect()
}
