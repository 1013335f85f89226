//! Every wait has a deadline, and nobody waits for ever.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{Command, Fact, FulfillmentRequest, Grant, HoldReason, Order, OrderStatus, Request, Wait},
    payment::OperationOutcome,
    policy::{Policy, ms},
};

use crate::support::{Run, anew, at, core};

fn waits(run: &Run) -> Vec<Wait> {
    run.order.deadlines().iter().map(|d| d.wait).collect()
}

#[test]
fn a_facility_that_was_late_to_accept_still_has_its_parcels_assumed_delivered() {
    let mut run = Run::released(core(&[1]));
    run.wait();
    assert_eq!(run.order.attention.len(), 1, "released and not accepted in time");
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.order.attention.len(), 0, "the wait is over, so nobody needs to look any more");
    assert_eq!(waits(&run), [Wait::Delivery]);
    run.wait();
    assert_eq!(run.order.status, OrderStatus::Completed);
    assert!(run.found(1).parcels[0].assumed_delivered);
}

#[test]
fn a_preorder_of_an_expired_order_stays_cancelled() {
    let mut preorder = core(&[1]);
    preorder.lines[0].fulfill_at = Some(at(1) + ms(Policy::default().payment_deadline_ms));
    let mut run = Run::placed(preorder);
    run.source(|_, units| units);
    assert_eq!(run.status(1), FulfillmentStatus::Scheduled);
    // Both are due at once: the order expires, and the preorder's time comes.
    run.wait_for(Wait::Payment);
    assert_eq!((run.order.status, run.status(1)), (OrderStatus::Expired, FulfillmentStatus::Cancelled));
}

#[test]
fn an_order_that_is_begun_days_after_it_was_taken_in_has_its_time_to_be_paid() {
    let mut run = Run { order: Order::new(core(&[1]), Policy::default()), events: Vec::new(), second: 3 * 86_400 };
    run.must(&Command::Place);
    run.source(|_, units| units);
    run.must(&Command::Tick);
    assert_eq!(run.order.status, OrderStatus::Created, "its card has not been answered yet");
    let due = run.order.deadlines().into_iter().find(|known| known.wait == Wait::Payment).unwrap().due;
    assert_eq!(due, run.order.status_since + ms(Policy::default().payment_deadline_ms));
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Processing);
}

#[test]
fn an_order_that_is_paid_but_held_does_not_expire_for_want_of_payment() {
    let mut run = Run::placed(core(&[1]));
    let hold = Request::PlaceHold { hold_id: "h".parse().unwrap(), reason: HoldReason::HighRiskOfFraud, expires_at: None };
    run.must(&anew(hold));
    run.source(|_, units| units);
    run.obey();
    assert_eq!((run.order.status, waits(&run)), (OrderStatus::Created, vec![Wait::HoldReview]));
    run.wait();
    assert_eq!((run.order.status, run.order.attention.len()), (OrderStatus::Created, 1));
    run.must(&anew(Request::ReleaseHold { hold_id: "h".parse().unwrap() }));
    assert_eq!((run.order.status, run.order.attention.len()), (OrderStatus::Processing, 0));
}

#[test]
fn an_unknown_void_of_an_expired_order_still_has_a_deadline() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    run.wait_for(Wait::Payment);
    assert_eq!(run.order.status, OrderStatus::Expired, "the gateway had not answered yet");
    run.gateway("1", OperationOutcome::Succeeded { reference: "a".into(), expires_at: None });
    run.gateway("1", OperationOutcome::Unknown);
    assert_eq!(waits(&run), [Wait::UnknownPayment]);
    run.wait();
    assert!(!run.order.is_closed() && run.order.attention.len() == 1);
    run.gateway("1", OperationOutcome::Succeeded { reference: "v".into(), expires_at: None });
    assert!(run.order.is_closed() && run.order.attention.is_empty());
}

#[test]
fn a_packed_parcel_that_nobody_ships_is_pointed_out() {
    let mut run = Run::released(core(&[1]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![] }).unwrap();
    assert_eq!(waits(&run), [Wait::Shipping]);
}

