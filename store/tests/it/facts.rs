//! What facilities say about stock by giving units back, and whom a fact takes units from.

use jiff::Timestamp;
use oms_domain::order::{RejectionReason, StockFact};
use oms_store::{Exclusion, Facility, FulfillmentRow, Record, Recorded, RestockedGoods, ReturnRecord, StockCount, Store};
use serde_json::Value;

use crate::{
    stack::fresh_whole_store,
    support::{
        adjust, assert_sound, at, count, facility, facility_id, fulfillment, line, messages, order, position, queued, record, sku, step,
        stock_up, target, wait_for, waiting,
    },
};

/// The n-th event of an order: its facility gave units of its line back.
fn fact(order_id: &str, seq: u64, reason: RejectionReason, quantity: u32) -> StockFact {
    StockFact {
        seq,
        fulfillment_order_id: fulfillment(order_id, 1),
        line_id: line("A"),
        facility_id: facility_id("WH-1"),
        sku: sku("A"),
        reason,
        quantity,
    }
}

/// An order with so many units at WH-1, in a fulfillment order of this status.
async fn holding(store: &Store, order_id: &str, status: &str, units: u32, placed_at: &str) {
    store.reserve(&step(order_id, "place", &[("WH-1", "A", units)])).await.unwrap();
    let mut sourced = Record { stock: vec![target(order_id, "WH-1", "A", units, 0)], ..record(order_id, 1, "sourced") };
    sourced.fulfillment_orders = vec![queued(order_id, 1, "WH-1", status, None)];
    sourced.row.placed_at = at(placed_at);
    store.record(&sourced).await.unwrap();
}

/// The record of giving back so many of an order's units; `left` stay in the fulfillment order.
fn given_back(order_id: &str, reason: RejectionReason, quantity: u32, left: u32) -> Record {
    let status = if left == 0 { "incomplete" } else { "picking" };
    let stock = if left == 0 { vec![] } else { vec![target(order_id, "WH-1", "A", left, 0)] };
    let row: FulfillmentRow = queued(order_id, 1, "WH-1", status, None);
    let stock_facts = vec![fact(order_id, 2, reason, quantity)];
    Record { fulfillment_orders: vec![row], stock, stock_facts, ..record(order_id, 2, "fulfillment_rejected") }
}

/// On hand, reserved, unavailable, deficit.
async fn figures(store: &Store) -> (i64, i64, i64, i64) {
    let found = position(store, "WH-1", "A").await;
    (found.on_hand, found.reserved, found.unavailable, found.deficit)
}

#[tokio::test]
async fn the_reason_decides_what_becomes_of_the_stock_and_each_fact_counts_once() {
    for (reason, expected) in [
        (RejectionReason::NotInStock, (0, 0, 0, 0)),
        (RejectionReason::Mismatch, (7, 0, 0, 0)),
        (RejectionReason::Damaged, (10, 0, 3, 0)),
        (RejectionReason::NoCapacity, (10, 0, 0, 0)),
        (RejectionReason::Other, (10, 0, 0, 0)),
    ] {
        let store = fresh_whole_store().await;
        stock_up(&store, "WH-1", "A", 10).await;
        holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
        let rejected = given_back("o1", reason, 3, 0);
        for _ in 0..2 {
            store.record(&rejected).await.unwrap();
            assert_eq!(figures(&store).await, expected, "{reason:?}");
        }
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn what_is_not_in_stock_leaves_what_was_picked_there() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    holding(&store, "packed", "packed", 2, "2010-12-01T08:00:00Z").await;
    holding(&store, "o1", "picking", 4, "2010-12-01T08:00:00Z").await;
    store.record(&given_back("o1", RejectionReason::NotInStock, 3, 1)).await.unwrap();
    assert_eq!(figures(&store).await, (3, 3, 0, 0), "two are packed, and one was found");
    assert_sound(&store).await;
}

#[tokio::test]
async fn units_given_back_because_they_are_not_there_serve_nobody() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 3).await;
    holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
    wait_for(&store, waiting("o2", "A", 2), "o2").await;
    store.record(&given_back("o1", RejectionReason::NotInStock, 3, 0)).await.unwrap();
    assert!(messages(&store).await.is_empty());
    assert_eq!(figures(&store).await, (0, 0, 0, 0));
}

