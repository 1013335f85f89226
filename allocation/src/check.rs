//! From a file to a problem: everything the solver relies on is checked here, once, and each mistake is named with its place.

use crate::mistake::{Invalid, Mistake};
use crate::problem::{ProblemFacility, ProblemFile};

/// Most lines of a problem: an order has at most 2,000, a decision over several orders a few times that.
pub const MAX_LINES: usize = 10_000;
/// Most facilities of a problem.
pub const MAX_FACILITIES: usize = 10_000;
/// Most rows of availability.
pub const MAX_STOCK_ROWS: usize = 2_000_000;

/// A problem that was checked, indexed by facility and SKU in bytewise order, so that the order of the input cannot matter.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) file: ProblemFile,
    /// Places in `file.facilities`, by facility id. A facility's place in this list is its rank.
    pub(crate) by_id: Vec<usize>,
    /// SKUs by id.
    pub(crate) skus: Vec<Sku>,
    /// Stock of the SKUs wanted, sorted by SKU and facility rank; no row is 0.
    pub(crate) stock: Vec<Stock>,
    /// More than any plan can cost.
    pub(crate) cost_limit: i128,
}

/// A SKU that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Sku {
    /// Places in `file.lines`, in input order.
    pub(crate) lines: Vec<usize>,
    pub(crate) weight_g: i64,
    /// Units of all its lines.
    pub(crate) quantity: i64,
}

/// Units of a wanted SKU at a facility.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stock {
    /// Place in `Problem::skus`.
    pub(crate) sku: usize,
    /// Place in `Problem::by_id`.
    pub(crate) facility: usize,
    pub(crate) available: i64,
    pub(crate) price_milli: i64,
}

impl Problem {
    /// Checks a file.
    pub fn new(file: ProblemFile) -> Result<Self, Invalid> {
        let mut mistakes = vec![];
        check_sizes(&file, &mut mistakes);
        check_numbers(&file, &mut mistakes);
        check_units(&file, &mut mistakes);
        let by_id = rank_facilities(&file, &mut mistakes);
        let (skus, names) = group_lines(&file, &mut mistakes);
        let stock = index_stock(&file, &by_id, &names, &mut mistakes);
        // Sums of numbers that are wrong one by one would only repeat the mistakes.
        if !mistakes.is_empty() {
            return Err(Invalid { mistakes });
        }
        let mut problem = Self { file, by_id, skus, stock, cost_limit: 0 };
        problem.cost_limit = crate::cost::limit_milli(&problem)?;
        Ok(problem)
    }

    /// Reads and checks the file form.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        Self::new(ProblemFile::from_json(json)?)
    }

    /// The file this problem was made from.
    pub fn file(&self) -> &ProblemFile {
        &self.file
    }

    pub(crate) fn facility(&self, rank: usize) -> &ProblemFacility {
        &self.file.facilities[self.by_id[rank]]
    }

    /// The price of using a unit there; 0 where there is none.
    pub(crate) fn stock_price_milli(&self, rank: usize, sku: usize) -> i64 {
        let found = self.stock.binary_search_by_key(&(sku, rank), |stock| (stock.sku, stock.facility));
        found.map_or(0, |place| self.stock[place].price_milli)
    }

    /// Consignments that may still be added; None is no limit.
    pub(crate) fn packages_left(&self) -> Option<usize> {
        let rules = &self.file.rules;
        let left = rules.max_packages?.saturating_sub(rules.packages_already).max(0);
        Some(usize::try_from(left).unwrap_or(usize::MAX))
    }
}

fn check_sizes(file: &ProblemFile, mistakes: &mut Vec<Mistake>) {
    for (pointer, len, max) in [
        ("/lines", file.lines.len(), MAX_LINES),
        ("/facilities", file.facilities.len(), MAX_FACILITIES),
        ("/availability", file.availability.len(), MAX_STOCK_ROWS),
    ] {
        if len > max {
            mistakes.push(Mistake::new(pointer, format!("{len} entries, at most {max} are allowed")));
        }
    }
}

fn check_units(file: &ProblemFile, mistakes: &mut Vec<Mistake>) {
    let sum = file.lines.iter().enumerate().try_fold(0_i64, |sum, (i, line)| sum.checked_add(line.quantity).ok_or(i));
    if let Err(i) = sum {
        mistakes.push(Mistake::new(format!("/lines/{i}/quantity"), "the units of all lines sum beyond 64 bits"));
    }
}

