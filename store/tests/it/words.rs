//! What the rules say of the words they use is what the database goes by.

use std::collections::BTreeMap;

use oms_domain::{
    fulfillment::FulfillmentStatus,
    parcel::ParcelStatus,
    returns::{ReturnAction, ReturnStatus},
};
use oms_store::{Record, Store};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{queued, record, step, stock_up, target},
};

/// What a table says of each word.
async fn said(connection: &mut PgConnection, what: &str, table: &str) -> BTreeMap<String, bool> {
    let query = format!("SELECT status, {what} FROM {table}");
    let rows: Vec<(String, bool)> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(connection).await.unwrap();
    rows.into_iter().collect()
}

fn words<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, holds: impl Fn(T) -> bool) -> BTreeMap<String, bool> {
    all.iter().map(|word| (name(*word).to_owned(), holds(*word))).collect()
}

#[tokio::test]
async fn every_status_is_known_with_what_the_rules_say_of_it() {
    let mut connection = PgConnection::connect(fresh_config().await.database_url.expose_secret()).await.unwrap();
    let packed = words(FulfillmentStatus::ALL, FulfillmentStatus::name, FulfillmentStatus::is_packed);
    assert_eq!(said(&mut connection, "is_packed", "fulfillment_statuses").await, packed);
    let ended = words(ParcelStatus::ALL, ParcelStatus::name, ParcelStatus::has_ended);
    assert_eq!(said(&mut connection, "has_ended", "parcel_statuses").await, ended);
    let awaits = words(ReturnStatus::ALL, ReturnStatus::name, |status| status.after(ReturnAction::ReceivePart).is_some());
    assert_eq!(said(&mut connection, "awaits_goods", "return_statuses").await, awaits);
}

#[tokio::test]
async fn what_the_rules_call_packed_is_picked() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    // As if the rules were others.
    sqlx::query("UPDATE fulfillment_statuses SET is_packed = status = 'picking'").execute(&mut connection).await.unwrap();
    stock_up(&store, "WH-1", "A", 5).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 2)])).await.unwrap();
    for (version, status, picked) in [(1, "released", 0), (2, "picking", 2), (3, "packed", 0)] {
        let fulfillment_orders = vec![queued("o1", 1, "WH-1", status, None)];
        let stock = vec![target("o1", "WH-1", "A", 2, 0)];
        store.record(&Record { fulfillment_orders, stock, ..record("o1", version, status) }).await.unwrap();
        let units: i64 = sqlx::query_scalar("SELECT coalesce(sum(units), 0)::bigint FROM picks").fetch_one(&mut connection).await.unwrap();
        assert_eq!(units, picked, "{status}");
    }
}
