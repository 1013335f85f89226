//! Any sequence of commands, with adapters that fail, repeat themselves and answer late: nothing is ever lost, no state is illegal, and
//! after each event the order's numbers are those of a simple model.

mod draw;
mod invariants;
mod numbers;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsStr,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    panic::catch_unwind,
    str::FromStr,
    thread,
    time::Instant,
};

use oms_domain::order::Event;
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

use self::world::{Again, World};
use crate::support::{Lines, at, payment};

/// Sequences to try; `OMS_SEQUENCES` says otherwise.
const SEQUENCES: u32 = 10_000;
/// So many with everything told again after each step.
const SEQUENCES_AGAIN: u32 = 500;
/// So many are enough to have seen everything that can happen to an order.
const ENOUGH: u32 = 10_000;
/// What happens in fewer lives of those is rare.
const RARE: u32 = 30;
/// Commands in a sequence.
const STEPS: std::ops::RangeInclusive<usize> = 40..=60;
/// The sequences are tried side by side in so many parts, each drawn from the seed by itself: as many on every machine, so that a seed
/// is the same sequences everywhere.
const PARTS: u32 = 4;

/// One step, before it is known what is possible then: what to do, and three draws.
pub type Step = (u8, u32, u32, u32);

fn setting<T: FromStr>(name: &str) -> Option<T> {
    Some(read(name, &env::var_os(name)?))
}

/// A setting that says nothing of use is no reason to try something else, or nothing, and pass.
fn read<T: FromStr>(name: &str, text: &OsStr) -> T {
    text.to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} cannot be {}", text.display()))
}

/// At least one.
fn sequences(unless_said: u32) -> u32 {
    setting("OMS_SEQUENCES").map_or(unless_said, NonZeroU32::get)
}

#[test]
fn a_setting_that_tries_nothing_is_refused() {
    let read = |text: &'static str| catch_unwind(|| read::<NonZeroU32>("OMS_SEQUENCES", OsStr::new(text)).get()).ok();
    assert_eq!(["7", "0", "-1", "many", "", "5000000000"].map(read), [Some(7), None, None, None, None, None]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own threads and figures, not the rules'")]
fn any_sequence_of_commands_keeps_every_unit_and_every_penny() {
    let seed: u64 = setting("OMS_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let sequences = sequences(SEQUENCES);
    println!("OMS_SEED={seed} OMS_SEQUENCES={sequences}");
    let begun = Instant::now();
    let mut seen = Seen::new();
    thread::scope(|scope| {
        let parts: Vec<_> =
            (0..PARTS).map(|part| scope.spawn(move || try_part(seed, part, sequences.div_ceil(PARTS), Again::Some))).collect();
        for (kind, lives) in parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| panic!("with OMS_SEED={seed}"))) {
            *seen.entry(kind).or_default() += lives;
        }
    });
    println!("{sequences} sequences in {:.1} s; rare: {:?}", begun.elapsed().as_secs_f64(), rare(&seen));
    // No command leads to this one: a run says it of restored books.
    let expected = Event::KINDS.iter().filter(|kind| **kind != "books_restored");
    let never: Vec<_> = expected.filter(|kind| !seen.contains_key(*kind)).collect();
    assert!(sequences < ENOUGH || never.is_empty(), "OMS_SEED={seed}: these never happened: {never:?}");
}

/// Not one command that an order has absorbed leads to anything when it is told again, whatever has happened since: so a run that finds
/// more recorded than it knows can take that, and tell all of its own again.
#[test]
fn any_command_told_again_leads_to_nothing() {
    let seed: u64 = setting("OMS_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let sequences = sequences(SEQUENCES_AGAIN).min(SEQUENCES_AGAIN);
    println!("OMS_SEED={seed} OMS_SEQUENCES={sequences}");
    let seen = try_part(seed, PARTS, sequences, Again::All);
    assert!(seen.len() > Event::KINDS.len() / 2, "OMS_SEED={seed}: hardly anything happened: {seen:?}");
}

/// The kinds of event that happened, and in how many lives.
type Seen = BTreeMap<&'static str, u32>;

/// What happened in so few lives that other sequences may do without it.
fn rare(seen: &Seen) -> Vec<(&'static str, u32)> {
    seen.iter().filter(|(_, lives)| **lives < RARE).map(|(kind, lives)| (*kind, *lives)).collect()
}

/// Tries a part of the sequences.
fn try_part(seed: u64, part: u32, sequences: u32, again: Again) -> Seen {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..12].copy_from_slice(&part.to_le_bytes());
    let config = Config { cases: sequences, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<u32>()), STEPS);
    let seen = std::cell::RefCell::new(Seen::new());
    let run = runner.run(&(any::<u32>(), steps), |(shape, steps)| {
        for kind in live(World::new(shape, again), &steps) {
            *seen.borrow_mut().entry(kind).or_default() += 1;
        }
        Ok(())
    });
    match run {
        Ok(()) => seen.into_inner(),
        Err(TestError::Fail(_, (shape, steps))) => {
            println!("OMS_SEED={seed}, part {part}; the shortest sequence found:");
            live(World::new(shape, again).narrated(), &steps);
            panic!("OMS_SEED={seed}: the sequence failed once and not again");
        }
        Err(TestError::Abort(why)) => panic!("OMS_SEED={seed}: {why}"),
    }
}

/// The same lives each time, for whoever wants their records.
pub fn lived(sequences: u32) -> impl Iterator<Item = World> {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[0; 32]));
    let strategy = (any::<u32>(), vec((any::<u8>(), any::<u32>(), any::<u32>(), any::<u32>()), STEPS));
    (0..sequences).map(move |_| {
        let (shape, steps) = strategy.new_tree(&mut runner).unwrap().current();
        let mut world = World::new(shape, Again::Some);
        steps.iter().for_each(|step| world.step(*step));
        world
    })
}

/// A whole life; says what happened in it.
fn live(mut world: World, steps: &[Step]) -> BTreeSet<&'static str> {
    for step in steps {
        world.step(*step);
    }
    world.finish()
}
