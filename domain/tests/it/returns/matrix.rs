//! Everything that can be asked of a return, in every state: done, or refused with the state and what is possible.

use oms_domain::{
    error::ErrorCode,
    returns::{Disposition, Request, Return, ReturnAction, ReturnStatus, Verdict, decide},
};

use super::support::{House, came, judge, receive, returns_anew};
use crate::support::{at, core};

/// A return in each status, with goods where there may be some.
fn in_status(status: ReturnStatus) -> Return {
    let mut house = House::delivered(core(&[4]));
    let n = house.opened(&[("1", 2)]);
    let has_goods = match status {
        ReturnStatus::PartiallyReceived | ReturnStatus::Received | ReturnStatus::Inspected => true,
        ReturnStatus::Refunding | ReturnStatus::RefundFailed | ReturnStatus::Closed => true,
        ReturnStatus::Requested | ReturnStatus::Approved | ReturnStatus::LabelSent | ReturnStatus::InTransit => false,
        ReturnStatus::Declined | ReturnStatus::Cancelled | ReturnStatus::Expired | ReturnStatus::Lost => false,
    };
    if has_goods {
        house.ask(n, receive("d0", vec![came("1", 1)])).unwrap();
    }
    let mut found = house.returns.remove(n);
    found.status = status;
    found
}

fn requests() -> Vec<(Request, ReturnAction)> {
    let why = || "changed mind".to_owned();
    vec![
        (Request::Approve, ReturnAction::Approve),
        (Request::Decline { reason: why() }, ReturnAction::Decline),
        (Request::Cancel { reason: why() }, ReturnAction::Cancel),
        (receive("d1", vec![came("1", 1)]), ReturnAction::ReceiveAll),
        (Request::Inspect { judged: vec![judge("1", 1, Verdict::Accepted, Disposition::Restock)] }, ReturnAction::Inspect),
        (Request::Retry, ReturnAction::Retry),
    ]
}

#[test]
fn every_request_in_every_status_of_a_return_is_done_or_refused_by_name() {
    for status in ReturnStatus::ALL {
        let found = in_status(*status);
        for (request, action) in requests() {
            let legal = status.after(action).is_some();
            let listed = found.legal_actions().contains(&action.name());
            assert_eq!(listed, legal, "{status}: {}", action.name());
            match decide(&found, &returns_anew(request.clone()), at(1_000)) {
                Ok(decided) => assert!(legal && !decided.events.is_empty(), "{status}: {request:?} should be refused"),
                Err(refusal) => {
                    assert!(!legal, "{status}: {request:?}: {refusal:?}");
                    assert_eq!((refusal.code, refusal.status.as_deref()), (ErrorCode::IllegalTransition, Some(status.name())));
                    assert_eq!(refusal.legal_actions, found.legal_actions());
                }
            }
        }
    }
}

#[test]
fn every_state_that_is_not_final_waits_for_a_deadline_or_an_effect() {
    for status in ReturnStatus::ALL {
        let found = in_status(*status);
        let waits = !found.deadlines().is_empty() || !found.pending_effects().is_empty();
        assert!(waits || found.is_closed(), "{status} would wait for ever");
    }
}

#[test]
fn nothing_is_asked_of_a_return_before_the_order_has_answered() {
    let mut house = House::delivered(core(&[4]));
    let n = house.open(&[("1", 1)]);
    for (request, _) in requests() {
        assert_eq!(house.ask(n, request).unwrap_err().code, ErrorCode::Unavailable);
    }
}
