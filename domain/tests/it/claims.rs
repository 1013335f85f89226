//! Claims: money for units that do not come back, once, and exactly.

use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{ClaimId, ReturnId},
    order::{ClaimStatus, Event, FulfillmentRequest, Request, Wait},
    payment::{Decline, OperationOutcome},
};

use crate::support::{Lines, Run, anew, core, lines};

fn delivered() -> Run {
    let mut run = Run::released(core(&[4]));
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    run
}

fn id(run: &Run, number: u32) -> ClaimId {
    ClaimId::of(&run.order.core.order_id, number)
}

fn ask(run: &mut Run, request: Request) -> Result<Vec<Event>, Rejection> {
    run.send(&anew(request))
}

fn open(run: &mut Run, number: u32, lines: Lines) -> Result<Vec<Event>, Rejection> {
    let claim_id = id(run, number);
    ask(run, Request::OpenClaim { claim_id, lines, reason: "broken".into() })
}

fn approve(run: &mut Run, number: u32) -> Result<Vec<Event>, Rejection> {
    let claim_id = id(run, number);
    ask(run, Request::ApproveClaim { claim_id })
}

#[test]
fn an_approved_claim_is_paid_to_the_exact_share_and_closes_with_its_money() {
    let mut run = delivered();
    assert!(run.order.is_closed());
    open(&mut run, 1, lines([("1", 3)])).unwrap();
    assert!(!run.order.is_closed(), "somebody must answer it");
    approve(&mut run, 1).unwrap();
    assert_eq!(run.order.claims[0].status, ClaimStatus::Approved);
    run.obey();
    // ⌊1830·3/4⌋ of 1830; the units stay with the customer.
    assert_eq!((run.order.net_captured_minor(), run.order.all_units().returned), (1_830 - 1_372, 0));
    assert_eq!((run.order.claims[0].status, run.order.claims[0].amount_minor), (ClaimStatus::Closed, Some(1_372)));
    assert!(run.order.is_closed());
}

#[test]
fn nobody_claims_or_returns_a_unit_twice() {
    let mut run = delivered();
    open(&mut run, 1, lines([("1", 3)])).unwrap();
    assert_eq!(open(&mut run, 1, lines([("1", 3)])).unwrap(), [], "the same claim again");
    assert_eq!(open(&mut run, 1, lines([("1", 2)])).unwrap_err().code, ErrorCode::RefusedByRule);
    assert_eq!(open(&mut run, 2, lines([("1", 2)])).unwrap_err().code, ErrorCode::RefusedByRule);
    let return_id = ReturnId::of(&run.order.core.order_id, 1);
    let back = |units| Request::OpenReturn { return_id: return_id.clone(), lines: lines([("1", units)]), credit: None };
    assert_eq!(ask(&mut run, back(2)).unwrap_err().code, ErrorCode::RefusedByRule);
    ask(&mut run, back(1)).unwrap();
    assert_eq!(open(&mut run, 3, lines([("1", 1)])).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn a_claim_that_is_declined_gives_its_units_back_by_a_person_or_the_deadline() {
    let mut run = delivered();
    open(&mut run, 1, lines([("1", 4)])).unwrap();
    let claim_id = id(&run, 1);
    ask(&mut run, Request::DeclineClaim { claim_id, reason: "worn".into() }).unwrap();
    open(&mut run, 2, lines([("1", 4)])).unwrap();
    run.wait_for(Wait::Claim);
    assert!(run.order.claims.iter().all(|claim| claim.status == ClaimStatus::Declined), "{:?}", run.order.claims);
    assert!(run.order.is_closed() && run.order.net_captured_minor() == 1_830);
}

#[test]
fn a_claim_is_answered_once() {
    let mut run = delivered();
    assert_eq!(approve(&mut run, 1).unwrap_err().code, ErrorCode::ClaimNotFound);
    open(&mut run, 1, lines([("1", 1)])).unwrap();
    approve(&mut run, 1).unwrap();
    let refusal = approve(&mut run, 1).unwrap_err();
    assert_eq!((refusal.code, refusal.status.as_deref()), (ErrorCode::IllegalTransition, Some("approved")));
    run.obey();
    assert_eq!(run.order.refunds.len(), 1);
}

#[test]
fn a_claim_waits_for_a_refund_that_fails() {
    let mut run = delivered();
    open(&mut run, 1, lines([("1", 4)])).unwrap();
    approve(&mut run, 1).unwrap();
    run.gateway("1", OperationOutcome::Declined { decline: Decline::Hard, code: "closed".into() });
    assert_eq!(run.order.claims[0].status, ClaimStatus::Approved);
    run.wait_for(Wait::Retry);
    run.obey();
    assert_eq!((run.order.claims[0].status, run.order.net_captured_minor()), (ClaimStatus::Closed, 0));
}

#[test]
fn units_that_have_not_arrived_are_not_claimed() {
    let mut run = Run::released(core(&[2]));
    let refusal = open(&mut run, 1, lines([("1", 1)])).unwrap_err();
    assert!(refusal.message.contains("cancel them instead"), "{refusal:?}");
    assert_eq!(open(&mut run, 1, lines([])).unwrap_err().code, ErrorCode::RefusedByRule);
    assert_eq!(open(&mut run, 1, lines([("9", 1)])).unwrap_err().code, ErrorCode::RefusedByRule);
}