fn check_numbers(file: &ProblemFile, mistakes: &mut Vec<Mistake>) {
    let mut at_least = |min: i64, value: i64, place: &dyn Fn() -> String| {
        if value < min {
            let message = if min == 0 { format!("{value} is negative") } else { format!("{value} is less than {min}") };
            mistakes.push(Mistake::new(place(), message));
        }
    };
    for (i, line) in file.lines.iter().enumerate() {
        at_least(1, line.quantity, &|| format!("/lines/{i}/quantity"));
        at_least(0, line.unit_weight_g, &|| format!("/lines/{i}/unit_weight_g"));
        at_least(0, line.unfilled_penalty_milli.unwrap_or(0), &|| format!("/lines/{i}/unfilled_penalty_milli"));
    }
    for (i, facility) in file.facilities.iter().enumerate() {
        for (field, value) in [
            ("package_milli", facility.package_milli),
            ("handling_milli", facility.handling_milli),
            ("weight_rate_milli_per_g", facility.weight_rate_milli_per_g),
            ("pick_milli", facility.pick_milli),
            ("days_late", facility.days_late),
            ("capacity_left", facility.capacity_left.unwrap_or(0)),
        ] {
            at_least(0, value, &|| format!("/facilities/{i}/{field}"));
        }
    }
    for (i, stock) in file.availability.iter().enumerate() {
        at_least(0, stock.available, &|| format!("/availability/{i}/available"));
        at_least(0, stock.stock_price_milli, &|| format!("/availability/{i}/stock_price_milli"));
    }
    let rules = &file.rules;
    at_least(0, rules.split_penalty_milli, &|| "/rules/split_penalty_milli".into());
    at_least(0, rules.late_penalty_milli_per_day, &|| "/rules/late_penalty_milli_per_day".into());
    at_least(0, rules.max_packages.unwrap_or(0), &|| "/rules/max_packages".into());
    at_least(0, rules.packages_already, &|| "/rules/packages_already".into());
}

fn rank_facilities(file: &ProblemFile, mistakes: &mut Vec<Mistake>) -> Vec<usize> {
    let id = |place: usize| file.facilities[place].facility_id.as_str();
    let mut by_id: Vec<usize> = (0..file.facilities.len()).collect();
    by_id.sort_by_key(|&place| id(place));
    for pair in by_id.windows(2).filter(|pair| id(pair[0]) == id(pair[1])) {
        let message = format!("facility {:?} is there twice", id(pair[1]));
        mistakes.push(Mistake::new(format!("/facilities/{}/facility_id", pair[1]), message));
    }
    by_id
}

/// The SKUs in bytewise order with their lines, and beside them their names.
fn group_lines<'f>(file: &'f ProblemFile, mistakes: &mut Vec<Mistake>) -> (Vec<Sku>, Vec<&'f str>) {
    check_line_ids(file, mistakes);
    let mut places: Vec<usize> = (0..file.lines.len()).collect();
    // Stable, so that the lines of one SKU stay in input order.
    places.sort_by_key(|&place| file.lines[place].sku.as_str());
    let (mut skus, mut names): (Vec<Sku>, Vec<&str>) = (vec![], vec![]);
    for lines in places.chunk_by(|&a, &b| file.lines[a].sku == file.lines[b].sku) {
        let first = &file.lines[lines[0]];
        let mut quantity = 0_i64;
        for &place in lines {
            let line = &file.lines[place];
            if line.unit_weight_g != first.unit_weight_g {
                let message = format!(
                    "SKU {:?} weighs {} g here and {} g in line {:?}",
                    line.sku, line.unit_weight_g, first.unit_weight_g, first.line_id
                );
                mistakes.push(Mistake::new(format!("/lines/{place}/unit_weight_g"), message));
            }
            quantity = quantity.saturating_add(line.quantity);
        }
        skus.push(Sku { lines: lines.to_vec(), weight_g: first.unit_weight_g, quantity });
        names.push(&first.sku);
    }
    (skus, names)
}

fn check_line_ids(file: &ProblemFile, mistakes: &mut Vec<Mistake>) {
    let id = |place: usize| file.lines[place].line_id.as_str();
    let mut by_id: Vec<usize> = (0..file.lines.len()).collect();
    by_id.sort_by_key(|&place| id(place));
    for pair in by_id.windows(2).filter(|pair| id(pair[0]) == id(pair[1])) {
        let message = format!("line {:?} is there twice", id(pair[1]));
        mistakes.push(Mistake::new(format!("/lines/{}/line_id", pair[1]), message));
    }
}

fn index_stock(file: &ProblemFile, by_id: &[usize], skus: &[&str], mistakes: &mut Vec<Mistake>) -> Vec<Stock> {
    let mut rows = Vec::with_capacity(file.availability.len());
    for (place, row) in file.availability.iter().enumerate() {
        let facility = by_id.binary_search_by_key(&row.facility_id.as_str(), |&f| file.facilities[f].facility_id.as_str());
        let Ok(facility) = facility else {
            let message = format!("facility {:?} is not among the facilities", row.facility_id);
            mistakes.push(Mistake::new(format!("/availability/{place}/facility_id"), message));
            continue;
        };
        // Stock of what nobody wants is no mistake: callers may hand over all they know.
        let Ok(sku) = skus.binary_search(&row.sku.as_str()) else { continue };
        rows.push((Stock { sku, facility, available: row.available, price_milli: row.stock_price_milli }, place));
    }
    rows.sort_unstable_by_key(|(row, place)| (row.sku, row.facility, *place));
    for pair in rows.windows(2).filter(|pair| (pair[0].0.sku, pair[0].0.facility) == (pair[1].0.sku, pair[1].0.facility)) {
        let row = &file.availability[pair[1].1];
        let message = format!("SKU {:?} at facility {:?} is there twice", row.sku, row.facility_id);
        mistakes.push(Mistake::new(format!("/availability/{}", pair[1].1), message));
    }
    rows.into_iter().map(|(row, _)| row).filter(|row| row.available > 0).collect()
}
