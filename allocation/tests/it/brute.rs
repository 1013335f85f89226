//! The specification read literally: every way to give units to facilities is tried, and the best by the objective and the ties is kept.
//! It shares no code and no idea with the solver.

use std::collections::BTreeMap;

use oms_allocation::{Plan, ProblemFile};

/// Units by facility id and line id.
pub type Shipped = BTreeMap<(String, String), i64>;

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

/// Cost, unfilled units and shipments of the one right plan.
pub fn best(file: &ProblemFile) -> (i128, i64, Shipped) {
    let choices: Vec<Vec<Vec<i64>>> = file.lines.iter().map(|line| ways(line.quantity, file.facilities.len())).collect();
    let mut some_ships = false;
    let mut plans: Vec<(Merit, Vec<&Vec<i64>>)> = vec![];
    let mut at = vec![0; choices.len()];
    loop {
        let plan: Vec<&Vec<i64>> = at.iter().zip(&choices).map(|(&at, ways)| &ways[at]).collect();
        if is_feasible(file, &plan) {
            let ships = plan.iter().any(|line| line.iter().any(|&units| units > 0));
            some_ships |= ships;
            let merit = merit(file, &plan);
            // Of those that ship and those that do not, the best each.
            match plans.iter_mut().find(|(_, kept)| kept.iter().any(|line| line.iter().any(|&units| units > 0)) == ships) {
                Some(kept) if merit < kept.0 => *kept = (merit, plan),
                Some(_) => {}
                None => plans.push((merit, plan)),
            }
        }
        let Some(next) = (0..at.len()).find(|&line| at[line] + 1 < choices[line].len()) else { break };
        at[next] += 1;
        at[..next].fill(0);
    }
    let must_ship = file.rules.ship_something && some_ships;
    plans.retain(|(_, plan)| !must_ship || plan.iter().any(|line| line.iter().any(|&units| units > 0)));
    let (merit, plan) = plans.into_iter().min().expect("shipping nothing is always feasible");
    answer(file, &merit, &plan)
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

fn unfilled(file: &ProblemFile, plan: &[&Vec<i64>]) -> Vec<i64> {
    file.lines.iter().zip(plan).map(|(line, units)| line.quantity - units.iter().sum::<i64>()).collect()
}

fn is_feasible(file: &ProblemFile, plan: &[&Vec<i64>]) -> bool {
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

fn merit(file: &ProblemFile, plan: &[&Vec<i64>]) -> Merit {
    let unfilled = unfilled(file, plan);
    let by_id = by_id(file);
    let shipping: Vec<usize> = by_id.iter().copied().filter(|&f| plan.iter().any(|line| line[f] > 0)).collect();
    let mut skus: Vec<&str> = file.lines.iter().map(|line| line.sku.as_str()).collect();
    skus.sort_unstable();
    skus.dedup();
    let of_sku =
        |sku: &str, f: usize| -> i64 { file.lines.iter().zip(plan).filter(|(line, _)| line.sku == sku).map(|(_, units)| units[f]).sum() };
    Merit {
        unfilled_without_penalty: unfilled
            .iter()
            .zip(&file.lines)
            .filter(|(_, line)| line.unfilled_penalty_milli.is_none())
            .map(|(units, _)| units)
            .sum(),
        cost_milli: cost_milli(file, plan, &unfilled, &shipping),
        packages: shipping.len(),
        facility_ids: shipping.iter().map(|&f| file.facilities[f].facility_id.clone()).collect(),
        units_by_sku: skus.iter().flat_map(|sku| by_id.iter().map(move |&f| -of_sku(sku, f))).collect(),
        units_by_line: by_id.iter().flat_map(|&f| plan.iter().map(move |line| -line[f])).collect(),
    }
}

fn cost_milli(file: &ProblemFile, plan: &[&Vec<i64>], unfilled: &[i64], shipping: &[usize]) -> i128 {
    let rules = &file.rules;
    let mut sum = rules.split_penalty_milli * (rules.packages_already + shipping.len() as i64 - 1).max(0);
    for &f in shipping {
        let facility = &file.facilities[f];
        sum += if facility.package_open { 0 } else { facility.package_milli };
        sum += facility.handling_milli + rules.late_penalty_milli_per_day * facility.days_late;
        for (line, units) in file.lines.iter().zip(plan) {
            let price = available(file, &facility.facility_id, &line.sku).1;
            sum += units[f] * (facility.weight_rate_milli_per_g * line.unit_weight_g + facility.pick_milli + price);
        }
    }
    for (line, units) in file.lines.iter().zip(unfilled) {
        sum += units * line.unfilled_penalty_milli.unwrap_or(0);
    }
    sum.into()
}

fn answer(file: &ProblemFile, merit: &Merit, plan: &[&Vec<i64>]) -> (i128, i64, Shipped) {
    let mut shipped = Shipped::new();
    for (line, units) in file.lines.iter().zip(plan) {
        for (facility, &units) in file.facilities.iter().zip(*units).filter(|(_, units)| **units > 0) {
            shipped.insert((facility.facility_id.clone(), line.line_id.clone()), units);
        }
    }
    (merit.cost_milli, unfilled(file, plan).iter().sum(), shipped)
}

/// A plan's shipments in the same form.
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