#[test]
fn sourcing_that_does_not_answer_is_pointed_out() {
    let mut run = Run::placed(core(&[1]));
    assert_eq!(waits(&run), [Wait::Sourcing, Wait::Payment]);
    run.wait();
    assert_eq!(run.order.attention.len(), 1);
    run.source(|_, units| units);
    assert!(run.order.attention.is_empty());
}

#[test]
fn planning_waiting_units_again_does_not_put_off_their_deadline() {
    let mut run = Run::placed(core(&[1]));
    run.source_waiting_whole();
    run.obey();
    let due = run.order.deadlines().into_iter().find(|d| d.wait == Wait::Backorder).unwrap().due;
    run.second += 86_400;
    let offer = Grant {
        grant_id: "g".into(),
        fulfillment_order_id: run.fo(1),
        line_id: "1".parse().unwrap(),
        facility_id: "WH-1".parse().unwrap(),
        quantity: 1,
    };
    let offered = Command::Fact(Fact::StockArrived { grants: vec![], offers: vec![offer] });
    run.must(&offered);
    assert_eq!(run.must(&offered), [], "the same offer again");
    run.source_waiting_whole();
    let again = run.order.deadlines().into_iter().find(|d| d.wait == Wait::Backorder).unwrap();
    assert_eq!((again.due, again.subject.as_str()), (due, "A1-F2"));
}

#[test]
fn a_remorse_period_that_ends_beyond_the_calendar_never_ends_and_never_panics() {
    let mut run = Run::under(core(&[1]), Policy { remorse_ms: i64::MAX, ..Policy::default() });
    run.source(|_, units| units);
    run.obey();
    assert_eq!(run.status(1), FulfillmentStatus::Open);
}

fn extend(run: &mut Run, wait: Wait, subject: &str, second: i64) -> Result<usize, ErrorCode> {
    let request = Request::ExtendDeadline { wait, subject: subject.into(), until: at(second) };
    run.send(&anew(request)).map(|events| events.len()).map_err(|refusal| refusal.code)
}

#[test]
fn a_wait_that_was_given_more_time_ends_later_and_nothing_is_overdue() {
    let mut run = Run::released(core(&[1]));
    run.wait();
    assert_eq!(run.order.attention.len(), 1, "released and not accepted in time");
    let due = run.second + 1_000;
    assert_eq!(extend(&mut run, Wait::Acceptance, "A1-F1", due), Ok(1));
    assert_eq!((run.order.attention.len(), run.order.deadlines()[0].due), (0, at(due)));
    assert_eq!(extend(&mut run, Wait::Acceptance, "A1-F1", due), Ok(0), "the same again is the same");
    assert_eq!(extend(&mut run, Wait::Acceptance, "A1-F1", due - 1), Err(ErrorCode::RefusedByRule), "a wait is not cut short");
    assert_eq!(extend(&mut run, Wait::Acceptance, "A1-F1", due + 400 * 86_400), Err(ErrorCode::RefusedByRule), "not for ever");
    assert_eq!(extend(&mut run, Wait::Packing, "A1-F1", due), Err(ErrorCode::NotFound), "nothing is packed yet");
    run.wait();
    assert_eq!(run.order.attention.len(), 1, "the second time is over too");
}

#[test]
fn a_remorse_period_that_is_extended_keeps_its_fulfillment_order_back() {
    let mut run = Run::under(core(&[1]), Policy { remorse_ms: 60_000, ..Policy::default() });
    run.source(|_, units| units);
    run.obey();
    assert_eq!(extend(&mut run, Wait::Remorse, "A1-F1", 600), Ok(1));
    run.second = 100;
    run.must(&Command::Tick);
    assert_eq!(run.status(1), FulfillmentStatus::Open);
    run.wait_for(Wait::Remorse);
    assert_eq!(run.status(1), FulfillmentStatus::Released);
}
