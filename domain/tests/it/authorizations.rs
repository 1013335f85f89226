//! What is still to be shipped stays authorized.

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{Answer, Command, Event, Fact, HoldReason, OrderStatus, Request, Wait},
    payment::{Decline, OperationKind, OperationOutcome},
    placed::PaymentMethod,
    policy::Policy,
    webhook::{GatewayNews, GatewayReport},
};

use crate::support::{Run, anew, at, core, declined, lines, payment};

fn until(expires_at: Timestamp) -> OperationOutcome {
    OperationOutcome::Succeeded { reference: format!("a-{expires_at}"), expires_at: Some(expires_at) }
}

fn in_days(days: i64) -> Timestamp {
    at(0) + SignedDuration::from_hours(24 * days)
}

/// Three units in stock, two that wait; authorized for seven days.
fn waiting() -> Run {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units - 2);
    run.gateway("1", until(in_days(7)));
    run.ship(1).unwrap();
    run.obey();
    run
}

#[test]
fn an_authorization_is_renewed_for_the_rest_before_the_old_one_is_given_up() {
    let mut run = waiting();
    run.wait_for(Wait::Renewal);
    let asked = run.order.payments[0].open_operation().unwrap();
    assert_eq!((asked.kind, asked.amount_minor), (OperationKind::Authorize, 1_830 - 1_098), "for the two units that wait");
    run.gateway("1", until(in_days(14)));
    let void = run.order.payments[0].open_operation().unwrap();
    assert_eq!((void.kind, void.amount_minor, void.acts_on.as_deref()), (OperationKind::Void, 732, Some("a-2010-12-08T08:26:40Z")));
    run.obey();
    assert_eq!(run.order.payments[0].capturable_minor(), 732);
    assert!(run.order.holds.is_empty() && run.order.attention.is_empty());
}

#[test]
fn if_it_cannot_be_renewed_the_order_waits_for_a_payment_and_another_card_will_do() {
    let mut run = waiting();
    run.wait_for(Wait::Renewal);
    run.gateway("1", declined(Decline::Soft));
    assert_eq!((run.order.attention[0].subject.as_str(), run.order.holds.len()), ("authorize 1", 0), "the old one still counts");
    run.order.policy.retries_max = 0;
    run.wait_for(Wait::AuthorizationExpiry);
    assert_eq!(run.order.holds[0].reason, HoldReason::AwaitingPayment);
    run.must(&anew(Request::AddPayment { payment: payment("2", PaymentMethod::Card, 732) }));
    run.gateway("2", until(in_days(20)));
    assert_eq!((run.order.holds.len(), run.order.shortfall_minor()), (0, 0));
}

#[test]
fn what_lapsed_in_spite_of_everything_is_authorized_anew() {
    let mut run = waiting();
    run.order.policy.renew_before_ms = 0;
    // Nobody was awake when it had to be renewed: both are due at once, and the expiry comes first.
    run.order.policy = Policy { renew_before_ms: -1, ..run.order.policy.clone() };
    run.wait_for(Wait::AuthorizationExpiry);
    let asked = run.order.payments[0].open_operation().unwrap();
    assert_eq!((asked.kind, asked.amount_minor), (OperationKind::Authorize, 732));
    run.obey();
    assert!(run.order.is_paid_for() && run.order.holds.is_empty());
}

/// Whatever is asked is answered, until nothing is waited for any more.
fn until_the_end(run: &mut Run, expires_after: SignedDuration) {
    for _ in 0..400 {
        if run.order.payments[0].open_operation().is_none() {
            if run.order.deadlines().is_empty() {
                return;
            }
            run.wait();
        } else {
            let kind = run.order.payments[0].open_operation().unwrap().kind;
            let expires_at = (kind == OperationKind::Authorize).then(|| at(run.second + 1) + expires_after);
            let reference = format!("op-{}", run.order.payments[0].operations.len());
            run.gateway("1", OperationOutcome::Succeeded { reference, expires_at });
        }
    }
    panic!("it never ends: {:?}", run.order.deadlines());
}

