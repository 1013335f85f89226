//! A return's progress: written once however often it is sent, with the stock that it puts back.

use jiff::{SignedDuration, Timestamp};
use oms_domain::ids::ReturnId;
use oms_store::{Recorded, RecordedEvent, RestockedGoods, ReturnFilter, ReturnLabel, ReturnRecord, Store};
use serde_json::json;

use crate::{
    stack::{fresh_store, fresh_whole_store},
    support::{assert_sound, at, count, facility_id, messages, order, position, shipped, sku, stock_up},
};

const APPENDED: Recorded = Recorded::Appended { deficit_units: 0 };

fn id(order_id: &str, number: u32) -> ReturnId {
    ReturnId::of(&order(order_id), number)
}

/// One event that leaves so many units on hand at L.
pub fn record(order_id: &str, version: u64, kind: &str, of: &str, restocked: u32) -> ReturnRecord {
    let time = at("2011-01-05T10:00:00Z");
    ReturnRecord {
        return_id: id(order_id, 1),
        order_id: order(order_id),
        base: version - 1,
        version,
        status: "received".into(),
        needs_attention: false,
        opened_at: time,
        updated_at: time,
        next_wait_at: None,
        events: vec![RecordedEvent { seq: version, kind: kind.into(), at: time, data: json!({"type": kind}), by: None }],
        goods: vec![RestockedGoods { facility_id: facility_id(&format!("L-{of}")), sku: sku(of), restocked }],
        label: None,
        doc: json!({"version": version}),
    }
}

async fn on_hand(store: &Store, of: &str) -> i64 {
    position(store, &format!("L-{of}"), of).await.on_hand
}

#[tokio::test]
async fn what_is_put_back_is_put_back_once_and_with_its_cause() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-A", "RET-A", 5).await;
    assert_eq!(store.record_return(&record("RA", 1, "asked", "RET-A", 0)).await.unwrap(), APPENDED);
    let judged = record("RA", 2, "judged", "RET-A", 3);
    assert_eq!(store.record_return(&judged).await.unwrap(), APPENDED);
    assert_eq!(store.record_return(&judged).await.unwrap(), Recorded::Same { stored_version: 2 });
    assert_eq!(on_hand(&store, "RET-A").await, 8);
    assert_eq!(store.return_document(&id("RA", 1)).await.unwrap(), Some(json!({"version": 2})));
    let kinds: Vec<String> = store.return_events(&id("RA", 1)).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!((kinds, store.returns_of(&order("RA")).await.unwrap()), (vec!["asked".to_owned(), "judged".to_owned()], 1));
}

#[tokio::test]
async fn what_a_count_has_seen_put_back_is_not_put_back_again_when_it_is_recorded_late() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-L", "RET-L", 5).await;
    store.catalog().put_stock(&count("L-RET-L", "RET-L", 8), Some(at("2011-01-05T11:00:00Z"))).await.unwrap();
    let judged = record("RL", 1, "judged", "RET-L", 3);
    store.record_return(&judged).await.unwrap();
    assert_eq!(on_hand(&store, "RET-L").await, 8, "the count has these three");
    let later = at("2011-01-05T12:00:00Z");
    store.record_return(&ReturnRecord { updated_at: later, ..record("RL", 2, "judged", "RET-L", 4) }).await.unwrap();
    assert_eq!(on_hand(&store, "RET-L").await, 9, "and not the fourth");
    assert_sound(&store).await;
    // Had nobody counted, all would have come back.
    store.catalog().take_back_count(&facility_id("L-RET-L"), &sku("RET-L"), at("2011-01-05T11:00:00Z")).await.unwrap();
    assert_eq!(on_hand(&store, "RET-L").await, 9);
    assert_sound(&store).await;
}

#[tokio::test]
async fn of_two_that_record_at_one_version_the_first_stands_with_its_stock() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-B", "RET-B", 5).await;
    store.record_return(&record("RB", 1, "asked", "RET-B", 0)).await.unwrap();
    store.record_return(&record("RB", 2, "accepted", "RET-B", 3)).await.unwrap();
    store.record_return(&record("RB", 3, "closed", "RET-B", 3)).await.unwrap();
    let late = record("RB", 2, "rejected", "RET-B", 0);
    assert_eq!(store.record_return(&late).await.unwrap(), Recorded::Other { stored_version: 3 });
    assert_eq!(on_hand(&store, "RET-B").await, 8);
    let kinds: Vec<String> = store.return_events(&id("RB", 1)).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["asked", "accepted", "closed"]);
    assert_eq!(store.return_document(&id("RB", 1)).await.unwrap(), Some(json!({"version": 3})));
}

#[tokio::test]
async fn a_record_whose_predecessor_is_missing_says_what_there_is_and_changes_nothing() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-C", "RET-C", 5).await;
    let ahead = record("RC", 4, "judged", "RET-C", 3);
    assert_eq!(store.record_return(&ahead).await.unwrap(), Recorded::Behind { stored_version: 0 });
    assert_eq!((on_hand(&store, "RET-C").await, store.return_document(&id("RC", 1)).await.unwrap()), (5, None));
    assert_eq!(store.record_return(&ReturnRecord { base: 0, ..ahead }).await.unwrap(), APPENDED);
    assert_eq!(on_hand(&store, "RET-C").await, 8);
}

