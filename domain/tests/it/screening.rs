//! The fraud check: accepted, declined, or referred to a person.

use oms_domain::{
    order::{Answer, Command, OrderStatus, Request, Verdict, Wait},
    policy::Policy,
};

use crate::support::{Run, anew, core};

/// Sourced and authorized, and with the fraud check.
fn asked() -> Run {
    let mut run = Run::under(core(&[2]), Policy { fraud_check: true, ..Policy::default() });
    run.source(|_, units| units);
    run.gateway("1", oms_domain::payment::OperationOutcome::Succeeded { reference: "a".into(), expires_at: None });
    assert_eq!((run.order.status, run.order.pending_effects()[0].key().as_str()), (OrderStatus::Created, "A1:screen"));
    run
}

fn answer(run: &mut Run, verdict: Verdict) {
    run.must(&Command::Answer(Answer::Screened { verdict }));
}

#[test]
fn what_is_accepted_goes_on_and_is_asked_once() {
    let mut run = asked();
    answer(&mut run, Verdict::Accepted);
    assert_eq!(run.order.status, OrderStatus::Processing);
    answer(&mut run, Verdict::Declined);
    assert_eq!(run.order.status, OrderStatus::Processing, "a second answer changes nothing");
}

#[test]
fn what_is_declined_is_rejected_and_its_money_voided() {
    let mut run = asked();
    answer(&mut run, Verdict::Declined);
    run.obey();
    assert_eq!((run.order.status, run.order.all_units().cancelled, run.order.is_closed()), (OrderStatus::Rejected, 2, true));
    assert_eq!(run.order.payments[0].voided_minor(), run.order.payments[0].authorized_minor());
}

#[test]
fn what_is_referred_waits_for_a_person() {
    let mut run = asked();
    answer(&mut run, Verdict::Referred);
    assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Created, 1));
    let hold_id = run.order.holds[0].hold_id.clone();
    run.must(&anew(Request::ReleaseHold { hold_id }));
    assert_eq!(run.order.status, OrderStatus::Processing);
}

#[test]
fn silence_refers_to_a_person() {
    let mut run = asked();
    run.wait_for(Wait::Screening);
    assert_eq!((run.order.status, run.order.holds.len(), run.order.pending_effects().len()), (OrderStatus::Created, 1, 0));
}

#[test]
fn a_failure_that_comes_after_the_deadline_needs_nobody_and_one_that_comes_before_does() {
    let gave_up = Command::Answer(Answer::GaveUp { effect: "A1:screen".into(), attempt: 1, why: "it is down".into() });
    let mut run = asked();
    run.must(&gave_up);
    assert_eq!((run.order.attention.len(), run.order.pending_effects().len()), (1, 0));
    run.wait_for(Wait::Screening);
    assert_eq!((run.order.attention.len(), run.order.holds.len()), (0, 1), "the hold is what a person must see to now");
    run.must(&gave_up);
    assert_eq!(run.order.attention, []);
}
