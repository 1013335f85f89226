//! The rule file: who may ship what, what it costs beyond freight, and the rate card.

mod eligibility;
mod in_force;
mod parse;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::rate_card::RateCard;
use crate::sourcing::Facility;

pub use in_force::RulesInForce;

pub(crate) use eligibility::{Candidate, Verdict, judge};

/// A parsed rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Recorded with each decision.
    pub version: String,
    pub costs: Costs,
    /// In the order of the file.
    pub rules: Vec<Rule>,
    pub groups: BTreeMap<String, Group>,
    /// The group whose facilities serve a channel first; a channel that is not named is served by all.
    pub channels: BTreeMap<String, String>,
    pub rate_card: RateCard,
}

/// Costs that hold for every order, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    pub split_penalty_minor: i64,
    pub late_penalty_minor_per_day: i64,
    pub pick_minor_per_unit: i64,
    pub max_packages: Option<i64>,
    /// Whether a unit also costs what using it there forgoes elsewhere, where prices of stock are known.
    pub stock_prices: bool,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What an explanation calls it; the kind, unless the file names it.
    pub name: String,
    pub check: Check,
    /// Facilities the rule is about.
    pub about: Selection,
    /// None: hard. Otherwise what failing it costs, for each package, or for each unit where the rule concerns SKUs.
    pub penalty_minor: Option<i64>,
}

/// What a rule asks of a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It is active and ships, or it is the one at which the order is collected.
    Active,
    /// It lies within reach of the destination. A distance that is not known fails no rule.
    Distance { max_km: Option<i64>, same_country: bool },
    /// It belongs to the channel's group, or to a fallback of it while the groups before it lack a unit.
    Group,
    /// It has capacity within so many working days.
    Capacity { horizon_working_days: usize },
    /// It has not rejected the line.
    Rejected,
    /// It may ship the SKU.
    Exclusion { skus: Vec<String>, categories: Vec<String> },
}

/// Facilities by id and type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub facilities: Vec<String>,
    pub types: Vec<String>,
}

impl Selection {
    /// An empty selection is about all facilities.
    pub(crate) fn contains(&self, facility: &Facility) -> bool {
        let everything = self.facilities.is_empty() && self.types.is_empty();
        everything || self.facilities.contains(&facility.facility_id) || self.types.contains(&facility.facility_type)
    }
}

/// Facilities that serve a channel together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub members: Selection,
    /// The group that helps out.
    pub fallback: Option<String>,
}

/// Something wrong in a rule file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct RuleMistake {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for RuleMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// All mistakes of a rule file, in its order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct RuleMistakes {
    pub mistakes: Vec<RuleMistake>,
}

/// The file behind [`Rules::built_in`], to start an own one from.
pub const BUILT_IN_RULES: &str = include_str!("default.toml");

impl Rules {
    /// The rules that hold where no file is given.
    pub fn built_in() -> Self {
        match Self::parse(BUILT_IN_RULES) {
            Ok(rules) => rules,
            // The file is part of the program; a test parses it.
            Err(mistakes) => unreachable!("the built-in rules are wrong: {mistakes}"),
        }
    }

    /// Reads a file and names each mistake in it.
    pub fn parse(text: &str) -> Result<Self, RuleMistakes> {
        parse::parse(text, None)
    }

    /// Like [`Rules::parse`], and each facility it names must be among these.
    pub fn parse_for(text: &str, facility_ids: &BTreeSet<String>) -> Result<Self, RuleMistakes> {
        parse::parse(text, Some(facility_ids))
    }

    /// The channel's group and its fallbacks, first to last. None: every facility serves the channel.
    pub(crate) fn group_chain(&self, channel: &str) -> Option<Vec<&Group>> {
        let first = self.groups.get(self.channels.get(channel)?)?;
        let next = |group: &&Group| self.groups.get(group.fallback.as_ref()?);
        Some(std::iter::successors(Some(first), next).collect())
    }
}
