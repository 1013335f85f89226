//! What a record does to units, versions and rows, however often and in whatever company it comes.

use oms_domain::taken::TakenCommand;
use oms_store::{OrderFilter, Record, Recorded, Reserved, Store};
use serde_json::json;

use crate::{
    stack::fresh_whole_store,
    support::{
        adjust, assert_sound, fulfillment, messages, order, position, queued, read_events, record, step, stock_up, target, wait_for,
        waiting,
    },
};

/// A store with ten units, four of which the order has reserved.
async fn reserved(order_id: &str) -> Store {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let taken = store.reserve(&step(order_id, "place", &[("WH-1", "A", 4)])).await.unwrap();
    assert!(matches!(taken, Reserved::Done(_)));
    store
}

/// On hand, reserved, available and deficit of the ten units.
async fn figures(store: &Store) -> (i64, i64, i64, i64) {
    let position = position(store, "WH-1", "A").await;
    (position.on_hand, position.reserved, position.available, position.deficit)
}

fn with_target(version: u64, kind: &str, allocated: u32, consumed: u32) -> Record {
    Record { stock: vec![target("o1", "WH-1", "A", allocated, consumed)], ..record("o1", version, kind) }
}

const APPENDED: Recorded = Recorded::Appended { deficit_units: 0 };

