//! Bulk operations: what each order is asked and what that comes to, and when the whole goes on, waits or ends.

use oms_domain::{
    bulk::{Batch, Bulk, BulkCore, BulkStatus, Command, Counts, Lifted, Operation, OrderOutcome, Outcome, Request, Task},
    error::ErrorCode,
    ids::FacilityId,
    order::{self, FulfillmentRequest, HoldReason},
};

use crate::support::{Run, anew, at, core, lines};

fn task(operation: Operation) -> Task {
    Task { bulk_id: "b-1".parse().unwrap(), operation, reason: "a recall".into() }
}

fn away(from: &str, consented: bool) -> Task {
    task(Operation::Move { from: from.parse().unwrap(), to: None, consented })
}

/// Asks the order as the bulk's activity does; each answer changes it.
fn apply(task: &Task, run: &mut Run) -> OrderOutcome {
    let requests = task.requests(&run.order);
    let answers: Vec<_> = requests.into_iter().map(|(_, request)| run.send(&anew(request)).map(drop)).collect();
    task.judge(&run.order, &answers)
}

/// What was foreseen is what comes.
fn comes_as_foreseen(task: &Task, run: &mut Run) -> OrderOutcome {
    let version = run.order.version;
    let foreseen = task.foresee(&run.order, at(run.second + 1));
    assert_eq!(run.order.version, version, "a dry run changes nothing");
    let came = apply(task, run);
    assert_eq!(foreseen, came);
    came
}

#[test]
fn each_order_is_asked_under_a_key_of_its_own_that_is_the_same_for_every_repeat() {
    let run = Run::released(core(&[3]));
    let cancel = task(Operation::Cancel);
    let keys: Vec<String> = cancel.requests(&run.order).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["bulk:b-1:A1"]);
    assert_eq!(cancel.requests(&run.order), cancel.requests(&run.order));
    let keys: Vec<String> = away("WH-1", false).requests(&run.order).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["bulk:b-1:A1-F1"]);
}

#[test]
fn a_cancellation_is_answered_by_how_far_the_units_are() {
    let cancel = task(Operation::Cancel);
    assert_eq!(comes_as_foreseen(&cancel, &mut Run::released(core(&[3]))).outcome, Outcome::Done);

    let mut accepted = Run::released(core(&[3]));
    accepted.fulfill(1, FulfillmentRequest::Accept).unwrap();
    assert_eq!(comes_as_foreseen(&cancel, &mut accepted).outcome, Outcome::Requested);

    let mut shipped = Run::released(core(&[3]));
    shipped.ship(1).unwrap();
    shipped.obey();
    let answer = comes_as_foreseen(&cancel, &mut shipped);
    assert_eq!((answer.outcome, answer.code), (Outcome::Refused, Some(ErrorCode::RefusedByRule)));
    assert!(answer.why.unwrap().starts_with("too late"));

    let mut mixed = Run::released(core(&[3]));
    mixed.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    mixed.fulfill(2, FulfillmentRequest::Accept).unwrap();
    let answer = comes_as_foreseen(&cancel, &mut mixed);
    assert_eq!(
        (answer.outcome, answer.why.as_deref()),
        (Outcome::Partly, Some("2 units are cancelled, 1 asked of a facility, 0 too late"))
    );
}

#[test]
fn an_order_that_has_ended_refuses_with_its_own_words() {
    let mut run = Run::released(core(&[3]));
    run.cancel("c", None).unwrap();
    run.obey();
    let answer = comes_as_foreseen(&task(Operation::Cancel), &mut run);
    assert_eq!((answer.outcome, answer.code), (Outcome::Refused, Some(ErrorCode::OrderClosed)));
}

#[test]
fn the_same_again_changes_nothing_and_comes_to_the_same() {
    let hold = task(Operation::Hold { hold_id: "b-1".parse().unwrap(), reason: HoldReason::Other, expires_at: None });
    for task in [task(Operation::Cancel), hold, away("WH-1", false)] {
        let mut run = Run::released(core(&[3]));
        let first = apply(&task, &mut run);
        assert_eq!(first.outcome, Outcome::Done);
        let version = run.order.version;
        assert_eq!((apply(&task, &mut run), run.order.version), (first, version), "{task:?}");
    }
}

