//! Facts about stock, told in any order and more than once: stock ends where they happened to leave it.

use std::collections::BTreeSet;

use oms_domain::{error::ErrorCode, order::RejectionReason};
use oms_store::{Adjustment, AdjustmentReason, AdjustmentResult, FeedKind, FeedMode, FeedRow, Record, StockCount, StockTarget, StoreError};

use crate::{
    draw::Draw,
    stack::fresh_whole_store,
    stock_model::{Counting, Happened, Model, Told},
    support::{
        adjust, assert_sound, count, facility_id, fulfillment, messages, position, queued, record, sku, step, stock_up, target, wait_for,
        waiting,
    },
    teller::{BESIDE, Teller, minute},
};

/// What happened in forty minutes, in any order.
fn day(draw: &mut Draw) -> Vec<Told> {
    let happened = |draw: &mut Draw| {
        let few = u32::try_from(draw.below(9)).unwrap() + 1;
        let units = i64::from(few);
        match draw.below(16) {
            0..=3 => Happened::Counted {
                units: units * 10,
                unavailable: [None, Some(units)][draw.below(2)],
                by: [Counting::ByItself, Counting::InAFeed, Counting::InFull, Counting::LeftOut][draw.below(4)],
            },
            4 | 5 => Happened::TakenBack,
            6 | 7 => Happened::Received { units: few, named: draw.below(2) == 0 },
            8 | 9 => Happened::Adjusted { units: units - 10 },
            10 => Happened::Spoiled { units },
            11 | 12 => Happened::Shipped { units: few },
            13 => Happened::Mismatched { units: few },
            14 => Happened::Damaged { units: few },
            _ => Happened::Returned { units: few },
        }
    };
    let mut all: Vec<_> = (0..18).map(|n| Told { n, minute: i64::try_from(draw.below(40)).unwrap(), what: happened(draw) }).collect();
    // Never two receipts without an id, nor two counts, of one minute: nobody could say which is which.
    let mut minutes = BTreeSet::new();
    let is_count = |told: &Told| matches!(told.what, Happened::Counted { .. });
    let alone = |told: &Told| is_count(told) || matches!(told.what, Happened::Received { named: false, .. });
    all.retain(|told| !alone(told) || minutes.insert((told.minute, is_count(told))));
    let counted: Vec<i64> = all.iter().filter(|told| is_count(told)).map(|told| told.minute).collect();
    for told in all.iter_mut().filter(|told| told.what == Happened::TakenBack && !counted.is_empty()) {
        told.minute = counted[draw.below(counted.len())];
    }
    all
}

#[tokio::test]
async fn stock_ends_where_things_happened_to_leave_it_in_whatever_order_they_are_told() {
    let store = fresh_whole_store().await;
    let (mut draw, mut taken_back) = (Draw::new(), 0);
    for round in 1..=60 {
        let mut telling = day(&mut draw);
        telling.extend_from_within(..telling.len() / 2);
        draw.shuffle(&mut telling);
        let (place, sku) = (format!("W{round}"), format!("S{round}"));
        for of in [BESIDE, &sku] {
            stock_up(&store, &place, of, 0).await;
        }
        let (teller, mut model) = (Teller { store: &store, place: &place, sku: &sku }, Model::new());
        for told in &telling {
            let expected = model.tell(told);
            assert_eq!(teller.tell(told).await, expected, "round {round}: {told:?} of {telling:?}");
            taken_back += usize::from(expected && told.what == Happened::TakenBack);
        }
        assert_eq!(teller.figures().await, model.figures(), "round {round}: {telling:?}");
    }
    assert!(taken_back > 0);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_a_count_has_seen_is_kept_and_moves_nothing() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, place: "WH-1", sku: "A" };
    teller.count(10, minute(60)).await.unwrap();
    assert_eq!(teller.receive(&[teller.receipt(None, minute(30), 5)]).await, [""; 0]);
    assert_eq!(teller.adjust("a1", (-2, 0), minute(60)).await, AdjustmentResult::Applied);
    teller.reject("o1", RejectionReason::Mismatch, 3, minute(59)).await;
    assert_eq!(teller.on_hand().await, 10);
    let ledger = store.stock_movements(&facility_id("WH-1"), &sku("A"), None, 10).await.unwrap();
    let kept: Vec<_> = ledger.iter().filter(|row| !row.moved).map(|row| (row.cause.as_str(), row.on_hand)).collect();
    assert_eq!(kept, [("mismatch", -3), ("sale", -2), ("receipt", 5)]);
    // What orders ship always moves, and stays moved when the count is told again.
    teller.ship("o2", 4, minute(59)).await;
    assert_eq!(teller.on_hand().await, 6);
    teller.count(10, minute(60)).await.unwrap();
    assert_eq!(teller.on_hand().await, 6);
}

