//! Runs properties from a seed that is printed, so that a failure can be run again: `OMS_TEST_SEED=<seed> cargo test`.

use std::hash::{BuildHasher, Hasher, RandomState};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

/// Checks a property on so many cases.
pub fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let seed = seed();
    println!("OMS_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    if let Err(error) = runner.run(&strategy, property) {
        panic!("with OMS_TEST_SEED={seed}: {error}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may be told its seed")]
fn seed() -> u64 {
    match std::env::var("OMS_TEST_SEED") {
        Ok(seed) => seed.parse().expect("OMS_TEST_SEED is a whole number"),
        // The standard library draws this state anew for each process.
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}
