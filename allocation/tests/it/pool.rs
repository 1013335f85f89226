//! Orders decided again together: what they exchange is there, pays, and takes nothing from anyone.

use std::collections::{BTreeMap, BTreeSet};

use oms_allocation::{Holdings, MoveLimits, Options, Package, Pooled, Problem, ProblemFile, ProblemStock, StockPrices, replan, solve};
use proptest::prelude::*;

use crate::{generate, seed};

type Row = (String, String);

fn pooled(problem: ProblemFile, packages: Vec<Package>) -> Pooled {
    Pooled { problem, ship_dates: BTreeMap::new(), forbidden: BTreeSet::new(), packages, moves_left: 3 }
}

fn units(problem: &ProblemFile, packages: &[Package]) -> BTreeMap<Row, i64> {
    let mut units = BTreeMap::new();
    for package in packages {
        for shipped in &package.lines {
            let line = problem.lines.iter().find(|line| line.line_id == shipped.line_id).expect("a line of the problem");
            *units.entry((package.facility_id.clone(), line.sku.clone())).or_default() += shipped.quantity;
        }
    }
    units
}

/// One facility is near both customers and has one unit; the other order took it, though the far one costs it little more.
#[test]
fn an_order_gives_up_a_unit_that_another_needs_more() {
    let problem = |far_milli: i64| {
        let json = format!(
            r#"{{"lines":[{{"line_id":"1","sku":"A","quantity":1}}],"availability":[],
                "facilities":[{{"facility_id":"FAR","package_milli":{far_milli}}},{{"facility_id":"NEAR","package_milli":100000}}]}}"#
        );
        ProblemFile::from_json(&json).expect("a problem")
    };
    let from = |facility: &str| Package {
        facility_id: facility.into(),
        cost_milli: 0,
        lines: vec![oms_allocation::PackageLine { line_id: "1".into(), quantity: 1 }],
        parts: None,
    };
    let pool = [pooled(problem(150_000), vec![from("NEAR")]), pooled(problem(900_000), vec![from("FAR")])];
    let mut holdings = Holdings::default();
    holdings.add_free("FAR", "A", 1);
    let moves = replan(&pool, holdings.clone(), &StockPrices::default(), MoveLimits::default()).expect("problems");
    let places: Vec<(usize, &str)> = moves.iter().map(|moved| (moved.place, moved.plan.packages[0].facility_id.as_str())).collect();
    assert_eq!(places, [(0, "FAR"), (1, "NEAR")]);
    // 800,000 saved less 50,000 spent, by two orders.
    for (minimum_gain_milli, moved) in [(375_000, 2), (375_001, 0)] {
        let limits = MoveLimits { minimum_gain_milli, ..MoveLimits::default() };
        assert_eq!(replan(&pool, holdings.clone(), &StockPrices::default(), limits).expect("problems").len(), moved);
    }
    let tired = [pool[0].clone(), Pooled { moves_left: 0, ..pool[1].clone() }];
    assert_eq!(replan(&tired, holdings.clone(), &StockPrices::default(), MoveLimits::default()), Ok(vec![]));
    let bound = [Pooled { forbidden: [("FAR".into(), "A".into())].into(), ..pool[0].clone() }, pool[1].clone()];
    assert_eq!(replan(&bound, holdings, &StockPrices::default(), MoveLimits::default()), Ok(vec![]), "FAR may not ship the first one's");
}

/// Decides problems one after the other from one stock. Each line keeps only what it got: that is what a pool decides again.
fn one_by_one(problems: Vec<ProblemFile>, stock: &mut BTreeMap<Row, i64>) -> Vec<Pooled> {
    let mut pool = vec![];
    for mut problem in problems {
        problem.availability = stock
            .iter()
            .filter(|((facility, _), _)| problem.facilities.iter().any(|known| known.facility_id == *facility))
            .map(|((facility_id, sku), &available)| ProblemStock {
                facility_id: facility_id.clone(),
                sku: sku.clone(),
                available,
                stock_price_milli: 0,
            })
            .collect();
        problem.facilities.iter_mut().for_each(|facility| facility.capacity_left = None);
        let plan = solve(&Problem::new(problem.clone()).expect("a problem"), Options::default());
        for (row, taken) in units(&problem, &plan.packages) {
            *stock.entry(row).or_default() -= taken;
        }
        for line in &mut problem.lines {
            let shipped = plan.packages.iter().flat_map(|package| &package.lines).filter(|shipped| shipped.line_id == line.line_id);
            (line.quantity, line.unfilled_penalty_milli) = (shipped.map(|shipped| shipped.quantity).sum(), None);
        }
        problem.lines.retain(|line| line.quantity > 0);
        pool.push(pooled(problem, plan.packages));
    }
    pool
}

fn price(problem: &ProblemFile, packages: &[Package]) -> i128 {
    let splits = problem.rules.packages_already + packages.len() as i64 - 1;
    let split = i128::from(problem.rules.split_penalty_milli) * i128::from(splits.max(0));
    split + packages.iter().map(|package| package.cost_milli).sum::<i128>()
}

#[test]
fn a_pool_takes_only_what_is_there_and_never_costs_more() {
    seed::check(150, prop::collection::vec(generate::medium(), 2..5), |mut problems| {
        // Weights differ by SKU in the same way in all of them.
        let sites = problems[0].facilities.clone();
        problems.iter_mut().for_each(|problem| problem.facilities.clone_from(&sites));
        let mut stock: BTreeMap<Row, i64> =
            problems[0].availability.iter().map(|row| ((row.facility_id.clone(), row.sku.clone()), row.available)).collect();
        let pool = one_by_one(problems, &mut stock);
        let mut holdings = Holdings::default();
        stock.iter().for_each(|((facility_id, sku), &units)| holdings.add_free(facility_id, sku, units));
        let moves =
            replan(&pool, holdings, &StockPrices::default(), MoveLimits { minimum_gain_milli: 1, most_displaced: 3 }).expect("problems");

        let mut saved = 0;
        for moved in &moves {
            let before = &pool[moved.place];
            prop_assert!(moved.moves >= 1 && moved.moves <= 3);
            prop_assert_eq!(moved.plan.unfilled_units, 0);
            saved += price(&before.problem, &before.packages) - price(&before.problem, &moved.plan.packages);
            for (row, taken) in units(&before.problem, &moved.plan.packages) {
                *stock.entry(row).or_default() -= taken;
            }
            for (row, given) in units(&before.problem, &before.packages) {
                *stock.entry(row).or_default() += given;
            }
        }
        prop_assert!(stock.values().all(|&left| left >= 0), "more was taken than is there");
        prop_assert!(moves.is_empty() || saved > 0, "moves without a gain");
        Ok(())
    });
}
