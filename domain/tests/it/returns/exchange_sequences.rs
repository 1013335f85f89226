//! Any sequence of anything that can happen to both ends of an exchange: the customer pays for what they keep, to the penny.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

use oms_domain::{
    order::{CREDIT, Command, Effect, FulfillmentRequest, OrderStatus, RefundOf, Request},
    parcel::ParcelAction,
    placed::PaymentMethod,
    policy::Policy,
    returns::{self, CarrierMove, Disposition, Verdict},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    exchanges::Exchange,
    support::{came, judge, receive},
};
use crate::support::{anew, at, payment};

const CASES: u32 = 400;
/// What to do, and a draw.
type Step = (u8, u32);

#[test]
fn any_sequence_of_an_exchange_nets_out_to_the_penny() {
    #[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
    let given = std::env::var("OMS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("seed {seed} (OMS_TEST_SEED)");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (out, back) = (Cell::new(0), Cell::new(0));
    let steps = (any::<u32>(), vec((any::<u8>(), any::<u32>()), 5..40));
    runner
        .run(&steps, |(draw, steps)| {
            let ended = live(draw, &steps);
            out.set(out.get() + u32::from(ended == OrderStatus::Completed));
            back.set(back.get() + u32::from(ended == OrderStatus::Cancelled));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    assert!(out.get() > CASES / 20 && back.get() > CASES / 20, "seed {seed}: {out:?} went out, {back:?} did not");
}

/// A whole life of both; how the new order ended.
fn live(draw: u32, steps: &[Step]) -> OrderStatus {
    let total_minor = [915, 500, 1_200, 1_830, 2_500][usize::try_from(draw % 5).unwrap()];
    let policy = Policy { exchange_in_advance: draw >> 4 & 3 == 0, remorse_ms: i64::from(draw >> 6 & 1) * 60_000, ..Policy::default() };
    let mut exchange = Exchange::under(policy, 1 + (draw >> 8 & 1), total_minor);
    for (what, a) in steps {
        step(&mut exchange, *what, *a);
        exchange.same_time();
        in_bounds(&mut exchange);
    }
    bring_to_its_end(&mut exchange);
    exchange.nets_out();
    exchange.linked().order.status
}

fn step(exchange: &mut Exchange, what: u8, a: u32) {
    let units = 1 + a % 2;
    let judged = |verdict, disposition| returns::Request::Inspect { judged: vec![judge("1", units, verdict, disposition)] };
    match what % 16 {
        0..=2 => exchange.obey(),
        3 | 4 => one_effect(exchange, a),
        5 => drop(exchange.house.ask(0, receive(&format!("d{}", a % 4), vec![came("1", units)]))),
        6 | 7 => drop(exchange.house.ask(0, judged(Verdict::Accepted, Disposition::Restock))),
        8 => drop(exchange.house.ask(0, judged(Verdict::Rejected, Disposition::SendBack))),
        9 if a.is_multiple_of(4) => drop(exchange.house.ask(0, returns::Request::Cancel { reason: "keeps it".into() })),
        9 => drop(exchange.house.must(0, &returns::Command::Carrier(CarrierMove { action: ParcelAction::Transit, occurred_at: at(1) }))),
        10 if a.is_multiple_of(4) => drop(exchange.linked().cancel("c", None)),
        10 if a.is_multiple_of(3) => drop(exchange.house.order.send(&refund(a))),
        11 => lift_hold(exchange),
        12 => drop(exchange.linked().ship(1)),
        13 => drop(exchange.linked().fulfill(1, FulfillmentRequest::Deliver)),
        14 => drop(exchange.linked().fulfill(1, FulfillmentRequest::Unship)),
        15 if a.is_multiple_of(8) && !exchange.house.returns[0].deadlines().is_empty() => exchange.house.wait(0),
        _ => drop(exchange.linked().must(&Command::Tick)),
    }
}

/// A gesture at the origin, which may leave less for the exchange.
fn refund(a: u32) -> Command {
    let (refund_id, reason) = ("g".parse().unwrap(), "goodwill".into());
    anew(Request::Refund { refund_id, amount_minor: i64::from(1 + a % 1_200), reason, lines: None, of: RefundOf::Order })
}

fn lift_hold(exchange: &mut Exchange) {
    if let Some(hold_id) = exchange.linked().order.holds.first().map(|hold| hold.hold_id.clone()) {
        drop(exchange.linked().send(&anew(Request::ReleaseHold { hold_id })));
    }
}

/// One thing that somebody owes is done, and nothing else.
fn one_effect(exchange: &mut Exchange, a: u32) {
    let pays = exchange.linked().order.pending_effects().into_iter().find_map(|effect| match effect {
        Effect::Pay(pay) if pay.payment_id.as_str() == CREDIT => Some(pay),
        _ => None,
    });
    let owed = exchange.house.returns[0].pending_effects().into_iter().next();
    match (pays, owed) {
        (Some(pay), None) => exchange.answer_credit(&pay),
        (Some(pay), Some(_)) if a.is_multiple_of(2) => exchange.answer_credit(&pay),
        (_, Some(effect)) => {
            let answer = exchange.house.answer(0, &effect);
            exchange.house.must(0, &returns::Command::Answer(answer));
        }
        (None, None) => exchange.linked().obey_but(CREDIT),
    }
}

/// At any time: the credit answers for no more than the origin has promised, and nobody is given back more than was taken.
fn in_bounds(exchange: &mut Exchange) {
    let given: i64 = exchange.house.order.order.exchanges().map(|(_, credit)| credit.amount_minor).sum();
    let linked = &exchange.linked().order;
    for payment in linked.payments.iter().filter(|payment| payment.method == PaymentMethod::Credit) {
        assert!(payment.captured_minor() - payment.refunded_minor() <= given, "{payment:?} of {given}");
        assert!(payment.refunded_minor() <= payment.captured_minor(), "{payment:?}");
    }
    assert!(exchange.house.order.order.refundable_minor() >= 0);
}

/// Goods are sent and judged by their deadlines, what is missing is paid, and what has shipped arrives.
fn bring_to_its_end(exchange: &mut Exchange) {
    for n in 0..60 {
        exchange.obey();
        if exchange.house.returns[0].is_closed() && exchange.linked().order.is_closed() {
            return;
        }
        if !exchange.house.returns[0].is_closed() && !exchange.house.returns[0].deadlines().is_empty() {
            exchange.house.wait(0);
        } else if exchange.linked().order.shortfall_minor() > 0 && exchange.status() == OrderStatus::Processing {
            let amount_minor = exchange.linked().order.shortfall_minor();
            let more = payment(&format!("more-{n}"), PaymentMethod::Card, amount_minor);
            exchange.linked().must(&anew(Request::AddPayment { payment: more }));
        } else {
            drop(exchange.linked().ship(1));
            exchange.obey();
            drop(exchange.linked().fulfill(1, FulfillmentRequest::Deliver));
            if !exchange.linked().order.deadlines().is_empty() && n > 20 {
                exchange.linked().wait();
            }
        }
    }
    panic!("it does not end: {:?}", exchange.linked().order);
}
