//! Scans come late, twice, out of order, ahead of their time, by the clock of another zone, and under numbers that come again.

use oms_domain::{
    order::{CarrierReport, Command, Event, Fact, FulfillmentRequest, OrderStatus, Wait},
    parcel::{ParcelAction, ParcelStatus},
};

use crate::support::{Run, at, core, new_id};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn shipped() -> Run {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey();
    run
}

/// So many seconds from now, by the carrier's clock.
fn scan(run: &mut Run, action: ParcelAction, seconds: i64) -> Vec<Event> {
    let (tracking_number, occurred_at) = ("T-A1-F1-P1".to_owned(), at(run.second + 1 + seconds));
    // Each is told under an id of its own: what is told under one id is one.
    run.must(&Command::Fact(Fact::Carrier(CarrierReport { event_id: new_id(), tracking_number, action, occurred_at })))
}

fn status(run: &Run) -> ParcelStatus {
    run.found(1).parcels[0].status
}

#[test]
fn a_scan_ahead_of_its_time_happened_when_it_was_told() {
    let mut run = shipped();
    scan(&mut run, ParcelAction::Transit, 9 * HOUR);
    assert_eq!(run.found(1).parcels[0].reported_at, Some(at(run.second)));
    let silence = run.order.deadlines().into_iter().find(|known| known.wait == Wait::Transit).unwrap();
    assert_eq!(silence.due, at(run.second + 14 * DAY), "silence is counted from now, not from tonight");
    scan(&mut run, ParcelAction::Deliver, 0);
    run.obey();
    assert_eq!((status(&run), run.order.status), (ParcelStatus::Delivered, OrderStatus::Completed));
}

#[test]
fn the_last_word_counts_whenever_it_is_said() {
    for zone in [-11 * HOUR, -HOUR, 0, HOUR, 13 * HOUR] {
        for (word, becomes) in
            [(ParcelAction::Deliver, ParcelStatus::Delivered), (ParcelAction::ReturnToSender, ParcelStatus::ReturnedToSender)]
        {
            let mut run = shipped();
            scan(&mut run, ParcelAction::Transit, 0);
            scan(&mut run, ParcelAction::OutForDelivery, HOUR);
            scan(&mut run, word, zone);
            assert_eq!(status(&run), becomes, "said {zone} s from now");
            assert_eq!(scan(&mut run, word, zone), [], "twice is once");
            assert_eq!(scan(&mut run, ParcelAction::Transit, 0), [], "what comes after it is late");
        }
    }
}

#[test]
fn what_is_older_than_the_last_word_told_of_the_way_is_late() {
    let mut run = shipped();
    run.second += DAY;
    scan(&mut run, ParcelAction::OutForDelivery, 0);
    assert_eq!(scan(&mut run, ParcelAction::Except, -HOUR), []);
    assert_eq!(status(&run), ParcelStatus::OutForDelivery);
}

#[test]
fn a_scan_from_long_before_the_parcel_shipped_is_of_another_one() {
    let mut run = shipped();
    assert_eq!(scan(&mut run, ParcelAction::Deliver, -30 * DAY), []);
    assert_eq!(scan(&mut run, ParcelAction::Transit, -2 * DAY), []);
    scan(&mut run, ParcelAction::Transit, -10 * HOUR);
    assert_eq!(status(&run), ParcelStatus::InTransit, "the van was there before the computer, or its clock is elsewhere");
}

#[test]
fn a_scan_long_after_the_parcels_way_has_ended_is_of_another_one() {
    let mut lost = shipped();
    scan(&mut lost, ParcelAction::Transit, 0);
    lost.fulfill(1, FulfillmentRequest::MarkLost { parcels: vec![] }).unwrap();
    lost.second += 100 * DAY;
    assert_eq!(scan(&mut lost, ParcelAction::Deliver, 0), [], "the number was given to somebody else since");
    lost.second -= 80 * DAY;
    scan(&mut lost, ParcelAction::Deliver, 0);
    assert_eq!(status(&lost), ParcelStatus::Delivered, "found after three weeks");
}

#[test]
fn a_carrier_loses_nothing_that_it_never_had() {
    let mut run = shipped();
    scan(&mut run, ParcelAction::Lose, 0);
    assert_eq!((status(&run), run.order.all_units().in_transit), (ParcelStatus::Labelled, 2));
    assert_eq!((run.order.attention.len(), run.order.attention[0].subject.as_str()), (1, "A1-F1-P1"), "somebody must look");
    assert_eq!(scan(&mut run, ParcelAction::Lose, 0), [], "said once");
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    assert!(run.order.attention.is_empty(), "whoever looked has found it on the shelf");
    let mut run = shipped();
    scan(&mut run, ParcelAction::Lose, 0);
    scan(&mut run, ParcelAction::HandOver, 0);
    assert!(run.order.attention.is_empty(), "it was collected after all");
    scan(&mut run, ParcelAction::Lose, 0);
    assert_eq!((status(&run), run.order.attention.len()), (ParcelStatus::Lost, 1));
}

#[test]
fn trouble_that_overtakes_the_hand_over_is_not_forgotten() {
    let mut run = shipped();
    scan(&mut run, ParcelAction::Except, 0);
    assert_eq!(status(&run), ParcelStatus::Exception);
    assert_eq!(scan(&mut run, ParcelAction::HandOver, -HOUR), [], "the hand-over was earlier, and comes late");
}
