//! Whole lives of orders.

use oms_domain::{
    order::{Command, FulfillmentRequest, OrderStatus, Request},
    payment::{Decline, OperationKind, OperationOutcome},
};

use crate::support::{Run, anew, at, core};

fn shipped_by_carrier() -> FulfillmentRequest {
    FulfillmentRequest::Ship { carrier: None, tracking_number: None }
}

#[test]
fn an_order_goes_from_entry_to_delivered_and_its_money_nets_out() {
    let mut run = Run::placed(core(&[6]));
    run.source(|_, q| q);
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Processing);
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "ann".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![] }).unwrap();
    run.fulfill(1, shipped_by_carrier()).unwrap();
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 1_830);
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert_eq!(run.order.status, OrderStatus::Completed);
    assert!(run.order.is_closed());
    assert_eq!(run.order.deadlines(), []);
}

#[test]
fn a_declined_card_rejects_the_order_and_gives_its_stock_back() {
    let mut run = Run::placed(core(&[2, 3]));
    run.source(|_, q| q);
    let declined = OperationOutcome::Declined { decline: Decline::Hard, code: "do_not_honor".into() };
    let answer = oms_domain::order::Answer::Payment { payment_id: "1".parse().unwrap(), number: 1, outcome: declined };
    run.must(&Command::Answer(answer));
    assert_eq!(run.order.status, OrderStatus::Rejected);
    assert_eq!(run.order.all_units().cancelled, 5);
    assert!(run.order.stock_targets_since(0).is_empty() && run.order.is_closed());
}

#[test]
fn a_line_can_be_cancelled_until_it_is_released_and_the_rest_is_charged_exactly() {
    let mut run = Run::placed(core(&[3, 4]));
    run.source(|_, q| q);
    run.obey();
    let lines = [("1".parse().unwrap(), 2)].into();
    let cancel = Request::Cancel { cancellation_id: "c1".parse().unwrap(), reason: "changed mind".into(), lines: Some(lines) };
    run.must(&anew(cancel.clone()));
    assert!(run.must(&anew(cancel)).is_empty(), "the same cancellation again changes nothing");
    run.fulfill(1, shipped_by_carrier()).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Completed);
    // Line 1 carries half of the shipping, as it is half of the goods: ⌊1680·2/3⌋ belong to the two cancelled units.
    assert_eq!(run.order.net_captured_minor(), 3_360 - 1_120);
    let voided: i64 = run.order.payments.iter().map(|p| p.voided_minor()).sum();
    assert_eq!(voided, 1_120);
    assert!(run.order.payments[0].last(OperationKind::Void).is_some());
}

#[test]
fn what_has_no_stock_waits_and_is_cancelled_at_its_deadline() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, q| q - 2);
    run.obey();
    run.fulfill(1, shipped_by_carrier()).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert_eq!(run.order.status, OrderStatus::Processing, "two units still wait");
    let due = run.order.deadlines()[0].due;
    run.second += due.duration_since(at(run.second)).as_secs();
    run.must(&Command::Tick);
    run.obey();
    assert_eq!((run.order.status, run.order.all_units().cancelled), (OrderStatus::Completed, 2));
}

#[test]
fn an_order_whose_lines_are_all_unavailable_waits_and_ends_cancelled() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, _| 0);
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Processing);
    let cancel = Request::Cancel { cancellation_id: "c".parse().unwrap(), reason: "no".into(), lines: None };
    run.must(&anew(cancel));
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Cancelled);
    assert!(run.order.is_closed());
}
