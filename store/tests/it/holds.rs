//! Stock held for checkouts: who gets the last unit, who takes it over, and where it goes when its time is over.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use oms_domain::{
    access::{Reach, Scope},
    ids::ReservationId,
    reservation::ReservationStatus,
};
use oms_store::{CheckoutHold, HeldUnits, Hold, HoldLine, Holding, Reserve, Reserved, Store};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::{fresh_config, fresh_store},
    support::{adjust, assert_sound, facility_id, line, messages, position, sku, step, stock_up, wait_for, waiting},
};

fn id(text: &str) -> ReservationId {
    text.parse().unwrap()
}

/// A hold of these units for a quarter of an hour, each (facility, SKU, units).
fn hold(reservation_id: &str, units: &[(&str, &str, u32)]) -> Hold {
    let mut asked: BTreeMap<&str, u32> = BTreeMap::new();
    units.iter().for_each(|(_, of, quantity)| *asked.entry(of).or_default() += quantity);
    let held = |(facility, of, quantity): &(&str, &str, u32)| HeldUnits {
        line_id: line(of),
        facility_id: facility_id(facility),
        sku: sku(of),
        quantity: *quantity,
    };
    Hold {
        reservation_id: id(reservation_id),
        body_hash: format!("{units:?}"),
        hold_s: 900,
        lines: asked.into_iter().map(|(of, quantity)| HoldLine { line_id: line(of), sku: sku(of), quantity }).collect(),
        units: units.iter().map(held).collect(),
    }
}

async fn held(store: &Store, hold: &Hold) -> CheckoutHold {
    match store.hold(hold).await.unwrap() {
        Holding::New(held) => held,
        other => panic!("not held: {other:?}"),
    }
}

async fn status(store: &Store, reservation_id: &str) -> ReservationStatus {
    store.checkout_hold(&id(reservation_id)).await.unwrap().unwrap().status
}

/// A step of an order that names a hold.
fn taking_over(order_id: &str, reservation_id: &str, positions: &[(&str, &str, u32)]) -> Reserve {
    Reserve { takes_over: Some(id(reservation_id)), ..step(order_id, "place", positions) }
}

/// Orders that were granted units, and how many.
async fn granted(store: &Store) -> Vec<(String, i64)> {
    let units = |grants: &serde_json::Value| grants.as_array().unwrap().iter().map(|grant| grant["quantity"].as_i64().unwrap()).sum();
    messages(store).await.into_iter().map(|(order_id, payload)| (order_id, units(&payload["grants"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_checkouts_for_few_units_exactly_as_many_hold_as_there_are_units() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 17).await;
    let tasks = (0..100).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.hold(&hold(&format!("cart-{n}"), &[("WH-1", "A", 1)])).await.unwrap() })
    });
    let outcomes = join_all(tasks).await;
    let won = outcomes.iter().filter(|outcome| matches!(outcome.as_ref().unwrap(), Holding::New(_))).count();
    assert_eq!(won, 17);
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.on_hand, left.reserved, left.available), (17, 17, 0));
    assert_sound(&store).await;
}

#[tokio::test]
async fn the_same_request_gets_its_first_answer_and_another_is_told() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    let asked = hold("cart", &[("WH-1", "A", 2)]);
    let (one, other) = tokio::join!(store.hold(&asked), store.hold(&asked));
    let (one, other) = (one.unwrap(), other.unwrap());
    let (Holding::New(first) | Holding::Same(first), Holding::New(second) | Holding::Same(second)) = (&one, &other) else {
        panic!("{one:?} {other:?}")
    };
    assert_eq!(first, second);
    assert_ne!(one, other, "one of them was first");
    assert_eq!((first.status, first.held[0].quantity), (ReservationStatus::Held, 2));
    assert_eq!(first.expires_at.duration_since(first.requested_at).as_secs(), 900);

    store.release_hold(&id("cart")).await.unwrap();
    assert_eq!(store.hold(&asked).await.unwrap(), Holding::Same(first.clone()), "also after its end");
    assert_eq!(store.hold(&hold("cart", &[("WH-1", "A", 3)])).await.unwrap(), Holding::Other);
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 0);
}

