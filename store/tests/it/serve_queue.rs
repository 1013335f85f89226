//! What makes many positions usable at once is served from what somebody waits for.

use jiff::Timestamp;
use oms_store::{Facility, Store};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{facility, messages, stock_up, wait_for, waiting},
};

/// Rows of `stock` that this transaction has read.
const READ: &str = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'stock'";

#[tokio::test]
async fn a_place_that_becomes_usable_costs_a_look_at_what_is_waited_for_however_much_it_has() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    stock_up(&store, "WH-1", "Z", 5).await;
    while store.serve_due(Timestamp::now()).await.unwrap() {}
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    for nobody_waits_for in [
        "INSERT INTO products SELECT 'S' || n, 'x', 1, 'GBP', 1, 1, 1, 1 FROM generate_series(1001, 3000) n",
        "INSERT INTO stock (facility_id, sku, on_hand) SELECT 'WH-1', sku, 5 FROM products WHERE sku <> 'Z'",
    ] {
        sqlx::query(nobody_waits_for).execute(&mut connection).await.unwrap();
    }
    wait_for(&store, waiting("o1", "Z", 1), "o1").await;
    store.catalog().put_facility(&Facility { handling_cost_minor: 1, ..facility("WH-1") }).await.unwrap();

    let mut serving = connection.begin().await.unwrap();
    assert!(sqlx::query_scalar::<_, bool>("SELECT serve_due(now(), 50)").fetch_one(&mut *serving).await.unwrap());
    let read: i64 = sqlx::query_scalar(READ).fetch_one(&mut *serving).await.unwrap();
    serving.commit().await.unwrap();
    assert!(read < 20, "{read} positions were read");
    assert_eq!(messages(&store).await.len(), 1, "it is served");
    assert!(!store.serve_due(Timestamp::now()).await.unwrap(), "and nothing is left to do");
}