#[tokio::test]
async fn targets_move_units_to_where_they_say_and_no_further_when_repeated() {
    let store = reserved("o1").await;
    for (version, allocated, consumed, expected) in
        [(1, 4, 0, (10, 4, 6, 0)), (2, 1, 3, (7, 1, 6, 0)), (3, 3, 1, (9, 3, 6, 0)), (4, 0, 2, (8, 0, 8, 0))]
    {
        let step = with_target(version, "moved", allocated, consumed);
        assert_eq!(store.record(&step).await.unwrap(), APPENDED);
        assert_eq!(figures(&store).await, expected, "version {version}");
        assert_eq!(store.record(&step).await.unwrap(), Recorded::Same { stored_version: version });
        assert_eq!(figures(&store).await, expected, "version {version}, repeated");
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn units_taken_beyond_what_is_there_are_a_fact_and_a_recorded_deficit() {
    let store = reserved("o1").await;
    assert_eq!(store.record(&with_target(1, "moved here", 13, 0)).await.unwrap(), Recorded::Appended { deficit_units: 3 });
    assert_eq!(figures(&store).await, (10, 13, 0, 3));
    assert_sound(&store).await;
    assert_eq!(store.record(&with_target(2, "gave back", 8, 0)).await.unwrap(), APPENDED);
    assert_eq!(figures(&store).await, (10, 8, 2, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_closed_order_holds_nothing_and_reserves_nothing() {
    let store = reserved("o1").await;
    store.record(&with_target(1, "shipped some", 3, 1)).await.unwrap();
    store.record(&Record { closed: true, ..record("o1", 2, "cancelled") }).await.unwrap();
    assert_eq!(figures(&store).await, (9, 0, 9, 0));
    for key in ["place", "place again"] {
        assert_eq!(store.reserve(&step("o1", key, &[("WH-1", "A", 1)])).await.unwrap(), Reserved::Closed);
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn units_that_left_a_listed_fulfillment_order_are_given_back_and_wait_no_more() {
    let store = reserved("o1").await;
    wait_for(&store, waiting("o1", "A", 9), "o1").await;
    let gone = [1, 2].map(|n| queued("o1", n, "WH-1", "cancelled", None));
    let listed = Record { fulfillment_orders: gone.to_vec(), ..record("o1", 1, "cancelled") };
    assert_eq!(store.record(&listed).await.unwrap(), APPENDED);
    assert_eq!(figures(&store).await, (10, 0, 10, 0));
    assert_eq!(store.invariants().await.unwrap().leaked_reservations, 0);
    adjust(&store, "WH-1", "A", 5).await;
    assert!(messages(&store).await.is_empty(), "nobody waits any more");
    assert_sound(&store).await;
}

#[tokio::test]
async fn an_order_closed_before_it_reserved_reserves_nothing() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.record(&Record { closed: true, ..record("o1", 1, "rejected") }).await.unwrap();
    assert_eq!(store.reserve(&step("o1", "place", &[("WH-1", "A", 1)])).await.unwrap(), Reserved::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reserving_and_closing_at_once_leaks_nothing_whoever_wins() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 1_000).await;
    for n in 0..40 {
        let id = format!("o{n}");
        let closing = Record { closed: true, ..record(&id, 1, "cancelled") };
        let request = step(&id, "place", &[("WH-1", "A", 2)]);
        let (reserving, recording) = tokio::join!(
            tokio::spawn({
                let store = store.clone();
                async move { store.reserve(&request).await }
            }),
            tokio::spawn({
                let store = store.clone();
                async move { store.record(&closing).await }
            }),
        );
        reserving.unwrap().unwrap();
        recording.unwrap().unwrap();
    }
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 0);
    assert_sound(&store).await;
}

/// Everything that a record could have touched.
async fn seen(store: &Store) -> (serde_json::Value, (i64, i64, i64, i64), Vec<(u64, String)>, Option<String>) {
    let events = store.events(&order("o1"), 0, 10).await.unwrap();
    let part = store.fulfillment_order(&fulfillment("o1", 1)).await.unwrap();
    (
        serde_json::to_value(store.document(&order("o1")).await.unwrap().map(|document| document.doc)).unwrap(),
        figures(store).await,
        events.into_iter().map(|event| (event.seq, event.kind)).collect(),
        part.map(|part| part.status),
    )
}

#[tokio::test]
async fn of_two_that_record_at_one_version_the_first_stands_and_the_other_changes_nothing() {
    let store = reserved("o1").await;
    let placed = Record { fulfillment_orders: vec![queued("o1", 1, "WH-1", "open", None)], ..with_target(1, "sourced", 4, 0) };
    store.record(&placed).await.unwrap();
    // One ships and closes the order; another one, who has slept meanwhile, wakes up and cancels what it knows.
    let shipped = Record { fulfillment_orders: vec![queued("o1", 1, "WH-1", "shipped", None)], ..with_target(2, "shipped", 0, 4) };
    store.record(&shipped).await.unwrap();
    store.record(&Record { closed: true, ..record("o1", 3, "closed") }).await.unwrap();
    let before = seen(&store).await;
    let gone = vec![queued("o1", 1, "WH-1", "cancelled", None)];
    let late = Record { fulfillment_orders: gone, closed: true, ..with_target(2, "cancelled", 0, 0) };
    assert_eq!(store.record(&late).await.unwrap(), Recorded::Other { stored_version: 3 });
    assert_eq!(seen(&store).await, before);
    assert_eq!(before.2, [(1, "sourced".into()), (2, "shipped".into()), (3, "closed".into())]);
    assert_eq!(before.1, (6, 0, 6, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn the_order_in_which_two_arrive_decides_and_both_orders_are_sound() {
    for (first, second) in [("shipped", "cancelled"), ("cancelled", "shipped")] {
        let store = reserved("o1").await;
        store.record(&with_target(1, "sourced", 4, 0)).await.unwrap();
        let one = |kind| with_target(2, kind, 0, if kind == "shipped" { 4 } else { 0 });
        assert_eq!(store.record(&one(first)).await.unwrap(), APPENDED);
        assert_eq!(store.record(&one(second)).await.unwrap(), Recorded::Other { stored_version: 2 });
        assert_eq!(figures(&store).await, if first == "shipped" { (6, 0, 6, 0) } else { (10, 0, 10, 0) });
        assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().doc, one(first).doc);
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn the_same_at_another_time_is_the_same_and_part_of_it_is_not() {
    let store = reserved("o1").await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    store.record(&record("o1", 2, "authorized")).await.unwrap();
    let mut later = record("o1", 2, "authorized");
    later.events[0].at = crate::support::at("2010-12-03T09:00:00Z");
    assert_eq!(store.record(&later).await.unwrap(), Recorded::Same { stored_version: 2 });
    // Whoever knows less than is recorded, and more of something else, reads what is recorded first.
    let mut both = Record { base: 1, ..record("o1", 3, "approved") };
    both.events.insert(0, record("o1", 2, "authorized").events.remove(0));
    assert_eq!(store.record(&both).await.unwrap(), Recorded::Other { stored_version: 2 });
    let (found, _) = read_events(&store, None, 2).await;
    let events: Vec<_> = found.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(events, [(1, "placed"), (2, "authorized")]);
}

#[tokio::test]
async fn a_record_whose_predecessor_is_missing_says_what_there_is_and_changes_nothing() {
    let store = reserved("o1").await;
    store.record(&with_target(1, "placed", 4, 0)).await.unwrap();
    let before = seen(&store).await;
    let ahead = with_target(3, "shipped", 0, 4);
    assert_eq!(store.record(&ahead).await.unwrap(), Recorded::Behind { stored_version: 1 });
    assert_eq!(seen(&store).await, before);
    // The books are told everything, and that they had been restored: what is lost is a gap in the timeline.
    let told = Record { base: 1, ..ahead };
    assert_eq!(store.record(&told).await.unwrap(), APPENDED);
    assert_eq!(store.record(&told).await.unwrap(), Recorded::Same { stored_version: 3 });
    assert_eq!(seen(&store).await.2, [(1, "placed".into()), (3, "shipped".into())]);
    assert_eq!(figures(&store).await, (6, 0, 6, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn an_old_record_that_comes_late_changes_nothing() {
    let store = reserved("o1").await;
    store.record(&with_target(1, "sourced", 4, 0)).await.unwrap();
    store.record(&with_target(2, "shipped", 0, 4)).await.unwrap();
    assert_eq!(store.record(&with_target(1, "sourced", 4, 0)).await.unwrap(), Recorded::Same { stored_version: 2 });
    assert_eq!(figures(&store).await, (6, 0, 6, 0));
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().version, 2);
    let listed = store.orders_page(&OrderFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed.items[0].version, 2);
}

#[tokio::test]
async fn what_is_newer_than_a_document_is_read_from_the_timeline_and_from_the_beginning_if_there_is_none() {
    let store = reserved("o1").await;
    assert_eq!(store.recorded_version(&order("o1")).await.unwrap(), 0);
    store.record(&record("o1", 1, "placed")).await.unwrap();
    let taken = TakenCommand { command_id: "c1".into(), body_hash: "h".into(), version: 2 };
    store.record(&Record { commands: vec![taken.clone()], ..record("o1", 2, "approved") }).await.unwrap();
    assert_eq!(store.recorded_version(&order("o1")).await.unwrap(), 2);
    let whole = store.timeline_after(&order("o1"), 0).await.unwrap();
    assert_eq!((whole.beginning, whole.events.len()), (Some(json!({"of": "o1"})), 2));
    let newer = store.timeline_after(&order("o1"), 1).await.unwrap();
    assert_eq!((newer.beginning, newer.events, newer.commands), (None, record("o1", 2, "approved").events, vec![taken]));
}
