//! The outbox never skips, also when transactions commit out of order.

use std::collections::BTreeSet;

use oms_store::{EVENTS_END, EVENTS_RESTORED, EventFilter, LANES, Store, StoreConfig};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::{fresh_config, fresh_whole_store},
    support::{read_events, record, stock_up, wait_for},
};

/// The next events, as order and number, and where they end.
async fn read(store: &Store, after: Option<&str>, count: usize) -> (Vec<String>, String) {
    let (events, next) = read_events(store, after, count).await;
    (events.iter().map(|event| format!("{}/{}", event.order_id.as_ref().unwrap(), event.seq)).collect(), next)
}

#[tokio::test]
async fn an_event_of_a_transaction_still_open_is_not_passed_over() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    store.record(&record("before", 1, "placed")).await.unwrap();

    // Draws its place in the outbox first, and commits last.
    let mut slow = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let mut open = slow.begin().await.unwrap();
    sqlx::query("INSERT INTO order_events (order_id, seq, kind, at, data) VALUES ('slow', 1, 'placed', now(), '{}')")
        .execute(&mut *open)
        .await
        .unwrap();
    store.record(&record("after", 1, "placed")).await.unwrap();

    let (seen, next) = read(&store, None, 1).await;
    assert_eq!(seen, ["before/1"], "the reader stops below what is open");
    let (seen, next) = read(&store, Some(&next), 0).await;
    assert_eq!(seen, [""; 0]);
    open.commit().await.unwrap();
    let (seen, next) = read(&store, Some(&next), 2).await;
    assert_eq!(seen, ["slow/1", "after/1"]);
    assert_eq!(read(&store, Some(&next), 0).await.0, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_beside_many_writers_sees_each_event_once() {
    let store = fresh_whole_store().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for version in 1..=25 {
                    store.record(&record(&format!("o{writer}"), version, "moved")).await.unwrap();
                }
            })
        })
        .collect();
    let (mut seen, mut next) = (Vec::new(), None);
    let mut writing = true;
    while writing || seen.len() < 200 {
        writing = writers.iter().any(|writer| !writer.is_finished());
        let page = store.events_after(next.as_deref(), &EventFilter::default(), 7).await.unwrap();
        seen.extend(page.events.iter().map(|event| (event.order_id.as_ref().unwrap().to_string(), event.seq)));
        next = Some(page.next);
        assert!(seen.len() <= 200, "an event came twice");
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 200);
    for writer in 0..8 {
        let seqs: Vec<u64> = seen.iter().filter(|(id, _)| *id == format!("o{writer}")).map(|(_, seq)| *seq).collect();
        assert_eq!(seqs, (1..=25).collect::<Vec<_>>(), "in order");
    }
}

#[tokio::test]
async fn kinds_select_and_a_position_that_is_none_is_refused() {
    let store = fresh_whole_store().await;
    for (version, kind) in [(1, "placed"), (2, "shipped"), (3, "delivered")] {
        store.record(&record("o1", version, kind)).await.unwrap();
    }
    read_events(&store, None, 3).await;
    let filter = kinds(&["shipped", "delivered"]);
    let page = store.events_after(None, &filter, 1).await.unwrap();
    assert_eq!((page.events.len(), page.events[0].seq, &page.next), (1, 2, &page.events[0].position));
    let page = store.events_after(Some(&page.next), &filter, 1).await.unwrap();
    assert_eq!(page.events[0].seq, 3);
    for nonsense in ["", "x", "1", "1-x", "1-1-x", "-1-1-1", "1-1"] {
        assert!(store.events_after(Some(nonsense), &EventFilter::default(), 1).await.is_err(), "{nonsense}");
    }
}

#[tokio::test]
async fn from_the_end_on_there_is_what_comes_and_nothing_of_what_was() {
    let store = fresh_whole_store().await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    read_events(&store, None, 1).await;
    let page = store.events_after(Some(EVENTS_END), &EventFilter::default(), 1).await.unwrap();
    assert_eq!((page.events, page.has_more), (vec![], false));
    store.record(&record("o1", 2, "shipped")).await.unwrap();
    assert_eq!(read(&store, Some(&page.next), 1).await.0, ["o1/2"]);
}

fn kinds(kinds: &[&str]) -> EventFilter {
    EventFilter { kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(), lane: None, public_alone: false }
}

