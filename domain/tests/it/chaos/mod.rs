//! Any sequence of commands, with adapters that fail, repeat themselves and answer late: nothing is ever lost.

mod draw;
mod invariants;
mod world;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
};

use oms_domain::order::Event;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

use self::world::World;

/// Sequences to try; `OMS_DOMAIN_CASES` says otherwise.
const CASES: u32 = 1_000;
/// So many sequences are enough to have seen everything that can happen to an order.
const ENOUGH: u32 = 500;
/// Commands in a sequence.
const STEPS: std::ops::RangeInclusive<usize> = 40..=90;

/// One step, before it is known what is possible then: what to do, and three draws.
pub type Step = (u8, u32, u32, u32);

#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn any_sequence_of_commands_keeps_every_unit_and_every_penny() {
    let seed: u64 = setting("OMS_TEST_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let cases = setting("OMS_DOMAIN_CASES").unwrap_or(CASES);
    println!("seed {seed} (OMS_TEST_SEED), {cases} sequences (OMS_DOMAIN_CASES)");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<u32>()), STEPS);
    let seen = RefCell::new(BTreeSet::new());
    let run = runner.run(&(any::<u32>(), steps), |(shape, steps)| {
        seen.borrow_mut().extend(live(World::new(shape), &steps));
        Ok(())
    });
    let never: Vec<_> = Event::KINDS.iter().filter(|kind| !seen.borrow().contains(*kind)).collect();
    match run {
        Ok(()) => assert!(cases < ENOUGH || never.is_empty(), "seed {seed}: these never happened: {never:?}"),
        Err(TestError::Fail(_, (shape, steps))) => {
            println!("seed {seed}; the shortest sequence found:");
            live(World::new(shape).narrated(), &steps);
            panic!("seed {seed}: the sequence failed once and not again");
        }
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
}

/// A whole life; says what happened in it.
fn live(mut world: World, steps: &[Step]) -> BTreeSet<&'static str> {
    for step in steps {
        world.step(*step);
    }
    world.finish()
}
