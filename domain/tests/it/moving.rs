//! Units moved between fulfillment orders by a person.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{Effect, FulfillmentRequest},
};

use crate::support::{Run, core, lines};

fn away(consented: bool) -> FulfillmentRequest {
    FulfillmentRequest::Move { facility_id: Some("WH-7".parse().unwrap()), consented }
}

#[test]
fn what_is_moved_is_sourced_where_it_is_wanted_and_not_where_it_was() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, away(false)).unwrap();
    assert_eq!((run.status(1), run.status(2)), (FulfillmentStatus::Cancelled, FulfillmentStatus::Incomplete));
    let Some(Effect::Source(request)) = run.order.pending_effects().into_iter().next() else { panic!("nothing to source") };
    assert_eq!(request.wanted.values().map(|id| id.as_str()).collect::<Vec<_>>(), ["WH-7"]);
    assert_eq!(request.rejections[0].facility_id.as_str(), "WH-1");
    run.source(|_, units| units);
    assert_eq!((run.status(3), run.found(3).units()), (FulfillmentStatus::Released, 3));
}

#[test]
fn what_a_facility_has_accepted_moves_with_its_consent() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    assert_eq!(run.fulfill(1, away(false)).unwrap_err().code, ErrorCode::RefusedByRule);
    run.cancel("c", Some(lines([("1", 1)]))).unwrap();
    run.fulfill(1, away(true)).unwrap();
    assert_eq!((run.order.all_units().cancelled, run.order.all_units().open), (1, 2), "nobody has begun with it any more");
}

#[test]
fn what_was_asked_to_cancel_as_a_whole_is_cancelled_and_does_not_move() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run.cancel("c", Some(lines([("1", 3)]))).unwrap();
    let next = run.order.next_number;
    let events = run.fulfill(1, away(true)).unwrap();
    assert!(!events.iter().any(|event| event.kind() == "fulfillment_moved"), "{events:?}");
    assert_eq!((run.order.all_units().cancelled, run.order.next_number), (3, next));
}

#[test]
fn units_are_split_off_and_joined_again() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    assert_eq!((run.found(1).units(), run.found(2).units(), run.status(2)), (2, 1, FulfillmentStatus::Released));
    let other = run.fo(2);
    run.fulfill(1, FulfillmentRequest::Merge { other }).unwrap();
    assert_eq!((run.found(1).units(), run.status(2)), (3, FulfillmentStatus::Cancelled));
}

#[test]
fn all_or_none_of_it_is_no_split_and_unlike_things_do_not_merge() {
    let mut run = Run::released(core(&[3]));
    for units in [lines([]), lines([("1", 3)]), lines([("1", 4)])] {
        assert_eq!(run.fulfill(1, FulfillmentRequest::Split { lines: units }).unwrap_err().code, ErrorCode::RefusedByRule);
    }
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    run.fulfill(2, FulfillmentRequest::Accept).unwrap();
    for other in [run.fo(1), run.fo(2), run.fo(9)] {
        assert_eq!(run.fulfill(1, FulfillmentRequest::Merge { other }).unwrap_err().code, ErrorCode::RefusedByRule);
    }
}
