//! Change sets that touch what facilities have accepted: they answer, time does, or the order goes on without them.

use oms_domain::{
    error::{ErrorCode, Rejection},
    fulfillment::FulfillmentStatus,
    order::{
        ChangeRequest, ChangeStatus, CoreChange, CoreGroup, Effect, Event, FulfillmentRequest, Order, OrderStatus, RejectionReason,
        Request, Wait,
    },
    parcel::ParcelStatus,
    placed::DeliveryMethod,
};

use crate::{
    changes::{authorized_minor, change, ends_paid, less, line, more, units},
    support::{Lines, Run, anew, at, core, lines},
};

const ELSEWHERE: CoreChange = CoreChange::Redirect { group: 0, address_flaw: None };

fn accepted(quantities: &[u32]) -> Run {
    let mut run = Run::released(core(quantities));
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run
}

/// Units of one line at two facilities' hands, both accepted.
fn accepted_twice() -> Run {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run.fulfill(2, FulfillmentRequest::Accept).unwrap();
    run
}

fn asked(run: &Run) -> &ChangeRequest {
    run.order.change_requests.last().expect("nobody was asked")
}

fn of(run: &Run) -> Vec<(String, bool)> {
    asked(run).asked.iter().map(|asked| (asked.fulfillment_order_id.to_string(), asked.agreed)).collect()
}

fn agree(run: &mut Run, n: u32) -> Result<Vec<Event>, Rejection> {
    run.fulfill(n, FulfillmentRequest::AcceptChange)
}

fn refuse(run: &mut Run, n: u32, reason: &str) -> Result<Vec<Event>, Rejection> {
    run.fulfill(n, FulfillmentRequest::RefuseChange { reason: Some(reason.into()) })
}

fn cancel(run: &mut Run, id: &str) -> Result<Vec<Event>, Rejection> {
    run.send(&anew(Request::CancelChange { change_id: id.parse().unwrap() }))
}

fn pack(run: &mut Run, n: u32) {
    run.fulfill(n, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(n, FulfillmentRequest::Pack { parcels: vec![] }).unwrap();
}

/// What the order is made of, but for what was asked and answered.
fn shape(order: &Order) -> (Vec<(String, FulfillmentStatus, Lines)>, i64, usize) {
    let parts = order.fulfillment_orders.iter().map(|f| (f.fulfillment_order_id.to_string(), f.status, f.lines.clone()));
    (parts.collect(), order.total_minor(), order.changes.len())
}

#[test]
fn a_facility_that_agrees_gives_up_units_and_goes_on_with_the_others() {
    let mut run = accepted(&[3]);
    let before = shape(&run.order);
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    assert_eq!((shape(&run.order), asked(&run).status), (before, ChangeStatus::Requested), "nothing has changed yet");
    assert_eq!(of(&run), [("A1-F1".to_owned(), false)]);
    assert!(run.order.legal_actions(run.found(1)).contains(&"accept-change"));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    agree(&mut run, 1).unwrap();
    assert_eq!((asked(&run).status, run.status(1)), (ChangeStatus::Confirmed, FulfillmentStatus::Picking));
    assert_eq!((run.found(1).lines.clone(), units(&run, "1").ordered), (lines([("1", 2)]), 2));
    assert_eq!(run.order.changes[0].difference_minor, -610, "its exact share of goods and shipping");
    assert!(!run.order.legal_actions(run.found(1)).contains(&"accept-change"));
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    ends_paid(run);
}

#[test]
fn another_address_calls_back_what_is_packed_and_voids_its_label() {
    let mut run = accepted(&[2]);
    pack(&mut run, 1);
    run.ship(1).unwrap();
    assert_eq!(run.found(1).parcels[0].status, ParcelStatus::LabelPending);
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    agree(&mut run, 1).unwrap();
    assert_eq!((run.status(1), run.found(1).parcels[0].status), (FulfillmentStatus::Cancelled, ParcelStatus::Voided));
    assert!(run.order.pending_effects().iter().any(|effect| matches!(effect, Effect::VoidLabel(_))));
    assert_eq!((units(&run, "1").open, run.order.changes[0].reissued_groups.clone()), (2, vec![0]));
    run.source(|_, wanted| wanted);
    run.obey();
    ends_paid(run);
}

#[test]
fn what_must_not_be_split_is_called_back_to_grow() {
    let mut one_package = core(&[2]);
    one_package.allow_split = false;
    let mut run = Run::released(one_package);
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    let before_minor = authorized_minor(&run.order);
    change(&mut run, "c1", vec![more("1", 1, 300), CoreChange::Add { line: line("new", 1, 500) }]).unwrap();
    agree(&mut run, 1).unwrap();
    assert_eq!((run.status(1), units(&run, "1").open, units(&run, "new").open), (FulfillmentStatus::Cancelled, 3, 1));
    run.source(|_, wanted| wanted);
    run.obey();
    assert_eq!(authorized_minor(&run.order), before_minor + 800);
    ends_paid(run);
}

#[test]
fn every_facility_that_is_touched_must_agree_and_no_other_is_asked() {
    let mut run = accepted_twice();
    change(&mut run, "c1", vec![less("1", 2)]).unwrap();
    assert_eq!(of(&run), [("A1-F1".to_owned(), false)], "its two units are enough");
    refuse(&mut run, 1, "wrapped").unwrap();
    change(&mut run, "c2", vec![ELSEWHERE]).unwrap();
    assert_eq!(of(&run), [("A1-F1".to_owned(), false), ("A1-F2".to_owned(), false)]);
    agree(&mut run, 1).unwrap();
    assert_eq!((asked(&run).status, run.status(1)), (ChangeStatus::Requested, FulfillmentStatus::Accepted));
    assert_eq!(agree(&mut run, 1).unwrap(), [], "it has said so");
    agree(&mut run, 2).unwrap();
    assert_eq!(
        (asked(&run).status, run.status(1), run.status(2)),
        (ChangeStatus::Confirmed, FulfillmentStatus::Cancelled, FulfillmentStatus::Cancelled)
    );
    assert_eq!(units(&run, "1").open, 3);
}

#[test]
fn what_a_facility_accepts_meanwhile_it_is_asked_about_too() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    assert_eq!(of(&run), [("A1-F1".to_owned(), false)]);
    let since = asked(&run).since;
    run.fulfill(2, FulfillmentRequest::Accept).unwrap();
    assert_eq!((of(&run).len(), asked(&run).since), (2, since), "with no more time than there was");
}

