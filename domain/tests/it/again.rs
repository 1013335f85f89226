//! What is told twice: a command under the id it had, an answer, a message. The second time changes nothing, however late it comes.

use oms_domain::{
    error::ErrorCode,
    order::{Answer, CarrierReport, Command, Fact, FulfillmentRequest, Grant, HoldReason, LabelOutcome, RejectionReason, Request, decide},
    parcel::ParcelAction,
    taken::{COMMANDS_KEPT, body_hash},
};

use crate::support::{Run, anew, at, core, lines};

fn command(command_id: &str, request: Request) -> Command {
    Command::Request { command_id: command_id.to_owned(), request }
}

fn of(run: &Run, action: FulfillmentRequest) -> Request {
    Request::Fulfillment { fulfillment_order_id: run.fo(1), action }
}

fn hold() -> Request {
    Request::PlaceHold { hold_id: "h1".parse().unwrap(), reason: HoldReason::Other, expires_at: None }
}

/// Done once, and nothing the second time.
fn once(run: &mut Run, told: &Command) {
    assert_ne!(run.must(told), [], "{told:?}");
    let before = run.order.clone();
    assert_eq!(run.must(told), [], "told again: {told:?}");
    assert_eq!(run.order, before);
}

#[test]
fn what_associates_do_is_done_once_under_its_id() {
    let some = || lines([("1", 1)]);
    let actions = [
        FulfillmentRequest::ShortPick { reason: RejectionReason::Damaged, lines: some() },
        FulfillmentRequest::Reject { reason: RejectionReason::NotInStock, lines: Some(some()) },
        FulfillmentRequest::Split { lines: some() },
        FulfillmentRequest::Ship { carrier: None, tracking_number: None },
    ];
    for action in actions {
        let mut run = Run::released(core(&[4]));
        if matches!(action, FulfillmentRequest::ShortPick { .. }) {
            run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
        }
        let told = command("c1", of(&run, action));
        once(&mut run, &told);
    }
}

#[test]
fn a_hold_whose_duplicate_comes_after_its_release_is_not_placed_again() {
    let mut run = Run::released(core(&[1]));
    let placed = command("c1", hold());
    once(&mut run, &placed);
    run.must(&command("c2", Request::ReleaseHold { hold_id: "h1".parse().unwrap() }));
    assert_eq!(run.must(&placed), []);
    assert_ne!(run.must(&command("c3", hold())), [], "another command may place it again");
}

#[test]
fn a_command_is_known_after_the_end_too() {
    let mut run = Run::released(core(&[1]));
    let placed = command("c1", hold());
    run.must(&placed);
    run.cancel("all", None).unwrap();
    run.obey();
    assert!(run.order.status.is_final());
    assert_eq!(run.must(&placed), []);
    let refused = run.send(&command("c2", hold())).unwrap_err();
    let left = "nothing more can be done with it but a refund of what was paid";
    assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::OrderClosed, left));
}

#[test]
fn the_same_id_with_another_body_is_refused() {
    let mut run = Run::released(core(&[1]));
    run.must(&command("c1", hold()));
    let other = command("c1", of(&run, FulfillmentRequest::Accept));
    assert_eq!(run.send(&other).unwrap_err().code, ErrorCode::IdempotencyKeyReused);
}

#[test]
fn what_is_refused_or_changes_nothing_is_not_kept() {
    let mut run = Run::released(core(&[1]));
    run.must(&command("c1", hold()));
    assert_eq!(run.must(&command("c2", hold())), [], "the same hold");
    run.send(&command("c3", of(&run, FulfillmentRequest::Unpack))).unwrap_err();
    let kept: Vec<&str> = run.order.commands.since(0).map(|known| known.command_id.as_str()).collect();
    assert_eq!(kept, ["c1"]);
}

#[test]
fn the_last_hundred_commands_are_kept_with_the_version_they_led_to() {
    let mut run = Run::released(core(&[1]));
    for n in 0..=COMMANDS_KEPT / 2 {
        run.must(&command(&format!("place{n}"), hold()));
        run.must(&command(&format!("lift{n}"), Request::ReleaseHold { hold_id: "h1".parse().unwrap() }));
    }
    assert_eq!(run.order.commands.since(0).count(), COMMANDS_KEPT);
    assert_eq!(run.order.commands.find("place0"), None);
    let version = run.order.version;
    run.must(&command("last", hold()));
    let since: Vec<_> = run.order.commands.since(version).cloned().collect();
    assert_eq!(since.len(), 1);
    assert_eq!((since[0].command_id.as_str(), since[0].version), ("last", run.order.version));
    assert_eq!(since[0].body_hash, body_hash(&hold()));
}

