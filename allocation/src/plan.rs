//! The answer: which facility ships which units, what it costs, and why the others do not ship.

use serde::{Deserialize, Serialize};

use crate::solve::Shipment;

/// A plan. `packages` and `not_chosen` are sorted by facility id; together they name every facility of the problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Units of all lines that no package holds.
    pub unfilled_units: i64,
    /// The whole plan's cost, split and unfilled penalties included.
    pub cost_milli: i128,
    /// No plan has fewer unfilled units without a penalty, or as many and a lower cost.
    pub optimal: bool,
    /// How much cheaper another plan might be, at most; 0 when `optimal`. (Not optimal and 0: the node budget ended before it was known whether an order
    /// that ships complete, and must if it can, can.)
    pub gap_milli: i128,
    /// How many more units without a penalty another plan might fill, at most; left out when 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gap_units: i64,
    /// Partial plans whose bound was computed.
    pub nodes: u64,
    pub packages: Vec<Package>,
    pub not_chosen: Vec<NotChosen>,
}

impl Plan {
    /// What ships, line by line.
    pub(crate) fn shipments(&self) -> Vec<Shipment> {
        shipments(&self.packages)
    }
}

/// What packages ship, line by line.
pub(crate) fn shipments(packages: &[Package]) -> Vec<Shipment> {
    let lines = packages.iter().flat_map(|package| package.lines.iter().map(move |line| (package, line)));
    let shipment = |(package, line): (&Package, &PackageLine)| Shipment {
        facility_id: package.facility_id.clone(),
        line_id: line.line_id.clone(),
        units: line.quantity,
    };
    lines.map(shipment).collect()
}

/// What leaves one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub facility_id: String,
    /// This package's own cost: the split penalty is not in it.
    pub cost_milli: i128,
    /// The shorter line id first, then bytewise: "2" before "10".
    pub lines: Vec<PackageLine>,
    /// `cost_milli` by part, when an explanation was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PackageCost>,
}

/// Units of a line in a package, at least 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageLine {
    pub line_id: String,
    pub quantity: i64,
}

/// A package's cost by part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageCost {
    /// 0 where an open package is joined.
    pub package_milli: i128,
    pub handling_milli: i128,
    pub late_milli: i128,
    pub weight_milli: i128,
    pub pick_milli: i128,
    pub stock_price_milli: i128,
}

impl PackageCost {
    /// The sum of the parts.
    pub fn total_milli(&self) -> i128 {
        self.package_milli + self.handling_milli + self.late_milli + self.weight_milli + self.pick_milli + self.stock_price_milli
    }
}

/// A facility that ships nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotChosen {
    pub facility_id: String,
    pub reason: NotChosenReason,
    /// The best plan in which a consignment leaves this facility, when an explanation was asked for and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<Forced>,
}

/// The first thing that kept a facility out, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotChosenReason {
    /// `capacity_left` is 0.
    NoCapacity,
    /// It has no unit of any SKU wanted.
    NoStock,
    /// The order may have no further package.
    MaxPackages,
    /// Not every unit can be filled, and the order ships complete or not at all.
    ShipComplete,
    /// Plans with it cost more, leave more units unfilled, or lose the tie.
    NotCheaper,
}

/// What the best plan with a facility forced open would be. An upper bound if the node budget ended first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forced {
    pub unfilled_units: i64,
    pub cost_milli: i128,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(units: &i64) -> bool {
    *units == 0
}