#[test]
fn authorizations_that_end_too_soon_are_not_asked_for_for_ever() {
    for hours in [24, 6, 1, 0, -1] {
        let mut run = Run::placed(core(&[5]));
        run.source(|_, units| units - 2);
        until_the_end(&mut run, SignedDuration::from_hours(hours) - SignedDuration::from_secs(1));
        let operations = run.order.payments[0].operations.len();
        assert!(operations <= 16, "{hours} h: {operations} operations");
        assert!(run.order.status.is_final() || !run.order.attention.is_empty(), "{hours} h: {:?}", run.order);
    }
}

#[test]
fn a_short_authorization_is_renewed_halfway_and_a_persons_try_is_one_try() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units - 2);
    let hour = |run: &Run| until(at(run.second + 1) + SignedDuration::from_hours(1));
    let outcome = hour(&run);
    run.gateway("1", outcome);
    let renewal = run.order.deadlines().into_iter().find(|known| known.wait == Wait::Renewal).unwrap();
    assert_eq!(renewal.due, at(run.second + 1_800));
    for _ in 0..run.order.policy.retries_max {
        assert!(run.order.attention.is_empty());
        run.wait_for(Wait::Renewal);
        let outcome = hour(&run);
        run.gateway("1", outcome);
        run.obey();
    }
    assert_eq!(run.order.attention[0].subject, "authorize 1");
    assert!(run.order.deadlines().iter().all(|known| known.wait != Wait::Renewal), "somebody must look first");
    run.must(&anew(Request::Retry { subject: "authorize 1".into() }));
    assert!(run.order.attention.is_empty());
    run.wait_for(Wait::Renewal);
    let outcome = hour(&run);
    run.gateway("1", outcome);
    assert_eq!(run.order.attention[0].subject, "authorize 1");
    run.cancel("c", Some(lines([("1", 5)]))).unwrap();
    run.obey();
    assert!(run.order.status.is_final() && run.order.attention.is_empty(), "what is not needed any more needs nobody");
}

#[test]
fn a_short_authorization_that_was_captured_was_none_in_vain() {
    for ships in [false, true] {
        let mut run = Run::placed(core(&[5]));
        run.source(|_, units| units - 2);
        run.order.policy.retries_max = 1;
        run.gateway("1", until(at(run.second) + SignedDuration::from_hours(2)));
        if ships {
            run.ship(1).unwrap();
            run.obey();
        }
        run.wait_for(Wait::Renewal);
        run.gateway("1", until(at(run.second) + SignedDuration::from_hours(2)));
        assert_eq!(run.order.attention.is_empty(), ships, "{:?}", run.order.attention);
    }
}

#[test]
fn after_a_soft_decline_another_instrument_pays_until_the_deadline() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    run.gateway("1", declined(Decline::Soft));
    assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Created, 1));
    let other = anew(Request::AddPayment { payment: payment("2", PaymentMethod::Card, 1_830) });
    run.must(&other);
    assert_eq!(run.must(&other), [], "the same again is the same");
    run.obey();
    assert_eq!((run.order.status, run.order.holds.len(), run.status(1)), (OrderStatus::Processing, 0, FulfillmentStatus::Released));
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.order.payments[1].captured_minor(), 1_830);
}

#[test]
fn the_declined_instrument_may_be_tried_once_more() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    run.gateway("1", declined(Decline::Soft));
    run.must(&anew(Request::AddPayment { payment: payment("1", PaymentMethod::Card, 1_830) }));
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Processing);
    let other_amount = Request::AddPayment { payment: payment("1", PaymentMethod::Card, 5) };
    assert_eq!(run.send(&anew(other_amount)).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn an_effect_that_gave_up_is_left_alone_until_it_is_tried_again() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    let effect = run.order.pending_effects()[0].key();
    let gave_up = Command::Answer(Answer::GaveUp { effect: effect.clone(), attempt: 1, why: "the gateway is down".into() });
    assert_eq!(run.must(&gave_up), [Event::EffectGaveUp { effect: effect.clone(), why: "the gateway is down".into() }]);
    assert!(run.order.pending_effects().is_empty() && !run.order.is_closed());
    assert_eq!(run.order.deadlines()[0].wait, Wait::Retry);
    run.must(&anew(Request::Retry { subject: effect.clone() }));
    assert_eq!(run.order.pending_effects()[0].key(), effect);
    run.obey();
    assert_eq!((run.order.status, run.order.attention.len()), (OrderStatus::Processing, 0));
}

