//! Scans come late, twice, out of order, ahead of their time, by the clock of another zone, and under numbers that come again.

use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::HoldId,
    order::{
        Answer, CarrierReport, Command, Effect, Event, Fact, FulfillmentRequest, HoldReason, LabelOutcome, OrderStatus, PackedParcel,
        Request, Wait,
    },
    parcel::{ParcelAction, ParcelStatus},
};

use crate::support::{Run, anew, at, core, lines, new_id};

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

fn why(run: &Run) -> Vec<(&str, &str)> {
    let known = run.order.attention.iter().filter(|known| known.wait.is_none());
    known.map(|known| (known.subject.as_str(), known.why.as_str())).collect()
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
fn a_carrier_sends_nothing_back_that_it_never_had() {
    let mut run = shipped();
    scan(&mut run, ParcelAction::ReturnToSender, 0);
    assert_eq!((status(&run), why(&run).len()), (ParcelStatus::Labelled, 1));
    scan(&mut run, ParcelAction::Transit, 0);
    assert_eq!((status(&run), why(&run).len()), (ParcelStatus::InTransit, 0), "it had it after all");
    scan(&mut run, ParcelAction::ReturnToSender, 0);
    assert_eq!(status(&run), ParcelStatus::ReturnedToSender, "its word has come again");
}

#[test]
fn what_was_lost_by_a_carrier_that_gives_dates_only_is_looked_into() {
    let mut run = shipped();
    run.second += DAY;
    scan(&mut run, ParcelAction::Transit, 0);
    scan(&mut run, ParcelAction::Lose, -10 * HOUR);
    assert_eq!((status(&run), why(&run)[0].0), (ParcelStatus::InTransit, "A1-F1-P1"));
    assert_eq!(scan(&mut run, ParcelAction::Lose, -10 * HOUR), [], "said once");
    scan(&mut run, ParcelAction::OutForDelivery, 0);
    assert!(why(&run).is_empty(), "it is on its way");
}

/// Two parcels, of which the first has its label.
fn half_labelled() -> Run {
    let mut run = Run::released(core(&[2]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcel = || PackedParcel { lines: lines([("1", 1)]), weight_g: None };
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![parcel(), parcel()] }).unwrap();
    run.ship(1).unwrap();
    let Some(Effect::BookLabel(label)) = run.order.pending_effects().into_iter().next() else { panic!("a label is asked for") };
    let outcome = LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: "T-A1-F1-P1".into(), tracking_url: None };
    run.must(&Command::Answer(Answer::Label { parcel_id: label.parcel_id, attempt: label.attempt, outcome }));
    run
}

#[test]
fn a_carrier_has_what_here_waits_for_another_label() {
    let mut run = half_labelled();
    let event = scan(&mut run, ParcelAction::Transit, 0);
    assert_eq!((event.len(), why(&run)[0].0, status(&run)), (1, "A1-F1-P1", ParcelStatus::Labelled));
    run.obey();
    assert_eq!((run.found(1).status, why(&run).len()), (FulfillmentStatus::Shipped, 0), "it has left, and the carrier has it");
    scan(&mut run, ParcelAction::Deliver, 0);
    assert_eq!(status(&run), ParcelStatus::Delivered);
}

#[test]
fn a_carrier_has_what_here_is_held() {
    let mut run = half_labelled();
    let hold_id: HoldId = "h".parse().unwrap();
    run.must(&anew(Request::PlaceHold { hold_id: hold_id.clone(), reason: HoldReason::Other, expires_at: None }));
    run.obey();
    assert_eq!(run.found(1).status, FulfillmentStatus::Packed);
    scan(&mut run, ParcelAction::HandOver, 0);
    assert_eq!(why(&run).len(), 1);
    run.must(&anew(Request::ReleaseHold { hold_id }));
    assert_eq!((run.found(1).status, why(&run).len()), (FulfillmentStatus::Shipped, 0));
}

#[test]
fn what_is_unpacked_was_here_and_a_later_scan_of_its_label_is_looked_into() {
    let mut run = half_labelled();
    scan(&mut run, ParcelAction::HandOver, 0);
    run.fulfill(1, FulfillmentRequest::Unpack).unwrap();
    assert!(why(&run).is_empty(), "whoever unpacked it had it");
    scan(&mut run, ParcelAction::Transit, 0);
    assert_eq!(why(&run)[0].0, "A1-F1-P1", "somebody used the label");
    run.must(&anew(Request::Retry { subject: "A1-F1-P1".into() }));
    assert!(why(&run).is_empty(), "it is dealt with");
}

#[test]
fn a_carrier_has_what_was_unshipped() {
    let mut run = shipped();
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    run.obey();
    scan(&mut run, ParcelAction::Transit, 0);
    assert_eq!(why(&run)[0].0, "A1-F1-P1");
    // It goes under the old label after all.
    let number = Some("T-A1-F1-P1".to_owned());
    run.fulfill(1, FulfillmentRequest::Ship { carrier: None, tracking_number: number }).unwrap();
    scan(&mut run, ParcelAction::OutForDelivery, 0);
    let parcels = &run.found(1).parcels;
    assert_eq!((parcels[0].status, parcels[1].status), (ParcelStatus::Voided, ParcelStatus::OutForDelivery));
}

#[test]
fn trouble_that_overtakes_the_hand_over_is_not_forgotten() {
    let mut run = shipped();
    scan(&mut run, ParcelAction::Except, 0);
    assert_eq!(status(&run), ParcelStatus::Exception);
    assert_eq!(scan(&mut run, ParcelAction::HandOver, -HOUR), [], "the hand-over was earlier, and comes late");
}
