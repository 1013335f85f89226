//! Bulk operations: taken in with their orders, and what came of each.

use oms_domain::{
    bulk::{Batch, Bulk, BulkCore, BulkStatus, Command, Counts, Operation, Outcome, Task},
    ids::BulkId,
};
use oms_store::{BulkIntake, BulkResult, BulkTaken, OrderFilter, Store};

use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::{fresh_config, fresh_whole_store},
    support::{at, facility_id, order, queued, record, shipped},
};

const NOW: &str = "2010-12-09T08:26:00Z";

/// Orders o0 to o4, processing at WH-1; o3 has been shipped from there.
async fn five_orders() -> Store {
    let store = fresh_whole_store().await;
    for n in 0..5_u32 {
        let id = format!("o{n}");
        let mut placed = record(&id, 1, "placed");
        placed.row.status = "processing".into();
        placed.fulfillment_orders = vec![if n == 3 { shipped(&id, "WH-1", "N3") } else { queued(&id, 1, "WH-1", "released", None) }];
        store.record(&placed).await.unwrap();
    }
    store
}

fn bulk_id() -> BulkId {
    "b-1".parse().unwrap()
}

fn asked(operation: Operation, filter: OrderFilter) -> BulkIntake {
    let task = Task { bulk_id: bulk_id(), operation, reason: "a recall".into() };
    BulkIntake { task, filter, orders_per_second: 20, started_at: at(NOW) }
}

fn processing() -> OrderFilter {
    OrderFilter { status: Some("processing".into()), ..OrderFilter::default() }
}

async fn batch(store: &Store, after: Option<&str>, limit: u32) -> Vec<(String, bool)> {
    let after = after.map(order);
    let page = store.bulk_batch(&bulk_id(), after.as_ref(), limit).await.unwrap();
    page.into_iter().map(|(order_id, known)| (order_id.to_string(), known)).collect()
}

async fn counts(store: &Store, after: Option<&str>, last: &str) -> Counts {
    store.bulk_counts(&bulk_id(), after.map(order).as_ref(), &order(last)).await.unwrap()
}

fn result(id: &str, outcome: Outcome) -> BulkResult {
    BulkResult { order_id: order(id), outcome, code: None, why: Some("because".into()), at: at(NOW) }
}

#[tokio::test]
async fn its_orders_are_those_of_its_beginning_whatever_becomes_of_them() {
    let store = five_orders().await;
    assert_eq!(store.put_bulk(&asked(Operation::Cancel, processing())).await.unwrap(), BulkTaken::New);
    let mut later = record("o9", 1, "placed");
    later.row.status = "processing".into();
    store.record(&later).await.unwrap();
    let mut gone = record("o1", 2, "cancelled");
    gone.row.status = "cancelled".into();
    store.record(&gone).await.unwrap();
    assert_eq!(store.bulk(&bulk_id()).await.unwrap().unwrap().selected, 5);
    let ids: Vec<String> = batch(&store, None, 100).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["o0", "o1", "o2", "o3", "o4"]);
    assert_eq!(batch(&store, Some("o2"), 1).await, [("o3".to_owned(), false)]);
}

#[tokio::test]
async fn the_same_intake_again_is_the_same_and_any_other_under_its_id_is_another() {
    let store = five_orders().await;
    let by_email = |email: &str| OrderFilter { email: Some(email.into()), ..processing() };
    let intake = asked(Operation::Cancel, by_email("a@example.com"));
    assert_eq!(store.put_bulk(&intake).await.unwrap(), BulkTaken::New);
    let later = BulkIntake { started_at: at("2011-01-01T00:00:00Z"), ..intake.clone() };
    assert_eq!(store.put_bulk(&later).await.unwrap(), BulkTaken::Same);
    for other in [
        asked(Operation::Cancel, by_email("b@example.com")),
        asked(Operation::Cancel, processing()),
        asked(Operation::Release { hold_id: "h".parse().unwrap() }, by_email("a@example.com")),
        BulkIntake { orders_per_second: 21, ..intake.clone() },
    ] {
        assert_eq!(store.put_bulk(&other).await.unwrap(), BulkTaken::Other, "{other:?}");
    }
    assert_eq!(store.bulk(&bulk_id()).await.unwrap().unwrap().selected, 0, "nobody has that address");
}

