//! Money that goes back: explicit, exact, and never more than was given.

use oms_domain::{
    error::{ErrorCode, Rejection},
    order::{Answer, Command, Event, FulfillmentRequest, OrderCore, OrderStatus, RefundOf, RefundProgress, Request, Wait},
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
    run.send(&anew(Request::Refund { refund_id, amount_minor, reason: "goodwill".into(), lines, of: RefundOf::Order }))
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

fn refund_shipping(run: &mut Run, id: &str, amount_minor: i64) -> Result<Vec<Event>, Rejection> {
    let (refund_id, reason, of) = (id.parse().unwrap(), "it came late".into(), RefundOf::Shipping);
    run.send(&anew(Request::Refund { refund_id, amount_minor, reason, lines: None, of }))
}

/// Three units at 10.00 and 6.00 shipping.
fn three_with_shipping() -> OrderCore {
    let mut three = core(&[3]);
    (three.lines[0].total_minor, three.order_level_minor, three.shipping_minor) = (3_000, 600, 600);
    three.payments = vec![payment("1", PaymentMethod::Card, 3_600)];
    three
}

#[test]
fn shipping_that_was_given_back_is_not_given_back_once_more_with_the_goods() {
    let mut run = delivered(three_with_shipping());
    refund_shipping(&mut run, "late", 600).unwrap();
    assert_eq!(run.order.refund_share_minor(&lines([("1", 1)])), 1_000);
    for n in 0..3 {
        refund(&mut run, &format!("r{n}"), 1_000, Some(lines([("1", 1)]))).unwrap();
    }
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.refundable_minor()), (0, 0));
}

#[test]
fn shipping_that_went_back_with_the_goods_is_not_given_back_once_more() {
    let mut run = delivered(three_with_shipping());
    refund(&mut run, "r1", 1_200, Some(lines([("1", 1)]))).unwrap();
    assert_eq!(run.order.refundable_shipping_minor(), 400);
    assert_eq!(refund_shipping(&mut run, "all", 401).unwrap_err().code, ErrorCode::RefusedByRule);
    refund_shipping(&mut run, "rest", 400).unwrap();
    assert_eq!((run.order.refundable_shipping_minor(), run.order.refund_share_minor(&lines([("1", 2)]))), (0, 2_000));
    assert_eq!(refund_shipping(&mut run, "rest", 400).unwrap(), [], "the same again is the same");
    assert_eq!(
        refund(&mut run, "rest", 400, None).unwrap_err().code,
        ErrorCode::RefusedByRule,
        "it is another if it is for something else"
    );
}

#[test]
fn shipping_is_given_back_as_far_as_it_was_charged_and_for_no_units() {
    let mut run = Run::placed(three_with_shipping());
    run.source(|_, units| units - 1);
    run.obey();
    assert_eq!(refund_shipping(&mut run, "early", 1).unwrap_err().code, ErrorCode::RefusedByRule, "nothing was charged yet");
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.order.refundable_shipping_minor(), 400, "the rest comes with the third unit");
    let (refund_id, reason, of) = ("x".parse().unwrap(), "late".into(), RefundOf::Shipping);
    let with_units = Request::Refund { refund_id, amount_minor: 100, reason, lines: Some(lines([("1", 1)])), of };
    assert_eq!(run.send(&anew(with_units)).unwrap_err().code, ErrorCode::RefusedByRule);
}

/// What is due where no gateway is asked.
fn credits_due(run: &Run) -> Vec<(String, i64)> {
    let due = |event: &Event| match event {
        Event::CreditDue { payment_id, amount_minor, .. } => Some((payment_id.to_string(), *amount_minor)),
        _ => None,
    };
    run.events.iter().filter_map(due).collect()
}

