//! Units that their customer collects.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{FulfillmentRequest, OrderStatus, Wait},
    placed::DeliveryMethod,
};

use crate::support::{Run, core, lines};

/// What stands for a code here: whoever knows the key has made it.
fn hash(code: &str) -> String {
    format!("hash of {code}")
}

fn ready(code: Option<&str>) -> Run {
    let mut collected = core(&[3]);
    collected.groups[0].method = DeliveryMethod::Pickup;
    let mut run = Run::released(collected);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let code_hash = code.map(hash);
    run.fulfill(1, FulfillmentRequest::Ready { code_hash }).unwrap();
    run
}

fn hand_over(run: &mut Run, code: &str) -> Result<Vec<oms_domain::order::Event>, oms_domain::error::Rejection> {
    run.fulfill(1, FulfillmentRequest::Handover { code_hash: Some(hash(code)) })
}

#[test]
fn ready_is_not_collected() {
    let mut run = ready(None);
    run.obey();
    assert_eq!((run.order.status, run.order.net_captured_minor()), (OrderStatus::Processing, 0));
    run.fulfill(1, FulfillmentRequest::Handover { code_hash: None }).unwrap();
    run.obey();
    assert_eq!((run.order.status, run.order.net_captured_minor()), (OrderStatus::Completed, 1_830));
    assert_eq!((run.status(1), run.order.all_units().picked_up), (FulfillmentStatus::PickedUp, 3));
}

#[test]
fn only_who_has_the_code_gets_the_goods() {
    let mut run = ready(Some("4711"));
    assert_eq!(hand_over(&mut run, "4712").unwrap_err().code, ErrorCode::RefusedByRule);
    let none = run.fulfill(1, FulfillmentRequest::Handover { code_hash: None });
    assert_eq!(none.unwrap_err().code, ErrorCode::RefusedByRule);
    hand_over(&mut run, "4711").unwrap();
}

#[test]
fn what_nobody_collects_is_put_back_and_never_charged() {
    let mut run = ready(None);
    run.wait_for(Wait::Pickup);
    run.obey();
    assert_eq!((run.status(1), run.order.status), (FulfillmentStatus::Cancelled, OrderStatus::Cancelled));
    assert_eq!((run.order.net_captured_minor(), run.order.payments[0].voided_minor()), (0, 1_830));
    assert!(run.order.stock_targets_since(0).is_empty());
}

#[test]
fn handing_over_wins_over_an_unanswered_cancellation_and_not_coming_answers_it() {
    let mut run = ready(None);
    run.cancel("c", Some(lines([("1", 1)]))).unwrap();
    run.fulfill(1, FulfillmentRequest::Handover { code_hash: None }).unwrap();
    assert_eq!(run.order.cancellations[0].too_late, lines([("1", 1)]));

    let mut run = ready(None);
    run.cancel("c", Some(lines([("1", 1)]))).unwrap();
    run.fulfill(1, FulfillmentRequest::NoShow).unwrap();
    assert_eq!(run.order.cancellations[0].cancelled, lines([("1", 1)]));
    assert_eq!(run.order.all_units().cancelled, 3);
}

#[test]
fn what_is_collected_does_not_ship_and_what_ships_is_not_collected() {
    let mut collected = core(&[3]);
    collected.groups[0].method = DeliveryMethod::Pickup;
    assert_eq!(Run::released(collected).ship(1).unwrap_err().code, ErrorCode::RefusedByRule);
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    assert_eq!(run.fulfill(1, FulfillmentRequest::Ready { code_hash: None }).unwrap_err().code, ErrorCode::RefusedByRule);
}
