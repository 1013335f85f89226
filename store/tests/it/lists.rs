//! Lists: filters, order, cursors.

use oms_domain::access::{Reach, Scope};
use oms_store::{FulfillmentFilter, OrderFilter, Ordered, Record, Store};

use crate::{
    stack::fresh_whole_store,
    support::{at, facility_id, queued, record, shipped, sku},
};

/// Orders o0 to o6, a day apart; every other one is on hold.
async fn seven_orders() -> Store {
    let store = fresh_whole_store().await;
    for n in 0..7_u32 {
        let id = format!("o{n}");
        let mut placed = record(&id, 1, "placed");
        placed.row.placed_at = at(&format!("2010-12-0{}T08:26:00Z", n + 1));
        placed.row.status = if n < 3 { "completed" } else { "processing" }.into();
        placed.row.skus = vec![sku("A"), sku(if n == 2 { "B" } else { "C" })];
        placed.row.needs_attention = n == 5;
        if n % 2 == 0 {
            placed.row.hold_reasons = vec!["awaiting_payment".into()];
        }
        placed.fulfillment_orders = vec![if n == 4 { shipped(&id, "ST-1", "N4") } else { queued(&id, 1, "WH-1", "open", None) }];
        store.record(&placed).await.unwrap();
    }
    store
}

async fn ids(store: &Store, filter: OrderFilter) -> Vec<String> {
    let page = store.orders_page(&filter, None, 100).await.unwrap();
    assert_eq!(page.next_cursor, None);
    page.items.iter().map(|order| order.order_id.to_string()).collect()
}

#[tokio::test]
async fn every_filter_selects_and_filters_add_up() {
    let store = seven_orders().await;
    let all = OrderFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(ids(&store, all()).await, ["o6", "o5", "o4", "o3", "o2", "o1", "o0"]);
    assert_eq!(ids(&store, OrderFilter { status: text("completed"), ..all() }).await, ["o2", "o1", "o0"]);
    assert_eq!(ids(&store, OrderFilter { channel: text("store"), ..all() }).await, [""; 0]);
    assert_eq!(ids(&store, OrderFilter { customer_id: Some("17850".parse().unwrap()), ..all() }).await.len(), 7);
    assert_eq!(ids(&store, OrderFilter { sku: Some(sku("B")), ..all() }).await, ["o2"]);
    assert_eq!(ids(&store, OrderFilter { facility_id: Some(facility_id("ST-1")), ..all() }).await, ["o4"]);
    assert_eq!(ids(&store, OrderFilter { tracking_number: text("N4"), ..all() }).await, ["o4"]);
    assert_eq!(ids(&store, OrderFilter { hold_reason: text("awaiting_payment"), ..all() }).await, ["o6", "o4", "o2", "o0"]);
    assert_eq!(ids(&store, OrderFilter { needs_attention: Some(true), ..all() }).await, ["o5"]);
    let between = OrderFilter { placed_after: Some(at("2010-12-02T09:00:00Z")), placed_before: Some(at("2010-12-05T00:00:00Z")), ..all() };
    assert_eq!(ids(&store, between).await, ["o3", "o2"]);
    assert_eq!(ids(&store, OrderFilter { updated_after: Some(at("2010-12-02T00:00:00Z")), ..all() }).await, [""; 0]);
    let both = OrderFilter { status: text("processing"), hold_reason: text("awaiting_payment"), ..all() };
    assert_eq!(ids(&store, both).await, ["o6", "o4"]);
}

#[tokio::test]
async fn a_customer_has_orders_returns_and_what_was_ordered() {
    let store = seven_orders().await;
    let id = "17850".parse().unwrap();
    let mut cancelled = record("o6", 2, "cancelled");
    cancelled.row.status = "cancelled".into();
    cancelled.row.placed_at = at("2010-12-07T08:26:00Z");
    store.record(&cancelled).await.unwrap();
    let all = store.customer(&id, &Scope::default()).await.unwrap().unwrap();
    let seen: Vec<&str> = all.orders.iter().map(|order| order.order_id.as_str()).collect();
    assert_eq!((seen, all.orders_looked_at), (vec!["o6", "o5", "o4", "o3", "o2", "o1", "o0"], 7));
    let total = all.orders.iter().skip(1).map(|order| order.total_minor).sum();
    assert_eq!(all.ordered, [Ordered { currency: "GBP".parse().unwrap(), orders: 6, total_minor: total }]);
    let facilities = Reach::Only([facility_id("ST-1")].into());
    let store_only = store.customer(&id, &Scope { facilities, ..Scope::default() }).await.unwrap().unwrap();
    assert_eq!((store_only.orders.len(), store_only.orders_looked_at), (1, 1));
    assert_eq!(store.customer(&"nobody".parse().unwrap(), &Scope::default()).await.unwrap(), None);
}

