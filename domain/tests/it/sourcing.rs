//! Finding stock, waiting for it, and getting it.

use std::collections::BTreeSet;

use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{
        Answer, Command, Effect, Fact, FulfillmentRequest, Grant, OrderStatus, RejectionReason, Short, SourcedPackage, SourcingAnswer,
        Wait, WaitingPackage,
    },
    policy::Policy,
};

use crate::support::{Run, core, lines};

fn grant(run: &Run, id: &str, n: u32, quantity: u32) -> Grant {
    let (fulfillment_order_id, line_id, facility_id) = (run.fo(n), "1".parse().unwrap(), "WH-9".parse().unwrap());
    Grant { grant_id: id.into(), fulfillment_order_id, line_id, facility_id, quantity }
}

#[test]
fn numbers_are_never_given_twice_when_stock_arrives_while_sourcing_is_under_way() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units - 2);
    run.obey();
    run.fulfill(1, FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None }).unwrap();
    let effects = run.order.pending_effects();
    let Some(Effect::Source(request)) = effects.first() else { panic!("nothing to source") };
    let (round, first_number) = (request.round, request.first_number);
    let grants = vec![grant(&run, "g", 2, 2)];
    run.must(&Command::Fact(Fact::StockArrived { grants, offers: vec![] }));
    let Some(Effect::Source(same)) = run.order.pending_effects().into_iter().next() else { panic!("nothing to source") };
    assert_eq!(same.first_number, first_number, "the question stays as it was asked");
    let package = SourcedPackage {
        fulfillment_order_id: run.fo(first_number),
        facility_id: "WH-2".parse().unwrap(),
        group: 0,
        lines: lines([("1", 3)]),
        ship_by: None,
    };
    run.must(&Command::Answer(Answer::Sourced(SourcingAnswer { round, packages: vec![package], waiting: vec![] })));
    let ids: BTreeSet<_> = run.order.fulfillment_orders.iter().map(|f| f.fulfillment_order_id.clone()).collect();
    assert_eq!(ids.len(), run.order.fulfillment_orders.len(), "{ids:?}");
    assert_eq!(run.order.all_units().allocated, 5);
}

#[test]
fn numbers_leave_no_gap_when_nothing_comes_between() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units);
    run.obey();
    for n in 1..4 {
        run.fulfill(n, FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None }).unwrap();
        run.source(|_, units| units);
        assert_eq!(run.status(n + 1), FulfillmentStatus::Released);
    }
}

#[test]
fn a_grant_counts_once_and_only_for_units_that_still_wait() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units - 4);
    run.obey();
    let arrived = |grants| Command::Fact(Fact::StockArrived { grants, offers: vec![] });
    let first = grant(&run, "g1", 2, 1);
    run.must(&arrived(vec![first.clone()]));
    assert_eq!(run.must(&arrived(vec![first])), [], "the same grant again");
    assert_eq!(run.order.all_units().backordered, 3);
    run.cancel("c", Some(lines([("1", 2)]))).unwrap();
    let second = grant(&run, "g2", 2, 3);
    run.must(&arrived(vec![second]));
    assert_eq!((run.order.all_units().backordered, run.found(4).lines.clone()), (0, lines([("1", 1)])));
    assert_eq!(run.status(2), FulfillmentStatus::Cancelled, "nothing waits there any more");
    let late = grant(&run, "g3", 2, 3);
    run.must(&arrived(vec![late]));
    assert_eq!(run.order.all_units().allocated, 3);
}

#[test]
fn stock_that_is_quicker_than_the_answer_that_waits_for_it_is_taken_when_it_is_told_again() {
    let mut run = Run::placed(core(&[5]));
    let arrived = Command::Fact(Fact::StockArrived { grants: vec![grant(&run, "g1", 2, 4)], offers: vec![] });
    assert_eq!(run.must(&arrived), [], "nobody is known to wait");
    run.source(|_, units| units - 4);
    assert_eq!(run.order.all_units().backordered, 4);
    run.must(&arrived);
    assert_eq!((run.order.all_units().backordered, run.order.all_units().allocated), (0, 5));
}

