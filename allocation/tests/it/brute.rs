//! The specification read literally: every way to give units to facilities is tried, and the best by the objective and the ties is kept.
//! It shares no code and no idea with the solver.

use std::collections::BTreeMap;

use oms_allocation::{Plan, ProblemFile};

/// Units by facility id and line id.
pub type Shipped = BTreeMap<(String, String), i64>;

/// The one right plan.
pub struct Best {
    pub cost_milli: i128,
    pub unfilled_units: i64,
    pub shipped: Shipped,
}

/// What the specification compares, in its order; less is better.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    unfilled_without_penalty: i64,
    cost_milli: i128,
    packages: usize,
    facility_ids: Vec<String>,
    /// SKU by SKU in bytewise order, for each facility by id: minus its units.
    units_by_sku: Vec<i64>,
    /// Facilities by id, for each the lines in input order: minus its units.
    units_by_line: Vec<i64>,
}

/// For each line the units from each facility.
type Units = Vec<Vec<i64>>;

pub fn best(file: &ProblemFile) -> Best {
    let plans: Vec<Units> = plans(file).filter(|plan| is_feasible(file, plan)).collect();
    let must_ship = file.rules.ship_something && plans.iter().any(ships);
    let plan = plans.into_iter().filter(|plan| !must_ship || ships(plan)).min_by_key(|plan| merit(file, plan));
    let plan = plan.expect("shipping nothing is always feasible");
    Best { cost_milli: merit(file, &plan).cost_milli, unfilled_units: unfilled(file, &plan).iter().sum(), shipped: named(file, &plan) }
}

/// The least cost of the plans with the fewest unfilled units without a penalty that pay for a consignment from a facility.
pub fn best_with(file: &ProblemFile, facility: usize) -> Option<i128> {
    let rules = &file.rules;
    let merits = plans(file).filter(|plan| is_feasible(file, plan)).filter_map(|plan| {
        let mut shipping: Vec<usize> = shipping(file, &plan);
        if !shipping.contains(&facility) {
            shipping.push(facility);
        }
        let unfilled = unfilled(file, &plan);
        let fits = rules.max_packages.is_none_or(|max| rules.packages_already + shipping.len() as i64 <= max);
        let complete = !rules.ship_complete || unfilled.iter().all(|&units| units == 0);
        let merit = (without_penalty(file, &unfilled), cost_milli(file, &plan, &unfilled, &shipping));
        (fits && complete).then_some(merit)
    });
    merits.min().map(|(_, cost_milli)| cost_milli)
}

/// Every way to give units of lines to facilities, feasible or not.
fn plans(file: &ProblemFile) -> impl Iterator<Item = Units> {
    let choices: Vec<Units> = file.lines.iter().map(|line| ways(line.quantity, file.facilities.len())).collect();
    let mut at = Some(vec![0; choices.len()]);
    std::iter::from_fn(move || {
        let now = at.take()?;
        let plan = now.iter().zip(&choices).map(|(&at, ways)| ways[at].clone()).collect();
        let rises = (0..now.len()).find(|&line| now[line] + 1 < choices[line].len());
        at = rises.map(|line| {
            let mut next = now;
            next[..line].fill(0);
            next[line] += 1;
            next
        });
        Some(plan)
    })
}

fn ships(plan: &Units) -> bool {
    plan.iter().flatten().any(|&units| units > 0)
}

/// All ways to take up to `quantity` units from `facilities` facilities.
fn ways(quantity: i64, facilities: usize) -> Vec<Vec<i64>> {
    let mut ways = vec![vec![]];
    for _ in 0..facilities {
        ways = ways
            .into_iter()
            .flat_map(|way: Vec<i64>| {
                let left = quantity - way.iter().sum::<i64>();
                (0..=left).map(move |units| [way.clone(), vec![units]].concat())
            })
            .collect();
    }
    ways
}

fn unfilled(file: &ProblemFile, plan: &Units) -> Vec<i64> {
    file.lines.iter().zip(plan).map(|(line, units)| line.quantity - units.iter().sum::<i64>()).collect()
}

fn is_feasible(file: &ProblemFile, plan: &Units) -> bool {
    let rules = &file.rules;
    let unfilled: i64 = unfilled(file, plan).iter().sum();
    let packages = (0..file.facilities.len()).filter(|&f| plan.iter().any(|line| line[f] > 0)).count() as i64;
    let stock_holds = file.facilities.iter().enumerate().all(|(f, facility)| {
        file.lines.iter().all(|line| {
            let same = |other: &&oms_allocation::ProblemLine| other.sku == line.sku;
            let taken: i64 = file.lines.iter().zip(plan).filter(|(other, _)| same(other)).map(|(_, units)| units[f]).sum();
            taken == 0 || (facility.capacity_left != Some(0) && taken <= available(file, &facility.facility_id, &line.sku).0)
        })
    });
    let packages_fit = packages == 0 || rules.max_packages.is_none_or(|max| rules.packages_already + packages <= max);
    let complete = !rules.ship_complete || unfilled == 0 || packages == 0;
    stock_holds && packages_fit && complete
}