#[tokio::test]
async fn an_order_is_found_by_what_is_in_it_now_and_by_a_number_however_it_is_written() {
    let store = seven_orders().await;
    let of = async |of: &str| ids(&store, OrderFilter { sku: Some(sku(of)), ..OrderFilter::default() }).await;
    let mut changed = record("o2", 2, "changed");
    changed.row.placed_at = at("2010-12-03T08:26:00Z");
    let mut removed = changed.clone();
    (removed.row.skus, removed.row.gone_skus) = (vec![sku("D")], vec![sku("A"), sku("B")]);
    store.record(&removed).await.unwrap();
    assert_eq!((of("A").await.len(), of("B").await.len(), of("D").await), (6, 0, vec!["o2".to_owned()]));
    assert!(!of("A").await.contains(&"o2".to_owned()));
    // Ordered again after all.
    let mut again = Record { base: 2, version: 3, ..changed };
    (again.events[0].seq, again.row.skus) = (3, vec![sku("A")]);
    store.record(&again).await.unwrap();
    assert_eq!(of("A").await, ["o6", "o5", "o4", "o3", "o2", "o1", "o0"]);
    let typed = OrderFilter { tracking_number: Some(" n-4".to_owned()), ..OrderFilter::default() };
    assert_eq!(ids(&store, typed).await, ["o4"]);
}

#[tokio::test]
async fn a_list_that_goes_along_something_else_has_each_order_once_page_by_page() {
    let store = seven_orders().await;
    let mut parted = record("o3", 2, "split");
    parted.row.placed_at = at("2010-12-04T08:26:00Z");
    parted.fulfillment_orders = (2..5).map(|n| queued("o3", n, "WH-1", "open", None)).collect();
    store.record(&parted).await.unwrap();
    let facility_id = Some(facility_id("WH-1"));
    for (filter, expected) in [
        (OrderFilter { facility_id: facility_id.clone(), ..OrderFilter::default() }, vec!["o6", "o5", "o3", "o2", "o1", "o0"]),
        (OrderFilter { sku: Some(sku("C")), ..OrderFilter::default() }, vec!["o6", "o5", "o4", "o3", "o1", "o0"]),
        (OrderFilter { sku: Some(sku("C")), facility_id, ..OrderFilter::default() }, vec!["o6", "o5", "o3", "o1", "o0"]),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = store.orders_page(&filter, cursor.as_deref(), 2).await.unwrap();
            seen.extend(page.items.iter().map(|order| order.order_id.to_string()));
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next);
        }
        assert_eq!(seen, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_join_into_the_whole_list_also_when_rows_are_added_meanwhile() {
    let store = seven_orders().await;
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = store.orders_page(&OrderFilter::default(), cursor.as_deref(), 3).await.unwrap();
        seen.extend(page.items.iter().map(|order| order.order_id.to_string()));
        let mut newer = record("newer", 1, "placed");
        newer.row.placed_at = at("2011-01-01T00:00:00Z");
        store.record(&newer).await.unwrap();
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["o6", "o5", "o4", "o3", "o2", "o1", "o0"]);
    assert!(store.orders_page(&OrderFilter::default(), Some("nonsense"), 3).await.is_err());
}

#[tokio::test]
async fn the_queue_shows_what_ships_soonest_first_and_what_has_no_date_last() {
    let store = fresh_whole_store().await;
    let queue = vec![
        queued("o1", 1, "WH-1", "released", None),
        queued("o1", 2, "WH-1", "released", Some("2010-12-03T17:00:00Z")),
        queued("o1", 3, "WH-1", "released", Some("2010-12-02T17:00:00Z")),
        queued("o1", 4, "WH-1", "accepted", Some("2010-12-01T17:00:00Z")),
        queued("o1", 5, "WH-2", "released", Some("2010-12-01T17:00:00Z")),
        queued("o1", 6, "WH-1", "released", None),
    ];
    store.record(&Record { fulfillment_orders: queue, ..record("o1", 1, "released") }).await.unwrap();
    let filter = FulfillmentFilter { facility_id: Some(facility_id("WH-1")), statuses: vec!["released".into()], ..Default::default() };
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = store.fulfillment_orders_page(&filter, cursor.as_deref(), 1).await.unwrap();
        seen.extend(page.items.iter().map(|f| f.fulfillment_order_id.to_string()));
        let Some(next) = page.next_cursor else { break };
        cursor = Some(next);
    }
    assert_eq!(seen, ["o1-F3", "o1-F2", "o1-F1", "o1-F6"]);
    let all = store.fulfillment_orders_page(&FulfillmentFilter::default(), None, 10).await.unwrap().items;
    let all: Vec<String> = all.iter().map(|f| f.fulfillment_order_id.to_string()).collect();
    assert_eq!(all, ["o1-F4", "o1-F5", "o1-F3", "o1-F2", "o1-F1", "o1-F6"], "of all states, in one order");
}