#[tokio::test]
async fn a_hold_that_is_short_of_one_unit_takes_nothing_and_can_be_asked_for_again() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    stock_up(&store, "WH-1", "B", 1).await;
    assert_eq!(store.hold(&hold("cart", &[("WH-1", "A", 5), ("WH-1", "B", 2)])).await.unwrap(), Holding::Short);
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 0);
    assert_eq!(store.checkout_hold(&id("cart")).await.unwrap(), None);
    held(&store, &hold("cart", &[("WH-1", "A", 5), ("WH-1", "B", 1)])).await;
    assert_eq!(held(&store, &hold("late", &[])).await.status, ReservationStatus::Denied);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn units_taken_over_are_never_anybody_elses_in_between() {
    let store = fresh_store().await;
    for (facility, of) in [("WH-1", "A"), ("WH-2", "B")] {
        stock_up(&store, facility, of, 3).await;
    }
    held(&store, &hold("cart", &[("WH-1", "A", 3), ("WH-2", "B", 3)])).await;
    let thieves = (0..60).map(|n| {
        let store = store.clone();
        let of = if n % 2 == 0 { ("WH-1", "A", 1) } else { ("WH-2", "B", 1) };
        tokio::spawn(async move { store.reserve(&step(&format!("thief-{n}"), "place", &[of])).await.unwrap() })
    });
    let thieves: Vec<_> = thieves.collect();
    let taken = store.reserve(&taking_over("owner", "cart", &[("WH-1", "A", 3), ("WH-2", "B", 3)])).await.unwrap();
    assert!(matches!(taken, Reserved::Done(_)), "{taken:?}");
    for outcome in join_all(thieves).await {
        assert!(matches!(outcome.unwrap(), Reserved::Short(_)));
    }
    let hold = store.checkout_hold(&id("cart")).await.unwrap().unwrap();
    assert_eq!((hold.status, hold.held.len()), (ReservationStatus::Allocated, 0));
    assert_eq!(hold.order_id.unwrap().as_str(), "owner");
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_an_order_leaves_of_its_hold_serves_those_who_wait() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    stock_up(&store, "WH-1", "B", 2).await;
    held(&store, &hold("cart", &[("WH-1", "A", 5), ("WH-1", "B", 2)])).await;
    wait_for(&store, waiting("patient", "A", 1), "patient").await;
    // Two of A fewer than held, and nothing of B.
    store.reserve(&taking_over("owner", "cart", &[("WH-1", "A", 3)])).await.unwrap();
    assert_eq!(granted(&store).await, [("patient".to_owned(), 1)]);
    assert_eq!(position(&store, "WH-1", "A").await.available, 1);
    assert_eq!(position(&store, "WH-1", "B").await.available, 2);
    assert_sound(&store).await;
}

#[tokio::test]
async fn an_order_that_needs_more_than_its_hold_takes_the_rest_or_nothing() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    held(&store, &hold("cart", &[("WH-1", "A", 2)])).await;
    let short = store.reserve(&taking_over("owner", "cart", &[("WH-1", "A", 6)])).await.unwrap();
    assert!(matches!(short, Reserved::Short(_)), "{short:?}");
    assert_eq!(status(&store, "cart").await, ReservationStatus::Held, "a plan that fails leaves the hold as it is");
    let step = taking_over("owner", "cart", &[("WH-1", "A", 4)]);
    assert!(matches!(store.reserve(&step).await.unwrap(), Reserved::Done(_)));
    assert!(matches!(store.reserve(&step).await.unwrap(), Reserved::Done(_)), "and a repeat takes nothing more");
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 4);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_hold_whose_facility_keeps_more_back_since_is_taken_over_all_the_same() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    held(&store, &hold("cart", &[("WH-1", "A", 5)])).await;
    let kept_back = oms_store::StockCount { safety_stock: Some(4), ..crate::support::count("WH-1", "A", 5) };
    store.catalog().put_stock(&kept_back, None).await.unwrap();
    let taken = store.reserve(&taking_over("owner", "cart", &[("WH-1", "A", 5)])).await.unwrap();
    assert!(matches!(taken, Reserved::Done(_)), "{taken:?}");
    assert_sound(&store).await;
}

