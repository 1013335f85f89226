//! Which units each facility ships: a plan before it is priced and explained.

use std::collections::BTreeMap;

use super::Shipment;
use super::amount::Amount;
use super::levels::Levels;
use super::network::Network;
use crate::check::{Problem, Sku};
use crate::cost;
use crate::plan::{Package, PackageCost, PackageLine, Plan};

/// Units by facility rank and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    packages: BTreeMap<usize, Vec<Shipped>>,
    /// For each line.
    unfilled: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shipped {
    sku: usize,
    line: usize,
    units: i64,
}

/// What a draft is compared by: the least wins. The ranks are in bytewise order of the ids.
pub(super) type Merit = (i128, Vec<usize>);

impl Draft {
    /// Every unit unfilled.
    pub(super) fn nothing(problem: &Problem) -> Self {
        Self { packages: BTreeMap::new(), unfilled: problem.file.lines.iter().map(|line| line.quantity).collect() }
    }

    /// One unit of a line alone.
    pub(super) fn one_unit(problem: &Problem, rank: usize, sku: usize, line: usize) -> Self {
        let mut draft = Self::nothing(problem);
        draft.unfilled[line] -= 1;
        draft.packages.insert(rank, vec![Shipped { sku, line, units: 1 }]);
        draft
    }

    /// The best use of a set of facilities. Within a SKU its units go to lines in input order, facilities in id order.
    pub(super) fn from_set<A: Amount>(problem: &Problem, levels: &Levels, network: &Network<A>, ranks: &[usize]) -> Self {
        let mut unfilled = vec![0; problem.file.lines.len()];
        let mut shipped: Vec<Vec<(usize, i64)>> = vec![vec![]; problem.skus.len()];
        let open: Vec<bool> = network.ranks.iter().map(|rank| ranks.binary_search(rank).is_ok()).collect();
        network.deal(&open, |sku, source, units| match network.ranks.get(source.facility) {
            Some(&rank) => shipped[sku].push((rank, units)),
            None => leave_unfilled(problem, levels, sku, source.unit_cost.wide(), units, &mut unfilled),
        });
        let mut draft = Self { packages: BTreeMap::new(), unfilled };
        for (sku, mut from) in shipped.into_iter().enumerate() {
            from.sort_unstable();
            draft.hand_out(problem, sku, &from);
        }
        draft
    }

    /// Gives the units of a SKU to its lines.
    fn hand_out(&mut self, problem: &Problem, sku: usize, from: &[(usize, i64)]) {
        let mut lines = problem.skus[sku].lines.iter().copied();
        let (mut line, mut wanted) = (0, 0);
        for &(rank, mut units) in from {
            while units > 0 {
                if wanted == 0 {
                    // As many units are shipped as lines have them filled, so there is a next line.
                    let Some(next) = lines.next() else { return };
                    (line, wanted) = (next, problem.file.lines[next].quantity - self.unfilled[next]);
                }
                let given = units.min(wanted);
                if given > 0 {
                    self.packages.entry(rank).or_default().push(Shipped { sku, line, units: given });
                }
                (units, wanted) = (units - given, wanted - given);
            }
        }
    }

    /// Shipments decided elsewhere. None: one of them is of a facility or line that the problem does not have.
    pub(super) fn from_shipments(problem: &Problem, shipments: &[Shipment]) -> Option<Self> {
        let mut draft = Self::nothing(problem);
        let of_sku = |(sku, wanted): (usize, &Sku)| wanted.lines.iter().map(move |&line| (line, sku)).collect::<Vec<_>>();
        let lines = problem.skus.iter().enumerate().flat_map(of_sku);
        let places: BTreeMap<&str, (usize, usize)> =
            lines.map(|(line, sku)| (problem.file.lines[line].line_id.as_str(), (line, sku))).collect();
        for shipment in shipments {
            let rank = problem.by_id.binary_search_by_key(&shipment.facility_id.as_str(), |&f| &problem.file.facilities[f].facility_id);
            let &(line, sku) = places.get(shipment.line_id.as_str())?;
            draft.unfilled[line] -= shipment.units;
            draft.packages.entry(rank.ok()?).or_default().push(Shipped { sku, line, units: shipment.units });
        }
        Some(draft)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.unfilled.iter().all(|&units| units == 0)
    }

