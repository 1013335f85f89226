//! What is to be done, by what the books say.

use super::plan::{Known, Step};
use crate::reconcile::Run;

const RUNS: Option<Run> = Some(Run { running: true, completed: false, state_transitions: 0, history_events: 0 });
const ENDED: Option<Run> = Some(Run { running: false, completed: true, state_transitions: 0, history_events: 0 });

fn known(document: u64, listed: u64, is_closed: bool, run: Option<Run>) -> Known {
    let version = |version| (version > 0).then_some(version);
    Known { has_intake: true, document: version(document), listed: version(listed), is_closed, run }
}

fn words(known: Known) -> Vec<String> {
    known.steps().iter().map(|step| serde_json::to_value(step).unwrap()["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_fits_is_left_alone() {
    assert_eq!(known(7, 7, false, RUNS).steps(), []);
    assert_eq!(known(7, 7, true, ENDED).steps(), []);
    assert_eq!(known(7, 7, true, None).steps(), [], "Temporal has forgotten it");
}

#[test]
fn the_newer_book_stands_and_an_open_order_has_a_run_in_the_end() {
    assert_eq!(known(5, 7, true, None).steps(), [Step::RebuildDocument { from_version: 5, to_version: 7 }]);
    assert_eq!(words(known(7, 5, false, RUNS)), ["gone"]);
    assert_eq!(words(known(7, 7, false, None)), ["revive"]);
    assert_eq!(words(known(5, 7, false, None)), ["rebuild_document", "revive"]);
    assert_eq!(words(known(0, 7, false, None)), ["rebuild_document", "revive"]);
    assert_eq!(words(known(0, 0, false, None)), ["start"]);
}

#[test]
fn what_no_book_has_is_named() {
    let lost = Known { has_intake: false, ..known(7, 7, true, None) };
    assert!(lost.steps().iter().all(Step::is_for_people) && lost.steps()[0].to_string().contains("intake"));
}
