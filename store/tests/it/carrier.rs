//! Carrier events: once each, to the order whose parcel it is, sooner or later.

use std::time::Duration;

use oms_store::{CarrierEvent, CarrierResult::*, Record, Store};

use crate::{
    stack::fresh_whole_store,
    support::{at, messages, record, shipped},
};

fn event(number: &str, event_id: &str, minute: u32) -> CarrierEvent {
    CarrierEvent {
        event_id: event_id.into(),
        carrier: "acme".into(),
        tracking_number: number.into(),
        status: "in_transit".into(),
        occurred_at: at(&format!("2010-12-02T10:{minute:02}:00Z")),
        by: None,
    }
}

/// Order, parcel and event ids of each message.
async fn told(store: &Store) -> Vec<(String, Vec<String>)> {
    let ids = |payload: &serde_json::Value| {
        let events = payload["events"].as_array().unwrap();
        events.iter().map(|e| format!("{}/{}", e["parcel_id"].as_str().unwrap(), e["event_id"].as_str().unwrap())).collect()
    };
    messages(store).await.iter().map(|(order_id, payload)| (order_id.clone(), ids(payload))).collect()
}

async fn ship(store: &Store, order_id: &str, number: &str) {
    let fulfillment_orders = vec![shipped(order_id, "WH-1", number)];
    store.record(&Record { fulfillment_orders, ..record(order_id, 1, "shipped") }).await.unwrap();
}

