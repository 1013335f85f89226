//! Who gets the last unit.

use futures_util::future::join_all;
use oms_store::{Reserved, Store};

use crate::{
    stack::fresh_store,
    support::{assert_sound, position, step, stock_up},
};

/// Runs the steps at once, each in its own task, and counts those that got their units.
async fn winners(store: &Store, steps: Vec<oms_store::Reserve>) -> usize {
    let tasks = steps.into_iter().map(|step| {
        let store = store.clone();
        tokio::spawn(async move { store.reserve(&step).await.unwrap() })
    });
    let outcomes = join_all(tasks).await;
    outcomes.into_iter().filter(|outcome| matches!(outcome.as_ref().unwrap(), Reserved::Done(_))).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_for_few_units_exactly_as_many_win_as_there_are_units() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 17).await;
    let steps = (0..100).map(|n| step(&format!("o{n}"), "place", &[("WH-1", "A", 1)])).collect();
    assert_eq!(winners(&store, steps).await, 17);
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.on_hand, left.reserved, left.available), (17, 17, 0));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_that_want_the_same_positions_in_opposite_orders_all_get_an_answer() {
    let store = fresh_store().await;
    for (facility, sku) in [("WH-1", "A"), ("WH-1", "B"), ("WH-2", "A"), ("WH-2", "B")] {
        stock_up(&store, facility, sku, 30).await;
    }
    let forth = [("WH-1", "A", 1), ("WH-1", "B", 1), ("WH-2", "A", 1), ("WH-2", "B", 1)];
    let mut back = forth;
    back.reverse();
    let steps = (0..80).map(|n| step(&format!("o{n}"), "place", if n % 2 == 0 { &forth } else { &back })).collect();
    assert_eq!(winners(&store, steps).await, 30);
    assert_sound(&store).await;
}
