//! A facility's capacity: a token for each fulfillment order it ships on a local day.

use oms_store::{FulfillmentRow, Record, Store};

use crate::{
    stack::fresh_whole_store,
    support::{facility, queued, record},
};

const MONDAY: &str = "2010-12-06";
const TUESDAY: &str = "2010-12-07";

/// WH-1 ships so many a day.
async fn with_capacity(daily: Option<u32>) -> Store {
    let store = fresh_whole_store().await;
    let facility = oms_store::Facility { daily_order_capacity: daily, ..facility("WH-1") };
    store.catalog().put_facility(&facility).await.unwrap();
    store
}

async fn becomes(store: &Store, order_id: &str, version: u64, status: &str) {
    let ship_days = [MONDAY, TUESDAY].map(|day| day.parse().unwrap()).to_vec();
    let row = FulfillmentRow { ship_days, ..queued(order_id, 1, "WH-1", status, None) };
    store.record(&Record { fulfillment_orders: vec![row], ..record(order_id, version, status) }).await.unwrap();
}

/// What is taken of Monday and Tuesday.
async fn taken(store: &Store) -> (i64, i64) {
    let days = store.capacity_taken(MONDAY.parse().unwrap()).await.unwrap();
    let of = |day: &str| days.iter().find(|found| found.local_day == day.parse().unwrap()).map_or(0, |found| found.taken);
    (of(MONDAY), of(TUESDAY))
}

#[tokio::test]
async fn each_release_takes_a_token_of_the_first_day_with_room_once() {
    let store = with_capacity(Some(2)).await;
    for (n, expected) in [(1, (1, 0)), (2, (2, 0)), (3, (2, 1)), (4, (2, 2))] {
        let id = format!("o{n}");
        becomes(&store, &id, 1, "released").await;
        assert_eq!(taken(&store).await, expected);
        // Touched again, it has its token.
        becomes(&store, &id, 2, "released").await;
        assert_eq!(taken(&store).await, expected);
    }
    becomes(&store, "o5", 1, "released").await;
    assert_eq!(taken(&store).await, (2, 3), "a release has been decided: beyond the horizon it is over the limit");
}

#[tokio::test]
async fn what_leaves_before_picking_gives_its_token_back() {
    let store = with_capacity(Some(5)).await;
    for (order_id, then) in [("cancelled", "cancelled"), ("rejected", "incomplete")] {
        becomes(&store, order_id, 1, "released").await;
        becomes(&store, order_id, 2, then).await;
    }
    assert_eq!(taken(&store).await, (0, 0));
    for (version, status) in [(1, "released"), (2, "accepted"), (3, "picking"), (4, "incomplete")] {
        becomes(&store, "picked", version, status).await;
    }
    assert_eq!(taken(&store).await, (1, 0), "somebody has worked on it");
}

#[tokio::test]
async fn a_facility_without_a_limit_has_no_tokens() {
    let store = with_capacity(None).await;
    becomes(&store, "o1", 1, "released").await;
    assert_eq!(taken(&store).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_no_day_takes_more_than_its_limit() {
    let store = with_capacity(Some(7)).await;
    let releasing = (0..12).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { becomes(&store, &format!("o{n}"), 1, "released").await })
    });
    for released in releasing.collect::<Vec<_>>() {
        released.await.unwrap();
    }
    assert_eq!(taken(&store).await, (7, 5));
}
