//! Waiting units: served in order, in the transaction that raises availability, whatever raised it.

use jiff::Timestamp;
use oms_store::{Record, Reserve, Reserved, StockTarget, Store, Waiting};
use serde_json::Value;

use crate::{
    stack::{fresh_store, fresh_whole_store},
    support::{
        adjust, assert_sound, at, count, facility, facility_id, fulfillment, line, messages, position, receive, record, serve, sku, step,
        stock_up, target, wait_for, wait_since, waiting,
    },
};

/// Order, facility and units of each grant told of, in the order of the messages.
async fn granted(store: &Store) -> Vec<(String, String, i64)> {
    told(store, "grants").await
}

/// The same of offers.
async fn offered(store: &Store) -> Vec<(String, String, i64)> {
    told(store, "offers").await
}

async fn told(store: &Store, kind: &str) -> Vec<(String, String, i64)> {
    let grant = |order_id: &str, grant: &Value| {
        (order_id.to_owned(), grant["facility_id"].as_str().unwrap().to_owned(), grant["quantity"].as_i64().unwrap())
    };
    let told = messages(store).await;
    told.iter().flat_map(|(order_id, payload)| payload[kind].as_array().unwrap().iter().map(|g| grant(order_id, g))).collect()
}

fn grants(of: &[(&str, i64)]) -> Vec<(String, String, i64)> {
    of.iter().map(|(order_id, units)| ((*order_id).to_owned(), "WH-1".to_owned(), *units)).collect()
}

#[tokio::test]
async fn the_lowest_rank_is_served_first() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    wait_since(&store, waiting("late", "A", 3), "late", "2010-12-03T00:00:00Z").await;
    wait_since(&store, waiting("early", "A", 2), "early", "2010-12-01T00:00:00Z").await;
    // It came last, with a head start of nine days.
    wait_since(&store, waiting("vip", "A", 1), "vip", "2010-11-30T00:00:00Z").await;
    adjust(&store, "WH-1", "A", 2).await;
    assert_eq!(granted(&store).await, grants(&[("early", 1), ("vip", 1)]));
    adjust(&store, "WH-1", "A", 3).await;
    assert_eq!(granted(&store).await, grants(&[("early", 1), ("late", 2)]));
    adjust(&store, "WH-1", "A", 3).await;
    assert_eq!(granted(&store).await, grants(&[("late", 1)]));
    // New demand gets what is left after them.
    assert_eq!(position(&store, "WH-1", "A").await.available, 2);
    assert_sound(&store).await;
}

#[tokio::test]
async fn receipts_counts_levels_and_releases_all_serve() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 4).await;
    store.reserve(&step("holder", "place", &[("WH-1", "A", 4)])).await.unwrap();
    wait_for(&store, waiting("o1", "A", 100), "o1").await;

    receive(&store, "WH-1", "A", 2, at("2010-12-02T00:00:00Z")).await;
    assert_eq!(granted(&store).await, grants(&[("o1", 2)]));

    store.catalog().put_stock(&count("WH-1", "A", 9), Some(at("2010-12-05T00:00:00Z"))).await.unwrap();
    assert_eq!(granted(&store).await, grants(&[("o1", 3)]));

    let oversell = oms_store::StockCount { oversell_limit: Some(1), ..count("WH-1", "A", 9) };
    store.catalog().put_stock(&oversell, Some(at("2010-12-05T00:00:00Z"))).await.unwrap();
    assert_eq!(granted(&store).await, grants(&[("o1", 1)]));

    let released = Record { stock: vec![target("holder", "WH-1", "A", 1, 0)], ..record("holder", 1, "line cancelled") };
    store.record(&released).await.unwrap();
    assert_eq!(granted(&store).await, grants(&[("o1", 3)]));

    store.record(&Record { closed: true, ..record("holder", 2, "cancelled") }).await.unwrap();
    assert_eq!(granted(&store).await, grants(&[("o1", 1)]));
    assert_sound(&store).await;
}

