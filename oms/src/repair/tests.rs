//! What is to be done, by what the books say.

use oms_domain::{
    ids::ReturnId,
    returns::{Consent, Return, ReturnStatus},
};

use super::{
    plan::{Known, Step},
    returns,
};
use crate::reconcile::{Figure, Finding, Run, tests};

const RUNS: Option<Run> = Some(Run { running: true, completed: false, state_transitions: 0, history_events: 0 });
const ENDED: Option<Run> = Some(Run { running: false, completed: true, state_transitions: 0, history_events: 0 });

fn known(document: u64, listed: u64, is_closed: bool, run: Option<Run>) -> Known {
    let version = |version| (version > 0).then_some(version);
    Known { has_intake: true, document: version(document), listed: version(listed), is_closed, run }
}

fn finding(figure: Figure) -> Finding {
    Finding { order_id: "A".parse().unwrap(), return_id: None, figure, what: figure.as_str().to_owned() }
}

fn words(known: Known, figures: &[Figure]) -> Vec<String> {
    let findings: Vec<Finding> = figures.iter().copied().map(finding).collect();
    known.plan(Vec::new(), &findings).iter().map(|step| serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_fits_is_left_alone() {
    assert_eq!(known(7, 7, false, RUNS).plan(Vec::new(), &[]), []);
    assert_eq!(known(7, 7, true, ENDED).plan(Vec::new(), &[]), []);
    assert_eq!(known(7, 7, true, None).plan(Vec::new(), &[]), [], "Temporal has forgotten it");
}

#[test]
fn the_newer_book_stands_and_an_open_order_has_a_run_in_the_end() {
    assert_eq!(known(5, 7, true, None).plan(Vec::new(), &[]), [Step::RebuildDocument { from_version: 5, to_version: 7 }]);
    assert_eq!(words(known(7, 5, false, RUNS), &[]), ["gone", "restate"]);
    assert_eq!(words(known(7, 5, true, ENDED), &[]), ["gone", "restate"], "it has ended, and says so again");
    assert_eq!(known(7, 0, false, None).plan(Vec::new(), &[])[1], Step::Restate { from_version: 0, to_version: 7 });
    assert_eq!(words(known(7, 7, false, None), &[]), ["revive"]);
    assert_eq!(words(known(5, 7, false, None), &[]), ["rebuild_document", "revive"]);
    assert_eq!(words(known(0, 7, false, None), &[]), ["rebuild_document", "revive"]);
    assert_eq!(words(known(0, 0, false, None), &[]), ["start"]);
}

#[test]
fn what_no_book_has_is_named() {
    let lost = Known { has_intake: false, ..known(7, 7, true, None) };
    assert!(lost.plan(Vec::new(), &[]).iter().all(Step::is_for_people) && lost.plan(Vec::new(), &[])[0].to_string().contains("intake"));
}

#[test]
fn what_no_step_is_about_is_for_a_person_and_nothing_is_passed_over() {
    use Figure::{MoneyMismatches, OrphanedOrders, OrphanedReturns, StaleDocuments, UnitMismatches};
    let sound = known(7, 7, true, ENDED);
    for figure in [MoneyMismatches, OrphanedOrders, OrphanedReturns, StaleDocuments, UnitMismatches] {
        assert_eq!(words(sound, &[figure]), ["person"], "{figure:?}");
        assert_eq!(words(Known::default(), &[figure]), ["person"], "{figure:?} of an order that no book has");
    }
    // What an order's document is behind in is judged again once it has caught up.
    assert_eq!(words(known(5, 7, true, ENDED), &[StaleDocuments, MoneyMismatches, UnitMismatches]), ["rebuild_document"]);
    assert_eq!(words(known(5, 7, true, ENDED), &[OrphanedReturns]), ["rebuild_document"]);
    assert_eq!(words(known(7, 7, false, None), &[OrphanedOrders, StaleDocuments]), ["revive", "person"]);
    assert_eq!(words(known(7, 5, false, RUNS), &[StaleDocuments, MoneyMismatches]), ["gone", "restate"]);
    let without_intake = Known { has_intake: false, ..known(7, 5, true, None) };
    assert_eq!(words(without_intake, &[StaleDocuments, MoneyMismatches]), ["gone", "gone", "person"]);
}

#[test]
fn an_open_return_has_a_run_in_the_end_and_what_only_its_order_knows_begins_again() {
    let id: ReturnId = "A-R1".parse().unwrap();
    let of = |this: Option<&Return>, run, order: Option<i64>| {
        let steps = returns::plan(&id, this, run, Some(&tests::known(order)));
        steps.iter().map(|step| serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (open, closed) = (tests::found(ReturnStatus::LabelSent, Consent::Given), tests::found(ReturnStatus::Closed, Consent::Settled));
    assert_eq!(of(Some(&open), RUNS, None), [""; 0]);
    assert_eq!(of(Some(&closed), None, Some(500)), [""; 0]);
    assert_eq!(of(Some(&open), None, None), ["revive_return"]);
    assert_eq!(of(Some(&open), ENDED, Some(500)), ["gone", "revive_return"]);
    assert_eq!(of(None, RUNS, None), ["gone", "restate_return"]);
    assert_eq!(of(None, ENDED, Some(500)), ["gone", "reopen_return"]);
}

#[test]
fn what_a_step_is_about_is_for_nobody_else() {
    let id: ReturnId = "A-R1".parse().unwrap();
    let orphan = Finding { return_id: Some(id.clone()), ..finding(Figure::OrphanedReturns) };
    let step = Step::ReviveReturn { return_id: id.clone() };
    assert_eq!(known(7, 7, true, ENDED).plan(vec![(id, step.clone())], &[orphan]), [step]);
}
