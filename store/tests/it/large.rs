//! The largest order there is: 2,000 lines over 24 facilities. Limits of item and time are asserted, not hoped for.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use oms_domain::ids::LineId;
use oms_store::{
    FeedKind, FeedMode, FeedRow, PickedUnits, Position, Record, Recorded, Reserve, Reserved, StartFeed, StockTarget, Store, StoreConfig,
    Waiting,
};
use serde_json::{Value, json};

use crate::{
    placed::placed_order,
    stack::{fresh_config, raw_client},
    support::{
        adjust, assert_sound, count, facility, facility_id, fulfillment, messages, order, product, queued, record, sku, step, waiting,
    },
};

const LINES: u32 = 2_000;
const FACILITIES: u32 = 24;
/// What an activity has for one try. Here with debug code beside other tests.
const STEP_LIMIT: Duration = Duration::from_secs(2);
/// DynamoDB's own bound for an item is 400 kB.
const ITEM_LIMIT_BYTES: usize = 400 * 1024;

fn of(n: u32) -> String {
    format!("SKU-{n:05}")
}

fn at_facility(n: u32) -> String {
    format!("WH-{:02}", n % FACILITIES)
}

/// Every SKU at one of the facilities, so many units each.
async fn stocked(on_hand: i64) -> (StoreConfig, Store) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    for n in 0..FACILITIES {
        store.catalog().put_facility(&facility(&at_facility(n))).await.unwrap();
    }
    let feeds = store.feeds();
    let start = async |kind| {
        feeds
            .start(&StartFeed {
                kind,
                source: "test".into(),
                as_of: Some("2010-12-01T00:00:00Z".parse().unwrap()),
                mode: FeedMode::Partial,
                picked_units: PickedUnits::Counted,
                expected_rows: None,
                told_at: jiff::Timestamp::now(),
            })
            .await
            .unwrap()
    };
    let products: Vec<_> = (1..=LINES).map(|n| FeedRow { row_number: n.into(), row: product(&of(n)) }).collect();
    feeds.apply_products(start(FeedKind::Products).await, &products).await.unwrap();
    let counts: Vec<_> = (1..=LINES).map(|n| FeedRow { row_number: n.into(), row: count(&at_facility(n), &of(n), on_hand) }).collect();
    let stock = start(FeedKind::Stock).await;
    feeds.apply_stock(stock, &counts).await.unwrap();
    feeds.finish(stock).await.unwrap();
    (config, store)
}

fn line(n: u32) -> LineId {
    LineId::parse(n.to_string()).unwrap()
}

/// Runs a step, and fails if it takes longer than an activity has.
async fn timed<T>(what: &str, step: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let answer = step.await;
    println!("{what}: {} ms", begun.elapsed().as_millis());
    assert!(begun.elapsed() < STEP_LIMIT, "{what} took {:?}", begun.elapsed());
    answer
}

/// The bytes of every item of an order, by sort key, as DynamoDB counts them.
async fn item_bytes(config: &StoreConfig, order_id: &str) -> Vec<(String, usize)> {
    let answer = raw_client(config)
        .query()
        .table_name(&config.table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("ORDER#{order_id}")))
        .send()
        .await
        .unwrap();
    let bytes = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        other => panic!("an attribute of another kind: {other:?}"),
    };
    let sized = |item: &std::collections::HashMap<String, AttributeValue>| {
        (item["sk"].as_s().unwrap().clone(), item.iter().map(|(name, value)| name.len() + bytes(value)).sum())
    };
    answer.items().iter().map(sized).collect()
}

