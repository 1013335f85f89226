//! A lower bound on every plan that keeps some facilities open and others closed, by prices.
//!
//! Each SKU has a price per unit that someone would pay to have it. A facility that is still free spends `units · (price − unit cost)` of its
//! opening cost on each SKU it could serve below the price; what it has not spent yet is its slack. For any prices,
//! `Σ units wanted · price + Σ slack of the open + Σ min(0, slack of the free)` is at most the cost of any completion (it is the Lagrangian of
//! "every unit is somewhere"), so prices may be moved by any rule at all: only the quality of the bound depends on it. Two rules move them: dual
//! ascent, after Erlenkotter's for uncapacitated facility location, and the subgradient.

use super::amount::Amount;
use super::network::{Network, Part};

/// What is decided of a facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Free,
    Open,
    Closed,
}

/// Prices with what is decided so far.
#[derive(Debug, Clone)]
pub(super) struct Dual<A> {
    /// One more than the facilities: the last is "left unfilled", always open.
    pub(super) status: Vec<Status>,
    /// Opening cost less what is spent of it. Below 0: the relaxed plan opens it gladly.
    pub(super) slack: Vec<A>,
    pub(super) price: Vec<A>,
    /// Number of sources of the SKU that cost no more than its price.
    level: Vec<usize>,
    /// SKUs whose price might still rise.
    rising: Vec<usize>,
}

impl<A: Amount> Dual<A> {
    /// Nothing decided; each price at its cheapest source, where no facility has spent anything.
    pub(super) fn new(network: &Network<A>) -> Self {
        let skus = network.demands.len();
        // "Left unfilled" is a source of each SKU, so there always is a first.
        let price: Vec<A> = (0..skus).map(|sku| network.sources(sku)[0].unit_cost).collect();
        let mut status = vec![Status::Free; network.len()];
        status.push(Status::Open);
        Self::at(network, status, price)
    }

    /// At given prices, with given decisions.
    pub(super) fn at(network: &Network<A>, status: Vec<Status>, price: Vec<A>) -> Self {
        let mut slack = network.opening.clone();
        slack.push(A::default());
        let skus = network.demands.len();
        let mut dual = Self { status, slack, price, level: vec![0; skus], rising: (0..skus).collect() };
        for sku in 0..skus {
            let price = dual.price[sku];
            for source in network.sources(sku).iter().take_while(|source| source.unit_cost <= price) {
                dual.slack[source.facility] -= A::units(source.units) * (price - source.unit_cost);
                dual.level[sku] += 1;
            }
        }
        dual
    }

    /// The bound at the present prices.
    pub(super) fn bound(&self, network: &Network<A>) -> A {
        let demand = network.demands.iter().zip(&self.price).map(|(demand, price)| A::units(demand.units) * *price);
        let spent = self.status.iter().zip(&self.slack).map(|(status, &slack)| match status {
            Status::Open => slack,
            Status::Free => slack.min(A::default()),
            Status::Closed => A::default(),
        });
        demand.sum::<A>() + spent.sum::<A>()
    }

    /// Raises prices until none can gain, or the bound exceeds a limit.
    pub(super) fn ascend(&mut self, network: &Network<A>, limit: A) {
        let mut bound = self.bound(network);
        let mut rising = std::mem::take(&mut self.rising);
        while !rising.is_empty() && bound <= limit {
            rising.retain(|&sku| match self.raise(network, sku) {
                Some(gain) => {
                    bound += gain;
                    true
                }
                None => false,
            });
        }
        self.rising = rising;
    }

