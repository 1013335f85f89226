//! Who gets the last unit.

use futures_util::future::join_all;
use oms_store::{Available, Reserve, Reserved, StockCount, Store};
use serde_json::json;

use crate::{
    stack::fresh_store,
    support::{assert_sound, at, count, facility_id, line, position, sku, step, stock_up},
};

/// Runs the steps at once, each in its own task, and counts those that got their units.
async fn winners(store: &Store, steps: Vec<Reserve>) -> usize {
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

#[tokio::test]
async fn a_position_short_of_one_unit_takes_nothing_anywhere_and_says_what_is_there() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    stock_up(&store, "WH-1", "B", 2).await;
    let outcome = store.reserve(&step("o1", "place", &[("WH-1", "A", 5), ("WH-1", "B", 3), ("WH-9", "A", 1)])).await.unwrap();
    let short = |facility: &str, of: &str, available| Available {
        facility_id: facility_id(facility),
        sku: sku(of),
        available,
        stock_price_milli: 0,
    };
    assert_eq!(outcome, Reserved::Short(vec![short("WH-1", "B", 2), short("WH-9", "A", 0)]));
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 0);
}

#[tokio::test]
async fn two_lines_of_one_position_count_together() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    let mut request = step("o1", "place", &[("WH-1", "A", 3), ("WH-1", "A", 3)]);
    request.positions[1].line_id = line("other");
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Short(_)));
    request.positions[1].quantity = 2;
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)));
    assert_sound(&store).await;
}

#[tokio::test]
async fn safety_stock_unavailable_units_and_the_oversell_limit_bound_what_is_available() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let levels = StockCount { safety_stock: Some(3), oversell_limit: Some(2), unavailable: Some(1), ..count("WH-1", "A", 10) };
    let counted = store.catalog().put_stock(&levels, Some(at("2010-12-01T00:00:00Z"))).await.unwrap();
    assert_eq!(counted.available, 8);
    assert!(matches!(store.reserve(&step("o1", "place", &[("WH-1", "A", 9)])).await.unwrap(), Reserved::Short(_)));
    assert!(matches!(store.reserve(&step("o1", "place", &[("WH-1", "A", 8)])).await.unwrap(), Reserved::Done(_)));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_repeated_step_gets_its_first_answer_and_takes_nothing_more() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let first = Reserve { decision: Some(json!({"why": "nearest"})), ..step("o1", "place", &[("WH-1", "A", 4)]) };
    let again = Reserve { answer: json!("another plan"), ..step("o1", "place", &[("WH-1", "A", 6)]) };
    let (one, other) = tokio::join!(store.reserve(&first), store.reserve(&first));
    assert_eq!(one.unwrap(), Reserved::Done(first.answer.clone()));
    assert_eq!(other.unwrap(), Reserved::Done(first.answer.clone()));
    assert_eq!(store.reserve(&again).await.unwrap(), Reserved::Done(first.answer.clone()));
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 4);
    let decisions = store.decisions(&first.order_id).await.unwrap();
    assert_eq!(decisions.iter().map(|d| (d.round, &d.decision)).collect::<Vec<_>>(), [(1, &json!({"why": "nearest"}))]);
}

#[tokio::test]
async fn availability_shows_only_what_is_there_in_a_stable_order() {
    let store = fresh_store().await;
    for (facility, of, on_hand) in [("WH-2", "A", 1), ("WH-1", "A", 2), ("WH-1", "B", 0), ("ST-1", "C", 3)] {
        stock_up(&store, facility, of, on_hand).await;
    }
    let found = store.availability(&[sku("C"), sku("B"), sku("A")]).await.unwrap();
    let shown: Vec<_> = found.positions.iter().map(|p| (p.sku.as_str(), p.facility_id.as_str(), p.available)).collect();
    assert_eq!(shown, [("A", "WH-1", 2), ("A", "WH-2", 1), ("C", "ST-1", 3)]);
}
