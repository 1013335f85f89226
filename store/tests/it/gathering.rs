//! An order that ships as a whole holds what comes in for it at one place, for a day at most; whoever waits longer takes it.

use jiff::{SignedDuration, Timestamp};
use oms_store::{Facility, FulfillmentRow, Record, Reserve, Reserved, Store, Waiting};

use crate::{
    stack::{fresh_store, fresh_whole_store},
    support::{
        adjust, assert_sound, facility, facility_id, messages, position, queued, record, serve, sku, step, stock_up, wait_since, waiting,
    },
};

/// An order that wants one of each in one package, as a plan made just now would have it wait.
pub async fn waits_for_all(store: &Store, id: &str, of: &[&str], rank_at: &str) {
    let skus: Vec<_> = of.iter().map(|of| sku(of)).collect();
    let seen = store.availability(&skus).await.unwrap();
    let wait = |of: &&str| Waiting { plans_again: true, all_or_nothing: true, ships_with: Some("0".into()), ..waiting(id, of, 1) };
    let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
    let waiting = of.iter().map(wait).collect();
    let rank_at = Some(rank_at.parse().unwrap());
    let request = Reserve { waiting, rank_at, planned_at, facilities_version, ..step(id, "wait", &[]) };
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)));
}

/// Its waiting ends, and it plans with all of this.
pub async fn takes_all(store: &Store, id: &str, all: &[(&str, &str, u32)]) {
    let ended = FulfillmentRow { facility_id: None, planned_again: true, ..queued(id, 2, "WH-1", "cancelled", None) };
    store.record(&Record { fulfillment_orders: vec![ended], planning: true, ..record(id, 1, "waiting_ended") }).await.unwrap();
    assert!(matches!(store.reserve(&step(id, "again", all)).await.unwrap(), Reserved::Done(_)), "{id} plans with what it is offered");
}

pub async fn stocked(store: &Store, facilities: &[&str], of: &[&str]) {
    for at in facilities {
        for of in of {
            stock_up(store, at, of, 0).await;
        }
    }
    serve(store, Timestamp::now()).await;
}

/// Serves all that is due so many hours from now.
async fn serve_in(store: &Store, hours: i64) {
    serve(store, Timestamp::now() + SignedDuration::from_hours(hours)).await;
}

/// Units at each of these positions, and how many of them are nobody's.
async fn there(store: &Store, of: &[(&str, &str)]) -> Vec<(i64, i64)> {
    let mut there = Vec::new();
    for (at, of) in of {
        let found = position(store, at, of).await;
        there.push((found.on_hand, found.available));
    }
    there
}

/// Who is told, and of how many units: offered at each place, and granted.
async fn told(store: &Store) -> Vec<(String, usize, usize)> {
    let units = |payload: &serde_json::Value, kind: &str| payload[kind].as_array().unwrap().len();
    messages(store).await.iter().map(|(id, payload)| (id.clone(), units(payload, "offers"), units(payload, "grants"))).collect()
}

#[tokio::test]
async fn what_comes_in_bit_by_bit_is_held_until_all_is_there_and_then_offered_at_once() {
    let store = fresh_whole_store().await;
    stocked(&store, &["WH-1"], &["A", "B", "C"]).await;
    waits_for_all(&store, "whole", &["A", "B", "C"], "2010-12-01T00:00:00Z").await;
    wait_since(&store, waiting("later", "A", 1), "later", "2010-12-02T00:00:00Z").await;
    for of in ["A", "C"] {
        adjust(&store, "WH-1", of, 1).await;
        serve(&store, Timestamp::now()).await;
        assert_eq!((told(&store).await, position(&store, "WH-1", of).await.available), (vec![], 0), "held for it, and it is not told yet");
    }
    assert_sound(&store).await;
    adjust(&store, "WH-1", "B", 1).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(told(&store).await, [("whole".to_owned(), 3, 0)]);
    takes_all(&store, "whole", &[("WH-1", "A", 1), ("WH-1", "B", 1), ("WH-1", "C", 1)]).await;
    assert_sound(&store).await;
    adjust(&store, "WH-1", "A", 1).await;
    assert_eq!(told(&store).await, [("later".to_owned(), 0, 1)]);
}

