//! Reservations that want the same units at once share a call, and nothing else: each has its own answer, its own failure, and goes on
//! whatever becomes of those beside it.

use futures_util::future::join_all;
use oms_domain::error::ErrorCode;
use oms_store::{HeldUnits, Hold, HoldLine, Record, Reserve, Reserved, Store, StoreConfig, StoreError, Waiting};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::{
    stack::fresh_config,
    support::{assert_sound, facility_id, line, position, record, sku, step, stock_up, waiting},
};

/// Calls of the test's database that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

type Answer = Result<Reserved, StoreError>;

async fn connect(config: &StoreConfig) -> PgConnection {
    PgConnection::connect(config.database_url.expose_secret()).await.unwrap()
}

/// A store with so many units of A, and the position in somebody else's hands.
async fn contended(on_hand: i64) -> (Store, StoreConfig, PgConnection) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    stock_up(&store, "WH-1", "A", on_hand).await;
    let mut other = connect(&config).await;
    execute(&mut other, "BEGIN").await;
    execute(&mut other, "SELECT FROM stock WHERE facility_id = 'WH-1' AND sku = 'A' FOR UPDATE").await;
    (store, config, other)
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap();
}

async fn figure(config: &StoreConfig, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut connect(config).await).await.unwrap()
}

async fn until_somebody_waits(config: &StoreConfig) {
    while figure(config, WAITING).await == 0 {
        tokio::task::yield_now().await;
    }
}

fn at_once(store: &Store, steps: impl IntoIterator<Item = Reserve>) -> Vec<JoinHandle<Answer>> {
    let run = |step: Reserve| {
        let store = store.clone();
        tokio::spawn(async move { store.reserve(&step).await })
    };
    steps.into_iter().map(run).collect()
}

/// The first is on its way to the database before the others come, which therefore share the next call.
async fn behind_the_first(store: &Store, config: &StoreConfig, steps: Vec<Reserve>) -> Vec<JoinHandle<Answer>> {
    let mut steps = steps.into_iter();
    let mut running = at_once(store, steps.next());
    until_somebody_waits(config).await;
    running.extend(at_once(store, steps));
    // Each has come as far as it can.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    running
}

async fn answers(running: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    join_all(running).await.into_iter().map(Result::unwrap).collect()
}

