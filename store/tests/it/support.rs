//! Builders: the shortest way to say what a test is about.

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, Sku};
use oms_store::{
    Adjustment, AdjustmentReason, AdjustmentResult, Facility, FeedKind, FeedMode, FeedRow, FulfillmentRow, Invariants, OrderRow,
    OutboxEvent, ParcelRow, PickedUnits, Position, Product, Receipt, Record, RecordedEvent, Reserve, Reserved, StartFeed, StockCount,
    StockPosition, StockTarget, Store, Waiting,
};
use serde_json::{Value, json};

pub fn order(id: &str) -> OrderId {
    OrderId::parse(id).unwrap()
}

pub fn sku(id: &str) -> Sku {
    Sku::parse(id).unwrap()
}

pub fn facility_id(id: &str) -> FacilityId {
    FacilityId::parse(id).unwrap()
}

pub fn line(id: &str) -> LineId {
    LineId::parse(id).unwrap()
}

/// The n-th fulfillment order of an order.
pub fn fulfillment(order_id: &str, n: u32) -> FulfillmentOrderId {
    FulfillmentOrderId::of(&order(order_id), n)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn facility(id: &str) -> Facility {
    Facility {
        facility_id: facility_id(id),
        name: format!("Facility {id}"),
        facility_type: "warehouse".into(),
        country: "GB".into(),
        city: "Leeds".into(),
        latitude: 53.8,
        longitude: -1.5,
        timezone: "Europe/London".into(),
        handling_cost_minor: 90,
        daily_order_capacity: Some(400),
        cutoff_local_time: jiff::civil::time(17, 0, 0, 0),
        working_days: "Mon-Fri".into(),
        ship_enabled: true,
        pickup_enabled: false,
    }
}

pub fn product(id: &str) -> Product {
    Product {
        sku: sku(id),
        title: format!("Product {id}"),
        price_minor: 255,
        currency: "GBP".parse().unwrap(),
        weight_g: 500,
        length_mm: 100,
        width_mm: 80,
        height_mm: 60,
    }
}

pub fn count(facility: &str, of: &str, on_hand: i64) -> StockCount {
    StockCount { facility_id: facility_id(facility), sku: sku(of), on_hand, safety_stock: None, oversell_limit: None, unavailable: None }
}

/// Facility, product and count in one.
pub async fn stock_up(store: &Store, facility_of: &str, of: &str, on_hand: i64) {
    let catalog = store.catalog();
    catalog.put_facility(&facility(facility_of)).await.unwrap();
    catalog.put_product(&product(of)).await.unwrap();
    catalog.put_stock(&count(facility_of, of, on_hand), Some(at("2010-12-01T00:00:00Z"))).await.unwrap();
}

/// An adjustment that must be taken.
pub async fn adjust(store: &Store, facility: &str, of: &str, quantity: i64) {
    let adjustment = Adjustment {
        adjustment_id: None,
        facility_id: facility_id(facility),
        sku: sku(of),
        quantity,
        unavailable: 0,
        reason: AdjustmentReason::Correction,
        occurred_at: Some(at("2010-12-02T00:00:00Z")),
        told_at: at("2010-12-02T00:00:00Z"),
    };
    assert_eq!(store.adjust_stock(&[adjustment]).await.unwrap(), [AdjustmentResult::Applied]);
}

/// A file of facts or counts, told now.
pub fn feed(kind: FeedKind, mode: FeedMode, as_of: Option<Timestamp>) -> StartFeed {
    let (source, picked_units, told_at) = ("test.csv".to_owned(), PickedUnits::Counted, Timestamp::now());
    StartFeed { kind, source, as_of, mode, picked_units, expected_rows: None, told_at }
}

/// A file with one receipt.
pub async fn receive(store: &Store, facility: &str, of: &str, quantity: u32, received_at: Timestamp) {
    let feed_id = store.feeds().start(&feed(FeedKind::Receipts, FeedMode::Partial, None)).await.unwrap();
    let row = Receipt { receipt_id: None, received_at, facility_id: facility_id(facility), sku: sku(of), quantity };
    let result = store.feeds().apply_receipts(feed_id, &[FeedRow { row_number: 1, row }]).await.unwrap();
    assert_eq!((result.accepted, result.rejected.len()), (1, 0));
}

/// Serves all that is due at a time.
pub async fn serve(store: &Store, at: Timestamp) {
    while store.serve_due(at).await.unwrap() {}
}

pub async fn position(store: &Store, facility: &str, of: &str) -> StockPosition {
    let positions = store.stock_of(&sku(of)).await.unwrap();
    positions.into_iter().find(|p| p.facility_id.as_str() == facility).expect("the position")
}

/// A step that takes units for line 1 of the order's first fulfillment order; each position is (facility, SKU, units).
pub fn step(order_id: &str, key: &str, positions: &[(&str, &str, u32)]) -> Reserve {
    let position = |(facility, of, quantity): &(&str, &str, u32)| Position {
        fulfillment_order_id: fulfillment(order_id, 1),
        line_id: line(of),
        facility_id: facility_id(facility),
        sku: sku(of),
        quantity: *quantity,
    };
    Reserve {
        order_id: order(order_id),
        key: key.into(),
        positions: positions.iter().map(position).collect(),
        waiting: Vec::new(),
        rank_at: None,
        planned_at: None,
        facilities_version: None,
        full: Vec::new(),
        takes_over: None,
        decision: None,
        answer: json!({"step": key}),
    }
}

/// Units an order waits for, in its second fulfillment order, from wherever they come.
pub fn waiting(order_id: &str, of: &str, quantity: u32) -> Waiting {
    Waiting {
        fulfillment_order_id: fulfillment(order_id, 2),
        line_id: line(of),
        sku: sku(of),
        quantity,
        plans_again: false,
        all_or_nothing: false,
        ships_with: None,
        only_at: Vec::new(),
        could_have: Some((0..32).collect()),
        declined: std::collections::BTreeMap::new(),
        expires_at: None,
    }
}

/// Makes an order wait, as a plan made just now would.
pub async fn wait_for(store: &Store, wait: Waiting, order_id: &str) {
    wait_since(store, wait, order_id, "2010-12-01T00:00:00Z").await;
}

/// The same, for an order of this rank.
pub async fn wait_since(store: &Store, wait: Waiting, order_id: &str, rank_at: &str) {
    let seen = store.availability(std::slice::from_ref(&wait.sku)).await.unwrap();
    let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
    let request =
        Reserve { waiting: vec![wait], rank_at: Some(at(rank_at)), planned_at, facilities_version, ..step(order_id, "wait", &[]) };
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)));
}

