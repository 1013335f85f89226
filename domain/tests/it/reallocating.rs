//! Orders that no facility knows of yet, moved because a pool of them was decided again together.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{Answer, Command, Effect, Event, FulfillmentRequest, Lines, Reallocation, Request, SourceRequest, SourcedPackage, SourcingAnswer},
    policy::Policy,
};

use crate::support::{Run, anew, core, lines};

/// Sourced at WH-1 and paid; its facility is told in an hour.
fn waiting(units: &[u32]) -> Run {
    let mut run = Run::under(core(units), Policy { remorse_ms: 3_600_000, pool_moves_max: 2, ..Policy::default() });
    run.source(|_, units| units);
    run.obey();
    assert_eq!(run.status(1), FulfillmentStatus::Open);
    run
}

fn exchange(run: &Run, pool_id: &str, leaving: &[(u32, Lines)], arriving: &[(&str, Lines)]) -> Command {
    anew(Request::Reallocate(Reallocation {
        pool_id: pool_id.into(),
        leaving: leaving.iter().map(|(n, lines)| (run.fo(*n), lines.clone())).collect(),
        arriving: arriving.iter().map(|(id, lines)| (id.parse().unwrap(), lines.clone())).collect(),
    }))
}

fn asked(run: &Run) -> SourceRequest {
    let effects = run.order.pending_effects();
    let [Effect::Source(request)] = &effects[..] else { panic!("nothing to source: {effects:?}") };
    request.clone()
}

/// Everything that was asked for is reserved, or nothing is.
fn reserved(run: &mut Run, got: bool) -> Vec<Event> {
    let request = asked(run);
    let packages = request.reallocation.iter().flat_map(|asked| asked.arriving.clone()).zip(request.first_number..);
    let package = |((facility_id, lines), number)| {
        SourcedPackage { fulfillment_order_id: run.fo(number), facility_id, group: 0, lines, ship_by: None }
    };
    let packages = packages.filter(|_| got).map(package).collect();
    run.must(&Command::Answer(Answer::Sourced(SourcingAnswer { round: request.round, packages, waiting: vec![] })))
}

#[test]
fn units_are_called_back_once_they_are_reserved_elsewhere() {
    let mut run = waiting(&[3, 2]);
    let command = exchange(&run, "p1", &[(1, lines([("1", 3), ("2", 2)]))], &[("WH-7", lines([("1", 3), ("2", 2)]))]);
    run.must(&command);
    assert_eq!((run.status(1), asked(&run).lines, asked(&run).packages_already), (FulfillmentStatus::Open, lines([("1", 3), ("2", 2)]), 0));
    assert_eq!(run.must(&command), [], "it is asked for already");
    reserved(&mut run, true);
    assert_eq!((run.status(1), run.status(2), run.found(2).units()), (FulfillmentStatus::Cancelled, FulfillmentStatus::Open, 5));
    assert_eq!((run.order.pooled.moves, run.found(1).rejections.len()), (1, 0));
    assert_eq!(run.must(&command), [], "it was done");
}

#[test]
fn a_part_leaves_and_joins_what_stayed() {
    let mut run = waiting(&[4]);
    run.fulfill(1, FulfillmentRequest::Split { lines: lines([("1", 1)]) }).unwrap();
    let command = exchange(&run, "p1", &[(1, lines([("1", 2)]))], &[("WH-7", lines([("1", 2)]))]);
    run.must(&command);
    reserved(&mut run, true);
    let back = exchange(&run, "p2", &[(asked_number(&run), lines([("1", 2)]))], &[("WH-1", lines([("1", 2)]))]);
    run.must(&back);
    assert_eq!(asked(&run).joinable.len(), 2, "two of them stay at WH-1");
    reserved(&mut run, true);
    assert_eq!((run.found(1).units(), run.order.all_units().allocated), (3, 4));
    let third = exchange(&run, "p3", &[(1, lines([("1", 3)]))], &[("WH-7", lines([("1", 3)]))]);
    assert_eq!(run.send(&third).unwrap_err().code, ErrorCode::RefusedByRule, "twice is enough");
}

/// The number of the fulfillment order at WH-7.
fn asked_number(run: &Run) -> u32 {
    let there = |id: Option<&str>| id == Some("WH-7");
    let found = run.order.fulfillment_orders.iter().find(|f| there(f.facility_id.as_ref().map(|id| id.as_str()))).unwrap();
    found.fulfillment_order_id.number().unwrap()
}

#[test]
fn what_could_not_be_reserved_stays_where_it_is() {
    let mut run = waiting(&[3]);
    run.must(&exchange(&run, "p1", &[(1, lines([("1", 3)]))], &[("WH-7", lines([("1", 3)]))]));
    reserved(&mut run, false);
    assert_eq!((run.status(1), run.order.pooled.moves, run.order.pooled.asked.clone()), (FulfillmentStatus::Open, 0, None));
    assert!(run.order.pending_effects().is_empty(), "nothing looks for a facility");
}

#[test]
fn what_a_facility_knows_of_by_then_stays_and_the_reservation_is_given_back() {
    let mut run = waiting(&[3]);
    let command = exchange(&run, "p1", &[(1, lines([("1", 3)]))], &[("WH-7", lines([("1", 3)]))]);
    run.must(&command);
    run.fulfill(1, FulfillmentRequest::Release).unwrap();
    let before = run.order.version;
    reserved(&mut run, true);
    assert_eq!((run.status(1), run.found(1).units(), run.order.pooled.moves), (FulfillmentStatus::Released, 3, 0));
    assert_eq!(run.status(2), FulfillmentStatus::Cancelled);
    assert!(run.order.stock_targets_since(before).is_empty(), "nothing is held for what was dropped");
    let again = exchange(&run, "p2", &[(1, lines([("1", 3)]))], &[("WH-7", lines([("1", 3)]))]);
    assert_eq!(run.send(&again).unwrap_err().code, ErrorCode::IllegalTransition);
}

#[test]
fn only_what_is_there_may_be_exchanged_for_as_much() {
    let mut run = waiting(&[3, 2]);
    let all = || lines([("1", 3)]);
    for (leaving, arriving) in [
        (vec![(9, all())], vec![("WH-7", all())]),
        (vec![(1, lines([("1", 4)]))], vec![("WH-7", lines([("1", 4)]))]),
        (vec![(1, all())], vec![("WH-7", lines([("1", 2)]))]),
        (vec![], vec![]),
    ] {
        let command = exchange(&run, "p1", &leaving, &arriving);
        assert_eq!(run.send(&command).unwrap_err().code, ErrorCode::RefusedByRule, "{command:?}");
    }
    run.cancel("c", None).unwrap();
    let late = exchange(&run, "p1", &[(1, all())], &[("WH-7", all())]);
    assert_eq!(run.send(&late).unwrap_err().code, ErrorCode::OrderClosed);
}