#[tokio::test]
async fn a_carriers_events_on_a_returns_label_find_its_order_and_name_the_return() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-D", "RET-D", 5).await;
    let label = ReturnLabel { carrier: "SIM".into(), tracking_number: "RET-D-1".into() };
    let sent = ReturnRecord { label: Some(label), ..record("RD", 1, "label", "RET-D", 0) };
    let scan = oms_store::CarrierEvent {
        event_id: "e1".into(),
        carrier: "SIM".into(),
        tracking_number: "RET-D-1".into(),
        status: "in_transit".into(),
        occurred_at: at("2011-01-06T10:00:00Z"),
        by: None,
    };
    // The scan is faster than the record: parked, and told as soon as the number is known.
    store.accept_carrier_events(&[scan]).await.unwrap();
    store.record_return(&sent).await.unwrap();
    let messages = store.inbox_claim(1_000, std::time::Duration::from_secs(1)).await.unwrap();
    let told = messages.iter().find(|message| message.order_id == order("RD")).expect("a message");
    assert_eq!(told.payload["events"][0]["parcel_id"], "RD-R1");
}

#[tokio::test]
async fn once_no_goods_are_awaited_the_number_of_their_label_may_be_another_parcels() {
    let store = fresh_whole_store().await;
    stock_up(&store, "L-RET-F", "RET-F", 5).await;
    for (n, (status, told)) in [
        ("label_sent", 2),
        ("in_transit", 2),
        ("partially_received", 2),
        ("received", 1),
        ("inspected", 1),
        ("refund_failed", 1),
        ("closed", 1),
        ("cancelled", 1),
        ("expired", 1),
        ("lost", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let (back, other, number) = (format!("RF{n}"), format!("RG{n}"), format!("N{n}"));
        let label = ReturnLabel { carrier: "acme".into(), tracking_number: number.clone() };
        for (version, status) in [(1, "label_sent"), (2, status)] {
            let sent = ReturnRecord { label: Some(label.clone()), status: status.into(), ..record(&back, version, "moved", "RET-F", 0) };
            store.record_return(&sent).await.unwrap();
        }
        let mut row = shipped(&other, "WH-1", &number);
        row.updated_at = at("2011-02-05T10:00:00Z");
        let shipping = oms_store::Record { fulfillment_orders: vec![row], ..crate::support::record(&other, 1, "shipped") };
        store.record(&shipping).await.unwrap();
        let scan = oms_store::CarrierEvent {
            event_id: "e1".into(),
            carrier: "acme".into(),
            tracking_number: number,
            status: "in_transit".into(),
            occurred_at: at("2011-02-06T10:00:00Z"),
            by: None,
        };
        store.accept_carrier_events(&[scan]).await.unwrap();
        let ids: Vec<String> = messages(&store).await.into_iter().map(|(order_id, _)| order_id).collect();
        assert_eq!((ids.len(), ids.last()), (told, Some(&other)), "{status}: {ids:?}");
    }
}

#[tokio::test]
async fn returns_are_listed_newest_first_by_order_and_status() {
    let store = fresh_store().await;
    stock_up(&store, "L-RET-E", "RET-E", 5).await;
    for number in 1..=3_u32 {
        let opened_at = at(&format!("2011-02-0{number}T10:00:00Z"));
        let status = if number == 2 { "closed" } else { "received" };
        let record = ReturnRecord { return_id: id("RE", number), opened_at, status: status.into(), ..record("RE", 1, "asked", "RET-E", 0) };
        store.record_return(&record).await.unwrap();
    }
    let of = |status: Option<&str>| ReturnFilter {
        order_id: Some(order("RE")),
        status: status.map(str::to_owned),
        needs_attention: Some(false),
        ..ReturnFilter::default()
    };
    let first = store.returns_page(&of(None), None, 2).await.unwrap();
    let rest = store.returns_page(&of(None), first.next_cursor.as_deref(), 2).await.unwrap();
    let ids: Vec<ReturnId> = first.items.into_iter().chain(rest.items).map(|found| found.return_id).collect();
    assert_eq!((ids, rest.next_cursor), (vec![id("RE", 3), id("RE", 2), id("RE", 1)], None));
    let closed = store.returns_page(&of(Some("closed")), None, 10).await.unwrap();
    assert_eq!(closed.items.len(), 1);
}

#[tokio::test]
async fn a_return_is_overdue_once_its_next_wait_is_over_and_again_if_nothing_is_heard_of_it() {
    let store = fresh_whole_store().await;
    let (now, minutes) = (at("2011-01-05T10:00:00Z"), SignedDuration::from_mins);
    let waits = [("RL", Some(now - minutes(1))), ("RM", Some(now + minutes(1))), ("RN", None)];
    for (order_id, next_wait_at) in waits {
        store.record_return(&ReturnRecord { next_wait_at, ..record(order_id, 1, "asked", "RET-L", 0) }).await.unwrap();
    }
    let overdue = async |at: Timestamp| store.claim_overdue_returns(at, at + minutes(10), 10).await.unwrap();
    assert_eq!(store.overdue_orders(now, 10).await.unwrap(), [order("RL")]);
    assert_eq!(overdue(now).await, [id("RL", 1)]);
    assert_eq!(overdue(now).await, [], "whoever claimed it has it for a while");
    assert_eq!(overdue(now + minutes(2)).await, [id("RM", 1)]);
    assert_eq!(overdue(now + minutes(11)).await, [id("RL", 1)]);
    // What is recorded counts from then on.
    store.record_return(&record("RL", 2, "closed", "RET-L", 0)).await.unwrap();
    assert_eq!(overdue(now + minutes(60)).await, [id("RM", 1)]);
}