#[test]
fn a_refusal_changes_nothing_and_says_why() {
    let mut run = accepted_twice();
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    let before = shape(&run.order);
    agree(&mut run, 1).unwrap();
    refuse(&mut run, 2, "the van is loaded").unwrap();
    assert_eq!((shape(&run.order), asked(&run).status), (before, ChangeStatus::Declined));
    assert_eq!(asked(&run).why.as_deref(), Some("A1-F2 was not let go: the van is loaded"));
    assert_eq!(agree(&mut run, 1).unwrap_err().code, ErrorCode::IllegalTransition, "nobody asks any more");
}

#[test]
fn silence_declines_it_and_more_time_can_be_given() {
    let mut run = accepted(&[2]);
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    let due = run.order.change_due().unwrap();
    let until = due + jiff::SignedDuration::from_hours(1);
    run.must(&anew(Request::ExtendDeadline { wait: Wait::ChangeRequest, subject: "c1".into(), until }));
    assert_eq!(run.order.change_due(), Some(until));
    run.wait_for(Wait::ChangeRequest);
    assert!(at(run.second) > until);
    assert_eq!((asked(&run).status, asked(&run).why.as_deref()), (ChangeStatus::Declined, Some("no answer came in time")));
    assert_eq!((run.status(1), units(&run, "1").ordered, run.order.change_due()), (FulfillmentStatus::Accepted, 2, None));
}

#[test]
fn who_asked_may_let_it_be() {
    let mut run = accepted(&[2]);
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    cancel(&mut run, "c1").unwrap();
    assert_eq!((asked(&run).status, cancel(&mut run, "c1").unwrap()), (ChangeStatus::Cancelled, vec![]));
    assert_eq!(agree(&mut run, 1).unwrap_err().code, ErrorCode::IllegalTransition);
    assert_eq!(cancel(&mut run, "c9").unwrap_err().code, ErrorCode::NotFound);
    ends_paid_after_shipping(run);
}

fn ends_paid_after_shipping(mut run: Run) {
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    ends_paid(run);
}

#[test]
fn what_ships_first_wins_and_what_is_let_go_first_does_not_ship() {
    let mut shipped = accepted(&[2]);
    change(&mut shipped, "c1", vec![less("1", 1)]).unwrap();
    shipped.ship(1).unwrap();
    shipped.obey_labels();
    assert_eq!((shipped.status(1), asked(&shipped).status), (FulfillmentStatus::Shipped, ChangeStatus::Declined));
    assert!(asked(&shipped).why.as_ref().unwrap().starts_with("A1-F1 is shipped"), "{:?}", asked(&shipped));
    assert_eq!(agree(&mut shipped, 1).unwrap_err().code, ErrorCode::IllegalTransition);

    let mut let_go = accepted(&[2]);
    change(&mut let_go, "c1", vec![ELSEWHERE]).unwrap();
    agree(&mut let_go, 1).unwrap();
    assert_eq!(let_go.ship(1).unwrap_err().code, ErrorCode::IllegalTransition);
    assert_eq!(asked(&let_go).status, ChangeStatus::Confirmed);
}