/// Everything in the inbox, taken out of it.
pub async fn messages(store: &Store) -> Vec<(String, Value)> {
    let claimed = store.inbox_claim(1_000, std::time::Duration::from_secs(60)).await.unwrap();
    store.inbox_done(&claimed.iter().map(|message| message.id).collect::<Vec<_>>()).await.unwrap();
    claimed.into_iter().map(|message| (message.order_id.to_string(), message.payload)).collect()
}

/// The figures that must be 0 whatever happened, and a ledger that explains every unit.
pub async fn assert_sound(store: &Store) {
    let found = store.invariants().await.unwrap();
    let Invariants { oversold_units, leaked_reservations, waiting_of_closed_orders, waiting_beside_stock, .. } = found;
    assert_eq!((oversold_units, leaked_reservations, waiting_of_closed_orders, waiting_beside_stock), (0, 0, 0, 0), "{found:?}");
    assert_eq!(store.unexplained_positions().await.unwrap(), [""; 0]);
}

/// A record that takes an order from one version to the next by an event of this kind, and changes nothing else.
pub fn record(order_id: &str, version: u64, kind: &str) -> Record {
    let happened = at("2010-12-01T09:00:00Z");
    Record {
        order_id: order(order_id),
        base: version - 1,
        version,
        beginning: (version == 1).then(|| json!({"of": order_id})),
        doc: json!({"version": version, "after": kind}),
        events: vec![RecordedEvent { seq: version, kind: kind.into(), at: happened, data: json!({"kind": kind}), by: None }],
        commands: Vec::new(),
        row: OrderRow {
            status: "processing".into(),
            channel: "web".into(),
            customer_id: "17850".parse().unwrap(),
            currency: "GBP".parse().unwrap(),
            total_minor: 1_530,
            placed_at: at("2010-12-01T08:26:00Z"),
            updated_at: happened,
            needs_attention: false,
            hold_reasons: Vec::new(),
            next_wait_at: None,
            skus: Vec::new(),
            gone_skus: Vec::new(),
        },
        fulfillment_orders: Vec::new(),
        stock: Vec::new(),
        grants_seen: Vec::new(),
        stock_facts: Vec::new(),
        planning: false,
        closed: false,
    }
}

/// Where line `of` of the order's first fulfillment order is: at the facility, so many allocated and consumed.
pub fn target(order_id: &str, facility: &str, of: &str, allocated: u32, consumed: u32) -> StockTarget {
    StockTarget {
        fulfillment_order_id: fulfillment(order_id, 1),
        line_id: line(of),
        facility_id: Some(facility_id(facility)),
        sku: sku(of),
        allocated,
        consumed,
        waiting: 0,
        only_at: Vec::new(),
    }
}

/// The order's first fulfillment order with one parcel under this number.
pub fn shipped(order_id: &str, facility: &str, tracking_number: &str) -> FulfillmentRow {
    let id = fulfillment(order_id, 1);
    FulfillmentRow {
        parcels: vec![ParcelRow {
            parcel_id: oms_domain::ids::ParcelId::of(&id, 1),
            carrier: Some("acme".into()),
            tracking_number: Some(tracking_number.into()),
            status: "handed_over".into(),
        }],
        ..queued(order_id, 1, facility, "shipped", None)
    }
}

/// A fulfillment order without parcels.
pub fn queued(order_id: &str, n: u32, facility: &str, status: &str, ship_by: Option<&str>) -> FulfillmentRow {
    FulfillmentRow {
        fulfillment_order_id: fulfillment(order_id, n),
        facility_id: Some(facility_id(facility)),
        status: status.into(),
        delivery_method: oms_domain::placed::DeliveryMethod::Standard,
        ship_by: ship_by.map(at),
        updated_at: at("2010-12-01T09:00:00Z"),
        parcels: Vec::new(),
        ship_days: Vec::new(),
        planned_again: false,
    }
}

/// Reads the outbox until so many events have come: each waits for the transactions that were open when it was written, those of
/// other tests included, since transaction ids belong to the whole server.
///
/// # Panics
/// When they have not come within 20 s.
pub async fn read_events(store: &Store, after: Option<&str>, count: usize) -> (Vec<OutboxEvent>, String) {
    let begun = std::time::Instant::now();
    let (mut events, mut next) = (Vec::new(), after.map(str::to_owned));
    loop {
        let page = store.events_after(next.as_deref(), &Default::default(), 100).await.unwrap();
        events.extend(page.events);
        if events.len() >= count {
            return (events, page.next);
        }
        next = Some(page.next);
        assert!(begun.elapsed().as_secs() < 20, "{} of {count} events within 20 s", events.len());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