/// Nobody plans with an offer later: its units would be held for nobody, and the order's place in the queue be gone.
#[test]
fn an_order_that_is_not_paid_for_yet_plans_with_what_it_is_offered_or_misses() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units - 4);
    assert_eq!(run.order.status, OrderStatus::Created);
    let offer = grant(&run, "g1", 2, 4);
    run.must(&Command::Fact(Fact::StockArrived { grants: vec![], offers: vec![offer] }));
    run.source(|_, units| units);
    assert_eq!((run.order.status, run.order.all_units().allocated), (OrderStatus::Created, 5));

    let (fulfillment_order_id, line_id) = (run.fo(1), "1".parse().unwrap());
    let short = Short { short_id: "s1".into(), fulfillment_order_id, line_id, quantity: 1 };
    run.must(&Command::Fact(Fact::StockShorted { shorts: vec![short] }));
    run.source(|_, units| units);
    assert_eq!((run.order.status, run.order.all_units().allocated), (OrderStatus::Created, 5));
}

#[test]
fn an_order_that_does_not_wait_is_cut_to_what_there_is() {
    let mut now = core(&[5]);
    now.allow_backorder = false;
    let mut run = Run::placed(now);
    let Some(Effect::Source(request)) = run.order.pending_effects().into_iter().next() else { panic!("nothing to source") };
    assert!(request.may_wait_until <= run.order.core.placed_at, "nothing may be left waiting on purpose");
    run.source(|_, units| units - 2);
    run.obey();
    assert_eq!((run.order.all_units().cancelled, run.order.all_units().allocated), (2, 3));
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Completed);
    assert!(run.order.is_closed());
}

#[test]
fn a_late_or_repeated_sourcing_answer_changes_nothing() {
    let mut run = Run::placed(core(&[5]));
    run.source(|_, units| units);
    let again = SourcingAnswer { round: 1, packages: vec![], waiting: vec![] };
    assert_eq!(run.must(&Command::Answer(Answer::Sourced(again))), []);
    let ahead = SourcingAnswer { round: 9, packages: vec![], waiting: vec![] };
    assert_eq!(run.must(&Command::Answer(Answer::Sourced(ahead))), []);
}

#[test]
fn units_that_are_given_back_too_often_wait_instead() {
    let mut run = Run::under(core(&[3, 2]), Policy { resource_rounds_max: 2, ..Policy::default() });
    run.source(|_, units| units);
    run.obey();
    let reject = |lines| FulfillmentRequest::Reject { reason: RejectionReason::Other, lines };
    for n in 1..3 {
        run.fulfill(n, reject(None)).unwrap();
        run.source(|_, units| units);
    }
    // Line 1 has been given back twice, line 2 is rejected with it for the third time, and neither is asked for again.
    run.fulfill(3, reject(None)).unwrap();
    assert!(run.order.pending_effects().is_empty());
    assert_eq!((run.status(3), run.order.all_units().backordered), (FulfillmentStatus::Backordered, 5));
    assert_eq!(run.found(3).facility_id, None);
}

#[test]
fn only_the_units_that_were_given_back_too_often_wait() {
    let mut run = Run::under(core(&[3, 2]), Policy { resource_rounds_max: 1, ..Policy::default() });
    run.source(|_, units| units);
    run.obey();
    let reject = |lines| FulfillmentRequest::Reject { reason: RejectionReason::NoCapacity, lines };
    run.fulfill(1, reject(Some(lines([("1", 3)])))).unwrap();
    run.source(|_, units| units);
    run.fulfill(3, reject(None)).unwrap();
    assert_eq!((run.status(3), run.found(3).lines.clone()), (FulfillmentStatus::Backordered, lines([("1", 3)])));
    assert_eq!(run.status(1), FulfillmentStatus::Released, "line 2 was never given back");
}

