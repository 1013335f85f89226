//! Events and movements of stock by month: made ahead of time, and gone as a whole.

use oms_store::{EventFilter, OrderRow, Record, Recorded, Store, StoreConfig};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{adjust, assert_sound, at, facility_id, order, read_events, record, sku, stock_up},
};

/// A store with its table, what it is configured with, and a connection beside it.
async fn opened(history_months: Option<u32>) -> (Store, PgConnection) {
    let config = StoreConfig { history_months, ..fresh_config().await };
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    (store, PgConnection::connect(config.database_url.expose_secret()).await.unwrap())
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Which partition each event of an order is in, oldest first.
async fn parts(connection: &mut PgConnection, order_id: &str) -> Vec<String> {
    let parts = "SELECT tableoid::regclass::text FROM order_events WHERE order_id = $1 ORDER BY seq";
    sqlx::query_scalar(parts).bind(order_id).fetch_all(connection).await.unwrap()
}

/// The name of a month of events, so many from this one.
async fn month(connection: &mut PgConnection, table: &str, from_now: i32) -> String {
    let name = "SELECT $1 || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + $2 * interval '1 month', '_YYYY_MM')";
    sqlx::query_scalar(name).bind(table).bind(from_now).fetch_one(connection).await.unwrap()
}

/// Moves what is recorded of events and movements so many months into the past, with the month to hold it.
async fn age(connection: &mut PgConnection, months: i32) {
    for table in ["order_events", "stock_movements"] {
        let statement = format!(
            "SELECT make_month('{table}', date_trunc('month', now() AT TIME ZONE 'UTC') - {months} * interval '1 month');
            UPDATE {table} SET recorded_at = recorded_at - {months} * interval '1 month';"
        );
        run(connection, &statement).await;
    }
}

#[tokio::test]
async fn months_are_made_ahead_and_take_in_what_has_come_before_them() {
    let (store, mut connection) = opened(None).await;
    let ahead = month(&mut connection, "order_events", 3).await;
    run(&mut connection, &format!("DROP TABLE {ahead}")).await;
    run(
        &mut connection,
        "INSERT INTO order_events (order_id, seq, kind, at, data, recorded_at)
        SELECT 'early', n, 'moved', now(), '{}', now() + interval '3 months' FROM generate_series(1, 3) AS n",
    )
    .await;
    assert_eq!(parts(&mut connection, "early").await, ["order_events_default"; 3]);
    assert_eq!(store.make_months().await.unwrap(), 1);
    assert_eq!(parts(&mut connection, "early").await, [ahead.as_str(); 3]);
    assert_eq!(store.make_months().await.unwrap(), 0);
    store.record(&record("now", 1, "placed")).await.unwrap();
    assert_eq!(parts(&mut connection, "now").await, [month(&mut connection, "order_events", 0).await]);
}

#[tokio::test]
async fn a_month_of_which_too_much_came_early_stays_where_it_is_and_keeps_no_other() {
    let (store, mut connection) = opened(None).await;
    for months in [1, 2] {
        let ahead = month(&mut connection, "order_events", months).await;
        run(&mut connection, &format!("DROP TABLE {ahead}")).await;
    }
    run(
        &mut connection,
        "INSERT INTO order_events (order_id, seq, kind, at, data, recorded_at)
        SELECT 'early', n, 'moved', now(), '{}', date_trunc('month', now()) + interval '40 days' FROM generate_series(1, 100001) AS n",
    )
    .await;
    assert_eq!(store.make_months().await.unwrap(), 1);
    assert_eq!(store.events(&order("early"), 0, 200_000).await.unwrap().len(), 100_001);
}

#[tokio::test]
async fn what_is_recorded_at_an_impossible_time_is_found_all_the_same() {
    let (store, mut connection) = opened(None).await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    for (seq, recorded_at) in [(2, "1970-01-01"), (3, "2262-01-01")] {
        let statement = format!(
            "INSERT INTO order_events (order_id, seq, kind, at, data, recorded_at) VALUES ('o1', {seq}, 'moved', now(), '{{}}', '{recorded_at}');
            INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, occurred_at, effective_at, recorded_at)
            VALUES ('WH-1', 'A', 1, 0, 0, 'receipt', '{recorded_at}', '2262-01-01', '{recorded_at}');"
        );
        run(&mut connection, &statement).await;
    }
    assert_eq!(parts(&mut connection, "o1").await[1..], ["order_events_default"; 2]);
    let (told, _) = read_events(&store, None, 3).await;
    assert_eq!(told.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.timeline_after(&order("o1"), 0).await.unwrap().events.len(), 3);
    assert_eq!(store.stock_movements(&facility_id("WH-1"), &sku("A"), None, 10).await.unwrap().len(), 3);
    let since: i64 = sqlx::query_scalar("SELECT on_hand FROM happened_since('WH-1', 'A', now())").fetch_one(&mut connection).await.unwrap();
    assert_eq!(since, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_recorded_again_or_by_many_at_once_stands_once() {
    let (store, mut connection) = opened(None).await;
    for version in 1..=10 {
        let recording = (0..8).map(|n| {
            let (store, kind) = (store.clone(), if n % 2 == 0 { "one" } else { "another" });
            tokio::spawn(async move { store.record(&record("o1", version, kind)).await.unwrap() })
        });
        let mut outcomes = Vec::new();
        for recorded in recording.collect::<Vec<_>>() {
            outcomes.push(recorded.await.unwrap());
        }
        let appended = outcomes.iter().filter(|outcome| matches!(outcome, Recorded::Appended { .. })).count();
        let same = outcomes.iter().filter(|outcome| **outcome == Recorded::Same { stored_version: version }).count();
        assert_eq!((appended, same), (1, 3), "{outcomes:?}");
    }
    let twice = "SELECT count(*) - count(DISTINCT seq) FROM order_events WHERE order_id = 'o1'";
    assert_eq!(sqlx::query_scalar::<_, i64>(twice).fetch_one(&mut connection).await.unwrap(), 0);
    assert_eq!(store.events(&order("o1"), 0, 100).await.unwrap().len(), 10);
}

#[tokio::test]
async fn events_of_other_versions_than_those_recorded_are_refused() {
    let (store, _) = opened(None).await;
    store.record(&record("o1", 1, "placed")).await.unwrap();
    let next = record("o1", 2, "moved");
    for seqs in [&[1][..], &[3], &[2, 2], &[1, 2]] {
        let events = seqs.iter().map(|seq| oms_store::RecordedEvent { seq: *seq, ..next.events[0].clone() }).collect();
        assert!(store.record(&Record { events, ..next.clone() }).await.is_err(), "{seqs:?}");
    }
    assert_eq!(store.recorded_version(&order("o1")).await.unwrap(), 1);
    assert_eq!(store.events(&order("o1"), 0, 10).await.unwrap().len(), 1);
    store.record(&next).await.unwrap();
}

/// An order that has ended, or one that waits.
fn placed(order_id: &str, is_over: bool) -> Record {
    let placed = record(order_id, 1, "placed");
    let next_wait_at = (!is_over).then(|| at("2010-12-05T00:00:00Z"));
    Record { row: OrderRow { next_wait_at, ..placed.row }, ..placed }
}

async fn prune_all(store: &Store) {
    while store.prune(1_000).await.unwrap().rows() > 0 {}
}

#[tokio::test]
async fn a_month_that_was_kept_for_long_enough_goes_but_for_open_orders_and_what_it_came_to() {
    let (store, mut connection) = opened(Some(3)).await;
    stock_up(&store, "WH-1", "A", 10).await;
    adjust(&store, "WH-1", "A", 5).await;
    store.record(&placed("over", true)).await.unwrap();
    store.record(&placed("open", false)).await.unwrap();
    age(&mut connection, 5).await;
    store.record(&placed("new", true)).await.unwrap();
    adjust(&store, "WH-1", "A", 1).await;

    prune_all(&store).await;
    let gone: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relname = ANY ($1)")
        .bind([month(&mut connection, "order_events", -5).await, month(&mut connection, "stock_movements", -5).await])
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(gone, 0);
    let left = async |id: &str| store.timeline_after(&order(id), 0).await.unwrap();
    assert!(left("over").await.events.is_empty() && left("over").await.beginning.is_none());
    for id in ["open", "new"] {
        assert!(left(id).await.events.len() == 1 && left(id).await.beginning.is_some(), "{id}");
    }
    let told = store.events_after(None, &EventFilter::default(), 10).await.unwrap().events;
    assert!(told.iter().all(|event| event.order_id != Some(order("over"))));
    // The ledger still adds up, and what comes late still finds what happened after it.
    let ledger = store.stock_movements(&facility_id("WH-1"), &sku("A"), None, 10).await.unwrap();
    assert_eq!(
        ledger.iter().map(|row| (row.cause.as_str(), row.on_hand)).collect::<Vec<_>>(),
        [("correction", 1), ("carried_forward", 15)]
    );
    assert_sound(&store).await;

    // Once it is over, too, what stayed of it goes.
    run(&mut connection, "UPDATE orders SET next_wait_at = NULL WHERE order_id = 'open'").await;
    prune_all(&store).await;
    assert!(left("open").await.events.is_empty());
    assert_eq!(left("new").await.events.len(), 1);
}

#[tokio::test]
async fn unless_it_is_said_how_long_history_is_kept_for_good() {
    let (store, mut connection) = opened(None).await;
    store.record(&placed("over", true)).await.unwrap();
    age(&mut connection, 100).await;
    prune_all(&store).await;
    assert_eq!(store.events(&order("over"), 0, 10).await.unwrap().len(), 1);
}
