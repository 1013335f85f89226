//! Databases that are away, restart, or refuse: what is said then, and that nothing private is in it.

use std::time::Duration;

use oms_domain::error::ErrorCode;
use oms_store::{Reserved, Store, StoreConfig, StoreError};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    placed::placed_order,
    stack::{fresh_config, fresh_store, fresh_whole_store},
    support::{order, record, step, stock_up},
};

#[tokio::test]
async fn a_postgresql_that_is_away_is_worth_another_try_and_its_password_is_not_told() {
    let config = StoreConfig {
        acquire_timeout: Duration::from_millis(300),
        ..StoreConfig::new("postgres://oms:hunter2@127.0.0.1:9/oms".into(), "k".into())
    };
    let Err(error) = Store::connect(&config).await else { panic!("there is nobody") };
    assert_eq!(error, StoreError::Unavailable { system: "PostgreSQL" });
    assert!(error.retryable());
    assert!(!format!("{error} {error:?} {config:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_pool_whose_connections_all_died_goes_on() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    stock_up(&store, "WH-1", "A", 100).await;
    let busy = (0..12).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.reserve(&step(&format!("o{n}"), "place", &[("WH-1", "A", 1)])).await.unwrap() })
    });
    futures_util::future::join_all(busy).await;
    let mut admin = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .execute(&mut admin)
        .await
        .unwrap();
    let answer = store.reserve(&step("after", "place", &[("WH-1", "A", 1)])).await;
    assert!(matches!(answer, Ok(Reserved::Done(_))), "{answer:?}");
}

/// Whoever waits for a connection waits once: to try again at once would only keep them, and the next, waiting for longer.
#[tokio::test]
async fn who_finds_every_connection_taken_is_told_so_after_one_wait() {
    const WAIT: Duration = Duration::from_secs(1);
    let config = fresh_config().await;
    let store = Store::connect(&StoreConfig { max_connections: 1, acquire_timeout: WAIT, ..config.clone() }).await.unwrap();
    stock_up(&store, "WH-1", "A", 2).await;
    let mut other = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    sqlx::query("SELECT FROM stock WHERE sku = 'A' FOR UPDATE").execute(&mut *open).await.unwrap();
    let first = {
        let store = store.clone();
        tokio::spawn(async move { store.reserve(&step("o1", "place", &[("WH-1", "A", 1)])).await })
    };
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *open).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let asked_at = std::time::Instant::now();
    let error = store.reserve(&step("o2", "place", &[("WH-1", "B", 1)])).await.unwrap_err();
    assert_eq!((error.clone(), error.retryable()), (StoreError::Overloaded { system: "PostgreSQL" }, true));
    assert!((WAIT..WAIT * 3).contains(&asked_at.elapsed()), "{:?}", asked_at.elapsed());
    open.rollback().await.unwrap();
    let first = first.await.unwrap();
    assert!(matches!(first, Ok(Reserved::Done(_))), "{first:?}");
}

#[tokio::test]
async fn a_statement_longer_than_allowed_is_ended_and_worth_another_try() {
    let config = fresh_config().await;
    let hasty = Store::connect(&StoreConfig { statement_timeout: Duration::from_millis(200), ..config.clone() }).await.unwrap();
    stock_up(&hasty, "WH-1", "A", 1).await;
    let mut other = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let mut open = other.begin().await.unwrap();
    sqlx::query("SELECT FROM stock FOR UPDATE").execute(&mut *open).await.unwrap();
    let error = hasty.reserve(&step("o1", "place", &[("WH-1", "A", 1)])).await.unwrap_err();
    assert_eq!((error.clone(), error.retryable()), (StoreError::TimedOut { system: "PostgreSQL" }, true));
}

#[tokio::test]
async fn text_that_postgresql_cannot_hold_is_refused_for_good() {
    let store = fresh_whole_store().await;
    let mut odd = record("o1", 1, "noted");
    odd.events[0].data = json!({"text": "nul \0 and a secret"});
    let error = store.record(&odd).await.unwrap_err();
    assert_eq!((error.clone(), error.retryable()), (StoreError::Refused { code: ErrorCode::ValidationFailed }, false));
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_table_that_is_missing_is_our_fault_and_says_its_code() {
    let store = fresh_store().await;
    let error = store.document(&order("o1")).await.unwrap_err();
    assert_eq!(error, StoreError::Internal { system: "DynamoDB", code: "ResourceNotFoundException".into() });
}

#[tokio::test]
async fn customers_are_found_by_email_and_no_email_is_kept() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    store.put_intake(&placed_order("o1", 1), "hash", jiff::Timestamp::now()).await.unwrap();
    for version in [1, 2] {
        store.record(&record("o1", version, "moved")).await.unwrap();
    }
    let by = |email: &str| oms_store::OrderFilter { email: Some(email.into()), ..Default::default() };
    let found = store.orders_page(&by("Customer-17850@example.com"), None, 10).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(store.orders_page(&by("other@example.com"), None, 10).await.unwrap().items.len(), 0);
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("SELECT to_jsonb(o)::text FROM orders o").fetch_all(&mut connection).await.unwrap();
    assert!(!kept[0].contains('@'), "{kept:?}");
}

#[tokio::test]
async fn what_is_past_its_days_goes_and_the_rest_stays() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    let request = |key| oms_store::KeyedRequest { caller: "c", route: "r", key, body_hash: "h" };
    for key in ["old", "new"] {
        store.idempotency().begin(&request(key), Duration::from_secs(60)).await.unwrap();
    }
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query("UPDATE idempotency_keys SET begun_at = now() - interval '31 days' WHERE key = 'old'")
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(store.prune(100).await.unwrap().of("idempotency_keys"), 1);
    assert_eq!(store.prune(100).await.unwrap().of("idempotency_keys"), 0);
    assert_eq!(store.idempotency().begin(&request("new"), Duration::ZERO).await.unwrap(), oms_store::Begin::InFlight);
}

/// After a failover the old connections reach a server that takes no writes, and nothing else tells them from good ones.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_away_and_its_connections_are_not_used_again() {
    let config = fresh_config().await;
    let mut admin = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let read_only = async |admin: &mut PgConnection, on: bool| {
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut *admin).await.unwrap();
        let statement = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = {}", if on { "on" } else { "off" });
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(admin).await.unwrap();
    };
    let store = Store::connect(&config).await.unwrap();
    stock_up(&store, "WH-1", "A", 5).await;
    store.close().await;
    read_only(&mut admin, true).await;
    // Sessions that begin now stay read-only, whatever the server does later.
    let store = Store::connect(&StoreConfig { max_connections: 3, ..config }).await.unwrap();
    let error = store.reserve(&step("o1", "place", &[("WH-1", "A", 1)])).await.unwrap_err();
    assert_eq!(error, StoreError::ReadOnly { system: "PostgreSQL" });
    assert_eq!((error.code(), error.retryable()), (ErrorCode::Unavailable, true));
    read_only(&mut admin, false).await;
    for n in 0..3 {
        let answer = store.reserve(&step(&format!("after{n}"), "place", &[("WH-1", "A", 1)])).await;
        assert!(matches!(answer, Ok(Reserved::Done(_))), "{answer:?}");
    }
}