fn done(key: &str) -> Answer {
    Ok(Reserved::Done(json!({"step": key})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_five_hundred_orders_for_three_hundred_units_each_unit_goes_once_also_when_all_ask_again() {
    let store = Store::connect(&fresh_config().await).await.unwrap();
    stock_up(&store, "WH-1", "A", 300).await;
    let steps: Vec<_> = (0..500).map(|n| step(&format!("o{n}"), "place", &[("WH-1", "A", 1)])).collect();
    let first = answers(at_once(&store, steps.clone())).await;
    assert_eq!(first.iter().filter(|answer| **answer == done("place")).count(), 300);
    assert!(first.iter().all(|answer| matches!(answer, Ok(Reserved::Done(_) | Reserved::Short(_)))));
    let twice = [steps.clone(), steps].concat();
    let again = answers(at_once(&store, twice)).await;
    assert_eq!(again, [first.clone(), first].concat());
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.on_hand, left.reserved, left.available), (300, 300, 0));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_hot_position_shares_the_next_call_and_a_cold_one_is_asked_for_beside_it() {
    let (store, config, mut other) = contended(100).await;
    stock_up(&store, "WH-1", "B", 1).await;
    stock_up(&store, "WH-2", "A", 1).await;
    let hot = (0..61).map(|n| step(&format!("o{n}"), "place", &[("WH-1", "A", 1)])).collect();
    let running = behind_the_first(&store, &config, hot).await;
    assert_eq!(figure(&config, WAITING).await, 1);
    for (id, place) in [("cold", ("WH-1", "B", 1)), ("elsewhere", ("WH-2", "A", 1))] {
        assert_eq!(store.reserve(&step(id, "place", &[place])).await, done("place"));
    }
    execute(&mut other, "COMMIT").await;
    assert_eq!(answers(running).await, vec![done("place"); 61]);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM reservation_steps WHERE order_id LIKE 'o%'";
    assert_eq!(figure(&config, transactions).await, 2);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_cannot_be_done_fails_alone() {
    let (store, config, mut other) = contended(10).await;
    store.setup().await.unwrap();
    store.record(&Record { closed: true, ..record("closed", 1, "cancelled") }).await.unwrap();
    let place = |id: &str, units| step(id, "place", &[("WH-1", "A", units)]);
    // Its mark is none, which shows in the middle of its step.
    let broken = Reserve {
        waiting: vec![waiting("broken", "A", 1)],
        planned_at: Some(serde_json::from_value(json!("no mark")).unwrap()),
        ..place("broken", 1)
    };
    let steps = vec![place("o1", 1), place("o2", 2), broken, place("closed", 1), place("greedy", 99), place("o3", 3)];
    let running = behind_the_first(&store, &config, steps).await;
    execute(&mut other, "COMMIT").await;
    let answers = answers(running).await;
    assert_eq!([&answers[0], &answers[1], &answers[5]], [&done("place"); 3]);
    assert_eq!(answers[2], Err(StoreError::Refused { code: ErrorCode::ValidationFailed }));
    assert_eq!(answers[3], Ok(Reserved::Closed));
    assert!(matches!(&answers[4], Ok(Reserved::Short(_))));
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 6);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_spoils_the_whole_call_fails_alone() {
    let (store, config, mut other) = contended(10).await;
    // PostgreSQL takes no such JSON.
    let unreadable = Reserve { answer: json!("\0"), ..step("o2", "place", &[("WH-1", "A", 1)]) };
    let steps = vec![step("o1", "place", &[("WH-1", "A", 1)]), unreadable, step("o3", "place", &[("WH-1", "A", 1)])];
    let running = behind_the_first(&store, &config, steps).await;
    execute(&mut other, "COMMIT").await;
    let refused = Err(StoreError::Refused { code: ErrorCode::ValidationFailed });
    assert_eq!(answers(running).await, [done("place"), refused, done("place")]);
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 2);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_leave_the_others_their_units_and_find_theirs_when_they_come_again() {
    let (store, config, mut other) = contended(100).await;
    let steps: Vec<_> = (0..40).map(|n| step(&format!("o{n}"), "place", &[("WH-1", "A", 1)])).collect();
    let mut running = behind_the_first(&store, &config, steps.clone()).await;
    // The one whose call is under way, and every third that waits.
    let (mut left, mut gone) = (Vec::new(), 0);
    for (n, one) in running.drain(..).enumerate() {
        if n % 3 == 0 {
            one.abort();
            assert!(one.await.unwrap_err().is_cancelled());
            gone += 1;
        } else {
            left.push(one);
        }
    }
    execute(&mut other, "COMMIT").await;
    assert_eq!(answers(left).await, vec![done("place"); 40 - gone]);
    assert_eq!(answers(at_once(&store, steps)).await, vec![done("place"); 40]);
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 40);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_steps_of_an_order_in_one_call_come_one_after_the_other() {
    let (store, config, mut other) = contended(10).await;
    let of = |key: &str, units| step("o1", key, &[("WH-1", "A", units)]);
    let steps = vec![step("first", "place", &[("WH-1", "A", 1)]), of("one", 2), of("other", 3), of("one", 2)];
    let running = behind_the_first(&store, &config, steps).await;
    execute(&mut other, "COMMIT").await;
    assert_eq!(answers(running).await, [done("place"), done("one"), done("other"), done("one")]);
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 6);
    assert_sound(&store).await;
}

fn hold(id: &str, units: u32) -> Hold {
    let (of, facility_id) = (sku("A"), facility_id("WH-1"));
    Hold {
        reservation_id: id.parse().unwrap(),
        body_hash: id.into(),
        hold_s: 900,
        lines: vec![HoldLine { line_id: line("A"), sku: of.clone(), quantity: units }],
        units: vec![HeldUnits { line_id: line("A"), facility_id, sku: of, quantity: units }],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_that_take_holds_over_that_wait_and_that_take_what_is_there_share_calls_of_several_processes() {
    let config = fresh_config().await;
    let stores = [Store::connect(&config).await.unwrap(), Store::connect(&config).await.unwrap()];
    let [store, _] = &stores;
    stock_up(store, "WH-1", "A", 200).await;
    stock_up(store, "WH-1", "B", 200).await;
    for n in 0..20 {
        store.hold(&hold(&format!("h{n}"), 3)).await.unwrap();
    }
    let seen = store.availability(&[sku("A"), sku("B")]).await.unwrap();
    let steps = (0..80).map(|n| {
        let id = format!("o{n}");
        let places: [(&str, &str, u32); 2] =
            if n % 2 == 0 { [("WH-1", "A", 1), ("WH-1", "B", 1)] } else { [("WH-1", "B", 1), ("WH-1", "A", 1)] };
        let plain = step(&id, "place", &places);
        match n % 4 {
            // Two of the three that are held are left over.
            0 => Reserve { takes_over: Some(format!("h{}", n / 4).parse().unwrap()), ..plain },
            1 => Reserve {
                waiting: vec![Waiting { declined: [(facility_id("WH-1"), 1_000)].into(), ..waiting(&id, "A", 1) }],
                planned_at: Some(seen.mark.clone()),
                facilities_version: Some(seen.facilities_version),
                ..plain
            },
            _ => plain,
        }
    });
    let running = steps.enumerate().flat_map(|(n, step)| at_once(&stores[n % 2], [step])).collect();
    for (n, answer) in answers(running).await.into_iter().enumerate() {
        match n % 4 {
            // What the holds leave came after its plan, or did not yet.
            1 => assert!(matches!(answer, Ok(Reserved::Done(_) | Reserved::Short(_))), "{answer:?}"),
            _ => assert_eq!(answer, done("place"), "o{n}"),
        }
    }
    let taken_over = "SELECT count(*) FROM checkout_holds WHERE status = 'allocated' AND order_id IS NOT NULL";
    assert_eq!(figure(&config, taken_over).await, 20);
    assert_sound(store).await;
}
