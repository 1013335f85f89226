//! Parcels that ship apart, come back before the carrier has them, or never arrive.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::ParcelId,
    order::{
        Answer, CarrierReport, Command, Effect, Event, Fact, FulfillmentRequest, Grant, OrderStatus, PackedParcel, Request, Resolution,
        Wait,
    },
    parcel::{ParcelAction, ParcelStatus},
    policy::{OnLoss, Policy},
};

use crate::support::{Run, anew, at, core, lines};

fn parcel(run: &Run, n: u32, p: u32) -> ParcelId {
    ParcelId::of(&run.fo(n), p)
}

/// Four units in two parcels, of three and of one.
fn packed() -> Run {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcels = [3, 1].map(|units| PackedParcel { lines: lines([("1", units)]), weight_g: Some(100) }).to_vec();
    run.fulfill(1, FulfillmentRequest::Pack { parcels }).unwrap();
    run
}

fn shipped(policy: Policy) -> Run {
    let mut run = Run::under(core(&[2]), policy);
    run.source(|_, units| units);
    run.obey();
    run.ship(1).unwrap();
    run.obey();
    run
}

fn report(run: &mut Run, action: ParcelAction) {
    let (tracking_number, occurred_at) = ("T-A1-F1-P1".to_owned(), at(run.second));
    run.must(&Command::Fact(Fact::Carrier(CarrierReport {
        event_id: format!("{action:?} {occurred_at}"),
        tracking_number,
        action,
        occurred_at,
    })));
}

#[test]
fn some_parcels_ship_and_the_rest_goes_on_packed_under_its_own_number() {
    let mut run = packed();
    let parcels = vec![parcel(&run, 1, 1)];
    run.fulfill(1, FulfillmentRequest::ShipParcels { parcels }).unwrap();
    run.obey();
    assert_eq!((run.status(1), run.found(1).units()), (FulfillmentStatus::Shipped, 3));
    assert_eq!((run.status(2), run.found(2).units()), (FulfillmentStatus::Packed, 1));
    assert_eq!(run.found(2).parcels[0].parcel_id, parcel(&run, 2, 1));
    assert_eq!(run.order.net_captured_minor(), 1_372, "three of four units: ⌊1830·3/4⌋");
    run.ship(2).unwrap();
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 1_830);
}

#[test]
fn what_was_asked_of_the_rest_goes_along_with_it() {
    let mut run = packed();
    run.cancel("c", Some(lines([("1", 4)]))).unwrap();
    let parcels = vec![parcel(&run, 1, 1)];
    run.fulfill(1, FulfillmentRequest::ShipParcels { parcels }).unwrap();
    assert_eq!(run.found(1).cancellation_request.as_ref().unwrap().lines, lines([("1", 3)]));
    assert_eq!(run.found(2).cancellation_request.as_ref().unwrap().lines, lines([("1", 1)]));
    run.obey();
    run.fulfill(2, FulfillmentRequest::AcceptCancellation).unwrap();
    let record = &run.order.cancellations[0];
    assert_eq!((record.too_late.clone(), record.cancelled.clone()), (lines([("1", 3)]), lines([("1", 1)])));
}

#[test]
fn an_order_that_must_not_be_split_ships_all_its_parcels_at_once() {
    let mut whole = core(&[4]);
    whole.allow_split = false;
    let mut run = Run::released(whole);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcels = [3, 1].map(|units| PackedParcel { lines: lines([("1", units)]), weight_g: None }).to_vec();
    run.fulfill(1, FulfillmentRequest::Pack { parcels }).unwrap();
    let parcels = vec![parcel(&run, 1, 1)];
    assert_eq!(run.fulfill(1, FulfillmentRequest::ShipParcels { parcels }).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn unshipping_gives_stock_and_money_back_and_shipping_again_takes_the_same() {
    let mut run = shipped(Policy::default());
    assert_eq!(run.order.net_captured_minor(), 1_830);
    let before = run.order.version;
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    let target = &run.order.stock_targets_since(before)[0];
    assert_eq!((run.status(1), target.allocated, target.consumed), (FulfillmentStatus::Packed, 2, 0));
    let label = run.order.labels_to_void().remove(0);
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 0);
    run.must(&Command::Answer(Answer::LabelVoided { parcel_id: label.parcel_id }));
    assert!(run.order.labels_to_void().is_empty());
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.status, run.order.is_closed()), (1_830, OrderStatus::Completed, true));
}