#[tokio::test]
async fn unknown_and_ended_holds_are_no_error() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 2).await;
    held(&store, &hold("cart", &[("WH-1", "A", 1)])).await;
    store.release_hold(&id("cart")).await.unwrap();
    for (order_id, reservation_id) in [("o1", "cart"), ("o2", "nobodys")] {
        let taken = store.reserve(&taking_over(order_id, reservation_id, &[("WH-1", "A", 1)])).await.unwrap();
        assert!(matches!(taken, Reserved::Done(_)), "{taken:?}");
    }
    assert_eq!(status(&store, "cart").await, ReservationStatus::Released);
    assert_sound(&store).await;
}

#[tokio::test]
async fn one_hold_serves_one_order() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 1).await;
    held(&store, &hold("cart", &[("WH-1", "A", 1)])).await;
    let (first, second) = (taking_over("o1", "cart", &[("WH-1", "A", 1)]), taking_over("o2", "cart", &[("WH-1", "A", 1)]));
    let (first, second) = tokio::join!(store.reserve(&first), store.reserve(&second));
    let done = [first, second].iter().filter(|outcome| matches!(outcome, Ok(Reserved::Done(_)))).count();
    assert_eq!(done, 1);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_deadline_gives_back_to_those_who_wait_first_and_only_once() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 3).await;
    held(&store, &Hold { hold_s: 0, ..hold("cart", &[("WH-1", "A", 3)]) }).await;
    wait_for(&store, waiting("patient", "A", 2), "patient").await;
    let (one, other) = tokio::join!(store.expire_holds(10), store.expire_holds(10));
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert_eq!(granted(&store).await, [("patient".to_owned(), 2)]);
    assert_eq!((status(&store, "cart").await, position(&store, "WH-1", "A").await.available), (ReservationStatus::Expired, 1));
    assert_eq!(store.release_hold(&id("cart")).await.unwrap().unwrap().status, ReservationStatus::Expired);
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_deadline_and_an_order_exactly_one_has_the_hold() {
    let store = fresh_store().await;
    let (mut ordered, mut expired) = (0, 0);
    for n in 0..40 {
        let (of, cart, waits) = (format!("A{n}"), format!("cart-{n}"), format!("patient-{n}"));
        stock_up(&store, "WH-1", &of, 1).await;
        held(&store, &Hold { hold_s: 0, ..hold(&cart, &[("WH-1", &of, 1)]) }).await;
        wait_for(&store, waiting(&waits, &of, 1), &waits).await;
        let order = {
            let (store, step) = (store.clone(), taking_over(&format!("owner-{n}"), &cart, &[("WH-1", &of, 1)]));
            tokio::spawn(async move { store.reserve(&step).await.unwrap() })
        };
        let sweep = {
            let store = store.clone();
            tokio::spawn(async move { store.expire_holds(10).await.unwrap() })
        };
        let (order, swept) = (order.await.unwrap(), sweep.await.unwrap());
        // Had the order it in hand when the sweep looked, the sweep passed over it.
        let (status, granted) = (status(&store, &cart).await, granted(&store).await);
        match order {
            Reserved::Done(_) => {
                assert_eq!((status, swept, granted.len()), (ReservationStatus::Allocated, 0, 0));
                ordered += 1;
            }
            Reserved::Short(_) => {
                assert_eq!((status, swept, granted.len()), (ReservationStatus::Expired, 1, 1));
                expired += 1;
            }
            Reserved::Closed => panic!("nothing was closed"),
        }
        assert_eq!(position(&store, "WH-1", &of).await.reserved, 1);
    }
    assert_eq!(ordered + expired, 40);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_deadline_moves_within_its_bound_and_no_further() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 1).await;
    let first = held(&store, &Hold { hold_s: 1, ..hold("cart", &[("WH-1", "A", 1)]) }).await;
    assert!(store.extend_hold(&id("cart"), 600, 7_200).await.unwrap());
    let extended = store.checkout_hold(&id("cart")).await.unwrap().unwrap();
    assert!(extended.expires_at.duration_since(first.requested_at).as_secs() >= 600);
    assert!(!store.extend_hold(&id("cart"), 7_201, 7_200).await.unwrap(), "beyond the bound");
    assert_eq!(store.checkout_hold(&id("cart")).await.unwrap().unwrap(), extended);
    store.release_hold(&id("cart")).await.unwrap();
    assert!(!store.extend_hold(&id("cart"), 60, 7_200).await.unwrap(), "after its end");
    assert!(!store.extend_hold(&id("nobodys"), 60, 7_200).await.unwrap());
    assert_eq!(store.release_hold(&id("nobodys")).await.unwrap(), None);
}