#[tokio::test]
async fn a_move_is_about_what_is_still_at_its_facility() {
    let store = five_orders().await;
    let away = |from: &str| Operation::Move { from: facility_id(from), to: None, consented: false };
    let preview = store.preview_bulk(&away("WH-1"), &OrderFilter::default(), 3).await.unwrap();
    assert_eq!((preview.orders, preview.sample), (4, vec![order("o0"), order("o1"), order("o2")]));
    assert_eq!(store.preview_bulk(&away("WH-2"), &OrderFilter::default(), 3).await.unwrap().orders, 0);
    assert_eq!(store.preview_bulk(&Operation::Cancel, &processing(), 0).await.unwrap().orders, 5);
    assert_eq!(store.bulk(&bulk_id()).await.unwrap(), None, "a preview keeps nothing");
    assert_eq!(store.put_bulk(&asked(away("WH-1"), OrderFilter::default())).await.unwrap(), BulkTaken::New);
    assert_eq!(batch(&store, None, 100).await.len(), 4);
}

#[tokio::test]
async fn what_came_of_an_order_is_kept_once_and_counted_and_listed() {
    let store = five_orders().await;
    store.put_bulk(&asked(Operation::Cancel, processing())).await.unwrap();
    let first = [result("o0", Outcome::Done), result("o1", Outcome::Refused), result("o2", Outcome::Done)];
    store.put_bulk_results(&bulk_id(), &first).await.unwrap();
    store.put_bulk_results(&bulk_id(), &[result("o1", Outcome::Done), result("o3", Outcome::Failed)]).await.unwrap();
    assert_eq!(counts(&store, None, "o4").await, Counts::from([(Outcome::Done, 2), (Outcome::Refused, 1), (Outcome::Failed, 1)]));
    assert_eq!(counts(&store, Some("o1"), "o2").await, Counts::from([(Outcome::Done, 1)]));
    assert_eq!(batch(&store, Some("o2"), 9).await, [("o3".to_owned(), true), ("o4".to_owned(), false)]);
    let page = store.bulk_results_page(&bulk_id(), None, None, 3).await.unwrap();
    assert_eq!(page.items, first);
    let rest = store.bulk_results_page(&bulk_id(), None, page.next_cursor.as_deref(), 3).await.unwrap();
    assert_eq!((rest.items, rest.next_cursor), (vec![result("o3", Outcome::Failed)], None));
    let refused = store.bulk_results_page(&bulk_id(), Some(Outcome::Refused), None, 3).await.unwrap();
    assert_eq!(refused.items, [result("o1", Outcome::Refused)]);
}

#[tokio::test]
async fn what_was_recorded_stands_and_nothing_older_replaces_it() {
    let store = five_orders().await;
    store.put_bulk(&asked(Operation::Cancel, processing())).await.unwrap();
    let lost = |older_than| store.claim_open_bulks(older_than, 10);
    assert_eq!(lost(std::time::Duration::from_secs(60)).await.unwrap(), []);
    assert_eq!(lost(std::time::Duration::ZERO).await.unwrap(), [bulk_id()]);
    assert_eq!(lost(std::time::Duration::ZERO).await.unwrap(), [], "whoever claimed it has it for a while");
    let core = BulkCore { bulk_id: bulk_id(), selected: 5, orders_per_second: 20, started_at: at(NOW), pause_ms: 1 };
    let begun = Bulk::new(core);
    let batch = Batch { last: Some(order("o4")), counts: Counts::from([(Outcome::Done, 5)]), end: true };
    let ended = begun.after(&Command::Batch(batch), at(NOW)).unwrap();
    for (recorded, stands) in [(&begun, &begun), (&ended, &ended), (&begun, &ended)] {
        store.record_bulk(recorded, at(NOW)).await.unwrap();
        assert_eq!(store.bulk(&bulk_id()).await.unwrap().unwrap().bulk.as_ref(), Some(stands));
    }
    assert_eq!(lost(std::time::Duration::ZERO).await.unwrap(), []);
}