#[tokio::test]
async fn a_fact_that_a_lost_task_had_told_stands_whatever_is_said_in_its_place() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
    store.record(&given_back("o1", RejectionReason::NotInStock, 3, 0)).await.unwrap();
    assert_eq!(figures(&store).await, (0, 0, 0, 0));
    let mut instead = Record { stock: vec![target("o1", "WH-1", "A", 3, 0)], ..record("o1", 2, "fulfillment_accepted") };
    instead.fulfillment_orders = vec![queued("o1", 1, "WH-1", "accepted", None)];
    assert_eq!(store.record(&instead).await.unwrap(), Recorded::Other { stored_version: 2 });
    assert_eq!(figures(&store).await, (0, 0, 0, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_facility_is_offered_a_line_again_by_the_rule_of_its_reason() {
    for (reason, next_day, after_a_count) in [
        (RejectionReason::NoCapacity, true, false),
        (RejectionReason::NotInStock, false, true),
        (RejectionReason::Damaged, false, true),
        (RejectionReason::Other, false, false),
    ] {
        let store = fresh_whole_store().await;
        stock_up(&store, "WH-1", "A", 10).await;
        holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
        store.record(&given_back("o1", reason, 3, 0)).await.unwrap();
        let excluded = async |when: &str| store.exclusions(&order("o1"), at(when)).await.unwrap();
        let here = Exclusion { line_id: line("A"), facility_id: facility_id("WH-1") };
        assert_eq!(excluded("2010-12-01T10:00:00Z").await, [here], "{reason:?}");
        assert_eq!(excluded("2010-12-02T00:00:01Z").await.is_empty(), next_day, "{reason:?}");
        store.catalog().put_stock(&count("WH-1", "A", 5), Some(at("2010-12-01T12:00:00Z"))).await.unwrap();
        assert_eq!(excluded("2010-12-01T12:00:01Z").await.is_empty(), after_a_count, "{reason:?}");
    }
}

#[tokio::test]
async fn a_time_zone_that_postgresql_does_not_know_stops_no_record() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let somewhere = Facility { timezone: "Nowhere/Town".into(), ..facility("WH-1") };
    store.catalog().put_facility(&somewhere).await.unwrap();
    holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
    store.record(&given_back("o1", RejectionReason::NoCapacity, 3, 0)).await.unwrap();
    let excluded = async |when: &str| store.exclusions(&order("o1"), at(when)).await.unwrap().len();
    assert_eq!((excluded("2010-12-01T23:59:59Z").await, excluded("2010-12-02T00:00:01Z").await), (1, 0), "its days are UTC's");
}

#[tokio::test]
async fn stock_of_a_facility_that_gave_the_line_back_is_not_given_to_it_again() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 3).await;
    stock_up(&store, "WH-2", "A", 0).await;
    holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
    store.record(&given_back("o1", RejectionReason::Other, 3, 0)).await.unwrap();
    wait_for(&store, waiting("o1", "A", 2), "o1").await;
    adjust(&store, "WH-1", "A", 5).await;
    assert!(messages(&store).await.is_empty());
    adjust(&store, "WH-2", "A", 5).await;
    assert_eq!(messages(&store).await.len(), 1);
    assert_eq!(position(&store, "WH-2", "A").await.reserved, 2);
}

/// An order waits at WH-1, which has given its line back: it is not there. Another one has shipped a unit from there before.
async fn waiting_in_vain() -> Store {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 4).await;
    holding(&store, "gone", "packed", 1, "2010-12-01T08:00:00Z").await;
    let left = Record { stock: vec![target("gone", "WH-1", "A", 0, 1)], ..record("gone", 2, "shipped") };
    store.record(&Record { fulfillment_orders: vec![queued("gone", 1, "WH-1", "shipped", None)], ..left }).await.unwrap();
    holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
    store.record(&given_back("o1", RejectionReason::NotInStock, 3, 0)).await.unwrap();
    wait_for(&store, waiting("o1", "A", 3), "o1").await;
    assert_eq!(figures(&store).await, (0, 0, 0, 0));
    store
}

#[tokio::test]
async fn goods_that_come_back_serve_whoever_waits_for_them_where_they_were_not_in_stock() {
    let store = waiting_in_vain().await;
    let goods = vec![RestockedGoods { facility_id: facility_id("WH-1"), sku: sku("A"), restocked: 1 }];
    store.record_return(&ReturnRecord { goods, ..crate::returns::record("gone", 1, "judged", "A", 0) }).await.unwrap();
    assert_eq!((messages(&store).await.len(), figures(&store).await), (1, (1, 1, 0, 0)), "returned");

    // Called off at the dock, and nobody's.
    let store = waiting_in_vain().await;
    let mut back = record("gone", 3, "unshipped");
    back.row.updated_at = at("2010-12-02T09:00:00Z");
    (back.fulfillment_orders, back.stock) = (vec![queued("gone", 1, "WH-1", "cancelled", None)], vec![target("gone", "WH-1", "A", 0, 0)]);
    store.record(&back).await.unwrap();
    assert_eq!((messages(&store).await.len(), figures(&store).await), (1, (1, 1, 0, 0)), "unshipped");
    assert_sound(&store).await;
}

/// The orders told to give way, with their units.
async fn told(store: &Store) -> Vec<(String, u64)> {
    let units = |payload: &Value| payload["shorts"].as_array().unwrap().iter().map(|s| s["quantity"].as_u64().unwrap()).sum();
    messages(store).await.into_iter().map(|(order, payload)| (order, units(&payload))).collect()
}