#[test]
fn a_rejection_says_what_it_means_for_the_stock() {
    let mut run = Run::released(core(&[4]));
    let reject = FulfillmentRequest::Reject { reason: RejectionReason::Damaged, lines: Some(lines([("1", 2)])) };
    let events = run.fulfill(1, reject).unwrap();
    let facts = run.order.stock_facts(9, &events[0]);
    assert_eq!(facts.len(), 1);
    let fact = &facts[0];
    assert_eq!((fact.seq, fact.facility_id.as_str(), fact.sku.as_str()), (9, "WH-1", "SKU-1"));
    assert_eq!((fact.reason, fact.quantity), (RejectionReason::Damaged, 2));
    assert!(events[1..].iter().all(|event| run.order.stock_facts(10, event).is_empty()));
}

#[test]
fn what_was_moved_away_is_not_offered_to_the_same_place_again() {
    let mut run = Run::released(core(&[4]));
    let events = run.fulfill(1, FulfillmentRequest::Move { facility_id: None, consented: false }).unwrap();
    let facts: Vec<_> = events.iter().flat_map(|event| run.order.stock_facts(9, event)).collect();
    assert_eq!(facts.len(), 1);
    assert_eq!((facts[0].facility_id.as_str(), facts[0].reason, facts[0].quantity), ("WH-1", RejectionReason::Other, 4));
}

fn short(run: &mut Run, id: &str, quantity: u32) {
    let fulfillment_order_id = run.fo(1);
    let short = Short { short_id: id.into(), fulfillment_order_id, line_id: "1".parse().unwrap(), quantity };
    run.must(&Command::Fact(Fact::StockShorted { shorts: vec![short] }));
}

#[test]
fn units_that_are_not_there_are_sourced_again_and_nobody_is_blamed() {
    let mut run = Run::released(core(&[4]));
    short(&mut run, "s1", 3);
    // The same message again is the same message.
    short(&mut run, "s1", 3);
    assert_eq!((run.status(1), run.found(1).lines.clone()), (FulfillmentStatus::Released, lines([("1", 1)])));
    assert_eq!(run.order.sourceable(), lines([("1", 3)]));
    assert!(run.order.fulfillment_orders.iter().all(|f| f.rejections.is_empty()));
    run.source(|_, units| units);
    assert_eq!(run.order.all_units().allocated, 4);
}

#[test]
fn what_is_packed_is_there() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![] }).unwrap();
    short(&mut run, "s1", 3);
    assert_eq!((run.status(1), run.order.all_units().allocated), (FulfillmentStatus::Packed, 4));
}

#[test]
fn nobody_waits_on_purpose_longer_than_the_order_may() {
    let mut run = Run::under(core(&[5]), Policy { split_wait_ms: 0, ..Policy::default() });
    let round = run.order.sourcing.asked;
    let left = WaitingPackage { fulfillment_order_id: run.fo(1), group: 0, lines: lines([("1", 5)]), whole: false, on_purpose: true };
    run.must(&Command::Answer(Answer::Sourced(SourcingAnswer { round, packages: vec![], waiting: vec![left] })));
    run.obey();
    assert_eq!(run.status(1), FulfillmentStatus::Backordered);
    run.must(&Command::Tick);
    assert_eq!((run.status(1), run.order.sourcing.asked), (FulfillmentStatus::Backordered, round), "it is not asked for again and again");
}

#[test]
fn what_a_facility_had_no_time_for_is_asked_for_again_the_day_after() {
    let mut run = Run::released(core(&[4]));
    run.fulfill(1, FulfillmentRequest::Reject { reason: RejectionReason::NoCapacity, lines: None }).unwrap();
    run.source(|_, _| 0);
    let waits = |run: &Run| run.order.deadlines().into_iter().find(|d| d.wait == Wait::Capacity);
    let wait = waits(&run).expect("a wait that somebody can see");
    assert_eq!(run.found(2).fulfillment_order_id.as_str(), wait.subject);
    run.second += Policy::default().no_capacity_ms / 1_000;
    run.must(&Command::Tick);
    assert_eq!(run.order.sourceable(), lines([("1", 4)]));
    run.source(|_, _| 0);
    assert_eq!(waits(&run), None, "once");
    assert_eq!(run.order.all_units().backordered, 4);
}
