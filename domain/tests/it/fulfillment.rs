//! What associates do.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{Answer, CarrierReport, Command, Fact, FulfillmentRequest, LabelOutcome, OrderStatus, PackedParcel, RejectionReason},
    parcel::{ParcelAction, ParcelStatus},
};

use crate::support::{Run, at, core, lines};

fn reject(units: Option<[(&str, u32); 1]>) -> FulfillmentRequest {
    FulfillmentRequest::Reject { reason: RejectionReason::Mismatch, lines: units.map(lines) }
}

#[test]
fn nothing_is_released_before_the_order_is_approved() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    assert_eq!(run.order.status, OrderStatus::Created);
    assert_eq!(run.fulfill(1, FulfillmentRequest::Release).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn a_rejected_fulfillment_order_is_incomplete_until_its_units_are_sourced_elsewhere() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, reject(None)).unwrap();
    assert_eq!((run.status(1), run.found(1).units(), run.order.all_units().open), (FulfillmentStatus::Incomplete, 4, 4));
    run.source(|_, units| units);
    assert_eq!((run.status(1), run.status(2)), (FulfillmentStatus::Cancelled, FulfillmentStatus::Released));
}

#[test]
fn some_rejected_units_go_to_an_incomplete_fulfillment_order_of_their_own() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, reject(Some([("1", 1)]))).unwrap();
    assert_eq!((run.status(1), run.found(1).lines.clone()), (FulfillmentStatus::Released, lines([("1", 3)])));
    assert_eq!((run.status(2), run.found(2).lines.clone()), (FulfillmentStatus::Incomplete, lines([("1", 1)])));
    run.source(|_, _| 0);
    assert_eq!((run.status(2), run.order.all_units().backordered), (FulfillmentStatus::Cancelled, 1));
}

#[test]
fn an_order_that_must_not_be_split_is_given_back_whole() {
    let mut whole = core(&[4, 1]);
    whole.allow_split = false;
    let mut run = Run::released(whole);
    run.fulfill(1, reject(Some([("1", 1)]))).unwrap();
    assert_eq!((run.status(1), run.order.all_units().open), (FulfillmentStatus::Incomplete, 5));
    assert_eq!(run.found(1).rejections[0].lines, lines([("1", 1)]), "only one unit is missing at the facility");
}

#[test]
fn giving_no_units_back_is_refused() {
    let mut run = Run::released(core(&[4]));
    let nothing = FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: Some(lines([])) };
    assert_eq!(run.fulfill(1, nothing).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn a_refused_label_needs_attention_until_a_label_is_booked() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    let parcel_id = run.found(1).parcels[0].parcel_id.clone();
    let outcome = LabelOutcome::Refused { why: "unknown postal code".into() };
    run.must(&Command::Answer(Answer::Label { parcel_id, attempt: 1, outcome }));
    assert_eq!((run.status(1), run.order.attention.len()), (FulfillmentStatus::Packed, 1));
    run.ship(1).unwrap();
    run.obey();
    assert_eq!((run.status(1), run.order.attention.len()), (FulfillmentStatus::Shipped, 0));
}

#[test]
fn a_tracking_number_that_stands_for_two_consignments_moves_both() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, reject(Some([("1", 1)]))).unwrap();
    run.source(|_, units| units);
    for n in [1, 3] {
        run.fulfill(n, FulfillmentRequest::Ship { carrier: Some("x".into()), tracking_number: Some("T".into()) }).unwrap();
    }
    let (tracking_number, action, occurred_at) = ("T".to_owned(), ParcelAction::Deliver, at(100));
    run.must(&Command::Fact(Fact::Carrier(CarrierReport { event_id: format!("{action:?}"), tracking_number, action, occurred_at })));
    assert_eq!(run.order.all_units().delivered, 4);
}

#[test]
fn carrier_events_come_late_twice_and_out_of_order() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    run.obey();
    let report = |action, occurred_at| {
        Command::Fact(Fact::Carrier(CarrierReport {
            event_id: format!("{action:?}"),
            tracking_number: "T-A1-F1-P1".into(),
            action,
            occurred_at: at(occurred_at),
        }))
    };
    run.must(&report(ParcelAction::OutForDelivery, 500));
    assert_eq!(run.must(&report(ParcelAction::Transit, 400)), [], "older than what is known");
    assert_eq!(run.must(&report(ParcelAction::OutForDelivery, 500)), [], "the same again");
    run.must(&report(ParcelAction::Lose, 600));
    assert_eq!((run.order.all_units().lost, run.order.attention.len()), (1, 1));
    run.must(&report(ParcelAction::Deliver, 700));
    assert_eq!((run.found(1).parcels[0].status, run.order.all_units().delivered), (ParcelStatus::Delivered, 1));
}

#[test]
fn parcels_must_hold_exactly_what_was_picked() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcel = |units| PackedParcel { lines: lines([("1", units)]), weight_g: None };
    for parcels in [vec![parcel(3)], vec![parcel(4), parcel(1)], vec![parcel(4), parcel(0)], vec![parcel(u32::MAX), parcel(5)]] {
        assert_eq!(run.fulfill(1, FulfillmentRequest::Pack { parcels }).unwrap_err().code, ErrorCode::RefusedByRule);
    }
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![parcel(3), parcel(1)] }).unwrap();
    assert_eq!(run.found(1).parcels.len(), 2);
}
