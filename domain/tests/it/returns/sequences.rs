//! Any sequence of anything, for three returns of one order at once: every unit and every penny is accounted for.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

use oms_domain::{
    order::{LabelFinding, Lines},
    parcel::ParcelAction,
    returns::{Answer, CarrierMove, Command, Disposition, GoodsRef, Inspected, ReceivedGoods, Request, Return, ReturnStatus, Verdict},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::support::{House, came, wrong};
use crate::support::{at, core};

const CASES: u32 = 300;
/// Which return, what to do, and two draws.
type Step = (u8, u8, u32, u32);

#[test]
fn any_sequence_of_returns_keeps_every_unit_and_every_penny() {
    #[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
    let given = std::env::var("OMS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("seed {seed} (OMS_TEST_SEED)");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let came_back = Cell::new(0);
    let steps = vec((any::<u8>(), any::<u8>(), any::<u32>(), any::<u32>()), 40..90);
    runner
        .run(&steps, |steps| {
            came_back.set(came_back.get() + live(&steps));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    assert!(came_back.get() > u64::from(CASES), "seed {seed}: hardly anything came back, so little was tried: {came_back:?}");
}

/// Three whole lives; how many units came back for good.
fn live(steps: &[Step]) -> u64 {
    let mut house = House::delivered(core(&[3, 2]));
    let announced: [&[(&str, u32)]; 3] = [&[("1", 2)], &[("1", 1), ("2", 2)], &[]];
    for lines in announced {
        house.open(lines);
    }
    for (which, what, a, b) in steps {
        let n = usize::from(which % 3);
        step(&mut house, n, what % 12, *a, *b);
        check(&house);
    }
    for n in 0..3 {
        bring_to_its_end(&mut house, n);
        check(&house);
    }
    // A return that ended as lost leaves its refund to the order.
    house.order.obey();
    nets_out(&house);
    house.order.order.all_units().returned
}

fn step(house: &mut House, n: usize, what: u8, a: u32, b: u32) {
    let goods = || -> Vec<ReceivedGoods> {
        let kinds = [came("1", 1 + b % 3), came("2", 1 + b % 2), wrong("SKU-1", 1), wrong("TEAPOT", 1 + b % 4)];
        kinds.into_iter().zip(0..).filter(|(_, bit)| (a >> bit) & 1 == 1).map(|(goods, _)| goods).collect()
    };
    let request = match what {
        0..=2 => return one_effect(house, n, a),
        3 => Request::Approve,
        4 if b.is_multiple_of(3) => {
            let outcome = if a.is_multiple_of(2) { LabelFinding::Voided } else { LabelFinding::Kept };
            Request::ResolveLabel { outcome, reason: "asked the carrier".into() }
        }
        4 => Request::Decline { reason: "worn".into() },
        5 if a.is_multiple_of(4) => Request::Cancel { reason: "keeps it".into() },
        5..=7 => {
            let complete = [None, Some(true), Some(false)][usize::try_from(b % 3).unwrap()];
            let facility_id = ["WH-1", "STORE-2"][usize::try_from(a % 2).unwrap()].parse().unwrap();
            Request::Receive { receipt_id: format!("d{}", a % 5), facility_id, goods: goods(), complete }
        }
        8 | 9 => Request::Inspect { judged: vec![judgement(&house.returns[n], a, b)] },
        10 => {
            let actions = [ParcelAction::Transit, ParcelAction::Lose, ParcelAction::Deliver];
            let action = actions[usize::try_from(a % 3).unwrap()];
            house.must(n, &Command::Carrier(CarrierMove { action, occurred_at: at(i64::from(b % 1_000)) }));
            return;
        }
        _ => {
            house.order.second += i64::from(b % 1_000_000);
            house.must(n, &Command::Tick);
            return;
        }
    };
    // A refusal changes nothing, which the checks see.
    let before = house.returns[n].clone();
    if house.ask(n, request).is_err() {
        assert_eq!(house.returns[n], before);
    }
}

/// Done, given up, done twice, or answered too late.
fn one_effect(house: &mut House, n: usize, a: u32) {
    let owed = house.returns[n].pending_effects();
    let Some(effect) = owed.first() else {
        return drop(house.must(n, &Command::Answer(Answer::LabelVoided)));
    };
    if a.is_multiple_of(5) {
        let (effect, attempt) = (effect.key(), house.returns[n].attempt(&effect.key()));
        return drop(house.must(n, &Command::Answer(Answer::GaveUp { effect, attempt, why: "it is down".into() })));
    }
    let answer = house.answer(n, effect);
    if a.is_multiple_of(3) {
        // The answer was lost: the effect is done again, under the same key.
        let again = house.answer(n, effect);
        assert_eq!(again, answer);
    }
    house.must(n, &Command::Answer(answer));
}

fn judgement(this: &Return, a: u32, b: u32) -> Inspected {
    let verdict = [Verdict::Accepted, Verdict::Rejected, Verdict::ManualReview][usize::try_from(a % 3).unwrap()];
    let disposition = [Disposition::Restock, Disposition::WriteOff, Disposition::SendBack][usize::try_from(b % 3).unwrap()];
    let goods = this.goods.get(usize::try_from(b).unwrap().checked_rem(this.goods.len()).unwrap_or(0));
    let line_id = goods.and_then(|goods| goods.line_id.clone());
    let sku = goods.map(|goods| goods.sku.clone());
    Inspected { goods: GoodsRef { line_id, sku, facility_id: None }, quantity: 1 + a % 3, verdict, disposition }
}

fn check(house: &House) {
    house.tell_again();
    let order = &house.order.order;
    assert!(order.units().values().all(oms_domain::order::Units::add_up), "{:?}", order.units());
    for this in &house.returns {
        let json = serde_json::to_string(this).unwrap();
        assert_eq!(&serde_json::from_str::<Return>(&json).unwrap(), this);
        let settled = this.settlement.as_ref().map(|settlement| &settlement.lines);
        // The house answers for what is lost under its label.
        let accepted = if this.status == ReturnStatus::Lost { this.announced() } else { this.accepted() };
        assert!(settled.into_iter().flatten().all(|(id, units)| accepted.get(id).is_some_and(|judged| judged >= units)));
    }
    assert!(order.net_captured_minor() >= 0 && order.refundable_minor() >= 0);
}

/// From now on everything goes well.
fn bring_to_its_end(house: &mut House, n: usize) {
    for _ in 0..60 {
        house.obey(n);
        if house.returns[n].is_closed() {
            return;
        }
        if house.returns[n].deadlines().is_empty() {
            // It was tried so often by itself that a person must say so.
            house.ask(n, Request::Retry).unwrap();
        } else {
            house.wait(n);
        }
    }
    panic!("it does not end: {:?}", house.returns[n]);
}

/// What the customer still has is what they have paid for: the closed form says so whatever the order of the returns was.
fn nets_out(house: &House) {
    let order = &house.order.order;
    let back: Lines = order.units().into_iter().map(|(id, units)| (id, u32::try_from(units.returned).unwrap())).collect();
    let owed: i64 = order
        .core
        .lines
        .iter()
        .map(|line| {
            let state = &order.lines[&line.line_id];
            state.due_minor * i64::from(back[&line.line_id]) / i64::from(line.quantity)
        })
        .sum();
    assert_eq!(order.net_captured_minor(), order.core.total_minor() - owed, "{back:?}");
    assert!(order.is_closed());
}