fn available(file: &ProblemFile, facility_id: &str, sku: &str) -> (i64, i64) {
    let row = file.availability.iter().find(|row| row.facility_id == facility_id && row.sku == sku);
    row.map_or((0, 0), |row| (row.available, row.stock_price_milli))
}

/// Facilities by id.
fn by_id(file: &ProblemFile) -> Vec<usize> {
    let mut by_id: Vec<usize> = (0..file.facilities.len()).collect();
    by_id.sort_by_key(|&f| &file.facilities[f].facility_id);
    by_id
}

fn merit(file: &ProblemFile, plan: &Units) -> Merit {
    let unfilled = unfilled(file, plan);
    let by_id = by_id(file);
    let shipping = shipping(file, plan);
    let mut skus: Vec<&str> = file.lines.iter().map(|line| line.sku.as_str()).collect();
    skus.sort_unstable();
    skus.dedup();
    let of_sku =
        |sku: &str, f: usize| -> i64 { file.lines.iter().zip(plan).filter(|(line, _)| line.sku == sku).map(|(_, units)| units[f]).sum() };
    Merit {
        unfilled_without_penalty: without_penalty(file, &unfilled),
        cost_milli: cost_milli(file, plan, &unfilled, &shipping),
        packages: shipping.len(),
        facility_ids: shipping.iter().map(|&f| file.facilities[f].facility_id.clone()).collect(),
        units_by_sku: skus.iter().flat_map(|sku| by_id.iter().map(move |&f| -of_sku(sku, f))).collect(),
        units_by_line: by_id.iter().flat_map(|&f| plan.iter().map(move |line| -line[f])).collect(),
    }
}

fn without_penalty(file: &ProblemFile, unfilled: &[i64]) -> i64 {
    let lines = unfilled.iter().zip(&file.lines);
    lines.filter(|(_, line)| line.unfilled_penalty_milli.is_none()).map(|(units, _)| units).sum()
}

/// Facilities that ship, by id.
fn shipping(file: &ProblemFile, plan: &Units) -> Vec<usize> {
    by_id(file).into_iter().filter(|&f| plan.iter().any(|line| line[f] > 0)).collect()
}

fn cost_milli(file: &ProblemFile, plan: &Units, unfilled: &[i64], shipping: &[usize]) -> i128 {
    let rules = &file.rules;
    let splits = (rules.packages_already + shipping.len() as i64 - 1).max(0);
    let mut sum = i128::from(rules.split_penalty_milli * splits) + packages_milli(file, plan, shipping);
    for (line, units) in file.lines.iter().zip(unfilled) {
        sum += i128::from(units * line.unfilled_penalty_milli.unwrap_or(0));
    }
    sum
}

fn packages_milli(file: &ProblemFile, plan: &Units, shipping: &[usize]) -> i128 {
    let mut sum = 0;
    for &f in shipping {
        let facility = &file.facilities[f];
        sum += if facility.package_open { 0 } else { facility.package_milli };
        sum += facility.handling_milli + file.rules.late_penalty_milli_per_day * facility.days_late;
        for (line, units) in file.lines.iter().zip(plan) {
            let price = available(file, &facility.facility_id, &line.sku).1;
            sum += units[f] * (facility.weight_rate_milli_per_g * line.unit_weight_g + facility.pick_milli + price);
        }
    }
    sum.into()
}

fn named(file: &ProblemFile, plan: &Units) -> Shipped {
    let mut shipped = Shipped::new();
    for (line, units) in file.lines.iter().zip(plan) {
        for (facility, &units) in file.facilities.iter().zip(units).filter(|(_, units)| **units > 0) {
            shipped.insert((facility.facility_id.clone(), line.line_id.clone()), units);
        }
    }
    shipped
}

fn by_place(file: &ProblemFile, shipped: &Shipped) -> Units {
    let units = |line_id: &str, facility_id: &str| shipped.get(&(facility_id.to_owned(), line_id.to_owned())).copied().unwrap_or(0);
    let of_line = |line: &oms_allocation::ProblemLine| file.facilities.iter().map(|f| units(&line.line_id, &f.facility_id)).collect();
    file.lines.iter().map(of_line).collect()
}

/// What shipments cost, with all penalties.
pub fn cost_of(file: &ProblemFile, shipped: &Shipped) -> i128 {
    let plan = by_place(file, shipped);
    cost_milli(file, &plan, &unfilled(file, &plan), &shipping(file, &plan))
}

/// What the packages of shipments cost by themselves.
pub fn package_cost_of(file: &ProblemFile, shipped: &Shipped) -> i128 {
    let plan = by_place(file, shipped);
    packages_milli(file, &plan, &shipping(file, &plan))
}

/// Units that shipments leave unfilled, of lines without a penalty.
pub fn unfilled_without_penalty(file: &ProblemFile, shipped: &Shipped) -> i64 {
    without_penalty(file, &unfilled(file, &by_place(file, shipped)))
}

/// A plan's shipments.
pub fn shipped(plan: &Plan) -> Shipped {
    let mut shipped = Shipped::new();
    for package in &plan.packages {
        for line in &package.lines {
            let twice = shipped.insert((package.facility_id.clone(), line.line_id.clone()), line.quantity);
            assert_eq!(twice, None, "a line is in a package twice");
        }
    }
    shipped
}
