//! What the customer is asked about units without stock.

use oms_domain::{
    error::ErrorCode,
    order::{Choice, Event, OrderStatus, Request, Wait},
    policy::Policy,
};

use crate::support::{Run, anew, core};

fn asked(decision_default: Choice) -> Run {
    let mut run = Run::under(core(&[3]), Policy { decision_ms: 86_400_000, decision_default, ..Policy::default() });
    run.source(|_, _| 0);
    run.obey();
    run
}

fn answer(run: &mut Run, choice: Choice) -> Result<Vec<Event>, oms_domain::error::Rejection> {
    run.send(&anew(Request::Decide { decision_id: "A1-F1-D".into(), choice }))
}

#[test]
fn the_customer_is_asked_once_and_answers_once() {
    let mut run = asked(Choice::Wait);
    assert_eq!(run.order.decisions.len(), 1);
    answer(&mut run, Choice::Drop).unwrap();
    run.obey();
    assert_eq!((run.order.status, run.order.all_units().cancelled), (OrderStatus::Cancelled, 3));
}

#[test]
fn an_answer_stands() {
    let mut run = asked(Choice::Drop);
    answer(&mut run, Choice::Wait).unwrap();
    assert_eq!(answer(&mut run, Choice::Wait).unwrap(), []);
    assert_eq!(answer(&mut run, Choice::Drop).unwrap_err().code, ErrorCode::RefusedByRule);
    assert!(run.order.deadlines().iter().all(|d| d.wait != Wait::Decision));
    assert_eq!(run.order.all_units().backordered, 3);
}

#[test]
fn silence_is_the_default() {
    let mut run = asked(Choice::Drop);
    run.wait_for(Wait::Decision);
    assert_eq!(run.order.all_units().cancelled, 3);
    assert!(run.events.iter().any(|e| matches!(e, Event::DecisionMade { by_default: true, .. })));
}

#[test]
fn nobody_is_asked_unless_the_policy_says_so() {
    let mut run = Run::placed(core(&[3]));
    run.source(|_, _| 0);
    run.obey();
    assert!(run.order.decisions.is_empty());
    assert_eq!(answer(&mut run, Choice::Drop).unwrap_err().code, ErrorCode::NotFound);
}