    /// Raises one price to its next breakpoint: the next source's cost, or the point where a facility has spent its slack. The answer is what the bound gains
    /// at least; None if nothing.
    fn raise(&mut self, network: &Network<A>, sku: usize) -> Option<A> {
        let (below, above) = network.sources(sku).split_at(self.level[sku]);
        // A unit of price gains a unit for each wanted, less those that open, or exhausted, facilities would deliver at a profit.
        let mut gain = network.demands[sku].units;
        // Past the last source everything wanted can stay unfilled at the price: no gain is left.
        let next = above.iter().find(|source| self.status[source.facility] != Status::Closed)?;
        let mut step = next.unit_cost - self.price[sku];
        for source in below {
            let (slack, units) = (self.slack[source.facility], A::units(source.units));
            match self.status[source.facility] {
                Status::Closed => {}
                Status::Free if slack >= units => {
                    // Division is slow, and most facilities do not stand in the way.
                    if units * step > slack {
                        step = slack / units;
                    }
                }
                Status::Free | Status::Open => {
                    gain -= source.units;
                    if gain <= 0 {
                        return None;
                    }
                }
            }
        }
        self.move_price(network, sku, self.price[sku] + step);
        Some(A::units(gain) * step)
    }

    /// Sets a price, and each source's slack with it.
    pub(super) fn move_price(&mut self, network: &Network<A>, sku: usize, price: A) {
        let sources = network.sources(sku);
        let old = self.price[sku];
        for source in sources.iter().take_while(|source| source.unit_cost < old.max(price)) {
            let spent = |price: A| (price - source.unit_cost).max(A::default());
            self.slack[source.facility] += A::units(source.units) * (spent(old) - spent(price));
        }
        self.price[sku] = price;
        self.level[sku] = sources.partition_point(|source| source.unit_cost <= price);
    }

    /// Closes a facility: the SKUs it could serve may fetch more.
    pub(super) fn close(&mut self, network: &Network<A>, facility: usize) {
        self.status[facility] = Status::Closed;
        self.rising.extend(network.held(facility).iter().map(|held| held.sku));
    }

    /// Opens a facility. A SKU that the open ones cover below its price is worth no more than their dearest unit of it; lowering the price there costs
    /// the bound nothing and gives the free facilities slack, which other SKUs' prices may then use.
    pub(super) fn open(&mut self, network: &Network<A>, facility: usize) {
        self.status[facility] = Status::Open;
        self.lower(network, facility);
        self.rising = (0..network.demands.len()).collect();
    }

    /// Lowers the prices of what an open facility has to where the open ones cover it.
    fn lower(&mut self, network: &Network<A>, facility: usize) {
        for held in network.held(facility) {
            let mut left = network.demands[held.sku].units;
            let mut open = network.sources(held.sku).iter().filter(|source| self.status[source.facility] == Status::Open);
            let covering = open.find(|source| {
                left -= source.units;
                left <= 0
            });
            // "Left unfilled" covers every SKU, so there always is one.
            if let Some(source) = covering.filter(|source| source.unit_cost < self.price[held.sku]) {
                self.move_price(network, held.sku, source.unit_cost);
            }
        }
    }

    /// The same prices and decisions in a network whose demands are divided in another way: a part is worth what the whole was.
    pub(super) fn divide(&self, before: &Network<A>, network: &Network<A>) -> Self {
        let price_before =
            |part: (usize, Part)| before.demands.iter().position(|demand| demand.part == part).map(|place| self.price[place]);
        let price = |part: (usize, Part)| price_before(part).or_else(|| price_before((part.0, Part::Main))).unwrap_or_default();
        let prices = network.demands.iter().map(|demand| price(demand.part)).collect();
        let mut dual = Self::at(network, self.status.clone(), prices);
        for facility in (0..network.len()).filter(|&facility| self.status[facility] == Status::Open) {
            dual.lower(network, facility);
        }
        dual
    }

    /// The same prices and decisions in a network that lacks only closed facilities.
    pub(super) fn restrict(&self, kept: &[usize], network: &Network<A>) -> Self {
        let keep = |facility: usize| (self.status[facility], self.slack[facility]);
        // "Left unfilled" stays the last.
        let (status, slack) = kept.iter().copied().chain([self.status.len() - 1]).map(keep).unzip();
        let level = |sku: usize| network.sources(sku).partition_point(|source| source.unit_cost <= self.price[sku]);
        let level = (0..self.price.len()).map(level).collect();
        Self { status, slack, price: self.price.clone(), level, rising: self.rising.clone() }
    }
}