#[test]
fn a_carriers_event_counts_once_though_others_of_the_same_time_came_between() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    run.obey();
    let report = |event_id: &str, action| {
        let (event_id, tracking_number) = (event_id.to_owned(), "T-A1-F1-P1".to_owned());
        Command::Fact(Fact::Carrier(CarrierReport { event_id, tracking_number, action, occurred_at: at(500) }))
    };
    let out = report("e1", ParcelAction::OutForDelivery);
    once(&mut run, &out);
    let attempted = report("e2", ParcelAction::Attempt);
    once(&mut run, &attempted);
    assert_eq!(run.must(&out), [], "it was said before the attempt");
    assert_ne!(run.must(&report("e3", ParcelAction::OutForDelivery)), [], "another event may say the same");
}

#[test]
fn a_refusal_of_an_earlier_label_says_nothing_about_the_next() {
    let mut run = Run::released(core(&[1]));
    run.ship(1).unwrap();
    let parcel_id = run.found(1).parcels[0].parcel_id.clone();
    let refused = |attempt| {
        let outcome = LabelOutcome::Refused { why: "unknown postal code".into() };
        Command::Answer(Answer::Label { parcel_id: parcel_id.clone(), attempt, outcome })
    };
    once(&mut run, &refused(1));
    run.ship(1).unwrap();
    assert_eq!(run.must(&refused(1)), []);
    once(&mut run, &refused(2));
}

#[test]
fn giving_up_counts_once_an_attempt_and_not_for_what_is_not_owed() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    let effect = run.order.pending_effects()[0].key();
    let gave_up = |effect: &str, attempt| Command::Answer(Answer::GaveUp { effect: effect.into(), attempt, why: "it is down".into() });
    once(&mut run, &gave_up(&effect, 1));
    run.must(&anew(Request::Retry { subject: effect.clone() }));
    assert_eq!(run.must(&gave_up(&effect, 1)), [], "that attempt gave up before");
    assert_eq!(run.order.attempt(&effect), 2);
    once(&mut run, &gave_up(&effect, 2));
    assert_eq!(run.must(&gave_up("A1:source:1", 1)), [], "it came back long ago");
}

#[test]
fn what_gives_up_again_and_again_waits_for_a_person() {
    let mut run = Run::placed(core(&[1]));
    run.source(|_, units| units);
    let effect = run.order.pending_effects()[0].key();
    for _ in 0..=run.order.policy.retries_max {
        let (effect, attempt) = (effect.clone(), run.order.attempt(&effect));
        run.must(&Command::Answer(Answer::GaveUp { effect, attempt, why: "it is down".into() }));
        let retried = |run: &Run| run.order.deadlines().iter().any(|d| d.wait == oms_domain::order::Wait::Retry);
        if !retried(&run) {
            break;
        }
        run.wait_for(oms_domain::order::Wait::Retry);
    }
    assert_eq!(run.order.attempt(&effect), run.order.policy.retries_max + 2);
    assert!(run.order.pending_effects().is_empty() && !run.order.attention.is_empty());
}

#[test]
fn an_offer_counts_once() {
    let mut run = Run::placed(core(&[2]));
    run.source_waiting_whole();
    run.obey();
    let waiting = run.order.fulfillment_orders.last().unwrap().fulfillment_order_id.clone();
    let grant_id = "g".to_owned();
    let offer =
        Grant { grant_id, fulfillment_order_id: waiting, line_id: "1".parse().unwrap(), facility_id: "WH-1".parse().unwrap(), quantity: 2 };
    let offered = Command::Fact(Fact::StockArrived { grants: vec![], offers: vec![offer] });
    once(&mut run, &offered);
    run.source_waiting_whole();
    assert_eq!(run.must(&offered), [], "it has planned for that");
}

#[test]
fn time_that_has_passed_moves_an_order_only_with_a_tick() {
    let mut run = Run::released(core(&[1]));
    let placed = command("c1", Request::PlaceHold { hold_id: "h1".parse().unwrap(), reason: HoldReason::Other, expires_at: Some(at(500)) });
    run.must(&placed);
    run.second = 1_000;
    assert_eq!(run.must(&placed), []);
    assert_eq!(run.must(&Command::Place), []);
    once(&mut run, &Command::Tick);
    assert_eq!(decide(&run.order, &Command::Tick, at(run.second)).unwrap().events, [], "nothing is due any more");
}