#[test]
fn what_was_paid_elsewhere_and_bought_nothing_is_due_back_there() {
    let all = |method| OrderCore { payments: vec![payment("bank", method, 1_830)], ..core(&[2]) };
    let mut run = Run::released(all(PaymentMethod::External));
    run.cancel("c", None).unwrap();
    assert_eq!((run.order.status, credits_due(&run)), (OrderStatus::Cancelled, vec![("bank".into(), 1_830)]));
    assert_eq!(run.order.refund_progress(&run.order.refunds[0].refund_id), Some(RefundProgress::Done));
    assert!(run.order.is_closed() && run.must(&Command::Tick).is_empty());
    // On terms nothing was invoiced, and at a gateway what was authorized is voided: nothing was paid.
    for method in [PaymentMethod::Terms, PaymentMethod::GiftCard, PaymentMethod::Card] {
        let mut run = Run::released(all(method));
        run.cancel("c", None).unwrap();
        run.obey();
        assert!(run.order.is_closed() && run.order.refunds.is_empty() && run.order.net_captured_minor() == 0, "{method:?}");
    }
}

#[test]
fn of_several_instruments_each_gives_back_what_bought_nothing() {
    let mut mixed = core(&[2]);
    mixed.payments = vec![
        payment("bank", PaymentMethod::External, 1_000),
        payment("cash", PaymentMethod::External, 300),
        payment("card", PaymentMethod::Card, 530),
    ];
    let mut run = Run::released(mixed.clone());
    run.cancel("c", Some(lines([("1", 1)]))).unwrap();
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert_eq!((run.order.status, credits_due(&run)), (OrderStatus::Completed, vec![("bank".into(), 85), ("cash".into(), 300)]));
    assert_eq!(run.order.net_captured_minor(), 0, "9.15 were used of the bank's 10.00, and no card was needed");
    refund(&mut run, "r1", 915, Some(lines([("1", 1)]))).unwrap();
    assert_eq!(credits_due(&run).last(), Some(&("bank".into(), 915)), "what was used can be given back beside it");
    let mut run = Run::placed(mixed);
    run.source(|_, units| units);
    run.gateway("card", declined(Decline::Hard));
    assert_eq!((run.order.status, credits_due(&run)), (OrderStatus::Rejected, vec![("bank".into(), 1_000), ("cash".into(), 300)]));
}

#[test]
fn a_refund_that_is_stuck_stops_no_other() {
    let mut run = delivered(core(&[2]));
    refund(&mut run, "r1", 500, None).unwrap();
    run.gateway("1", declined(Decline::Hard));
    refund(&mut run, "r2", 300, None).unwrap();
    let asked = run.order.payments[0].open_operation().cloned().expect("the second one is tried");
    assert_eq!(asked.refund_id, Some("r2".parse().unwrap()));
    run.gateway("1", OperationOutcome::Succeeded { reference: "re-2".into(), expires_at: None });
    let asked = run.order.payments[0].open_operation().cloned().expect("what works again is tried again");
    assert_eq!(asked.refund_id, Some("r1".parse().unwrap()));
    run.gateway("1", declined(Decline::Hard));
    assert_eq!((run.order.net_captured_minor(), run.order.payments[0].open_operation()), (1_530, None));
    assert_eq!(run.order.attention.len(), 1);
}

#[test]
fn what_was_given_back_before_it_came_back_is_not_charged_when_it_ships_again() {
    // Shipping, by itself, and a gesture: the customer keeps both.
    for of in [RefundOf::Shipping, RefundOf::Order] {
        let mut run = Run::released(three_with_shipping());
        run.ship(1).unwrap();
        run.obey();
        let (refund_id, reason) = ("late".parse().unwrap(), "it came late".into());
        run.must(&anew(Request::Refund { refund_id, amount_minor: 600, reason, lines: None, of }));
        run.obey();
        run.fulfill(1, FulfillmentRequest::Unship).unwrap();
        run.obey();
        assert_eq!(run.order.net_captured_minor(), 0);
        run.ship(1).unwrap();
        run.obey();
        assert_eq!((run.order.net_captured_minor(), run.order.refundable_minor()), (3_000, 3_000), "{of:?}");
        run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
        run.obey();
        assert!(run.order.is_closed());
        assert!(of != RefundOf::Shipping || run.order.refund_share_minor(&lines([("1", 3)])) == 3_000);
    }
}
