//! A decision: the plan in the business' terms, with everything needed to understand it and to make it again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{OrderToSource, RulePenalty, SkuRule, Sourcing};
use crate::plan::{Forced, NotChosenReason, Package, PackageCost, PackageLine, Plan};
use crate::problem::ProblemFile;
use crate::solve::{Detail, Options, Shipment, price, solve_with};

/// What was decided for an order, from what, and why. `problem` solved again gives the same plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub order_id: String,
    pub decided_at: Timestamp,
    pub rules_version: String,
    pub rate_card_version: String,
    /// The prices of stock that it was decided by; None: there were none, or the rules leave them aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock_prices_version: Option<String>,
    /// The run in which it was decided together with other orders: the plan is then the best for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_id: Option<String>,
    pub located_by: LocatedBy,
    pub unfilled_units: i64,
    pub cost_milli: i128,
    pub optimal: bool,
    pub gap_milli: i128,
    pub nodes: u64,
    pub costs: CostParts,
    /// By facility id.
    pub packages: Vec<DecidedPackage>,
    /// By facility id; with the packages and `left_out`, every facility that was given.
    pub not_chosen: Vec<Unused>,
    /// Facilities that were not chosen and are not named, by the rule that spoke against them: see [`Decision::brief`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
    pub problem: ProblemFile,
}

/// What distances and zones were taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocatedBy {
    Coordinates,
    /// The destination has no coordinates: each facility has the dearest zone of its country.
    Country,
}

/// `cost_milli` by part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostParts {
    pub package_milli: i128,
    /// With the penalties of soft rules about facilities.
    pub handling_milli: i128,
    pub late_milli: i128,
    pub weight_milli: i128,
    pub pick_milli: i128,
    /// With the penalties of soft rules about SKUs.
    pub stock_price_milli: i128,
    pub split_penalty_milli: i128,
    pub unfilled_penalty_milli: i128,
}

/// What leaves one facility, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecidedPackage {
    pub facility_id: String,
    pub cost_milli: i128,
    pub parts: PackageCost,
    pub lines: Vec<PackageLine>,
    pub outlook: Outlook,
}

/// A consignment from a facility, whether or not one leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlook {
    /// From 1.
    pub zone: usize,
    /// Rounded. None: a place without coordinates.
    pub distance_km: Option<i64>,
    pub ship_date: Date,
    pub delivery_date: Date,
    pub days_late: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub penalties: Vec<RulePenalty>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sku_rules: Vec<SkuRule>,
}

/// A facility from which nothing leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unused {
    pub facility_id: String,
    /// The first rule that excluded it, or what spoke against it in the plan.
    pub rule: String,
    pub detail: String,
    /// None: a rule excluded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<Outlook>,
    /// What the best plan with it would have been, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<Forced>,
}

impl LocatedBy {
    pub(super) fn of(order: &OrderToSource) -> Self {
        if order.destination.position.is_some() { Self::Coordinates } else { Self::Country }
    }
}

/// Facilities beside the chosen ones that a brief decision names.
const OTHERS_MAX: usize = 10;

impl Decision {
    /// The decision as it is kept: its size does not grow with the number of facilities. Beside the chosen ones it names the ten others that
    /// would have been the next best (on time, near), counts the rest by rule, and has the problem without them all. With few facilities nothing
    /// is left out.
    pub fn brief(mut self) -> Self {
        if self.not_chosen.len() <= OTHERS_MAX {
            return self;
        }
        let far = |unused: &Unused| unused.outlook.as_ref().map_or((1, 0, 0), |o| (0, o.days_late, o.distance_km.unwrap_or(i64::MAX)));
        self.not_chosen.sort_by_cached_key(|unused| (far(unused), unused.facility_id.clone()));
        for unused in self.not_chosen.drain(OTHERS_MAX..) {
            *self.left_out.entry(unused.rule).or_default() += 1;
        }
        self.not_chosen.sort_by(|a, b| a.facility_id.cmp(&b.facility_id));
        let chosen = |facility_id: &str| self.packages.iter().any(|package| package.facility_id == facility_id);
        self.problem.facilities.retain(|facility| chosen(&facility.facility_id));
        self.problem.availability.retain(|stock| chosen(&stock.facility_id));
        self
    }
}

impl Sourcing {
    /// Solves the problem and explains the plan.
    pub fn decide(&self, options: Options) -> Decision {
        self.explained(solve_with(&self.problem, options.node_budget, Detail { parts: true, forced: options.explain }))
    }

