//! What is locked before what: a call that touches several rows has all of its positions first, so that whoever has one of them and
//! wants another of its rows gets it.

use std::time::Duration;

use oms_store::{Record, Reserved, Store, StoreConfig, Waiting};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{adjust, messages, order, position, queued, record, shipped, step, stock_up, target, wait_since, waiting},
};

async fn connect(config: &StoreConfig) -> PgConnection {
    PgConnection::connect(config.database_url.expose_secret()).await.unwrap()
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Waits until somebody in the test's database waits for a lock.
async fn until_somebody_waits(config: &StoreConfig) {
    let mut connection = connect(config).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut connection).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

/// Runs the call while somebody has the position of A at WH-1, who then has these rows locked at once.
async fn beside(config: &StoreConfig, rows: &'static str, call: impl Future<Output = ()> + Send + 'static) {
    let mut other = connect(config).await;
    execute(&mut other, "BEGIN").await;
    execute(&mut other, "SELECT FROM stock WHERE facility_id = 'WH-1' AND sku = 'A' FOR UPDATE").await;
    let call = tokio::spawn(call);
    until_somebody_waits(config).await;
    let locked = sqlx::query(AssertSqlSafe(format!("{rows} FOR UPDATE NOWAIT"))).fetch_all(&mut other).await;
    execute(&mut other, "COMMIT").await;
    call.await.unwrap();
    assert!(!locked.expect("they are touched only once the position is locked").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_has_all_its_positions_before_it_touches_one() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    for place in ["WH-1", "WH-2"] {
        stock_up(&store, place, "A", 2).await;
    }
    store.reserve(&step("o1", "place", &[("WH-1", "A", 2), ("WH-2", "A", 2)])).await.unwrap();
    let held = vec![target("o1", "WH-1", "A", 2, 0), target("o1", "WH-2", "A", 2, 0)];
    let sourced = Record { stock: held, fulfillment_orders: vec![queued("o1", 1, "WH-1", "released", None)], ..record("o1", 1, "sourced") };
    store.record(&sourced).await.unwrap();
    adjust(&store, "WH-1", "A", -1).await;
    let short = messages(&store).await.remove(0).1["shorts"][0]["short_id"].as_str().unwrap().to_owned();

    // It takes notice of the short at WH-1, which others may be asked for, and gives back what it has at WH-2.
    let stock = vec![target("o1", "WH-1", "A", 2, 0), target("o1", "WH-2", "A", 0, 0)];
    let seen = Record { stock, grants_seen: vec![short], ..record("o1", 2, "noticed") };
    let recording = store.clone();
    beside(&config, "SELECT FROM stock WHERE facility_id = 'WH-2' AND sku = 'A'", async move {
        recording.record(&seen).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_that_are_left_unanswered_are_touched_once_their_positions_are_locked() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    for of in ["A", "B", "C"] {
        stock_up(&store, "WH-1", of, 0).await;
    }
    for (id, of) in [("late", "A"), ("kept", "B"), ("answers", "C")] {
        wait_since(&store, Waiting { plans_again: true, ..waiting(id, of, 1) }, id, "2010-12-01T00:00:00Z").await;
    }
    // One was made before another order answered, and goes on; the other after it, and is kept.
    adjust(&store, "WH-1", "A", 1).await;
    adjust(&store, "WH-1", "C", 1).await;
    let answer = step("answers", "place", &[("WH-1", "C", 1)]);
    assert!(matches!(store.reserve(&answer).await.unwrap(), Reserved::Done(_)));
    adjust(&store, "WH-1", "B", 1).await;
    store.hurry_offers(Duration::from_secs(61)).await.unwrap();
    let expiring = store.clone();
    beside(&config, "SELECT FROM stock_grants WHERE order_id = 'kept'", async move {
        assert_eq!(expiring.expire_offers(10).await.unwrap(), 1);
    })
    .await;
    let offered = |id: &'static str| {
        let store = store.clone();
        async move { store.offered_units(&order(id)).await.unwrap().len() }
    };
    assert_eq!((offered("late").await, offered("kept").await), (0, 1), "it keeps its place");
    assert_eq!(store.expire_offers(10).await.unwrap(), 0, "for another minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_carriers_batch_has_no_position_yet() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    stock_up(&store, "WH-1", "A", 2).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 2)])).await.unwrap();
    let mut batch = connect(&config).await;
    execute(&mut batch, "BEGIN").await;
    execute(&mut batch, "SELECT tracking_lock(ARRAY[tracking_key('N1')])").await;
    let numbered = Record {
        stock: vec![target("o1", "WH-1", "A", 0, 2)],
        fulfillment_orders: vec![shipped("o1", "WH-1", "N1")],
        ..record("o1", 1, "shipped")
    };
    let recording = store.clone();
    let recording = tokio::spawn(async move { recording.record(&numbered).await.unwrap() });
    until_somebody_waits(&config).await;
    let mut other = connect(&config).await;
    execute(&mut other, "SELECT FROM stock WHERE facility_id = 'WH-1' AND sku = 'A' FOR UPDATE NOWAIT").await;
    execute(&mut batch, "COMMIT").await;
    recording.await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 0);
}