#[test]
fn a_hold_is_placed_and_lifted_and_what_is_not_held_is_left_as_it_is() {
    let hold_id = task(Operation::Cancel).bulk_id.hold_id();
    let hold = task(Operation::Hold { hold_id: hold_id.clone(), reason: HoldReason::Other, expires_at: None });
    let release = task(Operation::Release { hold_id });
    let mut run = Run::released(core(&[3]));
    let answer = comes_as_foreseen(&release, &mut run);
    assert_eq!((answer.outcome, answer.code), (Outcome::Unchanged, None));
    assert_eq!(comes_as_foreseen(&hold, &mut run).outcome, Outcome::Done);
    assert_eq!(run.order.holds.len(), 1);
    assert_eq!(comes_as_foreseen(&release, &mut run).outcome, Outcome::Done);
    assert!(run.order.holds.is_empty());
}

#[test]
fn holds_for_a_reason_are_lifted_whoever_placed_them_and_no_others() {
    let mut run = Run::released(core(&[3]));
    for (id, reason) in [("f-1", HoldReason::HighRiskOfFraud), ("f-2", HoldReason::HighRiskOfFraud), ("x", HoldReason::Other)] {
        run.send(&anew(order::Request::PlaceHold { hold_id: id.parse().unwrap(), reason, expires_at: None })).unwrap();
    }
    let release = task(Operation::ReleaseFor { reason: HoldReason::HighRiskOfFraud });
    let keys: Vec<String> = release.requests(&run.order).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["bulk:b-1:A1:f-1", "bulk:b-1:A1:f-2"]);
    assert_eq!(comes_as_foreseen(&release, &mut run).outcome, Outcome::Done);
    assert_eq!(run.order.holds.iter().map(|hold| hold.hold_id.as_str()).collect::<Vec<_>>(), ["x"]);
    let again = comes_as_foreseen(&release, &mut run);
    assert_eq!((again.outcome, again.code), (Outcome::Unchanged, None));
    assert_eq!(release.lifts(&again), Some(Lifted::Reason(HoldReason::HighRiskOfFraud)));
    assert_eq!(task(Operation::Cancel).lifts(&again), None);
}

#[test]
fn what_a_facility_has_not_begun_with_moves_and_the_rest_is_reported() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    run.fulfill(2, FulfillmentRequest::Accept).unwrap();
    run.fulfill(2, FulfillmentRequest::StartPicking { picker: "p".into() }).unwrap();
    let answer = comes_as_foreseen(&away("WH-1", false), &mut run);
    assert_eq!((answer.outcome, answer.code), (Outcome::Partly, Some(ErrorCode::IllegalTransition)));
    assert_eq!(apply(&away("WH-1", false), &mut run).outcome, Outcome::Refused);

    let mut elsewhere = Run::released(core(&[3]));
    assert_eq!(comes_as_foreseen(&away("WH-9", false), &mut elsewhere).outcome, Outcome::Unchanged);
}

#[test]
fn what_was_accepted_moves_with_the_facilitys_consent() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    assert_eq!(comes_as_foreseen(&away("WH-1", false), &mut run).outcome, Outcome::Refused);
    assert_eq!(comes_as_foreseen(&away("WH-1", true), &mut run).outcome, Outcome::Done);
    let there = FacilityId::parse("WH-1").unwrap();
    assert!(!run.order.fulfillment_orders.iter().any(|f| f.facility_id.as_ref() == Some(&there) && f.status.holds_stock()));
}

fn bulk(orders_per_second: u32) -> Bulk {
    Bulk::new(BulkCore { bulk_id: "b-1".parse().unwrap(), selected: 7, orders_per_second, started_at: at(0), pause_ms: 60_000 })
}

