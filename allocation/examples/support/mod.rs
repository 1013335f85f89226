//! Problems to measure on: recorded orders, and generated networks.

#[path = "data.rs"]
mod data;

pub use data::arguments;
use data::data;
use oms_allocation::simulate::{Policy, Settings, World, order_to_source};
use oms_allocation::{Options, ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock, Rules};

/// The problems of recorded orders, each met by the stock that the orders before it left.
pub fn real(first: usize, count: usize, waits: bool) -> Vec<ProblemFile> {
    let (data, rules) = (data(), Rules::built_in());
    let settings = Settings { units_wait: waits, ..Settings::new(Policy::Exact, &rules) };
    let mut world = World::new(&data);
    let mut problems = vec![];
    for (place, recorded) in data.orders.iter().enumerate().take(first + count) {
        world.advance(recorded.placed_at);
        let order = order_to_source(&data, recorded, settings);
        let sourcing = world.source(&order, &rules, recorded.placed_at).expect("a recorded order is a problem");
        world.ship(&order, &sourcing.decide(Options::default()).packages);
        if place >= first {
            problems.push(sourcing.problem().file().clone());
        }
    }
    problems
}

/// Generated networks: facilities scattered over zones, each SKU at a tenth of them, often fewer units than wanted.
pub fn network(facilities: usize, skus: usize, count: usize, seed: u64) -> Vec<ProblemFile> {
    let mut draw = Draw(seed);
    (0..count).map(|_| one_network(facilities, skus, &mut draw)).collect()
}

fn one_network(facilities: usize, skus: usize, draw: &mut Draw) -> ProblemFile {
    const ZONES: [(i64, i64); 5] = [(299_000, 20), (349_000, 30), (429_000, 45), (899_000, 150), (1_799_000, 450)];
    let sites: Vec<ProblemFacility> = (0..facilities)
        .map(|place| {
            let (package_milli, weight_rate_milli_per_g) = ZONES[[0, 1, 1, 2, 2, 2, 2, 3, 3, 4][draw.below(10)]];
            ProblemFacility {
                facility_id: format!("F{place:04}"),
                package_milli,
                handling_milli: [90_000, 180_000][draw.below(2)],
                weight_rate_milli_per_g,
                pick_milli: 5_000,
                days_late: [0, 0, 0, 0, 1, 2][draw.below(6)],
                capacity_left: None,
                package_open: false,
            }
        })
        .collect();
    let mut availability = vec![];
    let mut lines = vec![];
    for sku in 0..skus {
        let quantity = 1 + draw.below(12) as i64;
        let price_milli = 1_000 * (50 + draw.below(1_500) as i64);
        lines.push(ProblemLine {
            line_id: (sku + 1).to_string(),
            sku: format!("S{sku:03}"),
            quantity,
            unit_weight_g: 40 + draw.below(960) as i64,
            unfilled_penalty_milli: (draw.below(4) > 0).then_some(price_milli),
        });
        for site in sites.iter() {
            if draw.below(10) == 0 {
                availability.push(ProblemStock {
                    facility_id: site.facility_id.clone(),
                    sku: format!("S{sku:03}"),
                    available: draw.below(20) as i64,
                    stock_price_milli: 0,
                });
            }
        }
    }
    ProblemFile { lines, facilities: sites, availability, rules: ProblemRules::default() }
}

/// Networks in which every rule of a problem occurs.
pub fn ruled(facilities: usize, skus: usize, count: usize, seed: u64) -> Vec<ProblemFile> {
    let mut draw = Draw(seed);
    (0..count)
        .map(|_| {
            let mut file = one_network(facilities, skus, &mut draw);
            for facility in &mut file.facilities {
                facility.capacity_left = [None, None, None, Some(5), Some(0)][draw.below(5)];
                facility.package_open = draw.below(6) == 0;
            }
            for stock in &mut file.availability {
                stock.stock_price_milli = [0, 0, 20_000][draw.below(3)];
            }
            // Two lines of a SKU, one of them dearer to leave unfilled.
            let mut twin = file.lines[0].clone();
            twin.line_id = "twin".into();
            twin.unfilled_penalty_milli = twin.unfilled_penalty_milli.map(|penalty| 2 * penalty);
            file.lines.push(twin);
            file.rules = ProblemRules {
                split_penalty_milli: [0, 150_000, 600_000][draw.below(3)],
                late_penalty_milli_per_day: 100_000,
                max_packages: [None, None, Some(1), Some(2), Some(4)][draw.below(5)],
                packages_already: draw.below(3) as i64,
                ship_complete: draw.below(4) == 0,
                ship_something: draw.below(4) > 0,
            };
            file
        })
        .collect()
}

/// A small generator (SplitMix64), so that a seed names a problem for ever.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % n as u64) as usize
    }
}