#[test]
fn a_label_that_comes_too_late_ships_nothing() {
    let mut run = accepted(&[2]);
    run.ship(1).unwrap();
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    agree(&mut run, 1).unwrap();
    run.obey_labels();
    assert_eq!((run.status(1), asked(&run).status), (FulfillmentStatus::Cancelled, ChangeStatus::Confirmed));
}

#[test]
fn handing_over_wins_too() {
    let mut pickup = core(&[2]);
    pickup.groups[0].method = DeliveryMethod::Pickup;
    let mut run = Run::released(pickup);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Ready { code_hash: None }).unwrap();
    let express = CoreGroup { method: DeliveryMethod::Express, pickup_facility_id: None, address_flaw: None, price_minor: None };
    change(&mut run, "c1", vec![CoreChange::Method { group: 0, to: express }]).unwrap();
    assert_eq!(of(&run), [("A1-F1".to_owned(), false)]);
    run.fulfill(1, FulfillmentRequest::Handover { code_hash: None }).unwrap();
    assert!(asked(&run).why.as_ref().unwrap().starts_with("A1-F1 is picked_up"), "{:?}", asked(&run));
}

#[test]
fn what_stays_behind_when_parcels_ship_is_still_asked_about() {
    let mut run = accepted(&[2]);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcel = || oms_domain::order::PackedParcel { lines: lines([("1", 1)]), weight_g: None };
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![parcel(), parcel()] }).unwrap();
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    run.fulfill(1, FulfillmentRequest::ShipParcels { parcels: vec!["A1-F1-P1".parse().unwrap()] }).unwrap();
    run.obey_labels();
    assert_eq!((asked(&run).status, of(&run)), (ChangeStatus::Requested, vec![("A1-F2".to_owned(), false)]));
    agree(&mut run, 2).unwrap();
    assert_eq!((units(&run, "1").ordered, units(&run, "1").shipped, run.status(2)), (1, 1, FulfillmentStatus::Cancelled));
}

#[test]
fn units_that_a_facility_gives_back_need_nobodys_consent() {
    let mut run = accepted(&[2]);
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    run.fulfill(1, FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None }).unwrap();
    assert_eq!((asked(&run).status, run.order.changes.len()), (ChangeStatus::Confirmed, 1));
}

#[test]
fn a_cancellation_that_is_asked_for_too_is_settled_with_it_or_makes_it_impossible() {
    let mut moved = accepted(&[3]);
    moved.cancel("x", Some(lines([("1", 1)]))).unwrap();
    change(&mut moved, "c1", vec![ELSEWHERE]).unwrap();
    agree(&mut moved, 1).unwrap();
    assert_eq!((units(&moved, "1").cancelled, units(&moved, "1").open), (1, 2), "nobody has begun with it any more");

    let mut fewer = accepted(&[3]);
    change(&mut fewer, "c1", vec![less("1", 2)]).unwrap();
    fewer.cancel("x", Some(lines([("1", 1)]))).unwrap();
    assert_eq!(asked(&fewer).status, ChangeStatus::Requested, "there are two more");
    fewer.cancel("y", Some(lines([("1", 1)]))).unwrap();
    assert_eq!(asked(&fewer).status, ChangeStatus::Declined);
    assert!(asked(&fewer).why.as_ref().unwrap().contains("1 units can still be changed, not 2"), "{:?}", asked(&fewer));
    assert_eq!(fewer.found(1).cancellation_request.as_ref().unwrap().lines, lines([("1", 2)]));
}

#[test]
fn cancelling_the_order_declines_it() {
    let mut run = accepted(&[3]);
    change(&mut run, "c1", vec![ELSEWHERE]).unwrap();
    run.cancel("all", None).unwrap();
    assert_eq!(asked(&run).why.as_deref(), Some("the order was cancelled"));
    run.fulfill(1, FulfillmentRequest::AcceptCancellation).unwrap();
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Cancelled);
    assert_eq!(change(&mut run, "c1", vec![ELSEWHERE]).unwrap(), [], "the same answer, for ever");
}

