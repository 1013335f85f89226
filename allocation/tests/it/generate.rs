//! Small problems in which ties, shortages and every rule are frequent.

use oms_allocation::{ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Sizes and amounts small enough for [`crate::brute`].
pub fn small() -> impl Strategy<Value = ProblemFile> {
    problem(3, 4, 3)
}

/// Problems a search has something to do on.
pub fn medium() -> impl Strategy<Value = ProblemFile> {
    problem(12, 10, 12)
}

fn problem(lines: usize, facilities: usize, units: i64) -> impl Strategy<Value = ProblemFile> {
    let skus = lines.div_ceil(2) * 2;
    (
        prop::collection::vec((0..skus, 1..=units, option::weighted(0.6, select(vec![0_i64, 100, 250, 700]))), 1..=lines),
        prop::collection::vec(facility(), 1..=facilities),
        prop::collection::vec((0..=units, select(vec![0_i64, 0, 0, 40])), skus * facilities),
        rules(),
    )
        .prop_map(move |(wanted, sites, stock, rules)| {
            let facilities: Vec<ProblemFacility> =
                sites.into_iter().enumerate().map(|(place, site)| ProblemFacility { facility_id: format!("F{place}"), ..site }).collect();
            ProblemFile {
                availability: availability(&facilities, skus, &stock),
                lines: wanted.iter().enumerate().map(|(place, wanted)| line(place, *wanted)).collect(),
                facilities,
                rules,
            }
        })
}

fn line(place: usize, (sku, quantity, unfilled_penalty_milli): (usize, i64, Option<i64>)) -> ProblemLine {
    ProblemLine {
        line_id: (place + 1).to_string(),
        sku: format!("S{sku}"),
        quantity,
        unit_weight_g: 10 * (1 + sku as i64 % 3),
        unfilled_penalty_milli,
    }
}

fn facility() -> impl Strategy<Value = ProblemFacility> {
    let cost = || select(vec![0_i64, 100, 100, 300, 1_000]);
    (
        cost(),
        cost(),
        select(vec![0_i64, 1, 1, 2]),
        select(vec![0_i64, 10, 200]),
        0..3_i64,
        option::weighted(0.3, 0..2_i64),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(package_milli, handling_milli, weight_rate_milli_per_g, pick_milli, days_late, capacity_left, package_open)| {
            ProblemFacility {
                facility_id: String::new(),
                package_milli,
                handling_milli,
                weight_rate_milli_per_g,
                pick_milli,
                days_late,
                capacity_left,
                package_open,
            }
        })
}

fn rules() -> impl Strategy<Value = ProblemRules> {
    (
        select(vec![0_i64, 150]),
        select(vec![0_i64, 100]),
        option::weighted(0.3, 0..4_i64),
        0..3_i64,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.7),
    )
        .prop_map(
            |(split_penalty_milli, late_penalty_milli_per_day, max_packages, packages_already, ship_complete, ship_something)| {
                ProblemRules {
                    split_penalty_milli,
                    late_penalty_milli_per_day,
                    max_packages,
                    packages_already,
                    ship_complete,
                    ship_something,
                }
            },
        )
}

fn availability(facilities: &[ProblemFacility], skus: usize, stock: &[(i64, i64)]) -> Vec<ProblemStock> {
    let cells = facilities.iter().flat_map(|facility| (0..skus).map(move |sku| (facility, sku)));
    cells
        .zip(stock)
        .map(|((facility, sku), &(available, stock_price_milli))| ProblemStock {
            facility_id: facility.facility_id.clone(),
            sku: format!("S{sku}"),
            available,
            stock_price_milli,
        })
        .collect()
}