#[tokio::test]
async fn it_holds_where_it_lacks_least_and_what_was_there_before_goes_with_it() {
    let store = fresh_store().await;
    stocked(&store, &["WH-1", "WH-2"], &["A", "B", "C"]).await;
    adjust(&store, "WH-2", "A", 2).await;
    let declined = [(facility_id("WH-2"), 2)].into();
    let a = Waiting { ships_with: Some("0".into()), plans_again: true, all_or_nothing: true, declined, ..waiting("whole", "A", 2) };
    let (b, c) = (Waiting { declined: [].into(), ..waiting("whole", "B", 1) }, waiting("whole", "C", 1));
    let with_a = |wait: Waiting| Waiting { ships_with: a.ships_with.clone(), plans_again: true, all_or_nothing: true, ..wait };
    let seen = store.availability(&[sku("A")]).await.unwrap();
    let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
    let waits = Reserve { waiting: vec![a.clone(), with_a(b), with_a(c)], planned_at, facilities_version, ..step("whole", "wait", &[]) };
    assert!(matches!(store.reserve(&waits).await.unwrap(), Reserved::Done(_)));
    let places = [("WH-1", "B"), ("WH-2", "A"), ("WH-2", "B")];
    adjust(&store, "WH-1", "B", 1).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(there(&store, &places).await, [(1, 1), (2, 2), (0, 0)], "it lacks less elsewhere");
    adjust(&store, "WH-2", "B", 1).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(there(&store, &places).await, [(1, 1), (2, 0), (1, 0)]);
    assert_eq!(told(&store).await, []);
    assert_sound(&store).await;
}

#[tokio::test]
async fn after_a_day_it_pauses_for_a_day_and_then_it_is_its_turn_again() {
    let store = fresh_store().await;
    stocked(&store, &["WH-1"], &["A", "B"]).await;
    waits_for_all(&store, "whole", &["A", "B"], "2010-12-01T00:00:00Z").await;
    adjust(&store, "WH-1", "A", 1).await;
    let at_each = async |hours: &[(i64, i64)]| {
        for (hours, available) in hours {
            serve_in(&store, *hours).await;
            assert_eq!(position(&store, "WH-1", "A").await.available, *available, "after {hours} hours");
            assert_sound(&store).await;
        }
    };
    at_each(&[(0, 0), (23, 0), (25, 1), (48, 1), (50, 0), (73, 0), (75, 1)]).await;
    assert_eq!(told(&store).await, []);
    // Whatever it does, what it could have as a whole it is offered.
    adjust(&store, "WH-1", "B", 1).await;
    serve_in(&store, 75).await;
    assert_eq!(told(&store).await, [("whole".to_owned(), 2, 0)]);
}

#[tokio::test]
async fn whoever_waits_longer_takes_what_a_younger_one_has_gathered() {
    let store = fresh_store().await;
    stocked(&store, &["WH-1"], &["A", "B"]).await;
    waits_for_all(&store, "younger", &["A", "B"], "2010-12-03T00:00:00Z").await;
    waits_for_all(&store, "youngest", &["A", "B"], "2010-12-04T00:00:00Z").await;
    adjust(&store, "WH-1", "A", 2).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(position(&store, "WH-1", "A").await.available, 0);
    // It comes last, with a head start, wants one of each, and the last one gives way.
    waits_for_all(&store, "older", &["A", "B"], "2010-12-01T00:00:00Z").await;
    serve(&store, Timestamp::now()).await;
    adjust(&store, "WH-1", "B", 1).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(told(&store).await, [("older".to_owned(), 2, 0)]);
    // So does a younger one to one that takes what it can get.
    wait_since(&store, waiting("plain", "A", 1), "plain", "2010-12-02T00:00:00Z").await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(told(&store).await, [("plain".to_owned(), 0, 1)]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_it_has_gathered_goes_back_when_the_place_ships_no_more_or_the_order_ends() {
    let store = fresh_whole_store().await;
    stocked(&store, &["WH-1", "WH-2"], &["A", "B"]).await;
    waits_for_all(&store, "whole", &["A", "B"], "2010-12-01T00:00:00Z").await;
    adjust(&store, "WH-1", "A", 1).await;
    serve(&store, Timestamp::now()).await;
    store.catalog().put_facility(&Facility { ship_enabled: false, ..facility("WH-1") }).await.unwrap();
    serve(&store, Timestamp::now()).await;
    assert_eq!(position(&store, "WH-1", "A").await.available, 1);
    adjust(&store, "WH-2", "B", 1).await;
    serve(&store, Timestamp::now()).await;
    assert_eq!(position(&store, "WH-2", "B").await.available, 0, "and it may gather elsewhere at once");
    let row = FulfillmentRow { facility_id: None, ..queued("whole", 2, "WH-1", "cancelled", None) };
    store.record(&Record { fulfillment_orders: vec![row], closed: true, ..record("whole", 1, "cancelled") }).await.unwrap();
    assert_eq!(position(&store, "WH-2", "B").await.available, 1);
    serve_in(&store, 25).await;
    assert_sound(&store).await;
}