#[tokio::test]
async fn a_count_that_is_taken_back_was_never_told() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, place: "WH-1", sku: "A" };
    let take_back = async |of| store.catalog().take_back_count(&facility_id("WH-1"), &sku("A"), of).await.map(|position| position.on_hand);
    let not_found = Err(StoreError::Refused { code: ErrorCode::NotFound });
    teller.count(10, minute(10)).await.unwrap();
    // A typing error, told twice, and what comes while it stands.
    for units in [90, 99] {
        teller.count(units, minute(100)).await.unwrap();
    }
    teller.receive(&[teller.receipt(None, minute(20), 5)]).await;
    teller.receive(&[teller.receipt(None, minute(9), 7)]).await;
    teller.ship("o1", 2, minute(30)).await;
    teller.adjust("a1", (1, 0), minute(110)).await;
    assert_eq!(teller.on_hand().await, 98);
    assert_eq!(take_back(minute(10)).await, not_found, "only the last one");
    assert_eq!(take_back(minute(100)).await, Ok(14));
    assert_eq!(take_back(minute(100)).await, not_found, "nor twice");
    assert_eq!(teller.count(20, minute(40)).await, Ok(()), "an earlier one is possible again");
    assert_eq!(teller.on_hand().await, 21);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_is_unavailable_goes_by_the_count_that_said_so() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let put = async |unavailable, when| {
        let count = StockCount { unavailable, ..count("WH-1", "A", 10) };
        let counted = store.catalog().put_stock(&count, Some(minute(when))).await.unwrap();
        counted.unavailable
    };
    let damage = |units, when| Adjustment {
        adjustment_id: None,
        facility_id: facility_id("WH-1"),
        sku: sku("A"),
        quantity: 0,
        unavailable: units,
        reason: AdjustmentReason::Damage,
        occurred_at: Some(minute(when)),
        told_at: minute(when),
    };
    store.adjust_stock(&[damage(4, 60)]).await.unwrap();
    assert_eq!(put(Some(0), 30).await, 4, "found damaged after the count");
    assert_eq!(put(None, 90).await, 4, "which says nothing of it");
    store.adjust_stock(&[damage(1, 80)]).await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.unavailable, 5);
    assert_eq!(put(Some(2), 90).await, 2);
    store.adjust_stock(&[damage(1, 85)]).await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.unavailable, 2);
}

#[tokio::test]
async fn another_receipt_or_adjustment_under_a_known_key_is_refused() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, place: "WH-1", sku: "A" };
    let lorry = |quantity| teller.receipt(None, minute(0), quantity);
    assert_eq!(teller.receive(&[lorry(10)]).await, [""; 0]);
    assert_eq!(teller.receive(&[lorry(25)]).await, ["receipt_conflict"], "the second lorry of that day");
    assert_eq!(teller.receive(&[lorry(10), lorry(25)]).await, [""; 0], "one file tells them apart");
    let named = |quantity| teller.receipt(Some("R1"), minute(0), quantity);
    assert_eq!(teller.receive(&[named(10), named(100), named(10)]).await, ["receipt_conflict"]);
    assert_eq!(teller.on_hand().await, 45);
    assert_eq!(teller.adjust("a1", (-3, 0), minute(1)).await, AdjustmentResult::Applied);
    assert_eq!(teller.adjust("a1", (-4, 0), minute(1)).await, AdjustmentResult::Rejected(ErrorCode::AdjustmentConflict));
    assert_eq!(teller.on_hand().await, 42);
}