/// Executes statements on the database itself.
async fn execute(config: &StoreConfig, statements: &[&'static str]) {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn a_rare_type_is_looked_for_in_bounded_steps_that_go_on() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    execute(
        &config,
        &["INSERT INTO order_events (order_id, seq, kind, at, data)
            SELECT 'o' || n, 1, CASE WHEN n > 12500 THEN 'rare' ELSE 'common' END, now(), '{}' FROM generate_series(1, 12501) n"],
    )
    .await;
    read_events(&store, None, 1).await;
    let (mut after, mut pages, mut found) = (None, 0, Vec::new());
    while found.is_empty() {
        let page = store.events_after(after.as_deref(), &kinds(&["rare"]), 10).await.unwrap();
        assert_ne!(after, Some(page.next.clone()), "each page moves on");
        (after, pages, found) = (Some(page.next), pages + 1, page.events);
        assert!(pages <= 3);
    }
    assert_eq!((pages, found[0].order_id.as_ref().unwrap().as_str()), (3, "o12501"));
}

#[tokio::test]
async fn sixteen_lanes_have_each_order_once_and_each_in_one() {
    let store = fresh_whole_store().await;
    for n in 0..40 {
        for version in [1, 2] {
            store.record(&record(&format!("o{n}"), version, "moved")).await.unwrap();
        }
    }
    read_events(&store, None, 80).await;
    let mut lanes_of = std::collections::BTreeMap::<String, BTreeSet<u8>>::new();
    let mut seen = 0;
    for lane in 0..LANES {
        let page = store.events_after(None, &EventFilter { lane: Some(lane), ..EventFilter::default() }, 100).await.unwrap();
        seen += page.events.len();
        for event in &page.events {
            lanes_of.entry(event.order_id.as_ref().unwrap().to_string()).or_default().insert(lane);
        }
    }
    assert_eq!((seen, lanes_of.len()), (80, 40));
    assert!(lanes_of.values().all(|lanes| lanes.len() == 1));
    assert!(lanes_of.values().flatten().collect::<BTreeSet<_>>().len() > 8, "orders are spread");
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_when_the_data_has_moved_to_a_server_whose_ids_are_lower() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    stock_up(&store, "WH-1", "A", 5).await;
    for version in [1, 2] {
        store.record(&record("o1", version, "moved")).await.unwrap();
    }
    read_events(&store, None, 2).await;
    // What a dump of another server looks like here: its transaction ids are far above ours, and it has another identity.
    execute(
        &config,
        &[
            "UPDATE order_events SET xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8",
            "UPDATE stock SET raised_by = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8",
            "UPDATE outbox_epochs SET server_identity = 'another server'",
        ],
    )
    .await;
    let high = sqlx::query_scalar::<_, String>("SELECT max(outbox_position(epoch, xid, event_id)) FROM order_events")
        .fetch_one(&mut PgConnection::connect(config.database_url.expose_secret()).await.unwrap())
        .await
        .unwrap();
    store.close().await;

    // Whoever connects first begins the new life, and two at once begin one.
    let (store, other) = tokio::join!(Store::connect(&config), Store::connect(&config));
    let (store, other) = (store.unwrap(), other.unwrap());
    store.record(&record("o2", 1, "placed")).await.unwrap();
    other.record(&record("o1", 3, "moved")).await.unwrap();
    let (events, next) = read_events(&store, Some(&high), 3).await;
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.order_id.as_ref().map(|id| id.as_str()))).collect();
    assert_eq!(told, [(EVENTS_RESTORED, None), ("placed", Some("o2")), ("moved", Some("o1"))]);
    assert_eq!(events[0].data, serde_json::json!({"after": high}));
    assert_eq!(store.events_after(Some(&next), &EventFilter::default(), 10).await.unwrap().events, []);
    // From the beginning, everything is there, the older life first.
    let (all, _) = read_events(&store, None, 5).await;
    assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 2, 1, 3]);

    // A line that waits is not told for ever that its plan is out of date.
    assert_eq!(store.clear_marks().await.unwrap(), 1);
    assert_eq!(store.clear_marks().await.unwrap(), 0);
    wait_for(&store, crate::support::waiting("o3", "A", 9), "o3").await;
}

#[tokio::test]
async fn an_operator_can_say_that_a_restore_has_happened() {
    let store = fresh_whole_store().await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    let (_, next) = read_events(&store, None, 1).await;
    assert_eq!(store.begin_epoch().await.unwrap(), 2);
    store.record(&record("o1", 2, "moved")).await.unwrap();
    let (events, _) = read_events(&store, Some(&next), 2).await;
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), [EVENTS_RESTORED, "moved"]);
}