#[tokio::test]
async fn shipping_sets_nothing_free_and_serves_nobody() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 4).await;
    store.reserve(&step("holder", "place", &[("WH-1", "A", 4)])).await.unwrap();
    wait_for(&store, waiting("o1", "A", 1), "o1").await;
    store.record(&Record { stock: vec![target("holder", "WH-1", "A", 0, 4)], ..record("holder", 1, "shipped") }).await.unwrap();
    assert_eq!(granted(&store).await, []);
}

#[tokio::test]
async fn an_order_that_ships_whole_is_offered_all_or_nothing_and_only_the_first_of_them() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    for n in 1..=20 {
        let id = format!("whole-{n:02}");
        let whole = Waiting { plans_again: true, all_or_nothing: true, ..waiting(&id, "A", 2) };
        wait_since(&store, whole, &id, &format!("2010-12-01T00:00:{n:02}Z")).await;
    }
    adjust(&store, "WH-1", "A", 1).await;
    assert_eq!(messages(&store).await, [], "one unit is of no use to anybody");
    assert_eq!(position(&store, "WH-1", "A").await.available, 1);
    adjust(&store, "WH-1", "A", 1).await;
    assert_eq!(offered(&store).await, grants(&[("whole-01", 2)]));
    assert_eq!(position(&store, "WH-1", "A").await.available, 0, "held for it until it has planned");
    assert_sound(&store).await;
}

#[tokio::test]
async fn only_facilities_that_may_serve_an_order_do() {
    let store = fresh_store().await;
    for id in ["WH-1", "ST-1", "ST-2"] {
        stock_up(&store, id, "A", 0).await;
    }
    for id in ["ST-1", "ST-2"] {
        store.catalog().put_facility(&oms_store::Facility { ship_enabled: false, pickup_enabled: true, ..facility(id) }).await.unwrap();
    }
    serve(&store, Timestamp::now()).await;
    wait_for(&store, waiting("shipped", "A", 9), "shipped").await;
    let pickup = Waiting { only_at: vec![facility_id("ST-1")], ..waiting("pickup", "A", 9) };
    wait_for(&store, pickup, "pickup").await;
    for id in ["ST-1", "ST-2", "WH-1"] {
        adjust(&store, id, "A", 1).await;
    }
    let served: Vec<_> = granted(&store).await.into_iter().map(|(order_id, facility, _)| (order_id, facility)).collect();
    assert_eq!(served, [("pickup".to_owned(), "ST-1".to_owned()), ("shipped".to_owned(), "WH-1".to_owned())]);
}

#[tokio::test]
async fn who_is_planned_again_waits_where_the_new_plan_says() {
    let store = fresh_store().await;
    for id in ["ST-1", "ST-2"] {
        stock_up(&store, id, "A", 0).await;
        store.catalog().put_facility(&oms_store::Facility { pickup_enabled: true, ..facility(id) }).await.unwrap();
    }
    serve(&store, Timestamp::now()).await;
    let at_store = |id: &str| Waiting { only_at: vec![facility_id(id)], ..waiting("o1", "A", 1) };
    wait_for(&store, at_store("ST-1"), "o1").await;
    let seen = store.availability(&[sku("A")]).await.unwrap();
    let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
    let again = Reserve { waiting: vec![at_store("ST-2")], planned_at, facilities_version, ..step("o1", "again", &[]) };
    assert!(matches!(store.reserve(&again).await.unwrap(), Reserved::Done(_)));
    adjust(&store, "ST-1", "A", 1).await;
    assert_eq!(granted(&store).await, []);
    adjust(&store, "ST-2", "A", 1).await;
    assert_eq!(granted(&store).await, [("o1".to_owned(), "ST-2".to_owned(), 1)]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn stock_that_arrives_between_plan_and_reservation_is_not_slept_through() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let planned_at = store.availability(&[sku("A")]).await.unwrap().mark;
    adjust(&store, "WH-1", "A", 1).await;
    let wait = vec![waiting("o1", "A", 1)];
    let request = Reserve { waiting: wait, planned_at: Some(planned_at), ..step("o1", "place", &[]) };
    let Reserved::Short(short) = store.reserve(&request).await.unwrap() else { panic!("the plan is out of date") };
    assert_eq!((short.len(), short[0].available), (1, 1));
    // Planned again and still not wanted: waiting on purpose is the plan's right.
    let request = Reserve { planned_at: Some(store.availability(&[sku("A")]).await.unwrap().mark), ..request };
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_that_begin_to_wait_while_stock_arrives_are_never_left_out() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let arrive = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..60 {
                adjust(&store, "WH-1", "A", 1).await;
            }
        }
    });
    let order = |n: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = format!("o{n}");
            // As an order does: take what is there, wait for what is not, plan again when told to.
            for _ in 0..1_000 {
                let availability = store.availability(&[sku("A")]).await.unwrap();
                let request = match availability.positions.first() {
                    Some(_) => step(&id, "place", &[("WH-1", "A", 1)]),
                    None => Reserve { waiting: vec![waiting(&id, "A", 1)], planned_at: Some(availability.mark), ..step(&id, "place", &[]) },
                };
                if matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)) {
                    return;
                }
            }
            panic!("{id} found no end");
        })
    };
    for waiting in (0..60).map(order).collect::<Vec<_>>() {
        waiting.await.unwrap();
    }
    arrive.await.unwrap();
    // Sixty units for sixty orders: each has its own, or was granted it.
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.reserved, left.available), (60, 0));
    assert_sound(&store).await;
}