#[tokio::test]
async fn a_fact_that_leaves_too_little_takes_it_from_those_furthest_from_leaving() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    holding(&store, "packed", "packed", 3, "2010-12-01T11:00:00Z").await;
    holding(&store, "early", "released", 2, "2010-12-01T08:00:00Z").await;
    holding(&store, "late", "released", 2, "2010-12-01T09:00:00Z").await;
    holding(&store, "open", "open", 3, "2010-12-01T07:00:00Z").await;
    adjust(&store, "WH-1", "A", -4).await;
    assert_eq!(told(&store).await, [("late".to_owned(), 1), ("open".to_owned(), 3)]);
    // Those who were told are not told again.
    adjust(&store, "WH-1", "A", -1).await;
    assert_eq!(told(&store).await, [("late".to_owned(), 1)]);
    // What is packed is there, whatever the count says.
    adjust(&store, "WH-1", "A", -5).await;
    assert_eq!(told(&store).await, [("early".to_owned(), 2)]);
    assert_eq!(figures(&store).await, (0, 10, 0, 10));
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_an_order_cannot_give_is_asked_of_the_next() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 4).await;
    holding(&store, "o1", "released", 2, "2010-12-01T08:00:00Z").await;
    holding(&store, "o2", "released", 2, "2010-12-01T09:00:00Z").await;
    adjust(&store, "WH-1", "A", -2).await;
    let (who, payload) = messages(&store).await.remove(0);
    assert_eq!(who, "o2");
    // It was packed meanwhile, so it takes notice and gives nothing.
    let seen = vec![payload["shorts"][0]["short_id"].as_str().unwrap().to_owned()];
    let mut packed = Record { stock: vec![target("o2", "WH-1", "A", 2, 0)], grants_seen: seen, ..record("o2", 2, "grants_seen") };
    packed.fulfillment_orders = vec![queued("o2", 1, "WH-1", "packed", None)];
    store.record(&packed).await.unwrap();
    assert_eq!(told(&store).await, [("o1".to_owned(), 2)]);
    // The other one gives way, and nothing is missing any more.
    let mut shorted = record("o1", 2, "fulfillment_shorted");
    shorted.fulfillment_orders = vec![queued("o1", 1, "WH-1", "incomplete", None)];
    store.record(&shorted).await.unwrap();
    assert_eq!(figures(&store).await, (2, 2, 0, 0));
    assert!(told(&store).await.is_empty());
}

#[tokio::test]
async fn a_rejection_that_a_count_overturns_serves_who_has_waited() {
    for (reason, there) in [(RejectionReason::Damaged, 10), (RejectionReason::Mismatch, 7)] {
        let store = fresh_whole_store().await;
        stock_up(&store, "WH-1", "A", 10).await;
        while store.serve_due(Timestamp::now()).await.unwrap() {}
        holding(&store, "o1", "released", 3, "2010-12-01T08:00:00Z").await;
        store.record(&given_back("o1", reason, 3, 0)).await.unwrap();
        wait_for(&store, waiting("o1", "A", 3), "o1").await;
        assert!(!store.serve_due(Timestamp::now()).await.unwrap(), "it gave the line back");
        // It finds as many as the books have: nothing comes, and all the same it could ship them.
        store.catalog().put_stock(&count("WH-1", "A", there), Some(at("2010-12-02T12:00:00Z"))).await.unwrap();
        while store.serve_due(Timestamp::now()).await.unwrap() {}
        assert_eq!(messages(&store).await.len(), 1, "{reason:?}");
        assert_eq!(position(&store, "WH-1", "A").await.reserved, 3, "{reason:?}");
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn what_is_there_and_cannot_be_sold_is_missing_to_those_who_hold_it() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    holding(&store, "early", "released", 6, "2010-12-01T08:00:00Z").await;
    holding(&store, "late", "released", 4, "2010-12-01T09:00:00Z").await;
    let found = async |unavailable, when: &str| {
        let count = StockCount { unavailable: Some(unavailable), ..count("WH-1", "A", 10) };
        store.catalog().put_stock(&count, Some(at(when))).await.unwrap();
        assert_sound(&store).await;
    };
    found(5, "2010-12-02T00:00:00Z").await;
    assert_eq!(figures(&store).await, (10, 10, 5, 5));
    assert_eq!(told(&store).await, [("early".to_owned(), 1), ("late".to_owned(), 4)]);
    // What leaves is what was fit; the rest is as short as before.
    let mut shipped = Record { stock: vec![target("early", "WH-1", "A", 0, 6)], ..record("early", 2, "shipped") };
    shipped.fulfillment_orders = vec![queued("early", 1, "WH-1", "shipped", None)];
    store.record(&shipped).await.unwrap();
    assert_eq!(figures(&store).await, (4, 4, 5, 4));
    assert_sound(&store).await;
    let mut given = record("late", 2, "fulfillment_shorted");
    given.fulfillment_orders = vec![queued("late", 1, "WH-1", "incomplete", None)];
    store.record(&given).await.unwrap();
    assert_eq!(figures(&store).await, (4, 0, 5, 0), "nobody is short of what nobody holds");
    found(0, "2010-12-03T00:00:00Z").await;
}
