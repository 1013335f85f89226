//! Every penny is someone's.

use oms_domain::{
    order::{Event, FulfillmentRequest, OrderStatus, Wait},
    payment::{Decline, OperationKind, OperationOutcome},
    placed::PaymentMethod,
};

use crate::support::{Run, core, declined, lines, payment};

#[test]
fn no_unit_is_worth_less_than_nothing_however_the_discount_is_spread() {
    // A free gift of 50 units beside 50 units of 1.00 each, and half off the order: cancelling the paid line leaves nothing to pay.
    let mut gift = core(&[50, 50]);
    gift.lines[0].total_minor = 0;
    gift.lines[1].total_minor = 5_000;
    gift.order_level_minor = -2_500;
    gift.payments = vec![payment("1", PaymentMethod::Card, 2_500)];
    let mut run = Run::released(gift);
    assert_eq!(run.order.share_minor(&lines([("1", 50)]), false), 0);
    run.cancel("c1", Some(lines([("2", 50)]))).unwrap();
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert_eq!(
        (run.order.status, run.order.net_captured_minor(), run.order.payments[0].voided_minor()),
        (OrderStatus::Completed, 0, 2_500)
    );
}

#[test]
fn what_was_paid_elsewhere_is_not_captured_again_and_the_rest_is() {
    let mut mixed = core(&[2]);
    mixed.payments = vec![payment("bank", PaymentMethod::External, 1_000), payment("card", PaymentMethod::Card, 830)];
    let mut run = Run::released(mixed);
    assert_eq!(run.order.status, OrderStatus::Processing);
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 830);
}

#[test]
fn the_gift_card_is_captured_first_and_terms_are_invoiced_for_the_rest() {
    let mut mixed = core(&[2]);
    mixed.payments = vec![
        payment("terms", PaymentMethod::Terms, 830),
        payment("card", PaymentMethod::Card, 600),
        payment("gift", PaymentMethod::GiftCard, 400),
    ];
    let mut run = Run::released(mixed);
    run.ship(1).unwrap();
    run.obey();
    let captured: Vec<i64> = run.order.payments.iter().map(|p| p.captured_minor()).collect();
    assert_eq!((captured, run.order.invoiced_minor), (vec![0, 600, 400], 830));
    let asked = run.events.iter().filter_map(|e| match e {
        Event::PaymentAsked { payment_id, kind: OperationKind::Capture, .. } => Some(payment_id.to_string()),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["gift", "card"]);
}

#[test]
fn nothing_due_asks_no_gateway() {
    let mut free = core(&[2]);
    (free.lines[0].total_minor, free.order_level_minor) = (0, 0);
    free.payments = vec![];
    let mut run = Run::released(free);
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert!(run.order.is_closed() && run.order.status == OrderStatus::Completed);
    assert!(!run.events.iter().any(|e| matches!(e, Event::PaymentAsked { .. })));
}

#[test]
fn a_soft_decline_waits_for_the_customer_until_the_deadline() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    run.gateway("1", declined(Decline::Soft));
    assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Created, 1));
    run.wait_for(Wait::Payment);
    assert_eq!(run.order.status, OrderStatus::Expired);
    assert!(run.order.is_closed() && run.order.stock_targets_since(0).is_empty());
}

#[test]
fn an_operation_that_was_lost_sight_of_is_asked_about_and_answered_once() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    run.gateway("1", OperationOutcome::Unknown);
    let effects = run.order.pending_effects();
    assert_eq!(effects.len(), 1);
    assert!(effects[0].key().ends_with(":ask"));
    run.gateway("1", OperationOutcome::Succeeded { reference: "r".into(), expires_at: None });
    assert_eq!(run.order.status, OrderStatus::Processing);
}

#[test]
fn the_last_instrument_declined_for_good_rejects_the_order() {
    let mut two = core(&[1]);
    two.payments = vec![payment("a", PaymentMethod::Card, 1_000), payment("b", PaymentMethod::Card, 830)];
    let mut run = Run::placed(two);
    run.source(|_, units| units);
    run.gateway("b", declined(Decline::Hard));
    assert_eq!(run.order.status, OrderStatus::Created, "the other one has not said no");
    run.gateway("a", declined(Decline::Hard));
    assert_eq!((run.order.status, run.order.is_closed()), (OrderStatus::Rejected, true));
}

#[test]
fn what_is_authorized_of_an_order_that_is_never_paid_for_is_freed() {
    let mut two = core(&[1]);
    two.payments = vec![payment("a", PaymentMethod::Card, 1_000), payment("b", PaymentMethod::Card, 830)];
    let mut run = Run::placed(two);
    run.source(|_, units| units);
    run.gateway("b", declined(Decline::Hard));
    run.obey();
    run.wait_for(Wait::Payment);
    assert!(run.order.status == OrderStatus::Expired && !run.order.is_closed(), "the other authorization is to be voided");
    run.obey();
    assert_eq!((run.order.payments[0].voided_minor(), run.order.is_closed()), (1_000, true));
}

#[test]
fn a_capture_that_is_refused_never_unships_and_keeps_the_order_open() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    let label = run.order.pending_effects().remove(0);
    assert!(label.key().contains(":label:"));
    run.obey_labels();
    run.gateway("1", declined(Decline::Soft));
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert_eq!((run.order.all_units().delivered, run.order.status), (1, OrderStatus::Processing));
    assert_eq!(run.order.attention.len(), 1);
}
