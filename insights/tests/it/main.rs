//! Figures over months that were drawn, beside plain counts of the same events.

mod docs;
mod histograms;
mod month;
mod periods;
mod plain;
mod prefixes;

use std::hash::{BuildHasher, RandomState};

/// A seed, told: `OMS_SEED` says otherwise.
#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn seed() -> u64 {
    let seed =
        std::env::var("OMS_SEED").map_or_else(|_| RandomState::new().hash_one("seed"), |seed| seed.parse().expect("a seed is a number"));
    println!("OMS_SEED={seed}");
    seed
}