#[tokio::test]
async fn known_numbers_reach_their_order_in_the_carriers_order_and_repeats_do_not() {
    let store = fresh_whole_store().await;
    ship(&store, "o1", "N1").await;
    ship(&store, "o2", "N2").await;
    let batch = [event("N1", "e2", 2), event("N1", "e1", 1), event("N2", "e1", 1), event("N1", "e2", 2), event("N9", "e1", 1)];
    assert_eq!(store.accept_carrier_events(&batch).await.unwrap(), [Accepted, Accepted, Accepted, Duplicate, Parked]);
    let expected =
        [("o1".to_owned(), vec!["o1-F1-P1/e1".to_owned(), "o1-F1-P1/e2".to_owned()]), ("o2".to_owned(), vec!["o2-F1-P1/e1".to_owned()])];
    assert_eq!(told(&store).await, expected);
    assert_eq!(store.accept_carrier_events(&batch).await.unwrap(), [Duplicate; 5]);
    assert_eq!(told(&store).await, []);
    assert_eq!(store.accept_carrier_events(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn what_an_order_is_told_of_an_event_is_had_by_whoever_accepts_it_and_by_nobody_else() {
    let store = fresh_whole_store().await;
    ship(&store, "o1", "N1").await;
    let accept = async || store.accept_and_claim(&[event("N1", "e1", 1)], 10, Duration::from_secs(30)).await.unwrap();
    let (results, had) = accept().await;
    let had: Vec<_> = had.iter().map(|message| (message.order_id.as_str(), message.attempts)).collect();
    assert_eq!((results, had), (vec![Accepted], vec![("o1", 1)]));
    assert_eq!(told(&store).await, []);
    assert_eq!(accept().await, (vec![Duplicate], vec![]));
}

#[tokio::test]
async fn what_was_parked_is_delivered_when_a_parcel_gets_the_number() {
    let store = fresh_whole_store().await;
    assert_eq!(store.accept_carrier_events(&[event("N1", "e1", 1), event("N2", "e1", 1)]).await.unwrap(), [Parked, Parked]);
    ship(&store, "o1", "N1").await;
    assert_eq!(told(&store).await, [("o1".to_owned(), vec!["o1-F1-P1/e1".to_owned()])]);
    // Told once: the parcel's next change is no news of its number.
    let fulfillment_orders = vec![shipped("o1", "WH-1", "N1")];
    store.record(&Record { fulfillment_orders, ..record("o1", 2, "delivered") }).await.unwrap();
    assert_eq!(told(&store).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_and_its_number_that_come_at_once_always_meet() {
    let store = fresh_whole_store().await;
    for n in 0..30 {
        let (order_id, number) = (format!("o{n}"), format!("N{n}"));
        let accepting = tokio::spawn({
            let (store, number) = (store.clone(), number.clone());
            async move { store.accept_carrier_events(&[event(&number, "e1", 1)]).await }
        });
        ship(&store, &order_id, &number).await;
        accepting.await.unwrap().unwrap();
    }
    assert_eq!(told(&store).await.len(), 30);
}

#[tokio::test]
async fn a_claimed_message_is_nobody_elses() {
    let store = fresh_whole_store().await;
    ship(&store, "o1", "N1").await;
    store.accept_carrier_events(&[event("N1", "e1", 1)]).await.unwrap();
    let minute = std::time::Duration::from_secs(60);
    let claimed = store.inbox_claim(10, minute).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].kind.as_str(), claimed[0].attempts), (1, "carrier_event", 1));
    assert_eq!(store.inbox_claim(10, minute).await.unwrap(), []);
    store.inbox_done(&[claimed[0].id]).await.unwrap();
    assert_eq!(store.invariants().await.unwrap().pending_messages, 0);
}

#[tokio::test]
async fn numbers_and_carriers_meet_however_people_write_them() {
    let store = fresh_whole_store().await;
    ship(&store, "o1", "rr 123-456 gb").await;
    let written = |carrier: &str, number: &str, id: &str| CarrierEvent { carrier: carrier.into(), ..event(number, id, 1) };
    let batch = [
        written("acme", "RR123456GB", "e1"),
        written("ACME", "rr123456gb", "e1"),
        written("unknown", "RR 123 456 GB", "e2"),
        written("other", "RR123456GB", "e3"),
    ];
    assert_eq!(store.accept_carrier_events(&batch).await.unwrap(), [Accepted, Duplicate, Accepted, Parked]);
    let told = messages(&store).await;
    assert_eq!(told[0].1["events"][0]["tracking_number"], "rr 123-456 gb", "by the number that the order knows");
}

#[tokio::test]
async fn a_number_that_is_used_again_is_told_to_the_parcel_that_has_it_now() {
    let store = fresh_whole_store().await;
    let shipped_at = async |order_id: &str, version, when: &str, status: &str| {
        let mut row = shipped(order_id, "WH-1", "N1");
        row.updated_at = at(when);
        row.parcels[0].status = status.into();
        store.record(&Record { fulfillment_orders: vec![row], ..record(order_id, version, "shipped") }).await.unwrap();
    };
    let scanned = |id: &str, when: &str| CarrierEvent { occurred_at: at(when), ..event("N1", id, 0) };
    shipped_at("o1", 1, "2010-01-05T09:00:00Z", "handed_over").await;
    let before = [scanned("e0", "2009-12-01T09:00:00Z")];
    assert_eq!(store.accept_carrier_events(&before).await.unwrap(), [Parked], "from before it had the number");
    shipped_at("o1", 2, "2010-01-08T09:00:00Z", "delivered").await;
    let late = [scanned("e1", "2010-01-07T09:00:00Z"), scanned("e2", "2010-12-01T09:00:00Z")];
    assert_eq!(store.accept_carrier_events(&late).await.unwrap(), [Accepted, Parked], "late, and months after its end");
    shipped_at("o2", 1, "2010-12-01T10:00:00Z", "handed_over").await;
    assert_eq!(store.accept_carrier_events(&[scanned("e3", "2010-12-02T09:00:00Z")]).await.unwrap(), [Accepted]);
    let expected =
        [("o1", "e1"), ("o2", "e2"), ("o2", "e3")].map(|(order, event)| (order.to_owned(), vec![format!("{order}-F1-P1/{event}")]));
    assert_eq!(told(&store).await, expected);
}

#[tokio::test]
async fn what_a_carrier_has_said_is_told_once_more_when_it_is_asked_for() {
    let store = fresh_whole_store().await;
    ship(&store, "o1", "N 1").await;
    ship(&store, "o2", "N2").await;
    store.accept_carrier_events(&[event("n1", "e1", 1), event("N1", "e2", 2), event("N2", "e1", 1), event("N9", "e1", 1)]).await.unwrap();
    assert_eq!(told(&store).await.len(), 2);
    store.tell_scans_again(&["N 1", "N9"]).await.unwrap();
    assert_eq!(told(&store).await, [("o1".to_owned(), vec!["o1-F1-P1/e1".to_owned(), "o1-F1-P1/e2".to_owned()])]);
    store.tell_scans_again(&[]).await.unwrap();
    assert_eq!(told(&store).await, []);
}
