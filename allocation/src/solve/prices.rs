//! Better prices by the subgradient, for the few problems that dual ascent leaves a wide gap in.

use super::amount::Amount;
use super::dual::{Dual, Status};
use super::network::Network;

/// Steps made. More of them gain less than they cost.
const STEPS: u32 = 40;
/// Steps without gain after which the stride is shortened.
const PATIENCE: u32 = 5;
/// What the stride is shortened to.
const SHORTER: f64 = 0.7;
/// How much of its direction a step keeps for the next, so that prices do not swing to and fro.
const MOMENTUM: f64 = 0.5;

/// Prices in floating point: steps may overshoot without overflowing, and what they are good for is decided in integers afterwards.
pub(super) struct Subgradient<'n, A> {
    network: &'n Network<A>,
    status: &'n [Status],
    price: Vec<f64>,
    direction: Vec<f64>,
    /// Share of the gap to step over.
    stride: f64,
}

impl<'n, A: Amount> Subgradient<'n, A> {
    /// From the prices and decisions of a dual.
    pub(super) fn new(network: &'n Network<A>, dual: &'n Dual<A>) -> Self {
        let price: Vec<f64> = dual.price.iter().map(|price| price.approximate()).collect();
        Self { network, status: &dual.status, direction: vec![0.0; price.len()], price, stride: 1.0 }
    }

    /// The best prices met on the way towards an amount that some set reaches.
    pub(super) fn best_prices(mut self, target: A) -> Dual<A> {
        let mut best = (f64::MIN, vec![]);
        let mut idle = 0;
        for _ in 0..STEPS {
            let (bound, wanting) = self.look();
            if bound > best.0 {
                best = (bound, self.price.clone());
                idle = 0;
            } else {
                idle += 1;
                if idle % PATIENCE == 0 {
                    self.stride *= SHORTER;
                }
            }
            self.step(&wanting, target.approximate() - bound);
        }
        Dual::at(self.network, self.status.to_vec(), best.1.iter().map(|&price| A::rounded(price)).collect())
    }

    /// Moves the prices of SKUs that are wanting up, and of those that are in excess down.
    fn step(&mut self, wanting: &[f64], gap: f64) {
        for (direction, wanting) in self.direction.iter_mut().zip(wanting) {
            *direction = wanting + MOMENTUM * *direction;
        }
        let norm: f64 = self.direction.iter().map(|share| share * share).sum();
        if norm == 0.0 {
            return;
        }
        for (sku, price) in self.price.iter_mut().enumerate() {
            let sources = self.network.sources(sku);
            let (least, most) = (sources[0].unit_cost.approximate(), sources[sources.len() - 1].unit_cost.approximate());
            let step = self.stride * gap / norm * self.direction[sku] / self.network.demands[sku].units as f64;
            *price = (*price + step).clamp(least, most);
        }
    }

    /// The bound at the present prices, and for each SKU the share of its units that the facilities opened gladly leave wanting, negative if they have more.
    fn look(&self) -> (f64, Vec<f64>) {
        let mut slack: Vec<f64> = self.network.opening.iter().map(|opening| opening.approximate()).collect();
        slack.push(0.0);
        let mut bound = 0.0;
        for (sku, &price) in self.price.iter().enumerate() {
            bound += self.network.demands[sku].units as f64 * price;
            for source in self.network.sources(sku) {
                let profit = price - source.unit_cost.approximate();
                if profit <= 0.0 {
                    break;
                }
                slack[source.facility] -= source.units as f64 * profit;
            }
        }
        let opens = |facility: usize| match self.status[facility] {
            Status::Open => true,
            Status::Free => slack[facility] < 0.0,
            Status::Closed => false,
        };
        bound += (0..slack.len()).filter(|&facility| opens(facility)).map(|facility| slack[facility]).sum::<f64>();
        let wanting = self.price.iter().enumerate().map(|(sku, &price)| {
            let below = self.network.sources(sku).iter().take_while(|source| source.unit_cost.approximate() < price);
            let units: i64 = below.filter(|source| opens(source.facility)).map(|source| source.units).sum();
            1.0 - units as f64 / self.network.demands[sku].units as f64
        });
        (bound, wanting.collect())
    }
}
