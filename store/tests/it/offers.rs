//! What an order is offered and will not answer for is nobody's any more: at once, or when its time is over.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oms_store::{Record, Reserve, Reserved, StockTarget, Store, Waiting};

use crate::{
    stack::{fresh_store, fresh_whole_store},
    support::{
        adjust, assert_sound, facility_id, fulfillment, messages, position, queued, record, serve, step, stock_up, target, wait_for,
        wait_since, waiting,
    },
};

/// An order that plans with whatever comes is offered two units.
async fn offered(store: &Store) {
    stock_up(store, "WH-1", "A", 0).await;
    wait_for(store, Waiting { plans_again: true, ..waiting("asked", "A", 2) }, "asked").await;
    adjust(store, "WH-1", "A", 2).await;
    assert_eq!(offers(store).await, [("asked".to_owned(), 2)]);
}

/// Orders that are told of offers, and of how many units.
async fn offers(store: &Store) -> Vec<(String, i64)> {
    let units = |payload: &serde_json::Value| payload["offers"].as_array().unwrap().iter().map(|o| o["quantity"].as_i64().unwrap()).sum();
    messages(store).await.iter().map(|(order_id, payload)| (order_id.clone(), units(payload))).collect()
}

/// What is recorded of the order that was asked: its second fulfillment order waits for so many units.
fn waits_for(version: u64, units: u32) -> Record {
    let status = if units > 0 { "backordered" } else { "cancelled" };
    let row = oms_store::FulfillmentRow { facility_id: None, ..queued("asked", 2, "WH-1", status, None) };
    let waits = StockTarget {
        fulfillment_order_id: fulfillment("asked", 2),
        facility_id: None,
        waiting: units,
        ..target("asked", "WH-1", "A", 0, 0)
    };
    Record { fulfillment_orders: vec![row], stock: if units > 0 { vec![waits] } else { vec![] }, ..record("asked", version, "changed") }
}

#[tokio::test]
async fn whoever_waits_no_longer_leaves_what_was_offered_to_the_next() {
    let store = fresh_whole_store().await;
    offered(&store).await;
    wait_for(&store, waiting("next", "A", 1), "next").await;
    store.record(&waits_for(1, 0)).await.unwrap();
    let grants: Vec<_> = messages(&store).await.into_iter().map(|(order_id, payload)| (order_id, payload["grants"].clone())).collect();
    assert_eq!((grants.len(), grants[0].0.as_str(), &grants[0].1[0]["quantity"]), (1, "next", &1.into()));
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.reserved, left.available), (1, 1));
    assert_sound(&store).await;
}

/// The order's first record says that it waits for so many: what it is offered then, and how many units are nobody's.
async fn offered_for(units: u32) -> (i64, i64) {
    let store = fresh_whole_store().await;
    offered(&store).await;
    store.record(&waits_for(1, units)).await.unwrap();
    assert_sound(&store).await;
    let [(_, offered)] = &offers(&store).await[..] else { panic!("one order is told") };
    (*offered, position(&store, "WH-1", "A").await.available)
}

#[tokio::test]
async fn whoever_waits_for_less_is_offered_less() {
    assert_eq!(offered_for(1).await, (1, 1));
}

/// A round's answer may come to an order later than the message of what came after the round: nobody there knew what it was about.
#[tokio::test]
async fn what_was_offered_before_an_order_knew_that_it_waits_is_offered_again() {
    assert_eq!(offered_for(2).await, (2, 0));
}

#[tokio::test]
async fn who_is_planned_again_keeps_what_it_is_offered_until_then() {
    let store = fresh_whole_store().await;
    offered(&store).await;
    let mut again = Record { planning: true, ..waits_for(1, 0) };
    again.fulfillment_orders[0].planned_again = true;
    store.record(&again).await.unwrap();
    assert_eq!((offers(&store).await, position(&store, "WH-1", "A").await.available), (vec![], 0));
}

#[tokio::test]
async fn what_waits_and_is_planned_again_before_it_is_recorded_gives_back_what_it_had() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 3).await;
    store.reserve(&step("asked", "place", &[("WH-1", "A", 3)])).await.unwrap();
    store.record(&Record { stock: vec![target("asked", "WH-1", "A", 3, 0)], ..record("asked", 1, "sourced") }).await.unwrap();
    // Rejected too often, backordered and offered stock beside another that waits: all between two records.
    let mut row = oms_store::FulfillmentRow { facility_id: Some(facility_id("WH-1")), ..queued("asked", 1, "WH-1", "cancelled", None) };
    row.planned_again = true;
    store.record(&Record { planning: true, fulfillment_orders: vec![row], ..record("asked", 2, "waiting_ended") }).await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 0);
    assert_sound(&store).await;
}

#[tokio::test]
async fn an_offer_that_is_left_unanswered_goes_on_to_the_next_only_while_others_answer_theirs() {
    let store = fresh_store().await;
    for of in ["A", "B"] {
        stock_up(&store, "WH-1", of, 0).await;
    }
    for (n, (id, of)) in [("first", "A"), ("second", "A"), ("other", "B")].into_iter().enumerate() {
        let plans = Waiting { plans_again: true, ..waiting(id, of, 1) };
        wait_since(&store, plans, id, &format!("2010-12-0{}T00:00:00Z", n + 1)).await;
    }
    adjust(&store, "WH-1", "A", 1).await;
    assert_eq!(offered_to(&store).await, ["first"]);
    // Nobody answers anything: workers are down, and it keeps its place.
    store.hurry_offers(Duration::from_secs(61)).await.unwrap();
    assert_eq!(store.expire_offers(10).await.unwrap(), 0);
    assert_eq!(offered_to(&store).await, [""; 0]);
    for missed in 1..=3 {
        adjust(&store, "WH-1", "B", 1).await;
        let answer = step("other", &missed.to_string(), &[("WH-1", "B", 1)]);
        assert!(matches!(store.reserve(&answer).await.unwrap(), Reserved::Done(_)));
        assert_eq!(offered_to(&store).await, ["other"]);
        store.hurry_offers(Duration::from_secs(61)).await.unwrap();
        assert_eq!(store.expire_offers(10).await.unwrap(), 1);
        assert_eq!(offered_to(&store).await, if missed == 1 { vec!["second"] } else { vec![] }, "others answer theirs, so that it goes on");
        assert_eq!(store.backlog(Timestamp::now()).await.unwrap().orders_without_offers, u64::from(missed == 3));
        if missed == 1 {
            // The next one would rather not have it, and is not asked again for as much.
            let declines = Waiting { declined: [(facility_id("WH-1"), 1)].into(), plans_again: true, ..waiting("second", "A", 1) };
            let declines = Reserve { waiting: vec![declines], ..step("second", "declines", &[]) };
            assert!(matches!(store.reserve(&declines).await.unwrap(), Reserved::Done(_)));
        }
        // By then it is the first one's turn again, unless it has missed three.
        store.hurry_offers(Duration::from_secs(61)).await.unwrap();
        serve(&store, Timestamp::now() + SignedDuration::from_mins(2)).await;
        assert_eq!(offered_to(&store).await, if missed < 3 { vec!["first"] } else { vec![] });
    }
    assert_eq!(position(&store, "WH-1", "A").await.available, 1, "new demand may have it");
}

/// Whose offers have been told of.
async fn offered_to(store: &Store) -> Vec<String> {
    let told = messages(store).await.into_iter().filter(|(_, payload)| !payload["offers"].as_array().unwrap().is_empty());
    told.map(|(id, _)| id).collect()
}