#[tokio::test]
async fn two_uploads_of_one_file_at_once_are_one() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, place: "WH-1", sku: "A" };
    let (one, two) =
        (teller.feed(FeedKind::Receipts, None, FeedMode::Partial).await, teller.feed(FeedKind::Receipts, None, FeedMode::Partial).await);
    // Equal rows on both sides of the border between two batches.
    for row_number in 1..=2 {
        for feed_id in [one, two] {
            let row = teller.receipt(None, minute(0), 5);
            store.feeds().apply_receipts(feed_id, &[FeedRow { row_number, row }]).await.unwrap();
        }
    }
    assert_eq!(teller.on_hand().await, 10);
}

#[tokio::test]
async fn an_adjustment_without_an_id_counts_each_time_it_is_asked_for() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 1).await;
    for _ in 0..2 {
        adjust(&store, "WH-1", "A", 2).await;
    }
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 5);
}

#[tokio::test]
async fn an_adjustment_without_a_time_is_after_whatever_was_counted_whichever_clock_is_behind() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    Teller { store: &store, place: "WH-1", sku: "A" }.count(10, minute(60)).await.unwrap();
    let theft = Adjustment {
        adjustment_id: None,
        facility_id: facility_id("WH-1"),
        sku: sku("A"),
        quantity: -2,
        unavailable: 0,
        reason: AdjustmentReason::Theft,
        occurred_at: None,
        told_at: minute(58),
    };
    store.adjust_stock(&[theft]).await.unwrap();
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 8);
}

#[tokio::test]
async fn a_count_that_takes_units_away_and_sets_room_free_grants_nothing() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 5).await;
    let kept = StockCount { safety_stock: Some(5), ..count("WH-1", "A", 5) };
    store.catalog().put_stock(&kept, Some(minute(0))).await.unwrap();
    wait_for(&store, waiting("o1", "A", 5), "o1").await;
    let gone = StockCount { safety_stock: Some(0), ..count("WH-1", "A", 0) };
    let after = store.catalog().put_stock(&gone, Some(minute(1))).await.unwrap();
    assert_eq!((after.on_hand, after.reserved, after.deficit), (0, 0, 0));
    assert_eq!(messages(&store).await, []);
}

#[tokio::test]
async fn what_goes_missing_before_an_order_takes_what_it_was_granted_is_missing_to_that_order() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 2).await;
    store.reserve(&step("holder", "place", &[("WH-1", "A", 2)])).await.unwrap();
    let stock = vec![target("holder", "WH-1", "A", 2, 0)];
    let fulfillment_orders = vec![queued("holder", 1, "WH-1", "released", None)];
    store.record(&Record { stock, fulfillment_orders, ..record("holder", 1, "released") }).await.unwrap();
    wait_for(&store, waiting("o1", "A", 3), "o1").await;
    adjust(&store, "WH-1", "A", 3).await;
    let granted = messages(&store).await.pop().unwrap().1["grants"][0]["grant_id"].as_str().unwrap().to_owned();
    adjust(&store, "WH-1", "A", -3).await;
    assert_eq!(messages(&store).await, [], "whoever was there first is not asked");
    let taken = StockTarget { fulfillment_order_id: fulfillment("o1", 2), ..target("o1", "WH-1", "A", 3, 0) };
    let fulfillment_orders = vec![queued("o1", 2, "WH-1", "open", None)];
    let grants_seen = vec![granted];
    store.record(&Record { stock: vec![taken], grants_seen, fulfillment_orders, ..record("o1", 1, "stock_arrived") }).await.unwrap();
    let told = messages(&store).await;
    assert_eq!((told.len(), told[0].0.as_str(), &told[0].1["shorts"][0]["quantity"]), (1, "o1", &serde_json::json!(3)));
}
