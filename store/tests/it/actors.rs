//! Whose doing it was: kept beside every event and movement, and no part of what the event says.

use oms_domain::{
    access::{Actor, By, HousePart, PrincipalKind},
    feed::FeedDecision,
};
use oms_store::{FeedKind, FeedMode, PickedUnits, Record, Recorded, RecordedEvent, StartFeed, Store};

use crate::{
    placed::placed_order,
    stack::{fresh_store, fresh_whole_store},
    support::{adjust, at, facility_id, order, record, sku, stock_up},
};

fn person(id: &str) -> By {
    let actor = Actor { kind: PrincipalKind::Person, id: id.parse().unwrap(), station: Some("desk-1".parse().unwrap()) };
    By { actor, request_id: Some("r-1".parse().unwrap()) }
}

fn by(record: Record, by: Option<By>) -> Record {
    let events = record.events.into_iter().map(|event| RecordedEvent { by: by.clone(), ..event }).collect();
    Record { events, ..record }
}

/// Who moved what at a position, the last first.
async fn movers(store: &Store, of: &str) -> Vec<Option<By>> {
    let moved = store.stock_movements(&facility_id(&format!("L-{of}")), &sku(of), None, 10).await.unwrap();
    moved.into_iter().map(|movement| movement.by).collect()
}

#[tokio::test]
async fn an_event_says_who_did_it_and_is_the_same_event_whoever_says_it() {
    let store = fresh_whole_store().await;
    let (kim, timer) = (person("per-kim"), By::house(HousePart::Timer));
    store.record(&by(record("by-1", 1, "placed"), Some(kim.clone()))).await.unwrap();
    store.record(&by(record("by-1", 2, "approved"), Some(timer.clone()))).await.unwrap();
    store.record(&record("by-1", 3, "of an older build")).await.unwrap();
    let told = store.events(&order("by-1"), 0, 10).await.unwrap();
    assert_eq!(told.into_iter().map(|event| event.by).collect::<Vec<_>>(), [Some(kim), Some(timer.clone()), None]);
    // Somebody else, who has decided the same, finds it there.
    let again = store.record(&by(record("by-1", 1, "placed"), Some(timer))).await.unwrap();
    assert_eq!(again, Recorded::Same { stored_version: 3 });
}

#[tokio::test]
async fn the_stream_says_what_kind_of_one_it_was_and_nothing_more() {
    let store = fresh_whole_store().await;
    store.record(&by(record("by-2", 1, "placed"), Some(person("per-kim")))).await.unwrap();
    let page = store.events_after(None, &oms_store::EventFilter::default(), 500).await.unwrap();
    let found = page.events.iter().find(|event| event.order_id == Some(order("by-2")));
    // Others may be writing: then it is shown a moment later.
    let found = match found {
        Some(found) => found.clone(),
        None => {
            crate::support::read_events(&store, None, 1).await.0.into_iter().find(|event| event.order_id == Some(order("by-2"))).unwrap()
        }
    };
    assert_eq!(found.actor_kind.as_deref(), Some("person"));
    assert!(!serde_json::to_string(&found.data).unwrap().contains("per-kim"));
}

#[tokio::test]
async fn whoever_counts_and_corrects_stock_is_kept_with_what_it_moved() {
    let store = fresh_store().await;
    stock_up(&store, "L-BY-S", "BY-S", 5).await;
    let kim = person("per-kim");
    adjust(&store.by(kim.clone()), "L-BY-S", "BY-S", -1).await;
    adjust(&store, "L-BY-S", "BY-S", 1).await;
    let house = By::house(HousePart::Stock);
    assert_eq!(movers(&store, "BY-S").await, [Some(house.clone()), Some(kim), Some(house)]);
}

#[tokio::test]
async fn a_feed_keeps_who_sent_it_and_who_let_it_through_and_its_movements_are_theirs() {
    let store = fresh_store().await;
    stock_up(&store, "L-BY-F", "BY-F", 5).await;
    let (kim, lee) = (person("per-kim"), person("per-lee"));
    let (sent, decided) = (store.by(kim.clone()), store.by(lee.clone()));
    let feed = StartFeed {
        kind: FeedKind::Receipts,
        source: "test".into(),
        as_of: None,
        told_at: at("2011-01-01T00:00:00Z"),
        mode: FeedMode::Partial,
        picked_units: PickedUnits::Counted,
        expected_rows: None,
    };
    let feed_id = sent.feeds().start(&feed).await.unwrap();
    let row = oms_store::Receipt {
        receipt_id: Some("by-f".into()),
        received_at: at("2012-01-01T00:00:00Z"),
        facility_id: facility_id("L-BY-F"),
        sku: sku("BY-F"),
        quantity: 3,
    };
    // Whoever goes on with it works for whoever sent it.
    store.feeds().apply_receipts(feed_id, &[oms_store::FeedRow { row_number: 1, row }]).await.unwrap();
    let run = store.feeds().finish(feed_id).await.unwrap();
    assert_eq!((run.started_by, run.decided_by), (Some(kim.clone()), None));
    assert_eq!(movers(&store, "BY-F").await[0], Some(kim));
    // It is not parked: nobody decides about it.
    let run = decided.feeds().decide(feed_id, FeedDecision::Reject).await.unwrap();
    assert_eq!(run.decided_by, None);
}

#[tokio::test]
async fn an_intake_keeps_who_placed_it_first() {
    let store = fresh_whole_store().await;
    let (kim, lee) = (person("per-kim"), person("per-lee"));
    let placed = placed_order("by-3", 1);
    for placer in [&kim, &lee] {
        store.by(placer.clone()).put_intake(&placed, "hash", at("2011-01-01T00:00:00Z")).await.unwrap();
    }
    assert_eq!(store.intake(&order("by-3")).await.unwrap().unwrap().by, Some(kim));
}