/// A document as detailed as the order's own.
fn document() -> Value {
    let line = |n: u32| {
        json!({"line_id": n.to_string(), "sku": of(n), "quantity": 6, "unit_price_minor": 255, "fulfillment_order_id": fulfillment("big", n % FACILITIES + 1),
            "units": {"ordered": 6, "open": 0, "backordered": 0, "allocated": 6, "shipped": 0, "delivered": 0, "cancelled": 0, "returned": 0}})
    };
    json!({"order_id": "big", "lines": (1..=LINES).map(line).collect::<Vec<_>>()})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_placed_reserved_recorded_shipped_and_closed_within_every_limit() {
    let (config, store) = stocked(6).await;
    let placed = placed_order("big", LINES as usize);
    timed("intake", store.put_intake(&placed, "hash", jiff::Timestamp::now())).await.unwrap();
    assert_eq!(store.intake(&order("big")).await.unwrap().unwrap().order, placed);

    let position = |n| Position {
        fulfillment_order_id: fulfillment("big", n % FACILITIES + 1),
        line_id: line(n),
        facility_id: facility_id(&at_facility(n)),
        sku: sku(&of(n)),
        quantity: 6,
    };
    let request = Reserve { positions: (1..=LINES).map(position).collect(), decision: Some(document()), ..step("big", "place", &[]) };
    let reserved = timed("reserve", store.reserve(&request)).await.unwrap();
    assert!(matches!(reserved, Reserved::Done(_)));

    let target = |n, allocated, consumed| StockTarget {
        fulfillment_order_id: fulfillment("big", n % FACILITIES + 1),
        line_id: line(n),
        facility_id: Some(facility_id(&at_facility(n))),
        sku: sku(&of(n)),
        allocated,
        consumed,
        waiting: 0,
        only_at: Vec::new(),
    };
    let recorded = |version, kind, allocated, consumed| {
        let mut next = record("big", version, kind);
        next.row.skus = if version == 1 { (1..=LINES).map(|n| sku(&of(n))).collect() } else { Vec::new() };
        let fulfillment_orders = (1..=FACILITIES).map(|n| queued("big", n, &at_facility(n + FACILITIES - 1), kind, None)).collect();
        Record { fulfillment_orders, doc: document(), stock: (1..=LINES).map(|n| target(n, allocated, consumed)).collect(), ..next }
    };
    timed("record of the sourcing", store.record(&recorded(1, "sourced", 6, 0))).await.unwrap();
    timed("record of the shipping", store.record(&recorded(2, "shipped", 0, 6))).await.unwrap();
    let late = timed("record of somebody who is late", store.record(&recorded(2, "cancelled", 0, 0))).await.unwrap();
    assert_eq!(late, Recorded::Other { stored_version: 2 });
    timed("record of the end", store.record(&Record { closed: true, doc: document(), ..record("big", 3, "closed") })).await.unwrap();
    assert_eq!(store.document(&order("big")).await.unwrap().unwrap().doc, document());

    let items = item_bytes(&config, "big").await;
    println!("items: {items:?}");
    let named: Vec<_> = items.iter().map(|(sk, _)| sk.as_str()).collect();
    assert_eq!(named, ["DOC", "INTAKE"], "compressed, none is cut");
    assert!(items.iter().all(|(_, bytes)| *bytes < ITEM_LIMIT_BYTES / 4), "{items:?}");
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_can_wait_be_served_and_be_taken_back() {
    let (_, store) = stocked(0).await;
    let wait = |n| Waiting { fulfillment_order_id: fulfillment("big", 1), line_id: line(n), ..waiting("big", &of(n), 6) };
    let skus: Vec<_> = (1..=LINES).map(|n| sku(&of(n))).collect();
    let planned_at = Some(store.availability(&skus).await.unwrap().mark);
    let request = Reserve { waiting: (1..=LINES).map(wait).collect(), planned_at, ..step("big", "place", &[]) };
    timed("reserve", store.reserve(&request)).await.unwrap();
    for n in [1, 2] {
        adjust(&store, &at_facility(n), &of(n), 6).await;
    }
    assert_eq!(messages(&store).await.len(), 2);
    let target = |n| StockTarget {
        fulfillment_order_id: fulfillment("big", 1),
        line_id: line(n),
        facility_id: None,
        sku: sku(&of(n)),
        allocated: 0,
        consumed: 0,
        waiting: 3,
        only_at: Vec::new(),
    };
    let stock = (1..=LINES).map(target).collect();
    timed("record of the waiting", store.record(&Record { stock, ..record("big", 1, "halved") })).await.unwrap();
    timed("record of the end", store.record(&Record { closed: true, ..record("big", 2, "closed") })).await.unwrap();
    assert_sound(&store).await;
}