#[test]
fn what_the_carrier_has_is_not_unshipped() {
    let mut run = shipped(Policy::default());
    report(&mut run, ParcelAction::HandOver);
    assert_eq!(run.fulfill(1, FulfillmentRequest::Unship).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn a_label_that_is_not_needed_any_more_is_voided_even_if_it_comes_late() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    run.fulfill(1, FulfillmentRequest::Unpack).unwrap();
    let owed = run.order.pending_effects();
    assert!(matches!(&owed[..], [Effect::VoidLabel(label)] if label.parcel_id == parcel(&run, 1, 1)), "no label is wanted: {owed:?}");
    assert_eq!(owed[0].after().as_deref(), Some("A1-F1-P1:label:1"), "what is being made is voided once it is there");
}

#[test]
fn a_lost_parcel_is_sent_again_at_no_charge_and_the_order_waits_for_that() {
    let mut run = shipped(Policy::default());
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    assert_eq!((run.order.status, run.order.attention.len()), (OrderStatus::Processing, 1), "someone must say what to do");
    let parcel_id = parcel(&run, 1, 1);
    let replace = anew(Request::ResolveParcel { parcel_id: parcel_id.clone(), resolution: Resolution::Replace });
    run.must(&replace);
    assert_eq!(run.must(&replace), [], "once is enough");
    let units = run.order.all_units();
    assert_eq!((units.ordered, units.replaced, units.lost, units.open), (2, 2, 2, 2));
    run.source(|_, units| units);
    assert_eq!(run.found(3).replaces.as_ref(), Some(&parcel_id));
    run.ship(3).unwrap();
    run.obey();
    run.fulfill(3, FulfillmentRequest::Deliver).unwrap();
    assert_eq!((run.order.net_captured_minor(), run.order.status), (1_830, OrderStatus::Completed));
}

#[test]
fn a_lost_parcel_nobody_decides_on_is_paid_back() {
    let mut run = shipped(Policy::default());
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    run.wait_for(Wait::LostParcel);
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.status), (0, OrderStatus::Cancelled), "nothing arrived and nothing is paid");
    assert!(run.order.is_closed() && run.order.attention.is_empty());
}

#[test]
fn the_policy_may_answer_for_everyone() {
    let mut run = shipped(Policy { on_loss: OnLoss::Replace, ..Policy::default() });
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::ReturnToSender);
    assert_eq!((run.order.all_units().open, run.order.all_units().sent_back), (2, 2));
}

#[test]
fn a_parcel_found_after_it_was_paid_back_is_a_persons_decision() {
    let mut run = shipped(Policy { on_loss: OnLoss::Refund, ..Policy::default() });
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Cancelled);
    report(&mut run, ParcelAction::Deliver);
    assert_eq!(run.found(1).parcels[0].status, ParcelStatus::Delivered);
    assert_eq!(run.order.attention.len(), 1);
}

#[test]
fn a_replacement_that_is_cancelled_is_paid_back() {
    let mut run = shipped(Policy { on_loss: OnLoss::Replace, ..Policy::default() });
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    run.cancel("c", Some(lines([("1", 1)]))).unwrap();
    run.obey();
    assert_eq!(run.order.net_captured_minor(), 915);
    run.cancel("d", Some(lines([("1", 1)]))).unwrap();
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.status), (0, OrderStatus::Cancelled));
}

#[test]
fn a_parcel_of_which_the_carrier_spoke_is_not_assumed_delivered() {
    let mut run = shipped(Policy::default());
    report(&mut run, ParcelAction::Transit);
    run.wait_for(Wait::Transit);
    assert_eq!((run.order.all_units().in_transit, run.order.attention.len()), (2, 1));
    run.fulfill(1, FulfillmentRequest::MarkLost { parcels: vec![] }).unwrap();
    assert_eq!(run.order.all_units().lost, 2);
}

#[test]
fn a_replacement_does_not_wait_for_company() {
    let mut run = shipped(Policy { on_loss: OnLoss::Replace, ..Policy::default() });
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    let effects = run.order.pending_effects();
    let Some(Effect::Source(request)) = effects.iter().find(|e| matches!(e, Effect::Source(_))) else { panic!("nothing to source") };
    assert!(request.may_wait_until < at(run.second), "{request:?}");
}

