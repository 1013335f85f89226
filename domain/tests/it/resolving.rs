//! What gives up is tried again so many times, and then a person says what became of it.

use oms_domain::{
    error::{ErrorCode, Rejection},
    order::{Answer, Command, Effect, Event, Finding, FulfillmentRequest, LabelFinding, OrderStatus, RefundOf, Request, Wait},
    payment::{Decline, OperationKind, OperationOutcome, OperationStatus},
};

use crate::support::{Run, anew, core, declined};

fn resolve(run: &mut Run, number: u32, finding: Finding) -> Result<Vec<Event>, Rejection> {
    let (payment_id, reason) = ("1".parse().unwrap(), "looked it up".into());
    run.send(&anew(Request::ResolvePayment { payment_id, number, finding, reason }))
}

fn done(reference: &str) -> Finding {
    Finding::Succeeded { reference: reference.into(), expires_at: None }
}

fn give_up(run: &mut Run) -> String {
    let effect = run.order.pending_effects().first().expect("something is asked for").key();
    run.must(&Command::Answer(Answer::GaveUp {
        effect: effect.clone(),
        attempt: run.order.attempt(&effect),
        why: "500 for this key".into(),
    }));
    effect
}

/// Shipped; the capture is under way.
fn capturing() -> Run {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey_labels();
    let asked = run.order.payments[0].open_operation().unwrap();
    assert_eq!((asked.kind, asked.number), (OperationKind::Capture, 2));
    run
}

fn operation(run: &Run, number: usize) -> (OperationKind, OperationStatus) {
    let operation = &run.order.payments[0].operations[number - 1];
    (operation.kind, operation.status)
}

#[test]
fn what_gives_up_is_tried_again_so_many_times_and_then_waits_for_a_person() {
    let mut run = capturing();
    for _ in 0..run.order.policy.retries_max {
        give_up(&mut run);
        run.wait_for(Wait::Retry);
        assert!(run.order.attention.iter().all(|known| known.wait.is_some()));
    }
    let effect = give_up(&mut run);
    assert!(run.order.deadlines().iter().all(|known| known.wait != Wait::Retry), "{:?}", run.order.deadlines());
    assert!(run.order.attention.iter().any(|known| known.subject == effect), "a person is told");
    run.must(&anew(Request::Retry { subject: effect.clone() }));
    give_up(&mut run);
    assert!(run.order.deadlines().iter().all(|known| known.wait != Wait::Retry), "a person's try is one try");
    run.must(&anew(Request::Retry { subject: effect }));
    run.obey();
    assert!(run.order.attention.is_empty() && run.order.net_captured_minor() == 1_830);
}

#[test]
fn a_person_says_that_it_was_done_and_the_order_goes_on() {
    let mut run = capturing();
    give_up(&mut run);
    let events = resolve(&mut run, 2, done("cap-1")).unwrap();
    assert!(matches!(&events[0], Event::PaymentResolved { amount_minor: 1_830, .. }), "{events:?}");
    assert_eq!((run.order.net_captured_minor(), run.order.attention.len()), (1_830, 0));
    assert_eq!(resolve(&mut run, 2, done("cap-1")).unwrap(), [], "the same again is the same");
    assert_eq!(resolve(&mut run, 2, Finding::Failed).unwrap_err().code, ErrorCode::IllegalTransition);
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert!(run.order.is_closed() && run.order.status == OrderStatus::Completed);
}

#[test]
fn a_person_says_that_it_was_not_done_and_it_is_asked_for_anew_under_another_number() {
    let mut run = capturing();
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 2, Finding::Failed).unwrap();
    assert_eq!(operation(&run, 2), (OperationKind::Capture, OperationStatus::Failed));
    assert_eq!(operation(&run, 3), (OperationKind::Capture, OperationStatus::Pending));
    run.obey();
    assert_eq!((run.order.net_captured_minor(), run.order.attention.len()), (1_830, 0));
}

#[test]
fn an_authorization_that_was_not_made_is_asked_for_anew() {
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 1, Finding::Failed).unwrap();
    assert_eq!(operation(&run, 2), (OperationKind::Authorize, OperationStatus::Pending));
    run.obey();
    assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Processing, 0));
}

#[test]
fn a_refund_and_a_void_can_be_resolved_too_after_the_end() {
    let mut run = capturing();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 3, done("re-1")).unwrap();
    assert_eq!(run.order.net_captured_minor(), 0);
    let mut run = Run::released(core(&[2]));
    run.cancel("c", None).unwrap();
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 2, done("v-1")).unwrap();
    assert!(run.order.is_closed() && run.order.payments[0].capturable_minor() == 0);
}