fn asked(last: &str, done: u64, end: bool) -> Command {
    Command::Batch(Batch { last: Some(last.parse().unwrap()), counts: Counts::from([(Outcome::Done, done)]), end })
}

#[test]
fn a_batch_is_what_may_be_asked_in_five_seconds_and_bounded() {
    assert_eq!([1, 20, 1_000].map(|pace| bulk(pace).core.batch_size()), [5, 100, 200]);
}

#[test]
fn it_counts_its_batches_and_ends_with_the_last() {
    let one = bulk(1).after(&asked("o-3", 3, false), at(1)).unwrap();
    assert_eq!((one.status, one.asked(), one.cursor.as_ref().unwrap().as_str()), (BulkStatus::Running, 3, "o-3"));
    let end = one.after(&asked("o-7", 4, true), at(2)).unwrap();
    assert_eq!((end.status, end.asked(), end.version), (BulkStatus::Completed, 7, 4));
    let nothing = Command::Batch(Batch { last: None, counts: Counts::new(), end: true });
    let end = one.after(&nothing, at(2)).unwrap();
    assert_eq!((end.status, end.cursor.as_ref().unwrap().as_str()), (BulkStatus::Completed, "o-3"));
}

#[test]
fn the_batch_in_hand_counts_whatever_was_asked_meanwhile() {
    let paused = bulk(1).after(&Command::Request(Request::Pause), at(1)).unwrap();
    let counted = paused.after(&asked("o-3", 3, false), at(2)).unwrap();
    assert_eq!((counted.status, counted.asked()), (BulkStatus::Paused, 3));
    assert_eq!(paused.after(&asked("o-7", 7, true), at(2)).unwrap().status, BulkStatus::Completed);
    let cancelled = paused.after(&Command::Request(Request::Cancel), at(2)).unwrap();
    let counted = cancelled.after(&asked("o-7", 7, true), at(3)).unwrap();
    assert_eq!((counted.status, counted.asked()), (BulkStatus::Cancelled, 7));
}

#[test]
fn a_pause_that_nobody_ends_ends_the_bulk_and_pausing_again_gives_it_more_time() {
    let pause = Command::Request(Request::Pause);
    let paused = bulk(1).after(&pause, at(10)).unwrap();
    assert_eq!(paused.deadline(), Some(at(70)));
    assert_eq!(paused.after(&Command::Tick, at(69)).unwrap(), paused);
    assert_eq!(paused.after(&Command::Tick, at(70)).unwrap().status, BulkStatus::Cancelled);
    let longer = paused.after(&pause, at(60)).unwrap();
    assert_eq!(longer.after(&Command::Tick, at(70)).unwrap(), longer);
    assert_eq!(bulk(1).after(&Command::Tick, at(1_000_000)).unwrap(), bulk(1));
}

#[test]
fn it_pauses_by_itself_where_it_cannot_go_on_and_says_why() {
    let paused = bulk(1).after(&Command::GaveUp { why: "no".into() }, at(1)).unwrap();
    assert_eq!((paused.status, paused.why.as_deref()), (BulkStatus::Paused, Some("no")));
    let resumed = paused.after(&Command::Request(Request::Resume), at(2)).unwrap();
    assert_eq!((resumed.status, resumed.why), (BulkStatus::Running, None));
}

#[test]
fn what_is_not_possible_is_refused_with_what_is() {
    let refused = bulk(1).after(&Command::Request(Request::Resume), at(1)).unwrap_err();
    assert_eq!((refused.code, refused.legal_actions), (ErrorCode::IllegalTransition, vec!["pause".to_owned(), "cancel".to_owned()]));
    let end = bulk(1).after(&asked("o-7", 7, true), at(1)).unwrap();
    for request in [Request::Pause, Request::Resume, Request::Cancel] {
        let refused = end.after(&Command::Request(request), at(2)).unwrap_err();
        assert_eq!((refused.status.as_deref(), refused.legal_actions.len()), (Some("completed"), 0));
    }
}