/// The grants told of, each with its id.
async fn grant_ids(store: &Store) -> Vec<String> {
    let ids = |payload: &Value| {
        let grants = payload["grants"].as_array().unwrap().clone();
        grants.into_iter().map(|grant| grant["grant_id"].as_str().unwrap().to_owned())
    };
    messages(store).await.iter().flat_map(|(_, payload)| ids(payload)).collect()
}

/// What the order's waiting line comes to: at the facility (if any), so many allocated and so many still waiting.
fn waiting_target(at_facility: Option<&str>, allocated: u32, waiting: u32) -> StockTarget {
    StockTarget {
        fulfillment_order_id: fulfillment("o1", 2),
        line_id: line("A"),
        facility_id: at_facility.map(facility_id),
        sku: sku("A"),
        allocated,
        consumed: 0,
        waiting,
        only_at: Vec::new(),
    }
}

#[tokio::test]
async fn a_grant_dissolves_into_the_targets_of_the_record_that_has_seen_it() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    wait_for(&store, waiting("o1", "A", 5), "o1").await;
    adjust(&store, "WH-1", "A", 3).await;
    let seen = grant_ids(&store).await;
    let stock = vec![waiting_target(Some("WH-1"), 3, 2)];
    store.record(&Record { stock, grants_seen: seen, ..record("o1", 1, "stock granted") }).await.unwrap();
    let held = position(&store, "WH-1", "A").await;
    assert_eq!((held.on_hand, held.reserved), (3, 3));
    adjust(&store, "WH-1", "A", 9).await;
    assert_eq!(granted(&store).await, grants(&[("o1", 2)]));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_target_made_before_a_grant_was_seen_neither_releases_nor_doubles_it() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    wait_for(&store, waiting("o1", "A", 5), "o1").await;
    adjust(&store, "WH-1", "A", 3).await;
    let seen = grant_ids(&store).await;
    // Two of five are cancelled; the order does not know yet that three were granted.
    store.record(&Record { stock: vec![waiting_target(None, 0, 3)], ..record("o1", 1, "cancelled two") }).await.unwrap();
    adjust(&store, "WH-1", "A", 9).await;
    assert_eq!(granted(&store).await, [], "it waits for nothing any more");
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 3);
    // It hears of the grant and gives one unit back.
    let stock = vec![waiting_target(Some("WH-1"), 2, 0)];
    store.record(&Record { stock, grants_seen: seen, ..record("o1", 2, "granted") }).await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 2);
    assert_sound(&store).await;
}

#[tokio::test]
async fn closing_releases_grants_nobody_has_seen() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    wait_for(&store, waiting("o1", "A", 5), "o1").await;
    adjust(&store, "WH-1", "A", 3).await;
    store.record(&Record { closed: true, ..record("o1", 1, "cancelled") }).await.unwrap();
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.reserved, left.available), (0, 3));
    adjust(&store, "WH-1", "A", 3).await;
    assert_eq!(position(&store, "WH-1", "A").await.available, 6);
    assert_sound(&store).await;
}