#[test]
fn a_late_answer_settles_what_gave_up() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    let effect = run.order.pending_effects()[0].key();
    run.must(&Command::Answer(Answer::GaveUp { effect, attempt: 1, why: "the gateway is down".into() }));
    run.gateway("1", until(in_days(7)));
    assert_eq!((run.order.status, run.order.attention.len(), run.order.gave_up.len()), (OrderStatus::Processing, 0, 0));
}

#[test]
fn a_cancelled_order_is_not_renewed() {
    let mut run = waiting();
    run.cancel("c", Some(lines([("1", 2)]))).unwrap();
    assert!(run.order.deadlines().iter().all(|d| d.wait != Wait::Renewal));
}

#[test]
fn where_nothing_is_captured_in_parts_the_rest_is_authorized_anew_with_the_first() {
    let mut run = Run::under(core(&[5]), Policy { captures_in_parts: false, ..Policy::default() });
    run.source(|_, units| units - 2);
    run.gateway("1", until(in_days(7)));
    run.ship(1).unwrap();
    run.obey_labels();
    let capture = run.order.payments[0].open_operation().unwrap();
    assert_eq!((capture.kind, capture.amount_minor), (OperationKind::Capture, 1_098));
    run.gateway("1", OperationOutcome::Succeeded { reference: "c".to_owned(), expires_at: None });
    let payment = &run.order.payments[0];
    let asked = payment.open_operation().unwrap();
    assert_eq!((payment.lapsed_minor(), asked.kind, asked.amount_minor), (732, OperationKind::Authorize, 732), "nothing is voided");
    run.gateway("1", until(in_days(14)));
    assert!(run.order.is_paid_for() && run.order.holds.is_empty() && run.order.attention.is_empty());
}

#[test]
fn what_a_gateway_says_unasked_is_shown_to_a_person_once() {
    let mut run = waiting();
    let said = |event_id: &str, news| {
        Command::Fact(Fact::Gateway(GatewayReport {
            event_id: event_id.to_owned(),
            order_id: "A1".parse().unwrap(),
            news,
            about: "dp_1".to_owned(),
            amount_minor: 1_098,
            currency: "GBP".parse().unwrap(),
        }))
    };
    run.must(&said("e0", GatewayNews::Moved));
    assert!(run.order.attention.is_empty());
    run.must(&said("e1", GatewayNews::Disputed));
    assert_eq!((run.order.attention.len(), run.order.attention[0].subject.as_str()), (1, "dispute dp_1"));
    assert_eq!(run.must(&said("e1", GatewayNews::Disputed)), []);
    run.must(&said("e2", GatewayNews::DisputeLost));
    assert!(run.order.attention[0].why.contains("lost"), "{:?}", run.order.attention);
    run.must(&said("e3", GatewayNews::DisputeWon));
    assert!(run.order.attention.is_empty());
    assert_eq!(run.must(&said("e1", GatewayNews::Disputed)), [], "told again, late");
    run.must(&said("e4", GatewayNews::RefundFailed));
    assert_eq!(run.order.attention[0].subject, "refund dp_1");
}

#[test]
fn what_was_given_up_is_asked_again_once_the_gateway_has_news_of_it() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units);
    run.gateway("1", OperationOutcome::Unknown);
    let effect = run.order.pending_effects()[0].key();
    run.must(&Command::Answer(Answer::GaveUp { effect: effect.clone(), attempt: 1, why: "no answer came".into() }));
    assert_eq!((run.order.pending_effects().len(), run.order.attention[0].subject.as_str()), (0, effect.as_str()));
    let moved = Command::Fact(Fact::Gateway(GatewayReport {
        event_id: "e".to_owned(),
        order_id: "A1".parse().unwrap(),
        news: GatewayNews::Moved,
        about: "pi_1".to_owned(),
        amount_minor: 1_830,
        currency: "GBP".parse().unwrap(),
    }));
    run.must(&moved);
    assert_eq!((run.order.pending_effects()[0].key(), run.order.attention.len()), (effect, 0));
    assert_eq!(run.must(&moved), [], "it is being asked");
}
