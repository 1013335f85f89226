//! A lower bound on every plan that keeps some facilities open and others closed, by prices.
//!
//! Each SKU has a price per unit that someone would pay to have it. A facility that is still free spends `units · (price − unit cost)` of its
//! opening cost on each SKU it could serve below the price; what it has not spent yet is its slack. For any prices,
//! `Σ units wanted · price + Σ slack of the open + Σ min(0, slack of the free)` is at most the cost of any completion (it is the Lagrangian of
//! "every unit is somewhere"), so prices may be moved by any rule at all: only the quality of the bound depends on it. The rule is dual ascent, after
//! Erlenkotter's for uncapacitated facility location: prices rise in turn from one source's cost to the next while that pays.

use super::network::{Amount, Network};

/// What is decided of a facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Free,
    Open,
    Closed,
}

/// Prices with what is decided so far.
#[derive(Debug, Clone)]
pub(super) struct Dual {
    /// One more than the facilities: the last is "left unfilled", always open.
    pub(super) status: Vec<Status>,
    /// Opening cost less what is spent of it. Below 0: the relaxed plan opens it gladly.
    pub(super) slack: Vec<Amount>,
    price: Vec<Amount>,
    /// Number of sources of the SKU that cost no more than its price.
    level: Vec<usize>,
    /// SKUs whose price might still rise.
    rising: Vec<usize>,
}

impl Dual {
    /// Nothing decided; each price at its cheapest source, where no facility has spent anything.
    pub(super) fn new(network: &Network) -> Self {
        let facilities = network.ranks.len();
        let mut status = vec![Status::Free; facilities];
        status.push(Status::Open);
        let mut slack = network.opening.clone();
        slack.push(0);
        let skus = network.demands.len();
        // "Left unfilled" is a source of each SKU, so there always is a first.
        let price: Vec<Amount> = (0..skus).map(|sku| network.sources(sku)[0].unit_cost).collect();
        let level = (0..skus).map(|sku| network.sources(sku).partition_point(|source| source.unit_cost <= price[sku]));
        Self { status, slack, level: level.collect(), price, rising: (0..skus).collect() }
    }

    /// The bound at the present prices.
    pub(super) fn bound(&self, network: &Network) -> Amount {
        let demand: Amount = network.demands.iter().zip(&self.price).map(|(demand, price)| Amount::from(demand.units) * price).sum();
        let spent: Amount = self
            .status
            .iter()
            .zip(&self.slack)
            .map(|(status, &slack)| match status {
                Status::Open => slack,
                Status::Free => slack.min(0),
                Status::Closed => 0,
            })
            .sum();
        demand + spent
    }

    /// Raises prices until none can gain.
    pub(super) fn ascend(&mut self, network: &Network) {
        let mut rising = std::mem::take(&mut self.rising);
        while !rising.is_empty() {
            rising.retain(|&sku| self.raise(network, sku));
        }
        self.rising = rising;
    }

    /// Raises one price to its next breakpoint: the next source's cost, or the point where a facility has spent its slack. False if that gains nothing.
    fn raise(&mut self, network: &Network, sku: usize) -> bool {
        let (below, above) = network.sources(sku).split_at(self.level[sku]);
        // Past the last source everything wanted can stay unfilled at the price: no gain is left.
        let Some(next) = above.iter().find(|source| self.status[source.facility] != Status::Closed) else { return false };
        let mut step = next.unit_cost - self.price[sku];
        // A unit of price gains a unit for each wanted, less those that open, or exhausted, facilities would deliver at a profit.
        let mut gain = network.demands[sku].units;
        for source in below {
            let slack = self.slack[source.facility];
            match self.status[source.facility] {
                Status::Closed => {}
                Status::Free if slack >= source.units.into() => step = step.min(slack / Amount::from(source.units)),
                Status::Free | Status::Open => gain -= source.units,
            }
        }
        if gain <= 0 {
            return false;
        }
        self.move_price(network, sku, self.price[sku] + step);
        true
    }

    /// Sets a price, and each source's slack with it.
    fn move_price(&mut self, network: &Network, sku: usize, price: Amount) {
        let sources = network.sources(sku);
        let old = self.price[sku];
        for source in sources.iter().take_while(|source| source.unit_cost < old.max(price)) {
            let spent = |price: Amount| Amount::from(source.units) * (price - source.unit_cost).max(0);
            self.slack[source.facility] += spent(old) - spent(price);
        }
        self.price[sku] = price;
        self.level[sku] = sources.partition_point(|source| source.unit_cost <= price);
    }

    /// Closes a facility: the SKUs it could serve may fetch more.
    pub(super) fn close(&mut self, network: &Network, facility: usize) {
        self.status[facility] = Status::Closed;
        self.rising.extend(&network.holds[facility]);
    }

    /// Opens a facility. A SKU that the open ones cover below its price is worth no more than their dearest unit of it; lowering the price there costs
    /// the bound nothing and gives the free facilities slack, which other SKUs' prices may then use.
    pub(super) fn open(&mut self, network: &Network, facility: usize) {
        self.status[facility] = Status::Open;
        for &sku in &network.holds[facility] {
            let mut left = network.demands[sku].units;
            let mut open = network.sources(sku).iter().filter(|source| self.status[source.facility] == Status::Open);
            let covering = open.find(|source| {
                left -= source.units;
                left <= 0
            });
            // "Left unfilled" covers every SKU, so there always is one.
            if let Some(source) = covering.filter(|source| source.unit_cost < self.price[sku]) {
                self.move_price(network, sku, source.unit_cost);
            }
        }
        self.rising = (0..network.demands.len()).collect();
    }
}
