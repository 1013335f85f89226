//! What counts as a story told differently, without books.

use oms_domain::{
    order::{Lines, ReturnedUnits},
    policy::Policy,
    returns::{Consent, Return, ReturnCore, ReturnStatus, Settlement},
};

use super::{
    Reconciliation, Run,
    returns::{differs, orphaned},
};

pub(crate) fn found(status: ReturnStatus, consent: Consent) -> Return {
    let core = ReturnCore {
        return_id: "A-R1".parse().unwrap(),
        order_id: "A".parse().unwrap(),
        opened_at: "2011-01-01T00:00:00Z".parse().unwrap(),
        lines: Vec::new(),
        credit: None,
    };
    let settlement = (consent == Consent::Settled).then(|| Settlement { lines: Lines::new(), amount_minor: 500, credited_minor: 0 });
    Return { status, consent, settlement, ..Return::new(core, Policy::default()) }
}

pub(crate) fn run(running: bool, completed: bool) -> Run {
    Run { running, completed, state_transitions: 0, history_events: 0 }
}

pub(crate) fn known(amount_minor: Option<i64>) -> ReturnedUnits {
    let return_id = "A-R1".parse().unwrap();
    ReturnedUnits { return_id, announced: Lines::new(), returned: Lines::new(), amount_minor, credit: None }
}

#[test]
fn a_return_has_a_document_and_a_run_that_end_together() {
    let (open, closed) = (found(ReturnStatus::LabelSent, Consent::Given), found(ReturnStatus::Closed, Consent::Settled));
    assert_eq!(orphaned(Some(&open), Some(run(true, false))), None);
    assert_eq!(orphaned(Some(&closed), Some(run(false, true))), None);
    assert!(orphaned(Some(&open), Some(run(false, true))).unwrap().contains("open"));
    assert!(orphaned(Some(&closed), Some(run(false, false))).unwrap().contains("by itself"));
    assert!(orphaned(Some(&open), None).unwrap().contains("no run"));
    assert_eq!(orphaned(Some(&closed), None), None, "Temporal has forgotten it");
    assert!(orphaned(None, Some(run(false, false))).unwrap().contains("no document"));
    assert!(orphaned(None, None).unwrap().contains("neither"));
    assert!(orphaned(None, Some(run(true, false))).unwrap().contains("PostgreSQL"), "its order knows it");
}

#[test]
fn the_order_says_of_a_return_what_the_return_says_itself() {
    let (open, settled) = (found(ReturnStatus::LabelSent, Consent::Given), found(ReturnStatus::Closed, Consent::Settled));
    assert!(differs(&open, None).is_some());
    assert_eq!(differs(&open, Some(&known(None))), None);
    assert_eq!(differs(&settled, Some(&known(Some(500)))), None);
    assert!(differs(&settled, Some(&known(Some(499)))).is_some() && differs(&settled, Some(&known(None))).is_some());
    assert_eq!(differs(&found(ReturnStatus::Requested, Consent::Pending), None), None);
}

#[test]
fn the_next_one_goes_on_from_this_one_only_if_all_books_were_there() {
    let compared = Reconciliation { gateway_compared: true, through: "1-2-3".to_owned(), ..Reconciliation::default() };
    assert_eq!(compared.remembered().unwrap().through, "1-2-3");
    assert!(Reconciliation { gateway_compared: false, ..compared }.remembered().is_none());
}
