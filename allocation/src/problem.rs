//! The problem as a file has it: which units are wanted, where they lie, and what each choice costs.
//!
//! All costs are integers in thousandths of the currency's minor unit (`milli`); see docs/allocation.md for the exact statement.

use serde::{Deserialize, Serialize};

use crate::mistake::{Invalid, Mistake};

/// A problem as it is written in a file. Anything may be in it; [`crate::Problem`] is one that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemFile {
    pub lines: Vec<ProblemLine>,
    pub facilities: Vec<ProblemFacility>,
    pub availability: Vec<ProblemStock>,
    #[serde(default)]
    pub rules: ProblemRules,
}

/// Units of one SKU that a customer wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemLine {
    pub line_id: String,
    pub sku: String,
    /// Units wanted, at least 1.
    pub quantity: i64,
    /// Grams of one unit; lines of one SKU must agree.
    #[serde(default = "default_unit_weight_g")]
    pub unit_weight_g: i64,
    /// What leaving one unit unfilled costs. None: a unit of this line stays unfilled only if nothing can fill it.
    #[serde(default)]
    pub unfilled_penalty_milli: Option<i64>,
}

/// A facility that may ship, and what a consignment leaving it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemFacility {
    pub facility_id: String,
    /// The fixed part of a consignment's freight; not paid where `package_open`.
    #[serde(default = "default_package_milli")]
    pub package_milli: i64,
    /// What a facility spends on a consignment, whatever is in it.
    #[serde(default = "default_handling_milli")]
    pub handling_milli: i64,
    #[serde(default = "default_weight_rate_milli_per_g")]
    pub weight_rate_milli_per_g: i64,
    /// Picking one unit.
    #[serde(default = "default_pick_milli")]
    pub pick_milli: i64,
    /// Days a consignment from here would come after the date that was asked for or promised.
    #[serde(default)]
    pub days_late: i64,
    /// Consignments it can still take; 0 makes it ineligible, None is no limit.
    #[serde(default)]
    pub capacity_left: Option<i64>,
    /// An open consignment of this order can be joined here.
    #[serde(default)]
    pub package_open: bool,
}

/// Units of a SKU that may be promised at a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemStock {
    pub facility_id: String,
    pub sku: String,
    pub available: i64,
    /// What using one of these units forgoes elsewhere.
    #[serde(default)]
    pub stock_price_milli: i64,
}

/// What holds for the order as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProblemRules {
    /// For each consignment beyond the order's first.
    pub split_penalty_milli: i64,
    pub late_penalty_milli_per_day: i64,
    /// Most consignments the order may have, `packages_already` included.
    pub max_packages: Option<i64>,
    /// Consignments the order has from earlier decisions.
    pub packages_already: i64,
    /// All units or none.
    pub ship_complete: bool,
    /// If a unit can ship, at least one does, even where waiting would cost less.
    pub ship_something: bool,
}

impl Default for ProblemRules {
    fn default() -> Self {
        Self {
            split_penalty_milli: 150_000,
            late_penalty_milli_per_day: 100_000,
            max_packages: None,
            packages_already: 0,
            ship_complete: false,
            ship_something: true,
        }
    }
}

fn default_unit_weight_g() -> i64 {
    200
}
fn default_package_milli() -> i64 {
    299_000
}
fn default_handling_milli() -> i64 {
    90_000
}
fn default_weight_rate_milli_per_g() -> i64 {
    20
}
fn default_pick_milli() -> i64 {
    5_000
}

impl ProblemFile {
    /// Reads the file form. Unknown fields, wrong types and numbers beyond 64 bits are refused with the place they stand at.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let file: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let at = pointer(error.path());
            Invalid::from(Mistake::new(at, error.into_inner().to_string()))
        })?;
        reader.end().map_err(|error| Invalid::from(Mistake::new("", error.to_string())))?;
        Ok(file)
    }
}

/// A serde path as an RFC 6901 JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            // A key that is not text has no pointer; its parent's says enough.
            Segment::Unknown => String::new(),
        })
        .collect()
}
