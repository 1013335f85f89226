//! Carrier events: once each, to the order whose parcel it is, sooner or later.

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
