//! Problems on which the search is long: much is wanted, and each facility has a little of it. All sets of facilities are tried.

use std::cell::Cell;

use oms_allocation::{Options, Problem, ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock, solve};
use proptest::prelude::*;
use proptest::sample::select;

use crate::seed::check;

const FACILITIES: usize = 16;
const SKUS: usize = 6;
/// What is in demand is never left, if there is some.
const PENALTY_MILLI: i64 = 5_000;
/// Nodes after which the solver takes a problem for hard.
const EASY_NODES: u64 = 64;

fn scarce() -> impl Strategy<Value = ProblemFile> {
    let facility = (select(vec![400_i64, 400, 430, 500]), 1..4_i64);
    let facilities = prop::collection::vec(facility, FACILITIES);
    let stock = prop::collection::vec(select(vec![0_i64, 0, 0, 1, 2, 3]), FACILITIES * SKUS);
    (facilities, prop::collection::vec(3..9_i64, SKUS), stock).prop_map(|(facilities, quantities, stock)| ProblemFile {
        lines: quantities.into_iter().enumerate().map(|(sku, quantity)| line(sku, quantity)).collect(),
        facilities: facilities.into_iter().enumerate().map(|(place, costs)| facility_of(place, costs)).collect(),
        availability: stock.into_iter().enumerate().map(|(cell, available)| level(cell, available)).collect(),
        rules: ProblemRules { split_penalty_milli: 0, ..ProblemRules::default() },
    })
}

fn line(sku: usize, quantity: i64) -> ProblemLine {
    let (line_id, sku) = (sku.to_string(), format!("S{sku}"));
    ProblemLine { line_id, sku, quantity, unit_weight_g: 10, unfilled_penalty_milli: Some(PENALTY_MILLI) }
}

fn facility_of(place: usize, (package_milli, weight_rate_milli_per_g): (i64, i64)) -> ProblemFacility {
    ProblemFacility {
        facility_id: format!("F{place:02}"),
        package_milli,
        handling_milli: 0,
        weight_rate_milli_per_g,
        pick_milli: 0,
        days_late: 0,
        capacity_left: None,
        package_open: false,
    }
}

fn level(cell: usize, available: i64) -> ProblemStock {
    let (facility_id, sku) = (format!("F{:02}", cell / SKUS), format!("S{}", cell % SKUS));
    ProblemStock { facility_id, sku, available, stock_price_milli: 0 }
}

/// Cost and packages, then the facilities: the least wins.
fn best(file: &ProblemFile) -> (i128, u32, Vec<&str>) {
    let by_rate = {
        let mut places: Vec<usize> = (0..FACILITIES).collect();
        places.sort_by_key(|&place| file.facilities[place].weight_rate_milli_per_g);
        places
    };
    let amount = |set: u32| {
        let opens = |place: usize| set & (1 << place) != 0;
        let fixed: i64 =
            file.facilities.iter().enumerate().filter(|(place, _)| opens(*place)).map(|(_, facility)| facility.package_milli).sum();
        let units: i64 = file
            .lines
            .iter()
            .enumerate()
            .map(|(sku, line)| {
                let mut left = line.quantity;
                let taken = by_rate.iter().filter(|&&place| opens(place)).map(|&place| {
                    let units = left.min(file.availability[place * SKUS + sku].available);
                    left -= units;
                    units * file.facilities[place].weight_rate_milli_per_g * 10
                });
                taken.sum::<i64>() + left * PENALTY_MILLI
            })
            .sum();
        let ids = file.facilities.iter().enumerate().filter(|(place, _)| opens(*place)).map(|(_, facility)| facility.facility_id.as_str());
        (i128::from(fixed + units), set.count_ones(), ids.collect::<Vec<_>>())
    };
    (0..1 << FACILITIES).map(amount).min().expect("there is a set")
}

#[test]
fn a_long_search_finds_the_best_set_ties_included() {
    let hard = Cell::new(0);
    check(40, scarce(), |file| {
        let plan = solve(&Problem::new(file.clone()).expect("a valid problem"), Options::default());
        prop_assert!(plan.optimal);
        hard.set(hard.get() + u32::from(plan.nodes > EASY_NODES));
        let chosen: Vec<&str> = plan.packages.iter().map(|package| package.facility_id.as_str()).collect();
        prop_assert_eq!((plan.cost_milli, chosen.len() as u32, chosen), best(&file));
        Ok(())
    });
    println!("{} of 40 were hard", hard.get());
    assert!(hard.get() > 0, "none of the problems was hard");
}
