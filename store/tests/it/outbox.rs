//! The outbox never skips, also when transactions commit out of order.

use std::collections::BTreeSet;

use oms_store::Store;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::{fresh_config, fresh_whole_store},
    support::{read_events, record},
};

/// The next events, as order and number, and where they end.
async fn read(store: &Store, after: Option<&str>, count: usize) -> (Vec<String>, String) {
    let (events, next) = read_events(store, after, count).await;
    (events.iter().map(|event| format!("{}/{}", event.order_id, event.seq)).collect(), next)
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
        let page = store.events_after(next.as_deref(), &[], 7).await.unwrap();
        seen.extend(page.events.iter().map(|event| (event.order_id.to_string(), event.seq)));
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
    let page = store.events_after(None, &["shipped".into(), "delivered".into()], 1).await.unwrap();
    assert_eq!((page.events.len(), page.events[0].seq, &page.next), (1, 2, &page.events[0].position));
    let page = store.events_after(Some(&page.next), &["shipped".into(), "delivered".into()], 1).await.unwrap();
    assert_eq!(page.events[0].seq, 3);
    for nonsense in ["", "x", "1", "1-x", "-1-1"] {
        assert!(store.events_after(Some(nonsense), &[], 1).await.is_err(), "{nonsense}");
    }
}
