//! Branch and bound over which facilities open.

use super::dual::{Dual, Status};
use super::network::{Amount, GRAIN, Network};

/// Above every amount.
const NO_LIMIT: Amount = Amount::MAX;

/// One run over the network.
pub(super) struct Search<'n> {
    network: &'n Network,
    node_budget: u64,
    nodes: u64,
    /// Nodes at which this stage of the search ends.
    nodes_end: u64,
    /// Only sets that cost no more than this are looked for.
    limit: Amount,
    /// How much less the next set must cost once one is found.
    improve_by: Amount,
    found: Option<(Amount, Vec<bool>)>,
}

impl<'n> Search<'n> {
    pub(super) fn new(network: &'n Network, node_budget: u64) -> Self {
        Self { network, node_budget: node_budget.max(1), nodes: 0, nodes_end: 0, limit: NO_LIMIT, improve_by: GRAIN, found: None }
    }

    /// Nodes visited so far.
    pub(super) fn nodes(&self) -> u64 {
        self.nodes
    }

    /// The best set of at least one facility: least amount, then the list of ids. And an amount which no set is below.
    pub(super) fn best(&mut self) -> (Option<Vec<bool>>, Amount) {
        let root = Dual::new(self.network);
        let bound = self.run(root.clone(), NO_LIMIT);
        let Some((amount, open)) = self.found.take() else { return (None, bound) };
        if bound < amount {
            return (Some(open), bound);
        }
        (Some(self.first_of_equals(root, amount, open)), amount)
    }

    /// The best amount and set with a facility open, as far as the budget reaches.
    pub(super) fn best_with(&mut self, facility: usize) -> Option<(Amount, Vec<bool>)> {
        let mut root = Dual::new(self.network);
        root.open(self.network, facility);
        self.run(root, NO_LIMIT);
        self.found.take()
    }

    /// Among the sets of the least amount the one whose list of ids is first. They have equally many facilities, so it is the one with the smallest id in
    /// which any two differ: facility by facility, in id order, it is asked whether a set of that amount has it.
    fn first_of_equals(&mut self, mut dual: Dual, amount: Amount, mut open: Vec<bool>) -> Vec<bool> {
        self.nodes_end = self.nodes + self.node_budget;
        // The first set found answers the question.
        self.improve_by = NO_LIMIT;
        for facility in 0..open.len() {
            self.limit = amount;
            self.tighten(&mut dual);
            if dual.status[facility] != Status::Free {
                continue;
            }
            if !open[facility] {
                let mut with = dual.clone();
                with.open(self.network, facility);
                self.explore(with);
                if let Some((_, earlier)) = self.found.take() {
                    open = earlier;
                }
            }
            if open[facility] {
                dual.open(self.network, facility);
            } else {
                dual.close(self.network, facility);
            }
        }
        open
    }

    /// Explores from a partial decision with a fresh budget. The answer bounds every set within the limit.
    fn run(&mut self, from: Dual, limit: Amount) -> Amount {
        self.nodes_end = self.nodes + self.node_budget;
        (self.limit, self.improve_by, self.found) = (limit, GRAIN, None);
        let bound = self.explore(from);
        self.found.as_ref().map_or(bound, |(amount, _)| bound.min(*amount))
    }

    /// Searches all completions of a partial decision; the answer bounds from below each one that was not found.
    fn explore(&mut self, mut dual: Dual) -> Amount {
        let Some(bound) = self.tighten(&mut dual) else { return NO_LIMIT };
        if bound > self.limit || self.nodes == self.nodes_end {
            return bound;
        }
        self.nodes += 1;
        let guess = self.guess(&dual);
        self.offer(&guess);
        if bound > self.limit {
            return bound;
        }
        let Some(facility) = self.branch(&dual, &guess) else { return NO_LIMIT };
        let mut opened = dual.clone();
        opened.open(self.network, facility);
        dual.close(self.network, facility);
        let (first, second) = if guess[facility] { (opened, dual) } else { (dual, opened) };
        let first = self.explore(first);
        first.min(self.explore(second)).max(bound)
    }

    /// Raises the bound and decides what it forces, until nothing moves. None if no completion is left.
    fn tighten(&self, dual: &mut Dual) -> Option<Amount> {
        loop {
            dual.ascend(self.network);
            let bound = dual.bound(self.network);
            if bound > self.limit {
                return Some(bound);
            }
            let opened = dual.status[..self.network.ranks.len()].iter().filter(|&&status| status == Status::Open).count();
            if opened > self.network.most_packages {
                return None;
            }
            let full = opened == self.network.most_packages;
            let mut moved = false;
            for facility in 0..self.network.ranks.len() {
                if dual.status[facility] != Status::Free {
                    continue;
                }
                let slack = dual.slack[facility];
                // Opening a facility that has slack left adds the slack; closing one that overspent adds the excess.
                if full || bound + slack.max(0) > self.limit {
                    dual.close(self.network, facility);
                    moved = true;
                } else if bound - slack.min(0) > self.limit {
                    dual.open(self.network, facility);
                    moved = true;
                }
            }
            if !moved {
                return Some(bound);
            }
        }
    }

    /// A good set to try: the open, and of the free those that the prices have paid for, without those whose closing saves.
    fn guess(&self, dual: &Dual) -> Vec<bool> {
        let facilities = self.network.ranks.len();
        let mut open: Vec<bool> = (0..facilities).map(|f| self.wanted(dual, f)).collect();
        let mut amount = self.network.evaluate(&open);
        for facility in (0..facilities).rev() {
            if open[facility] && dual.status[facility] == Status::Free && open.iter().filter(|&&open| open).count() > 1 {
                open[facility] = false;
                let without = self.network.evaluate(&open);
                if without <= amount {
                    amount = without;
                } else {
                    open[facility] = true;
                }
            }
        }
        open
    }

    fn wanted(&self, dual: &Dual, facility: usize) -> bool {
        match dual.status[facility] {
            Status::Open => true,
            Status::Closed => false,
            Status::Free => dual.slack[facility] < self.network.opening[facility] / 16,
        }
    }

    /// Takes a set as found if it is within the limit.
    fn offer(&mut self, open: &[bool]) {
        let packages = open.iter().filter(|&&open| open).count();
        if packages == 0 || packages > self.network.most_packages {
            return;
        }
        let amount = self.network.evaluate(open);
        if amount <= self.limit {
            self.found = Some((amount, open.to_vec()));
            self.limit = amount - self.improve_by;
        }
    }

    /// The free facility that spent most: it has the most to say.
    fn branch(&self, dual: &Dual, guess: &[bool]) -> Option<usize> {
        (0..self.network.ranks.len())
            .filter(|&facility| dual.status[facility] == Status::Free)
            .max_by_key(|&facility| (guess[facility], self.network.opening[facility] - dual.slack[facility]))
    }
}
