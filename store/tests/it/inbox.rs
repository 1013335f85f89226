//! Messages to orders: whoever cannot be told keeps nobody else, and is not forgotten.

use std::time::Duration;

use oms_store::{Store, StoreConfig, Undelivered};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::stack::fresh_config;

const LEASE: Duration = Duration::from_secs(30);

async fn execute(config: &StoreConfig, statement: String) {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// A store with so many messages, to orders m1, m2 ...
async fn with_messages(count: u32) -> (StoreConfig, Store) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    let insert = "INSERT INTO order_inbox (order_id, kind, payload) SELECT 'm' || n, 'stock_arrived', '{}' FROM generate_series(1, ";
    execute(&config, format!("{insert}{count}) n")).await;
    (config, store)
}

async fn claimed(store: &Store, limit: u32) -> Vec<String> {
    store.inbox_claim(limit, LEASE).await.unwrap().into_iter().map(|message| message.order_id.to_string()).collect()
}

/// Has every message's time come, but for those that are dead.
async fn later(config: &StoreConfig) {
    execute(config, "UPDATE order_inbox SET leased_until = leased_until - interval '2 hours'".to_owned()).await;
}

fn undelivered(message_id: i64, passing: bool) -> Undelivered {
    Undelivered { message_id, why: "the order cannot be read".to_owned(), passing }
}

#[tokio::test]
async fn two_hundred_that_fail_at_the_head_stop_nobody() {
    let (_, store) = with_messages(210).await;
    let failing = store.inbox_claim(200, LEASE).await.unwrap();
    assert_eq!(failing.len(), 200);
    let failed: Vec<_> = failing.iter().map(|message| undelivered(message.id, false)).collect();
    assert_eq!(store.inbox_failed(&failed, 10).await.unwrap(), 0);
    assert_eq!(claimed(&store, 200).await, (201..=210).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_who_claim_at_once_never_have_the_same_message() {
    let (_, store) = with_messages(100).await;
    let (a, b) = tokio::join!(claimed(&store, 60), claimed(&store, 60));
    let both: std::collections::BTreeSet<_> = a.iter().chain(&b).collect();
    assert_eq!((both.len(), a.len() + b.len()), (100, 100));
}

#[tokio::test]
async fn one_that_keeps_failing_by_itself_is_dead_until_somebody_has_it_tried_again() {
    let (config, store) = with_messages(2).await;
    for attempt in 1..=3 {
        let message = store.inbox_claim(1, LEASE).await.unwrap().remove(0);
        assert_eq!((message.order_id.as_str(), message.attempts), ("m1", attempt));
        assert_eq!(store.inbox_failed(&[undelivered(message.id, false)], 3).await.unwrap(), usize::from(attempt == 3));
        // It is put off, so the other one would be next.
        assert_eq!(claimed(&store, 1).await, ["m2"]);
        later(&config).await;
    }
    assert_eq!(claimed(&store, 10).await, ["m2"], "the dead one is left alone");
    let dead = store.dead_letters(None, 10).await.unwrap();
    assert_eq!((dead.items.len(), dead.items[0].attempts, dead.items[0].failure.as_str()), (1, 3, "the order cannot be read"));
    let queue = store.backlog(jiff::Timestamp::now()).await.unwrap().queues.into_iter().find(|q| q.queue == "messages_to_orders").unwrap();
    assert_eq!((queue.depth, queue.dead), (1, 1));
    let message_id = dead.items[0].message_id;
    assert!(store.retry_dead_letter(message_id).await.unwrap());
    assert!(!store.retry_dead_letter(message_id).await.unwrap(), "it lives");
    let again = store.inbox_claim(10, LEASE).await.unwrap().remove(0);
    assert_eq!((again.order_id.as_str(), again.attempts), ("m1", 1));
}

#[tokio::test]
async fn one_that_something_else_keeps_from_being_delivered_never_dies() {
    let (config, store) = with_messages(1).await;
    for _ in 0..20 {
        let message = store.inbox_claim(1, LEASE).await.unwrap().remove(0);
        assert_eq!(store.inbox_failed(&[undelivered(message.id, true)], 3).await.unwrap(), 0);
        later(&config).await;
    }
    assert_eq!(store.dead_letters(None, 10).await.unwrap().items, []);
    // And what it is put off by stays short.
    let message = store.inbox_claim(1, LEASE).await.unwrap().remove(0);
    store.inbox_failed(&[undelivered(message.id, true)], 3).await.unwrap();
    execute(&config, "UPDATE order_inbox SET leased_until = leased_until - interval '31 seconds'".to_owned()).await;
    assert_eq!(claimed(&store, 1).await, ["m1"]);
}