/// Two hundred thousand orders and one more, a second apart.
const FILL: &str = "INSERT INTO orders (order_id, version, status, channel, customer_id, currency, total_minor, placed_at, updated_at,
        needs_attention, hold_reasons)
    SELECT 'o' || n, 1, 'processing', 'web', 'C', 'GBP', 1, timestamptz '2010-12-01' + n * interval '1 second', now(), false, '{}'
    FROM generate_series(1, 200001) n";

#[tokio::test]
async fn more_orders_than_one_may_be_about_are_not_taken_and_old_results_go() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query(FILL).execute(&mut connection).await.unwrap();
    assert_eq!(store.preview_bulk(&Operation::Cancel, &processing(), 1).await.unwrap().orders, 200_001);
    assert_eq!(store.put_bulk(&asked(Operation::Cancel, processing())).await.unwrap(), BulkTaken::TooMany);
    assert_eq!(store.bulk(&bulk_id()).await.unwrap(), None);
    let narrower = OrderFilter { placed_after: Some(at("2010-12-01T00:00:01Z")), ..processing() };
    let begun = std::time::Instant::now();
    assert_eq!(store.put_bulk(&asked(Operation::Cancel, narrower)).await.unwrap(), BulkTaken::New);
    println!("200,000 orders taken in {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!(store.bulk(&bulk_id()).await.unwrap().unwrap().selected, 200_000);
    assert_eq!(store.prune(10).await.unwrap().of("bulk_orders"), 0, "it has not ended");
    sqlx::query("UPDATE bulks SET ended_at = now() - interval '31 days'").execute(&mut connection).await.unwrap();
    assert_eq!(store.prune(10).await.unwrap().of("bulk_orders"), 10);
    assert!(store.bulk(&bulk_id()).await.unwrap().is_some(), "its id stays taken");
}

#[tokio::test]
async fn an_email_address_is_not_kept() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    let filter = OrderFilter { email: Some("a@example.com".into()), ..processing() };
    store.put_bulk(&asked(Operation::Cancel, filter)).await.unwrap();
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let kept: String = sqlx::query_scalar("SELECT to_jsonb(b)::text FROM bulks b").fetch_one(&mut connection).await.unwrap();
    assert!(!kept.contains('@') && kept.contains("email_hash"), "{kept}");
}

#[tokio::test]
async fn bulk_operations_are_listed_newest_first_page_by_page_and_by_status() {
    let store = five_orders().await;
    let at_hour = |hour: u32| at(&format!("2010-12-05T{hour:02}:00:00Z"));
    for (n, hour) in [(1, 9), (2, 11), (3, 11), (4, 10)] {
        let intake = asked(Operation::Cancel, processing());
        let task = Task { bulk_id: format!("b-{n}").parse().unwrap(), ..intake.task };
        store.put_bulk(&BulkIntake { task, started_at: at_hour(hour), ..intake }).await.unwrap();
    }
    let core = BulkCore { bulk_id: "b-4".parse().unwrap(), selected: 5, orders_per_second: 20, started_at: at_hour(10), pause_ms: 1 };
    let ended = Bulk::new(core).after(&Command::Batch(Batch { last: None, counts: Counts::new(), end: true }), at_hour(12)).unwrap();
    store.record_bulk(&ended, at_hour(12)).await.unwrap();
    let ids = |page: &oms_store::Page<oms_store::BulkRow>| page.items.iter().map(|row| row.task.bulk_id.to_string()).collect::<Vec<_>>();
    let first = store.bulks_page(None, None, 2).await.unwrap();
    assert_eq!(ids(&first), ["b-3", "b-2"]);
    let rest = store.bulks_page(None, first.next_cursor.as_deref(), 2).await.unwrap();
    assert_eq!((ids(&rest), rest.next_cursor), (vec!["b-4".to_owned(), "b-1".to_owned()], None));
    assert_eq!(ids(&store.bulks_page(Some(BulkStatus::Completed), None, 9).await.unwrap()), ["b-4"]);
    assert_eq!(ids(&store.bulks_page(Some(BulkStatus::Running), None, 9).await.unwrap()), ["b-3", "b-2", "b-1"]);
}
