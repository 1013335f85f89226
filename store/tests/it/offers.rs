//! What an order is offered and will not answer for is nobody's any more, at once.

use oms_store::{Record, StockTarget, Store, Waiting};

use crate::{
    stack::fresh_whole_store,
    support::{
        adjust, assert_sound, facility_id, fulfillment, messages, position, queued, record, step, stock_up, target, wait_for, waiting,
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

#[tokio::test]
async fn whoever_waits_for_less_is_offered_less() {
    let store = fresh_whole_store().await;
    offered(&store).await;
    store.record(&waits_for(1, 1)).await.unwrap();
    assert_eq!(offers(&store).await, [("asked".to_owned(), 1)]);
    assert_eq!(position(&store, "WH-1", "A").await.available, 1);
    assert_sound(&store).await;
}

/// A round's answer may come to an order later than the message of what came after the round: nobody there knew what it was about.
#[tokio::test]
async fn what_was_offered_before_an_order_knew_that_it_waits_is_offered_again() {
    let store = fresh_whole_store().await;
    offered(&store).await;
    store.record(&waits_for(1, 2)).await.unwrap();
    assert_eq!(offers(&store).await, [("asked".to_owned(), 2)]);
    assert_eq!(position(&store, "WH-1", "A").await.available, 0);
    assert_sound(&store).await;
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
