//! The contract of the order store, held against the embedded DynamoDB and against Amazon's own DynamoDB Local.

use aws_sdk_dynamodb::types::AttributeValue;
use oms_domain::{
    note::{NOTES_MAX, Note},
    placed::PlacedOrder,
};
use oms_store::{Document, Intake, NotePut, Record, Recorded, RecordedEvent, Store, StoreConfig, StoreError};
use serde_json::json;

use crate::{
    placed::placed_order,
    stack::{dynamodb_local, fresh_config, raw_client},
    support::{at, order, record},
};

/// A store on a table of its own, on either implementation.
async fn store_on(endpoint: Option<String>) -> Option<(StoreConfig, Store)> {
    let mut config = fresh_config().await;
    config.dynamodb_endpoint = Some(endpoint?);
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    Some((config, store))
}

async fn embedded() -> Option<(StoreConfig, Store)> {
    let endpoint = fresh_config().await.dynamodb_endpoint;
    store_on(endpoint).await
}

async fn local() -> Option<(StoreConfig, Store)> {
    store_on(dynamodb_local().await).await
}

/// Each clause of the contract as a test on both implementations.
macro_rules! contract {
    ($($clause:ident)+) => {
        mod on_the_embedded_dynamodb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let (config, store) = super::embedded().await.expect("it is in this process");
                super::$clause(config, store).await;
            })+
        }
        mod on_dynamodb_local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                if let Some((config, store)) = super::local().await {
                    super::$clause(config, store).await;
                }
            })+
        }
    };
}

contract! {
    setup_may_be_repeated_and_run_at_once
    an_id_belongs_to_its_first_body
    of_many_bodies_at_once_one_is_kept
    an_intake_comes_back_as_it_was_placed
    a_note_is_kept_once_and_an_order_has_no_more_than_it_may
    what_dies_between_the_databases_is_completed_by_the_next_try
    a_document_that_comes_late_is_not_put_over_a_newer_one
    many_events_in_one_record_are_all_there
    what_nothing_compresses_is_cut_and_what_cannot_fit_is_refused
}

async fn setup_may_be_repeated_and_run_at_once(config: StoreConfig, store: Store) {
    let other = Store::connect(&config).await.unwrap();
    let (one, two) = tokio::join!(store.setup(), other.setup());
    one.unwrap();
    two.unwrap();
    store.ping().await.unwrap();
}

async fn an_id_belongs_to_its_first_body(_: StoreConfig, store: Store) {
    let first = placed_order("o1", 1);
    let other = PlacedOrder { channel: "phone".into(), ..first.clone() };
    let put = async |order: &PlacedOrder| store.put_intake(order, &order.body_hash().unwrap(), jiff::Timestamp::now()).await.unwrap();
    assert_eq!(put(&first).await, Intake::New);
    assert_eq!(put(&first).await, Intake::Same);
    assert_eq!(put(&other).await, Intake::Other);
    assert_eq!(store.intake(&order("o1")).await.unwrap().unwrap().order, first);
}

async fn of_many_bodies_at_once_one_is_kept(_: StoreConfig, store: Store) {
    let puts = (0..12).map(|n| {
        let (store, order) = (store.clone(), PlacedOrder { channel: format!("channel {n}"), ..placed_order("o1", 1) });
        tokio::spawn(async move { store.put_intake(&order, &order.body_hash().unwrap(), jiff::Timestamp::now()).await.unwrap() })
    });
    let met = futures_util::future::join_all(puts).await;
    let new = met.iter().filter(|intake| *intake.as_ref().unwrap() == Intake::New).count();
    let other = met.iter().filter(|intake| *intake.as_ref().unwrap() == Intake::Other).count();
    assert_eq!((new, other), (1, 11));
}

async fn an_intake_comes_back_as_it_was_placed(_: StoreConfig, store: Store) {
    assert_eq!(store.intake(&order("o1")).await.unwrap(), None);
    assert_eq!(store.document(&order("o1")).await.unwrap(), None);
    assert_eq!(store.events(&order("o1"), 0, 10).await.unwrap(), []);
    let placed = placed_order("o1", 3);
    let received_at = "2010-12-01T09:00:00.123Z".parse().unwrap();
    store.put_intake(&placed, "its hash", received_at).await.unwrap();
    let kept = store.intake(&order("o1")).await.unwrap().unwrap();
    assert_eq!((kept.order, kept.hash.as_str(), kept.received_at, kept.by), (placed, "its hash", received_at, None));
}

/// The same databases, but with nobody at DynamoDB's door.
async fn without_dynamodb(config: &StoreConfig) -> Store {
    let unreachable = StoreConfig { dynamodb_endpoint: Some("http://127.0.0.1:9".into()), ..config.clone() };
    Store::connect(&unreachable).await.unwrap()
}

async fn what_dies_between_the_databases_is_completed_by_the_next_try(config: StoreConfig, store: Store) {
    let half = without_dynamodb(&config).await;
    let error = half.record(&record("o1", 1, "placed")).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    assert_eq!(store.document(&order("o1")).await.unwrap(), None);
    assert_eq!(store.record(&record("o1", 1, "placed")).await.unwrap(), Recorded::Same { stored_version: 1 });
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().doc, record("o1", 1, "placed").doc);
    assert_eq!(store.events(&order("o1"), 0, 10).await.unwrap(), record("o1", 1, "placed").events);
}