#[test]
fn what_the_gateway_answers_for_is_nobody_elses_to_say() {
    let mut run = capturing();
    let refusal = resolve(&mut run, 2, done("cap-1")).unwrap_err();
    assert_eq!((refusal.code, refusal.status.as_deref()), (ErrorCode::IllegalTransition, Some("pending")));
    run.gateway("1", declined(Decline::Soft));
    assert_eq!(resolve(&mut run, 2, done("cap-1")).unwrap_err().code, ErrorCode::IllegalTransition);
    assert_eq!(resolve(&mut run, 9, done("cap-1")).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_gateway_that_speaks_after_all_and_says_otherwise_needs_a_person() {
    let late = |number, outcome| Command::Answer(Answer::Payment { payment_id: "1".parse().unwrap(), number, outcome });
    let mut run = capturing();
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 2, Finding::Failed).unwrap();
    run.obey();
    let answer = late(2, OperationOutcome::Succeeded { reference: "cap-1".into(), expires_at: None });
    run.must(&answer);
    assert_eq!((run.order.net_captured_minor(), run.order.attention.len()), (1_830, 1), "it is not booked a second time");
    assert_eq!(run.must(&answer), [], "said once");
    let mut run = capturing();
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 2, done("cap-1")).unwrap();
    assert_eq!(run.must(&late(2, OperationOutcome::Succeeded { reference: "cap-1".into(), expires_at: None })), [], "they agree");
    run.must(&late(2, declined(Decline::Hard)));
    let otherwise = OperationOutcome::Declined { decline: Decline::Soft, code: "insufficient_funds".into() };
    assert_eq!(run.must(&late(2, otherwise)), [], "refused again, for whatever reason, is nothing new");
    assert_eq!(run.order.attention.len(), 1);
}

#[test]
fn whatever_acts_on_what_a_person_found_is_done_only_once_the_gateway_has_said_whose_that_is() {
    let verified = |run: &Run| match run.order.pending_effects().first() {
        Some(Effect::Pay(pay)) => (pay.kind, pay.verify_parent),
        other => panic!("no payment is asked for: {other:?}"),
    };
    let mut run = capturing();
    assert_eq!(verified(&run), (OperationKind::Capture, false), "the gateway itself has named the authorization");
    give_up(&mut run);
    resolve(&mut run, 2, done("cap-1")).unwrap();
    let (refund_id, reason) = ("r1".parse().unwrap(), "it came late".into());
    run.must(&anew(Request::Refund { refund_id, amount_minor: 500, reason, lines: None, of: RefundOf::Order }));
    assert_eq!(verified(&run), (OperationKind::Refund, true));
    let mut run = Run::placed(core(&[2]));
    run.source(|_, units| units);
    run.gateway("1", OperationOutcome::Unknown);
    resolve(&mut run, 1, done("auth-1")).unwrap();
    run.ship(1).unwrap();
    run.obey_labels();
    assert_eq!(verified(&run), (OperationKind::Capture, true));
}

#[test]
fn what_one_operation_has_made_is_not_what_another_has_made() {
    let mut run = capturing();
    give_up(&mut run);
    let authorization = run.order.payments[0].operations[0].reference.clone().unwrap();
    assert_eq!(resolve(&mut run, 2, done(&authorization)).unwrap_err().code, ErrorCode::RefusedByRule);
    resolve(&mut run, 2, done("cap-1")).unwrap();
}

/// Unpacked with a label that the carrier has booked; the call to void it has given up as often as it is tried.
fn void_given_up() -> Run {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    run.cancel("c", None).unwrap();
    run.fulfill(1, FulfillmentRequest::AcceptCancellation).unwrap();
    run.obey_but_labels();
    for _ in 0..run.order.policy.retries_max {
        give_up(&mut run);
        run.wait_for(Wait::Retry);
    }
    run
}

fn resolve_label(run: &mut Run, outcome: LabelFinding) -> Result<Vec<Event>, Rejection> {
    let (parcel_id, reason) = (run.found(1).parcels[0].parcel_id.clone(), "asked the carrier".into());
    run.send(&anew(Request::ResolveLabel { parcel_id, outcome, reason }))
}

#[test]
fn a_person_says_what_became_of_a_label_that_was_never_heard_to_be_voided_and_the_order_closes() {
    for outcome in [LabelFinding::Voided, LabelFinding::Kept] {
        let mut run = void_given_up();
        let refusal = resolve_label(&mut run, outcome).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::IllegalTransition, "the carrier is being asked: {refusal:?}");
        let effect = give_up(&mut run);
        assert!(!run.order.is_closed() && run.order.attention.iter().any(|known| known.subject == effect));
        resolve_label(&mut run, outcome).unwrap();
        assert!(run.order.is_closed() && run.order.attention.is_empty(), "{:?}", run.order.attention);
        assert_eq!(resolve_label(&mut run, outcome).unwrap(), [], "the same again is the same");
        let other = if outcome == LabelFinding::Kept { LabelFinding::Voided } else { LabelFinding::Kept };
        assert_eq!(resolve_label(&mut run, other).unwrap_err().code, ErrorCode::IllegalTransition);
        let late = Answer::LabelVoided { parcel_id: run.found(1).parcels[0].parcel_id.clone() };
        assert_eq!(run.must(&Command::Answer(late)), [], "the carrier speaks after all");
    }
}

#[test]
fn what_became_of_a_label_is_said_of_one_that_is_to_be_voided_alone() {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(resolve_label(&mut run, LabelFinding::Voided).unwrap_err().code, ErrorCode::IllegalTransition);
    let (parcel_id, reason) = ("A1-F9-P1".parse().unwrap(), "asked the carrier".into());
    let unknown = Request::ResolveLabel { parcel_id, outcome: LabelFinding::Voided, reason };
    assert_eq!(run.send(&anew(unknown)).unwrap_err().code, ErrorCode::NotFound);
}
