//! Idempotency keys.

use std::time::Duration;

use oms_domain::{placed::PlacedOrder, taken::TakenCommand};
use oms_store::{Attempt, Begin, Intake, KeyedIntake, KeyedRequest, PlacingKey, Standing, Store, StoreError, StoredAnswer};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    placed::placed_order,
    stack::{fresh_config, fresh_store, fresh_whole_store},
    support::record,
};

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

/// Places an order under the key of [`REQUEST`], or of another one.
async fn placed(store: &Store, order: &PlacedOrder, request: KeyedRequest<'_>) -> Result<KeyedIntake, StoreError> {
    let headers = json!({"location": format!("/v1/orders/{}", order.order_id)});
    store.put_intake_under(PlacingKey { request, headers: &headers }, order, &order.body_hash().unwrap(), jiff::Timestamp::now()).await
}

/// A store and a look at its database.
async fn with_connection() -> (Store, PgConnection) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    (store, PgConnection::connect(config.database_url.expose_secret()).await.unwrap())
}

fn kept(intake: Intake, status: u16, is_repeat: bool) -> KeyedIntake {
    KeyedIntake::Kept { intake, status, is_repeat }
}

#[tokio::test]
async fn an_order_and_the_answer_under_its_key_are_kept_in_one_transaction() {
    let (store, mut connection) = with_connection().await;
    let (order, other) = (placed_order("o1", 1), placed_order("o2", 1));
    assert_eq!(placed(&store, &order, REQUEST).await.unwrap(), kept(Intake::New, 201, false));
    let one = "SELECT p.xmin = k.xmin AND p.xmin = d.xmin FROM pending_intakes p, idempotency_keys k, recent_demand d";
    let together: Vec<bool> = sqlx::query_scalar(one).fetch_all(&mut connection).await.unwrap();
    assert_eq!(together, [true]);
    assert_eq!(placed(&store, &order, REQUEST).await.unwrap(), kept(Intake::Same, 201, true));
    let Standing::Answered(answer) = store.idempotency().standing(&REQUEST).await.unwrap() else { panic!("it is kept") };
    assert_eq!((answer.status, answer.headers), (201, json!({"location": "/v1/orders/o1"})));
    // Another body is another order, or the same with other contents; nothing is left of either.
    let other_body = KeyedRequest { body_hash: "h2", ..REQUEST };
    assert_eq!(placed(&store, &other, other_body).await.unwrap(), KeyedIntake::OtherBody);
    assert_eq!(store.idempotency().standing(&other_body).await.unwrap(), Standing::OtherBody);
    assert_eq!(store.pending_intakes(None, 10).await.unwrap().len(), 1, "the other one was not announced");
    assert!(store.intake(&other.order_id).await.unwrap().is_none());
    // Under another key the order is not new.
    assert_eq!(placed(&store, &order, KeyedRequest { key: "k2", ..REQUEST }).await.unwrap(), kept(Intake::Same, 200, false));
    assert_eq!(placed(&store, &order, KeyedRequest { key: "k2", ..REQUEST }).await.unwrap(), kept(Intake::Same, 200, true));
}

#[tokio::test]
async fn an_order_that_conflicts_leaves_its_key_to_a_mended_one() {
    let store = fresh_whole_store().await;
    placed(&store, &placed_order("o1", 1), REQUEST).await.unwrap();
    let key = KeyedRequest { key: "k2", ..REQUEST };
    let refused = placed(&store, &placed_order("o1", 2), key).await.unwrap();
    assert!(matches!(refused, KeyedIntake::Kept { intake: Intake::Other, is_repeat: false, .. }), "{refused:?}");
    assert_eq!(store.idempotency().standing(&key).await.unwrap(), Standing::Open);
    let mended = KeyedRequest { body_hash: "h2", ..key };
    assert_eq!(placed(&store, &placed_order("o2", 2), mended).await.unwrap(), kept(Intake::New, 201, false));
}

#[tokio::test]
async fn a_server_that_dies_before_the_order_is_taken_in_leaves_it_to_the_same_request() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    // There is no table yet: it dies between the two.
    placed(&store, &placed_order("o1", 1), REQUEST).await.unwrap_err();
    store.setup().await.unwrap();
    let other_body = KeyedRequest { body_hash: "h2", ..REQUEST };
    assert_eq!(placed(&store, &placed_order("o2", 1), other_body).await.unwrap(), KeyedIntake::OtherBody, "it may have been taken in");
    assert_eq!(placed(&store, &placed_order("o1", 1), REQUEST).await.unwrap(), kept(Intake::New, 201, true));
}

#[tokio::test]
async fn a_key_of_31_days_ago_is_free_for_another_order() {
    let (store, mut connection) = with_connection().await;
    placed(&store, &placed_order("o1", 1), REQUEST).await.unwrap();
    let long_ago = "UPDATE idempotency_keys SET begun_at = begun_at - interval '31 days'";
    sqlx::query(long_ago).execute(&mut connection).await.unwrap();
    assert_eq!(store.idempotency().standing(&REQUEST).await.unwrap(), Standing::Open);
    let other_body = KeyedRequest { body_hash: "h2", ..REQUEST };
    assert_eq!(placed(&store, &placed_order("o2", 1), other_body).await.unwrap(), kept(Intake::New, 201, false));
    assert_eq!(placed(&store, &placed_order("o1", 1), REQUEST).await.unwrap(), KeyedIntake::OtherBody);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_under_one_key_one_is_announced() {
    let store = fresh_whole_store().await;
    let asked = (0..12).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let body_hash = format!("h{n}");
            placed(&store, &placed_order(&format!("o{n}"), 1), KeyedRequest { body_hash: &body_hash, ..REQUEST }).await.unwrap()
        })
    });
    let answers = futures_util::future::join_all(asked).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(KeyedIntake::Kept { intake: Intake::New, .. }))).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Ok(KeyedIntake::OtherBody))).count();
    assert_eq!((new, refused), (1, 11));
    assert_eq!(store.pending_intakes(None, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_command_that_led_to_nothing_is_known_and_no_part_of_the_orders_history() {
    let store = fresh_whole_store().await;
    let (order_id, idle) = ("o1".parse().unwrap(), |version| TakenCommand { command_id: "c1".into(), body_hash: "h".into(), version });
    store.record(&record("o1", 1, "placed")).await.unwrap();
    store.keep_idle_command(&order_id, &idle(1)).await.unwrap();
    store.keep_idle_command(&order_id, &idle(7)).await.unwrap();
    assert_eq!(store.taken_command(&order_id, "c1").await.unwrap(), Some(idle(1)));
    assert_eq!(store.timeline_after(&order_id, 0).await.unwrap().commands, []);
    // It had been told twice at once, and has led to something the second time.
    let mut led = record("o1", 2, "held");
    led.commands = vec![idle(2)];
    store.record(&led).await.unwrap();
    assert_eq!(store.timeline_after(&order_id, 0).await.unwrap().commands, [idle(2)]);
    store.keep_idle_command(&order_id, &idle(1)).await.unwrap();
    assert_eq!(store.taken_command(&order_id, "c1").await.unwrap(), Some(idle(2)));
    let until = store.timeline_until(&order_id, 1).await.unwrap();
    assert_eq!((until.events.len(), until.commands), (1, vec![]));
}
