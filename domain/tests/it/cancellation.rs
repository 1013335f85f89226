//! Cancellation answers every unit, in every state, once.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{FulfillmentRequest, OrderStatus, RejectionReason},
};

use crate::support::{Run, core, lines};

fn picking(quantity: u32) -> Run {
    let mut run = Run::released(core(&[quantity]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run
}

fn short(units: u32) -> FulfillmentRequest {
    FulfillmentRequest::ShortPick { reason: RejectionReason::NotInStock, lines: lines([("1", units)]) }
}

#[test]
fn units_that_a_facility_gives_back_are_cancelled_first_if_someone_asked_for_that() {
    let mut run = picking(5);
    run.cancel("c1", Some(lines([("1", 2)]))).unwrap();
    run.fulfill(1, short(3)).unwrap();
    let cancellation = &run.order.cancellations[0];
    assert_eq!((cancellation.cancelled.clone(), cancellation.requested.len()), (lines([("1", 2)]), 0));
    assert_eq!(run.found(1).cancellation_request, None, "reject or short pick counts as accepted");
    assert_eq!((run.order.all_units().cancelled, run.order.all_units().open, run.order.all_units().allocated), (2, 1, 2));
}

#[test]
fn a_short_pick_of_fewer_units_than_asked_for_leaves_the_rest_of_the_question_open() {
    let mut run = picking(5);
    run.cancel("c1", Some(lines([("1", 3)]))).unwrap();
    run.fulfill(1, short(1)).unwrap();
    assert_eq!(run.found(1).cancellation_request.as_ref().unwrap().lines, lines([("1", 2)]));
    run.fulfill(1, FulfillmentRequest::AcceptCancellation).unwrap();
    assert_eq!(run.order.all_units().cancelled, 3);
    assert_eq!(run.order.cancellations[0].cancelled, lines([("1", 3)]));
}

#[test]
fn a_facility_that_rejects_everything_answers_the_cancellation_of_everything() {
    let mut run = picking(5);
    run.cancel("c1", None).unwrap();
    run.fulfill(1, FulfillmentRequest::Reject { reason: RejectionReason::Damaged, lines: None }).unwrap();
    run.obey();
    assert_eq!((run.status(1), run.order.status), (FulfillmentStatus::Cancelled, OrderStatus::Cancelled));
    assert_eq!(run.found(1).rejections.len(), 1, "what was rejected is known, cancelled or not");
    assert!(run.order.is_closed());
}

#[test]
fn an_order_that_must_not_be_split_answers_the_whole_question_when_it_comes_back() {
    let mut whole = core(&[2, 4]);
    whole.allow_split = false;
    let mut run = Run::released(whole);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.cancel("c1", Some(lines([("2", 3)]))).unwrap();
    run.fulfill(1, short(1)).unwrap();
    assert_eq!((run.status(1), run.found(1).lines.clone()), (FulfillmentStatus::Incomplete, lines([("1", 2), ("2", 1)])));
    assert_eq!(run.order.cancellations[0].cancelled, lines([("2", 3)]));
}

#[test]
fn a_second_cancellation_asks_the_facility_too() {
    let mut run = picking(5);
    run.cancel("c1", Some(lines([("1", 2)]))).unwrap();
    run.cancel("c2", Some(lines([("1", 2)]))).unwrap();
    assert_eq!(run.order.cancellations[1].requested, lines([("1", 2)]));
    assert_eq!(run.found(1).cancellation_request.as_ref().unwrap().lines, lines([("1", 4)]));
    run.fulfill(1, FulfillmentRequest::AcceptCancellation).unwrap();
    for cancellation in &run.order.cancellations {
        assert_eq!((cancellation.cancelled.clone(), cancellation.requested.len()), (lines([("1", 2)]), 0));
    }
    assert_eq!(run.order.all_units().cancelled, 4);
}

#[test]
fn shipping_wins_over_an_unanswered_cancellation() {
    let mut run = picking(5);
    run.cancel("c1", Some(lines([("1", 2)]))).unwrap();
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.order.cancellations[0].too_late, lines([("1", 2)]));
    assert_eq!((run.order.all_units().shipped, run.found(1).cancellation_request.is_none()), (5, true));
}

#[test]
fn a_cancellation_of_no_units_is_refused() {
    let refusal = picking(5).cancel("c1", Some(lines([]))).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RefusedByRule);
}

#[test]
fn the_same_id_with_other_units_is_refused_and_with_the_same_ones_changes_nothing() {
    let mut run = picking(5);
    run.cancel("c1", Some(lines([("1", 2)]))).unwrap();
    assert_eq!(run.cancel("c1", Some(lines([("1", 2)]))).unwrap(), []);
    assert_eq!(run.cancel("c1", Some(lines([("1", 3)]))).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn what_was_cancelled_before_sourcing_answered_is_not_sourced() {
    let mut run = Run::placed(core(&[5, 2]));
    let request = run.order.pending_effects();
    run.cancel("c1", Some(lines([("1", 5)]))).unwrap();
    assert_eq!(request.len(), 1);
    // The answer to the question as it was asked: five units of line 1 and two of line 2.
    let package = oms_domain::order::SourcedPackage {
        fulfillment_order_id: run.fo(1),
        facility_id: "WH-1".parse().unwrap(),
        group: 0,
        lines: lines([("1", 5), ("2", 2)]),
        ship_by: None,
    };
    let answer = oms_domain::order::SourcingAnswer { round: 1, packages: vec![package], waiting: vec![] };
    run.must(&oms_domain::order::Command::Answer(oms_domain::order::Answer::Sourced(answer)));
    assert_eq!(run.found(1).lines, lines([("2", 2)]));
    assert_eq!(run.order.stock_targets_since(0).iter().map(|t| t.allocated).sum::<u32>(), 2);
}