/// Two parcels of a unit each, both charged; the first is lost and sent again.
fn replaced() -> Run {
    let mut run = Run::released(core(&[2]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcels = [1, 1].map(|units| PackedParcel { lines: lines([("1", units)]), weight_g: None }).to_vec();
    run.fulfill(1, FulfillmentRequest::Pack { parcels }).unwrap();
    run.ship(1).unwrap();
    run.obey();
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    run.must(&anew(Request::ResolveParcel { parcel_id: parcel(&run, 1, 1), resolution: Resolution::Replace }));
    run.source(|_, units| units);
    run
}

fn amounts(run: &Run, n: u32) -> Vec<(&'static str, i64)> {
    let of = |event: &Event| match event {
        Event::FulfillmentShipped { fulfillment_order_id, amount_minor } if *fulfillment_order_id == run.fo(n) => {
            Some(("ship", *amount_minor))
        }
        Event::FulfillmentUnshipped { fulfillment_order_id, amount_minor, .. } if *fulfillment_order_id == run.fo(n) => {
            Some(("unship", *amount_minor))
        }
        _ => None,
    };
    run.events.iter().filter_map(of).collect()
}

#[test]
fn a_free_replacement_that_is_unshipped_stays_free() {
    let mut run = replaced();
    run.ship(3).unwrap();
    run.obey();
    run.fulfill(3, FulfillmentRequest::Unship).unwrap();
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.refunds.len(), run.order.remaining_minor()), (1_830, 0, 0));
    assert!(run.order.holds.is_empty() && run.order.payments[0].operations.len() == 2, "nobody is asked for money again");
    run.ship(3).unwrap();
    run.obey();
    assert_eq!(amounts(&run, 3), [("ship", 0), ("unship", 0), ("ship", 0)]);
    assert_eq!(run.order.net_captured_minor(), 1_830);
}

#[test]
fn what_is_sent_again_is_free_and_not_what_happens_to_leave_first() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units - 1);
    run.obey();
    run.ship(1).unwrap();
    run.obey();
    report(&mut run, ParcelAction::HandOver);
    report(&mut run, ParcelAction::Lose);
    run.must(&anew(Request::ResolveParcel { parcel_id: parcel(&run, 1, 1), resolution: Resolution::Replace }));
    run.source(|_, units| units);
    let grant = Grant {
        grant_id: "g".into(),
        fulfillment_order_id: run.fo(2),
        line_id: "1".parse().unwrap(),
        facility_id: "WH-1".parse().unwrap(),
        quantity: 1,
    };
    run.must(&Command::Fact(Fact::StockArrived { grants: vec![grant], offers: vec![] }));
    let numbers: Vec<u32> = run
        .order
        .fulfillment_orders
        .iter()
        .filter(|f| f.status == FulfillmentStatus::Released)
        .map(|f| f.fulfillment_order_id.number().unwrap())
        .collect();
    let [again, new] = numbers[..] else { panic!("{numbers:?}") };
    assert!(run.found(again).replaces.is_some() && run.found(new).replaces.is_none());
    run.ship(new).unwrap();
    run.ship(again).unwrap();
    run.obey();
    assert_eq!((amounts(&run, new), amounts(&run, again)), (vec![("ship", 915)], vec![("ship", 0)]));
}

#[test]
fn unshipping_gives_back_exactly_what_was_charged_for_it() {
    // A third unit makes each of the two that are still to ship cost something else.
    let mut run = Run::placed(core(&[3]));
    run.source(|_, units| units - 2);
    run.obey();
    run.ship(1).unwrap();
    run.obey();
    crate::changes::change(&mut run, "c", vec![crate::changes::more("1", 1, 3_000)]).unwrap();
    run.source(|_, units| units);
    run.obey();
    let new = run.order.fulfillment_orders.iter().find(|f| f.status == FulfillmentStatus::Released).unwrap().fulfillment_order_id.number();
    run.ship(new.unwrap()).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    run.obey();
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(amounts(&run, 1), [("ship", 610), ("unship", 610), ("ship", 610)]);
}