async fn a_document_that_comes_late_is_not_put_over_a_newer_one(config: StoreConfig, store: Store) {
    let half = without_dynamodb(&config).await;
    half.record(&record("o1", 1, "placed")).await.unwrap_err();
    store.record(&record("o1", 2, "approved")).await.unwrap();
    assert_eq!(store.record(&record("o1", 1, "placed")).await.unwrap(), Recorded::Same { stored_version: 2 });
    assert_eq!(store.document_version(&order("o1")).await.unwrap(), Some(2));
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().doc, record("o1", 2, "approved").doc);
    // Small and large, in every order: the last version stands whole, and nothing else is left.
    let doc = |version: u64| json!({"version": version, "noise": noise(if version % 2 == 1 { 900_000 } else { 100 })});
    for version in [5, 3, 4, 9, 5, 8, 7, 9, 10, 9] {
        store.put_document(&order("o1"), version, &doc(version)).await.unwrap();
    }
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap(), Document { version: 10, doc: doc(10) });
    assert_eq!(keys(&config).await, ["DOC"]);
    store.put_document(&order("o1"), 11, &doc(11)).await.unwrap();
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap(), Document { version: 11, doc: doc(11) });
    assert_eq!(keys(&config).await.len(), 3, "the head and two chunks");
}

/// The sort keys of everything that is kept of the order.
async fn keys(config: &StoreConfig) -> Vec<String> {
    let query = raw_client(config).query().table_name(&config.table).key_condition_expression("pk = :pk");
    let found = query.expression_attribute_values(":pk", AttributeValue::S("ORDER#o1".into())).send().await.unwrap();
    found.items().iter().map(|item| item["sk"].as_s().unwrap().clone()).collect()
}

async fn many_events_in_one_record_are_all_there(_: StoreConfig, store: Store) {
    let event =
        |seq| RecordedEvent { seq, kind: format!("kind {seq}"), at: at("2010-12-01T09:00:00Z"), data: json!({"seq": seq}), by: None };
    let events: Vec<_> = (1..=250).map(event).collect();
    store.record(&Record { events: events.clone(), base: 0, ..record("o1", 250, "many") }).await.unwrap();
    assert_eq!(store.events(&order("o1"), 0, 1_000).await.unwrap(), events);
    assert_eq!(store.events(&order("o1"), 99, 2).await.unwrap(), events[99..101]);
    assert_eq!(store.events(&order("o1"), 250, 2).await.unwrap(), []);
}

/// Text that does not compress, of so many characters.
fn noise(characters: usize) -> String {
    let mut state = 42_u64;
    let mut next = || {
        // A linear congruential generator, so that every run tries the same text.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"[usize::try_from(state >> 58).unwrap()])
    };
    (0..characters).map(|_| next()).collect()
}

async fn what_nothing_compresses_is_cut_and_what_cannot_fit_is_refused(_: StoreConfig, store: Store) {
    for (version, characters) in [(1, 1_500_000), (2, 100), (3, 700_000)] {
        let doc = json!({"noise": noise(characters)});
        store.record(&Record { doc: doc.clone(), ..record("o1", version, "grown") }).await.unwrap();
        assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().doc, doc, "version {version}");
    }
    let doc = json!({"noise": noise(6_000_000)});
    let error = store.record(&Record { doc, ..record("o1", 4, "too large") }).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }) && !error.retryable(), "{error}");
}

fn note(n: u32) -> Note {
    Note {
        note_id: format!("n-{n}").parse().unwrap(),
        text: format!("Note {n}\nsecond line"),
        author: "Kim".into(),
        written_at: at("2010-12-01T09:00:00Z") + jiff::SignedDuration::from_secs(n.into()),
        by: None,
    }
}

async fn a_note_is_kept_once_and_an_order_has_no_more_than_it_may(_: StoreConfig, store: Store) {
    let id = order("o1");
    assert_eq!(store.put_note(&id, &note(1)).await.unwrap(), NotePut::NoSuchOrder);
    store.put_intake(&placed_order("o1", 1), "hash", jiff::Timestamp::now()).await.unwrap();
    assert_eq!(store.put_note(&id, &note(1)).await.unwrap(), NotePut::New);
    let again = Note { written_at: note(9).written_at, ..note(1) };
    assert_eq!(store.put_note(&id, &again).await.unwrap(), NotePut::Same(note(1)), "as it was written first");
    assert_eq!(store.put_note(&id, &Note { text: "another".into(), ..note(1) }).await.unwrap(), NotePut::Other);
    for n in 2..=NOTES_MAX {
        assert_eq!(store.put_note(&id, &note(n)).await.unwrap(), NotePut::New, "{n}");
    }
    assert_eq!(store.put_note(&id, &note(NOTES_MAX + 1)).await.unwrap(), NotePut::Full);
    assert_eq!(store.put_note(&id, &note(1)).await.unwrap(), NotePut::Same(note(1)), "also when it is full");
    let newest_first: Vec<Note> = (1..=NOTES_MAX).rev().map(note).collect();
    assert_eq!(store.notes(&id).await.unwrap(), newest_first);
    assert_eq!(store.notes(&order("o2")).await.unwrap(), []);
}