#[test]
fn one_is_asked_for_at_a_time_and_what_needs_nobody_waits_as_well() {
    let mut run = accepted(&[3]);
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    assert_eq!(change(&mut run, "c1", vec![less("1", 1)]).unwrap(), [], "the same set again is the same answer");
    assert_eq!(change(&mut run, "c1", vec![less("1", 2)]).unwrap_err().code, ErrorCode::RefusedByRule);
    let refusal = change(&mut run, "c2", vec![more("1", 1, 100)]).unwrap_err();
    assert_eq!((refusal.code, refusal.legal_actions), (ErrorCode::IllegalTransition, vec!["cancel change set c1".to_owned()]));
    cancel(&mut run, "c1").unwrap();
    change(&mut run, "c2", vec![more("1", 1, 100)]).unwrap();
    assert_eq!(run.order.changes.len(), 1);
}

#[test]
fn a_price_that_what_is_left_cannot_bear_by_then_declines_it() {
    let mut discounted = core(&[1, 1]);
    (discounted.order_level_minor, discounted.groups[0].price_minor) = (-2_860, Some(300));
    discounted.payments[0].amount_minor = discounted.total_minor();
    let mut run = Run::released(discounted);
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    let free = CoreGroup { method: DeliveryMethod::Express, pickup_facility_id: None, address_flaw: None, price_minor: Some(120) };
    change(&mut run, "c1", vec![CoreChange::Method { group: 0, to: free }]).unwrap();
    run.cancel("x", Some(lines([("2", 1)]))).unwrap();
    run.fulfill(1, FulfillmentRequest::AcceptCancellation).unwrap();
    assert_eq!(asked(&run).status, ChangeStatus::Declined);
    assert!(asked(&run).why.as_ref().unwrap().contains("still to ship is worth"), "{:?}", asked(&run));
}

/// A change set in each status.
fn in_status(status: ChangeStatus) -> Run {
    let mut run = accepted(&[3]);
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    match status {
        ChangeStatus::Requested => vec![],
        ChangeStatus::Confirmed => agree(&mut run, 1).unwrap(),
        ChangeStatus::Declined => refuse(&mut run, 1, "no").unwrap(),
        ChangeStatus::Cancelled => cancel(&mut run, "c1").unwrap(),
    };
    assert_eq!(asked(&run).status, status);
    run
}

#[test]
fn every_answer_in_every_status_of_a_change_set_moves_it_or_is_refused_by_name() {
    type Ask = fn(&mut Run) -> Result<Vec<Event>, Rejection>;
    let asks: [(Ask, ChangeStatus); 5] = [
        (|run| agree(run, 1), ChangeStatus::Confirmed),
        (|run| refuse(run, 1, "no"), ChangeStatus::Declined),
        (|run| cancel(run, "c1"), ChangeStatus::Cancelled),
        (|run| change(run, "c1", vec![less("1", 1)]), ChangeStatus::Requested),
        (|run| change(run, "c1", vec![less("1", 2)]), ChangeStatus::Requested),
    ];
    for status in ChangeStatus::ALL {
        for (n, (ask, leads_to)) in asks.iter().enumerate() {
            let mut run = in_status(*status);
            let (before, answer) = (run.order.clone(), ask(&mut run));
            match answer {
                Ok(events) if events.is_empty() => assert!(n == 3 || (n, *status) == (2, ChangeStatus::Cancelled), "{status}, {n}"),
                Ok(_) => assert_eq!((*status, asked(&run).status), (ChangeStatus::Requested, *leads_to)),
                Err(refusal) if n == 4 => assert_eq!(refusal.code, ErrorCode::RefusedByRule),
                Err(refusal) => {
                    assert_ne!(*status, ChangeStatus::Requested);
                    assert_eq!((refusal.code, &run.order), (ErrorCode::IllegalTransition, &before), "{status}, {n}: {refusal:?}");
                    let named = if n == 2 { status.name() } else { run.status(1).name() };
                    assert_eq!(refusal.status.as_deref(), Some(named));
                }
            }
        }
    }
}

#[test]
fn a_set_that_was_confirmed_at_once_is_not_cancelled() {
    let mut run = Run::released(core(&[2]));
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    assert_eq!(cancel(&mut run, "c1").unwrap_err().status.as_deref(), Some("confirmed"));
}

#[test]
fn a_document_of_an_older_release_asks_nobody() {
    let run = Run::released(core(&[2]));
    assert_eq!(serde_json::to_value(&run.order).unwrap().get("change_requests"), None, "nothing new is written unless it is used");
}
