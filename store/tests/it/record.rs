//! What a record does to units, versions and rows, however often and in whatever company it comes.

use oms_store::{OrderFilter, Record, Recorded, Reserved, Store, StoreError};

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

const DONE: Recorded = Recorded::Done { deficit_units: 0 };

#[tokio::test]
async fn targets_move_units_to_where_they_say_and_no_further_when_repeated() {
    let store = reserved("o1").await;
    for (version, allocated, consumed, expected) in
        [(1, 4, 0, (10, 4, 6, 0)), (2, 1, 3, (7, 1, 6, 0)), (3, 3, 1, (9, 3, 6, 0)), (4, 0, 2, (8, 0, 8, 0))]
    {
        let step = with_target(version, "moved", allocated, consumed);
        assert_eq!(store.record(&step).await.unwrap(), DONE);
        assert_eq!(figures(&store).await, expected, "version {version}");
        assert_eq!(store.record(&step).await.unwrap(), Recorded::Already);
        assert_eq!(figures(&store).await, expected, "version {version}, repeated");
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn units_taken_beyond_what_is_there_are_a_fact_and_a_recorded_deficit() {
    let store = reserved("o1").await;
    assert_eq!(store.record(&with_target(1, "moved here", 13, 0)).await.unwrap(), Recorded::Done { deficit_units: 3 });
    assert_eq!(figures(&store).await, (10, 13, 0, 3));
    assert_sound(&store).await;
    assert_eq!(store.record(&with_target(2, "gave back", 8, 0)).await.unwrap(), DONE);
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
    wait_for(&store, waiting("o1", "A", 9, "2026-01-01T00:00:00Z"), "o1").await;
    let gone = [1, 2].map(|n| queued("o1", n, "WH-1", "cancelled", None));
    let listed = Record { fulfillment_orders: gone.to_vec(), ..record("o1", 1, "cancelled") };
    assert_eq!(store.record(&listed).await.unwrap(), DONE);
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

#[tokio::test]
async fn a_lost_task_is_undone_and_replaced_whatever_it_had_touched() {
    let store = reserved("o1").await;
    let placed = Record { fulfillment_orders: vec![queued("o1", 1, "WH-1", "open", None)], ..with_target(1, "sourced", 4, 0) };
    store.record(&placed).await.unwrap();
    // The lost task cancelled the order, in two records: units gone, fulfillment orders changed, the order closed.
    let changed = vec![queued("o1", 1, "WH-1", "cancelled", None), queued("o1", 2, "WH-1", "open", None)];
    store.record(&Record { fulfillment_orders: changed, ..with_target(2, "cancelled", 0, 0) }).await.unwrap();
    store.record(&Record { closed: true, ..record("o1", 3, "closed") }).await.unwrap();
    assert_eq!(figures(&store).await, (10, 0, 10, 0));

    // The task that took its place put the order on hold, which names no units at all.
    let held = record("o1", 2, "held");
    assert_eq!(store.record(&held).await.unwrap(), Recorded::Replaced { deficit_units: 0 });
    assert_eq!(store.record(&held).await.unwrap(), Recorded::Already);
    assert_eq!(figures(&store).await, (10, 4, 6, 0));
    assert_eq!(store.fulfillment_order(&fulfillment("o1", 1)).await.unwrap().unwrap().status, "open");
    assert_eq!(store.fulfillment_order(&fulfillment("o1", 2)).await.unwrap(), None);
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().version, 2);
    let kinds = |events: Vec<oms_store::RecordedEvent>| events.into_iter().map(|event| event.kind).collect::<Vec<_>>();
    assert_eq!(kinds(store.events(&order("o1"), 0, 10).await.unwrap()), ["sourced", "held"]);
    assert_eq!(store.invariants().await.unwrap().lost_tasks, 1);
    assert_sound(&store).await;

    // It is open again, and goes on.
    assert!(matches!(store.reserve(&step("o1", "more", &[("WH-1", "A", 1)])).await.unwrap(), Reserved::Done(_)));
    assert_eq!(store.record(&with_target(3, "shipped", 0, 5)).await.unwrap(), DONE);
    assert_eq!(kinds(store.events(&order("o1"), 0, 10).await.unwrap()), ["sourced", "held", "shipped"]);
    assert_eq!(figures(&store).await, (5, 0, 5, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_a_lost_task_moved_leaves_its_fulfillment_order_all_the_same_if_the_next_record_says_so() {
    let store = reserved("o1").await;
    wait_for(&store, waiting("o1", "A", 9, "2010-12-01T00:00:00Z"), "o1").await;
    store.record(&with_target(1, "sourced", 4, 0)).await.unwrap();
    let listed = |status: &str| [1, 2].map(|n| queued("o1", n, "WH-1", status, None)).to_vec();
    store.record(&Record { fulfillment_orders: listed("open"), ..with_target(2, "split", 1, 0) }).await.unwrap();
    // In its place, all units leave both fulfillment orders; an undo alone would bring them back.
    let moved = Record { fulfillment_orders: listed("cancelled"), ..record("o1", 2, "cancelled") };
    assert_eq!(store.record(&moved).await.unwrap(), Recorded::Replaced { deficit_units: 0 });
    assert_eq!(figures(&store).await, (10, 0, 10, 0));
    adjust(&store, "WH-1", "A", 5).await;
    assert!(messages(&store).await.is_empty(), "nobody waits any more");
    assert_sound(&store).await;
}

#[tokio::test]
async fn several_events_of_a_retried_task_may_come_in_one_record() {
    let store = reserved("o1").await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    store.record(&record("o1", 2, "authorized")).await.unwrap();
    let mut both = record("o1", 3, "approved");
    both.events.insert(0, record("o1", 2, "authorized").events.remove(0));
    assert_eq!(store.record(&both).await.unwrap(), DONE);
    both.events.last_mut().unwrap().kind = "declined".into();
    assert_eq!(store.record(&both).await.unwrap(), Recorded::Replaced { deficit_units: 0 });
    let (found, _) = read_events(&store, None, 3).await;
    let events: Vec<_> = found.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(events, [(1, "placed"), (2, "authorized"), (3, "declined")]);
}

#[tokio::test]
async fn a_record_whose_predecessor_is_missing_waits_for_it() {
    let store = fresh_whole_store().await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    let error = store.record(&record("o1", 3, "approved")).await.unwrap_err();
    assert_eq!(error, StoreError::OutOfOrder { stored_version: 1 });
    assert!(error.retryable());
    store.record(&record("o1", 2, "authorized")).await.unwrap();
    store.record(&record("o1", 3, "approved")).await.unwrap();
}

#[tokio::test]
async fn an_old_record_that_comes_late_changes_nothing() {
    let store = reserved("o1").await;
    store.record(&with_target(1, "sourced", 4, 0)).await.unwrap();
    store.record(&with_target(2, "shipped", 0, 4)).await.unwrap();
    assert_eq!(store.record(&with_target(1, "sourced", 4, 0)).await.unwrap(), Recorded::Already);
    assert_eq!(figures(&store).await, (6, 0, 6, 0));
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().version, 2);
    let listed = store.orders_page(&OrderFilter::default(), None, 10).await.unwrap();
    assert_eq!(listed.items[0].version, 2);
}