#[tokio::test]
async fn holds_give_way_to_facts_before_orders_do() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 2)])).await.unwrap();
    held(&store, &hold("elder", &[("WH-1", "A", 1)])).await;
    held(&store, &hold("younger", &[("WH-1", "A", 2)])).await;
    adjust(&store, "WH-1", "A", -2).await;
    let units = |hold: Option<CheckoutHold>| hold.unwrap().held.iter().map(|units| units.quantity).sum::<u32>();
    assert_eq!(units(store.checkout_hold(&id("younger")).await.unwrap()), 0);
    assert_eq!(units(store.checkout_hold(&id("elder")).await.unwrap()), 1);
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.on_hand, left.reserved, left.deficit), (3, 3, 0));
    assert_eq!(messages(&store).await, [], "no order is missing anything");

    adjust(&store, "WH-1", "A", -2).await;
    let told = messages(&store).await;
    assert_eq!((told.len(), told[0].0.as_str(), &told[0].1["shorts"][0]["quantity"]), (1, "o1", &serde_json::json!(1)));
    assert_eq!(position(&store, "WH-1", "A").await.deficit, 1);
    store.release_hold(&id("elder")).await.unwrap();
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_hold_that_nobody_ends_is_a_leak() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    stock_up(&store, "WH-1", "A", 3).await;
    held(&store, &hold("cart", &[("WH-1", "A", 3)])).await;
    assert_sound(&store).await;
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let overdue = "UPDATE checkout_holds SET expires_at = now() - interval '2 minutes'";
    sqlx::query(overdue).execute(&mut connection).await.unwrap();
    assert_eq!(store.invariants().await.unwrap().leaked_reservations, 3);
    store.expire_holds(10).await.unwrap();
    assert_sound(&store).await;
    let long_ago = "UPDATE checkout_holds SET requested_at = now() - interval '31 days'";
    sqlx::query(long_ago).execute(&mut connection).await.unwrap();
    assert_eq!(store.prune(10).await.unwrap().of("checkout_holds"), 1);
}

#[tokio::test]
async fn what_is_held_now_is_listed_by_its_deadline_and_within_reach() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    stock_up(&store, "WH-2", "B", 10).await;
    for (n, (name, facility, of)) in
        [("h-1", "WH-1", "A"), ("h-2", "WH-2", "B"), ("h-3", "WH-1", "A"), ("h-4", "WH-1", "A")].into_iter().enumerate()
    {
        let hold = Hold { hold_s: 900 - 10 * u32::try_from(n).unwrap(), ..hold(name, &[(facility, of, 1)]) };
        held(&store, &hold).await;
    }
    store.release_hold(&id("h-3")).await.unwrap();
    let names =
        |page: oms_store::Page<CheckoutHold>| page.items.into_iter().map(|hold| hold.reservation_id.to_string()).collect::<Vec<_>>();
    let all = Scope::default();
    let first = store.held_page(None, &all, None, 2).await.unwrap();
    let next = first.next_cursor.clone();
    assert_eq!(names(first), ["h-4", "h-2"]);
    assert_eq!(names(store.held_page(None, &all, next.as_deref(), 2).await.unwrap()), ["h-1"]);
    assert_eq!(names(store.held_page(Some(&sku("A")), &all, None, 10).await.unwrap()), ["h-4", "h-1"]);
    let one = Scope { facilities: Reach::Only([facility_id("WH-2")].into()), ..Scope::default() };
    assert_eq!(names(store.held_page(None, &one, None, 10).await.unwrap()), ["h-2"]);
    assert!(store.held_page(None, &all, Some("nonsense"), 10).await.is_err());
}