    /// Explains a plan that was made elsewhere: what ships from each facility, by line. None: it is no plan of this problem, or the rules forbid it.
    pub fn explain<'a>(&self, packages: impl Iterator<Item = (&'a str, &'a str, i64)>) -> Option<Decision> {
        let shipment = |(facility_id, line_id, units): (&str, &str, i64)| Shipment {
            facility_id: facility_id.to_owned(),
            line_id: line_id.to_owned(),
            units,
        };
        let shipments: Vec<Shipment> = packages.map(shipment).collect();
        let sku = |line_id: &str| self.problem.file().lines.iter().find(|line| line.line_id == line_id).map(|line| line.sku.as_str());
        if !shipments.iter().all(|shipped| sku(&shipped.line_id).is_some_and(|sku| self.may_ship(&shipped.facility_id, sku))) {
            return None;
        }
        price(&self.problem, &shipments).map(|plan| self.explained(plan))
    }

    fn explained(&self, plan: Plan) -> Decision {
        Decision {
            order_id: self.order_id.clone(),
            decided_at: self.decided_at,
            rules_version: self.rules_version.clone(),
            rate_card_version: self.rate_card_version.clone(),
            stock_prices_version: None,
            pool_id: None,
            located_by: self.located_by,
            unfilled_units: plan.unfilled_units,
            cost_milli: plan.cost_milli,
            optimal: plan.optimal,
            gap_milli: plan.gap_milli,
            nodes: plan.nodes,
            costs: self.costs(&plan),
            not_chosen: self.unused(&plan),
            left_out: BTreeMap::new(),
            packages: plan.packages.into_iter().map(|package| self.decided(package)).collect(),
            problem: self.problem.file().clone(),
        }
    }

    fn costs(&self, plan: &Plan) -> CostParts {
        let parts = || plan.packages.iter().filter_map(|package| package.parts.as_ref());
        let sum = |part: fn(&PackageCost) -> i128| parts().map(part).sum::<i128>();
        let split_penalty_milli = crate::cost::split_milli(&self.problem, plan.packages.len());
        let packages: i128 = parts().map(PackageCost::total_milli).sum();
        CostParts {
            package_milli: sum(|parts| parts.package_milli),
            handling_milli: sum(|parts| parts.handling_milli),
            late_milli: sum(|parts| parts.late_milli),
            weight_milli: sum(|parts| parts.weight_milli),
            pick_milli: sum(|parts| parts.pick_milli),
            stock_price_milli: sum(|parts| parts.stock_price_milli),
            split_penalty_milli,
            // What is neither a package's nor the split's.
            unfilled_penalty_milli: plan.cost_milli - packages - split_penalty_milli,
        }
    }

    pub(crate) fn decided(&self, package: Package) -> DecidedPackage {
        DecidedPackage {
            // Only admitted facilities are in the problem, and each has its outlook.
            outlook: self.outlooks[&package.facility_id].clone(),
            facility_id: package.facility_id,
            cost_milli: package.cost_milli,
            parts: package.parts.unwrap_or_default(),
            lines: package.lines,
        }
    }

    fn unused(&self, plan: &Plan) -> Vec<Unused> {
        let by_rule = self.excluded.iter().map(|(facility_id, exclusion)| Unused {
            facility_id: facility_id.clone(),
            rule: exclusion.rule.clone(),
            detail: exclusion.detail.clone(),
            outlook: None,
            forced: None,
        });
        let by_plan = plan.not_chosen.iter().map(|not_chosen| Unused {
            facility_id: not_chosen.facility_id.clone(),
            rule: not_chosen.reason.name().to_owned(),
            detail: not_chosen.reason.to_string(),
            outlook: self.outlooks.get(&not_chosen.facility_id).cloned(),
            forced: not_chosen.forced.clone(),
        });
        let mut unused: Vec<Unused> = by_rule.chain(by_plan).collect();
        unused.sort_by(|a, b| a.facility_id.cmp(&b.facility_id));
        unused
    }
}

impl NotChosenReason {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoCapacity => "no_capacity",
            Self::NoStock => "no_stock",
            Self::MaxPackages => "max_packages",
            Self::ShipComplete => "ship_complete",
            Self::NotCheaper => "not_cheaper",
        }
    }
}

impl std::fmt::Display for NotChosenReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoCapacity => "it can take no further consignment",
            Self::NoStock => "it has no unit of what is wanted",
            Self::MaxPackages => "the order may have no further package",
            Self::ShipComplete => "not every unit can be filled, and the order ships complete or not at all",
            Self::NotCheaper => "a plan with it costs more, leaves more units unfilled, or loses the tie",
        })
    }
}
