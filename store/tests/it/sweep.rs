//! What nobody comes and tells of is found, each once in a while, and what cannot be helped keeps nobody else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oms_store::{OrderRow, Record, Store};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    placed::placed_order,
    stack::{fresh_config, fresh_whole_store},
    support::{at, order, record},
};

async fn pending(store: &Store, limit: u32) -> Vec<String> {
    let found = store.claim_pending_intakes(Duration::ZERO, limit).await.unwrap();
    let mut ids: Vec<_> = found.into_iter().map(|intake| intake.order_id.to_string()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn an_intake_that_was_never_started_is_found_until_its_order_records() {
    let store = fresh_whole_store().await;
    for id in ["o1", "o2"] {
        store.put_intake(&placed_order(id, 1), "hash", jiff::Timestamp::now()).await.unwrap();
    }
    assert_eq!(store.claim_pending_intakes(Duration::from_secs(60), 10).await.unwrap(), []);
    store.record(&record("o1", 1, "placed")).await.unwrap();
    store.put_intake(&placed_order("o1", 1), "hash", jiff::Timestamp::now()).await.unwrap();
    assert_eq!(store.pending_intakes(None, 10).await.unwrap(), [order("o2")]);
    assert_eq!(pending(&store, 10).await, ["o2"]);
    assert_eq!(pending(&store, 10).await, [""; 0], "whoever claimed it has it for a while");
}

#[tokio::test]
async fn two_hundred_ghosts_hide_nobody_and_one_is_forgotten_unless_it_is_placed_again() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let ghosts = "INSERT INTO pending_intakes (order_id, received_at, leased_until)
        SELECT 'ghost' || n, now() - interval '2 hours', now() - interval '2 hours' FROM generate_series(1, 200) n";
    sqlx::query(ghosts).execute(&mut connection).await.unwrap();
    store.put_intake(&placed_order("paid", 1), "hash", jiff::Timestamp::now()).await.unwrap();
    let found = store.claim_pending_intakes(Duration::ZERO, 200).await.unwrap();
    assert!(found.iter().all(|intake| intake.order_id.as_str().starts_with("ghost") && intake.age_s > 7_000.0));
    assert_eq!(pending(&store, 200).await, ["paid"]);

    // One of them is placed after all, after it was looked for and before it was forgotten.
    let ghost = |n: usize| found.iter().find(|intake| intake.order_id.as_str() == format!("ghost{n}")).unwrap();
    store.put_intake(&placed_order("ghost1", 1), "hash", jiff::Timestamp::now()).await.unwrap();
    assert!(!store.forget_pending_intake(ghost(1)).await.unwrap());
    assert!(store.forget_pending_intake(ghost(2)).await.unwrap());
    assert_eq!(store.pending_intakes(None, 1_000).await.unwrap().len(), 200);
}

#[tokio::test]
async fn the_email_that_an_order_is_found_by_is_the_one_it_was_taken_in_with() {
    let config = fresh_config().await;
    let away = Store::connect(&config).await.unwrap();
    let mut order = placed_order("o1", 1);
    order.customer.email = Some("mistyped@example.com".into());
    away.put_intake(&order, "hash-1", jiff::Timestamp::now()).await.unwrap_err();
    away.setup().await.unwrap();
    order.customer.email = Some("right@example.com".into());
    away.put_intake(&order, "hash-2", jiff::Timestamp::now()).await.unwrap();
    away.record(&record("o1", 1, "placed")).await.unwrap();
    let by = |email: &str| oms_store::OrderFilter { email: Some(email.into()), ..Default::default() };
    assert_eq!(away.orders_page(&by("right@example.com"), None, 10).await.unwrap().items.len(), 1);
    assert_eq!(away.orders_page(&by("mistyped@example.com"), None, 10).await.unwrap().items.len(), 0);
}

/// A record of an order that waits until then.
fn waiting(order_id: &str, until: Option<Timestamp>) -> Record {
    let record = record(order_id, 1, "placed");
    Record { row: OrderRow { next_wait_at: until, ..record.row }, ..record }
}

#[tokio::test]
async fn an_order_is_overdue_once_its_next_wait_is_over_and_again_if_nothing_is_heard_of_it() {
    let store = fresh_whole_store().await;
    let now = at("2011-01-05T10:00:00Z");
    let minutes = SignedDuration::from_mins;
    for (id, until) in [("late", Some(now - minutes(1))), ("early", Some(now + minutes(1))), ("over", None)] {
        store.record(&waiting(id, until)).await.unwrap();
    }
    let overdue = async |at: Timestamp| store.claim_overdue_orders(at, at + minutes(10), 10).await.unwrap();
    let depth = async |at| {
        let queues = store.backlog(at).await.unwrap().queues;
        queues.into_iter().find(|queue| queue.queue == "orders_overdue").unwrap().depth
    };
    assert_eq!(depth(now).await, 1);
    assert_eq!(overdue(now).await, [order("late")]);
    assert_eq!((overdue(now).await, depth(now).await), (vec![], 0), "whoever claimed it has it for a while");
    assert_eq!(store.overdue_orders(now, 10).await.unwrap(), [order("late")], "its next wait stands as it was recorded");
    assert_eq!(overdue(now + minutes(2)).await, [order("early")]);
    assert_eq!(overdue(now + minutes(11)).await, [order("late")]);
    // What is recorded counts from then on.
    let heard = Record { row: OrderRow { next_wait_at: None, ..record("late", 2, "moved").row }, ..record("late", 2, "moved") };
    store.record(&heard).await.unwrap();
    assert_eq!(overdue(now + minutes(60)).await, [order("early")]);
}

#[tokio::test]
async fn what_only_an_open_order_needs_goes_a_month_after_its_end_and_no_order_is_looked_at_twice() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    for statement in [
        "INSERT INTO order_guards (order_id, closed_at) SELECT 'o' || n, now() - n * interval '1 day' FROM generate_series(1, 50) n",
        "INSERT INTO reservation_steps SELECT 'o' || n, 'step', '{}' FROM generate_series(1, 50) n",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    assert_eq!(store.prune(15).await.unwrap().of("order_guards"), 15);
    assert_eq!(store.prune(15).await.unwrap().of("order_guards"), 6, "30 to 50 days ago");
    assert_eq!(store.prune(15).await.unwrap().rows(), 0);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM reservation_steps").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, 29);
}
