//! Idempotency keys.

use std::time::Duration;

use oms_store::{Attempt, Begin, KeyedRequest, Store, StoredAnswer};
use serde_json::json;

use crate::stack::fresh_store;

const LEASE: Duration = Duration::from_secs(60);
const REQUEST: KeyedRequest<'_> = KeyedRequest { caller: "shop", route: "POST /v1/orders", key: "k1", body_hash: "h1" };

fn answer(status: u16) -> StoredAnswer {
    StoredAnswer { status, headers: json!({"location": "/v1/orders/o1"}), body: vec![0, 255] }
}

/// Takes the key, which must be free.
async fn take(store: &Store, request: &KeyedRequest<'_>, lease: Duration) -> Attempt {
    match store.idempotency().begin(request, lease).await.unwrap() {
        Begin::Fresh(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_fresh_then_in_flight_then_answers_for_ever() {
    let store = fresh_store().await;
    let keys = store.idempotency();
    let attempt = take(&store, &REQUEST, LEASE).await;
    assert_eq!(keys.begin(&REQUEST, LEASE).await.unwrap(), Begin::InFlight);
    let other_body = KeyedRequest { body_hash: "h2", ..REQUEST };
    assert_eq!(keys.begin(&other_body, LEASE).await.unwrap(), Begin::OtherBody);
    keys.finish(&REQUEST, attempt, &answer(201)).await.unwrap();
    assert_eq!(keys.begin(&REQUEST, LEASE).await.unwrap(), Begin::Replay(answer(201)));
    assert_eq!(keys.begin(&other_body, LEASE).await.unwrap(), Begin::OtherBody);
    for elsewhere in [KeyedRequest { caller: "other", ..REQUEST }, KeyedRequest { route: "POST /v1/returns", ..REQUEST }] {
        take(&store, &elsewhere, LEASE).await;
    }
}

#[tokio::test]
async fn a_failure_of_ours_is_forgotten_and_an_abandoned_key_can_be_taken_again() {
    let store = fresh_store().await;
    let keys = store.idempotency();
    let failed = take(&store, &REQUEST, LEASE).await;
    keys.finish(&REQUEST, failed, &answer(503)).await.unwrap();
    take(&store, &REQUEST, Duration::ZERO).await;
    assert_eq!(keys.begin(&KeyedRequest { body_hash: "h2", ..REQUEST }, LEASE).await.unwrap(), Begin::OtherBody);
    // Whoever had it is gone, and a refusal has done nothing.
    let refused = take(&store, &REQUEST, LEASE).await;
    keys.finish(&REQUEST, refused, &answer(422)).await.unwrap();
    let done = take(&store, &REQUEST, LEASE).await;
    keys.finish(&REQUEST, done, &answer(201)).await.unwrap();
    assert_eq!(keys.begin(&REQUEST, LEASE).await.unwrap(), Begin::Replay(answer(201)));
}

#[tokio::test]
async fn a_slow_attempt_neither_keeps_nor_forgets_what_another_has_the_key_for() {
    let store = fresh_store().await;
    let keys = store.idempotency();
    for (key, late) in [("done", 201), ("refused", 422), ("failed", 503)] {
        let request = KeyedRequest { key, ..REQUEST };
        let (slow, other) = (take(&store, &request, Duration::ZERO).await, take(&store, &request, LEASE).await);
        keys.finish(&request, slow, &answer(late)).await.unwrap();
        assert_eq!(keys.begin(&request, LEASE).await.unwrap(), Begin::InFlight, "{key}: the other one is at it");
        keys.finish(&request, other, &answer(200)).await.unwrap();
        keys.finish(&request, slow, &answer(late)).await.unwrap();
        assert_eq!(keys.begin(&request, LEASE).await.unwrap(), Begin::Replay(answer(200)), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_is_fresh() {
    let store = fresh_store().await;
    let asked = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.idempotency().begin(&REQUEST, LEASE).await.unwrap() })
    });
    let answers = futures_util::future::join_all(asked).await;
    let fresh = answers.iter().filter(|begun| matches!(begun, Ok(Begin::Fresh(_)))).count();
    let in_flight = answers.iter().filter(|begun| matches!(begun, Ok(Begin::InFlight))).count();
    assert_eq!((fresh, in_flight), (1, 15));
}
