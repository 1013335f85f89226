//! From an order, facilities, stock and rules to a decision that explains itself.

mod build;
mod decision;
mod input;

pub use build::{Reach, Sourcing, build_problem, reach};
pub use decision::{CostParts, DecidedPackage, Decision, LocatedBy, Outlook, Unused};
pub use input::{Destination, Facility, LineToSource, OrderToSource, StockLevel};

use serde::{Deserialize, Serialize};

/// The first rule that keeps a facility out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The rule's name in the rule file.
    pub rule: String,
    pub detail: String,
}

/// A soft rule that a facility fails: what each package from it costs more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulePenalty {
    pub rule: String,
    pub penalty_minor: i64,
}

/// A rule about one SKU at a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkuRule {
    pub sku: String,
    pub rule: String,
    /// What each unit costs more. None: it may not ship the SKU.
    pub penalty_minor: Option<i64>,
}