    pub(super) fn ships_from(&self, rank: usize) -> bool {
        self.packages.contains_key(&rank)
    }

    pub(super) fn unfilled_units(&self) -> i64 {
        self.unfilled.iter().sum()
    }

    fn package_cost(&self, problem: &Problem, rank: usize) -> PackageCost {
        let facility = problem.facility(rank);
        let mut parts = cost::fixed_parts(problem, facility);
        for shipped in &self.packages[&rank] {
            let (weight_g, units) = (problem.skus[shipped.sku].weight_g, i128::from(shipped.units));
            parts.weight_milli += units * i128::from(facility.weight_rate_milli_per_g) * i128::from(weight_g);
            parts.pick_milli += units * i128::from(facility.pick_milli);
            parts.stock_price_milli += units * i128::from(problem.stock_price_milli(rank, shipped.sku));
        }
        parts
    }

    fn cost_milli(&self, problem: &Problem) -> i128 {
        let packages: i128 = self.packages.keys().map(|&rank| self.package_cost(problem, rank).total_milli()).sum();
        let penalties: i128 = self
            .unfilled
            .iter()
            .zip(&problem.file.lines)
            .map(|(&units, line)| i128::from(units) * i128::from(line.unfilled_penalty_milli.unwrap_or(0)))
            .sum();
        packages + penalties + cost::split_milli(problem, self.packages.len())
    }

    /// The objective, without the penalties an order that ships complete does not know.
    pub(super) fn merit(&self, problem: &Problem, levels: &Levels) -> Merit {
        let free: i64 = self
            .unfilled
            .iter()
            .zip(&problem.file.lines)
            .filter(|(_, line)| line.unfilled_penalty_milli.is_none())
            .map(|(units, _)| units)
            .sum();
        let amount =
            levels.unfilled * i128::from(free) + levels.milli(self.cost_milli(problem)) + levels.grain * self.packages.len() as i128;
        (amount, self.packages.keys().copied().collect())
    }

    /// The plan, not yet explained.
    pub(super) fn to_plan(&self, problem: &Problem, explain: bool) -> Plan {
        let (unfilled_units, cost_milli) = (self.unfilled_units(), self.cost_milli(problem));
        let packages = self.packages.keys().map(|&rank| self.package(problem, rank, explain)).collect();
        Plan { unfilled_units, cost_milli, optimal: true, gap_milli: 0, gap_units: 0, nodes: 0, packages, not_chosen: vec![] }
    }

    fn package(&self, problem: &Problem, rank: usize, explain: bool) -> Package {
        let parts = self.package_cost(problem, rank);
        let mut lines: Vec<PackageLine> = self.packages[&rank]
            .iter()
            .map(|shipped| PackageLine { line_id: problem.file.lines[shipped.line].line_id.clone(), quantity: shipped.units })
            .collect();
        // Not in input order, which may not matter; and "2" before "10", as people count.
        lines.sort_by(|a, b| (a.line_id.len(), &a.line_id).cmp(&(b.line_id.len(), &b.line_id)));
        Package {
            facility_id: problem.facility(rank).facility_id.clone(),
            cost_milli: parts.total_milli(),
            lines,
            parts: explain.then_some(parts),
        }
    }
}

/// Units of a SKU that stay unfilled at a price come from the last lines with that price: the first are served first.
fn leave_unfilled(problem: &Problem, levels: &Levels, sku: usize, price: i128, mut units: i64, unfilled: &mut [i64]) {
    for &line in problem.skus[sku].lines.iter().rev().filter(|&&line| levels.penalty(problem, line) == price) {
        let left = units.min(problem.file.lines[line].quantity);
        unfilled[line] = left;
        units -= left;
    }
}
