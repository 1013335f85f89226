//! Money that goes back: explicit, exact, and never more than was given.

use oms_domain::{
    error::{ErrorCode, Rejection},
    order::{Answer, Command, Event, FulfillmentRequest, OrderCore, OrderStatus, RefundProgress, Request, Wait},
    payment::{Decline, OperationKind, OperationOutcome},
    placed::PaymentMethod,
};

use crate::support::{Lines, Run, anew, core, declined, lines, payment};

fn delivered(core: OrderCore) -> Run {
    let mut run = Run::released(core);
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert!(run.order.is_closed() && run.order.status == OrderStatus::Completed);
    run
}

fn refund(run: &mut Run, id: &str, amount_minor: i64, lines: Option<Lines>) -> Result<Vec<Event>, Rejection> {
    let refund_id = id.parse().unwrap();
    run.send(&anew(Request::Refund { refund_id, amount_minor, reason: "goodwill".into(), lines }))
}

#[test]
fn a_refund_after_the_end_is_paid_and_the_order_is_closed_again() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    assert!(!run.order.is_closed(), "the gateway has not answered yet");
    run.obey();
    assert!(run.order.is_closed());
    assert_eq!((run.order.net_captured_minor(), run.order.given_back_minor(&run.order.refunds[0])), (1_330, 500));
}

#[test]
fn a_refund_that_cannot_be_made_waits_for_someone_under_the_name_of_its_call() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    let (id, effect) = ("r1".parse().unwrap(), run.order.pending_effects()[0].key());
    assert_eq!(run.order.refund_progress(&id), Some(RefundProgress::UnderWay));
    run.must(&Command::Answer(Answer::GaveUp { effect: effect.clone(), attempt: 1, why: "it is down".into() }));
    assert_eq!(run.order.refund_progress(&id), Some(RefundProgress::Stuck { subject: effect.clone(), why: "it is down".into() }));
    run.send(&anew(Request::Retry { subject: effect })).unwrap();
    run.obey();
    assert_eq!(run.order.refund_progress(&id), Some(RefundProgress::Done));
}

#[test]
fn the_same_refund_is_the_same_refund_and_another_body_is_refused() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    run.obey();
    assert_eq!(refund(&mut run, "r1", 500, None).unwrap(), []);
    assert_eq!(refund(&mut run, "r1", 501, None).unwrap_err().code, ErrorCode::RefusedByRule);
    assert_eq!(run.order.net_captured_minor(), 1_330);
}

#[test]
fn never_more_goes_back_than_was_shipped() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 1_000, None).unwrap();
    for (id, amount_minor) in [("r2", 831), ("r3", 0), ("r4", -1), ("auto.r5", 1)] {
        assert_eq!(refund(&mut run, id, amount_minor, None).unwrap_err().code, ErrorCode::RefusedByRule, "{id}");
    }
    refund(&mut run, "r6", 830, None).unwrap();
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 0);
}

#[test]
fn unit_by_unit_exactly_the_whole_price_goes_back_and_no_unit_twice() {
    let mut run = delivered(core(&[7]));
    for n in 0..7 {
        let one = lines([("1", 1)]);
        let exact = run.order.refund_share_minor(&one);
        assert!(exact == 261 || exact == 262, "a seventh of 18.30");
        refund(&mut run, &format!("r{n}"), exact, Some(one)).unwrap();
    }
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 0);
    assert_eq!(run.order.refund_share_minor(&lines([("1", 1)])), 0);
    assert_eq!(refund(&mut run, "r8", 1, Some(lines([("1", 1)]))).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn the_gift_card_gets_its_part_back_last_and_no_instrument_more_than_it_gave() {
    let mut mixed = core(&[2]);
    mixed.payments = vec![
        payment("gift", PaymentMethod::GiftCard, 400),
        payment("card", PaymentMethod::Card, 600),
        payment("terms", PaymentMethod::Terms, 830),
    ];
    let mut run = delivered(mixed);
    refund(&mut run, "r1", 1_500, None).unwrap();
    run.obey();
    let back: Vec<i64> = run.order.payments.iter().map(|p| p.refunded_minor() + p.credited_minor).collect();
    assert_eq!(back, [70, 600, 830]);
}

#[test]
fn a_refund_that_is_refused_is_tried_again_by_itself_and_by_hand() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    run.gateway("1", declined(Decline::Soft));
    assert!(run.order.payments[0].open_operation().is_none() && !run.order.is_closed());
    assert_eq!(run.order.attention[0].subject, "refund 1");
    run.wait_for(Wait::Retry);
    run.gateway("1", declined(Decline::Soft));
    run.must(&anew(Request::Retry { subject: "refund 1".into() }));
    run.gateway("1", OperationOutcome::Succeeded { reference: "r".into(), expires_at: None });
    assert!(run.order.is_closed() && run.order.attention.is_empty());
    assert_eq!(run.order.net_captured_minor(), 1_330);
}

#[test]
fn after_enough_refusals_only_a_person_can_help() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    for _ in 0..run.order.policy.retries_max {
        run.gateway("1", declined(Decline::Hard));
        run.wait_for(Wait::Retry);
    }
    run.gateway("1", declined(Decline::Hard));
    assert_eq!(run.order.deadlines(), []);
    assert!(run.order.is_closed() && run.order.attention.len() == 1, "parked, and it says why");
    run.must(&anew(Request::Retry { subject: "refund 1".into() }));
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 1_330);
}

#[test]
fn what_is_owed_both_ways_is_set_off() {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey_labels();
    run.gateway("1", declined(Decline::Soft));
    refund(&mut run, "r1", 500, None).unwrap();
    run.must(&anew(Request::Retry { subject: "capture 1".into() }));
    run.obey();
    assert_eq!((run.order.payments[0].captured_minor(), run.order.payments[0].refunded_minor()), (1_330, 0));
    assert!(run.events.iter().all(|e| !matches!(e, Event::PaymentAsked { kind: OperationKind::Refund, .. })));
}

#[test]
fn nothing_is_tried_again_that_did_not_fail() {
    let mut run = delivered(core(&[2]));
    let retry = |subject: &str| anew(Request::Retry { subject: subject.into() });
    assert_eq!(run.send(&retry("capture 1")).unwrap_err().code, ErrorCode::NotFound);
}
