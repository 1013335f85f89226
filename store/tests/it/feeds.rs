//! Feeds: bad rows beside good ones, repeats, snapshots as of a time.

use jiff::Timestamp;
use oms_domain::{error::ErrorCode, feed::FeedStatus};
use oms_store::{
    BatchResult, FEED_BATCH_ROWS, FeedKind, FeedMode, FeedRow, PickedUnits, Receipt, RejectedRow, StartFeed, StockCount, Store, StoreError,
};
use uuid::Uuid;

use crate::{
    stack::fresh_store,
    support::{adjust, assert_sound, at, count, facility, facility_id, position, product, sku, stock_up},
};

async fn start(store: &Store, kind: FeedKind, mode: FeedMode, as_of: Option<Timestamp>) -> Uuid {
    let (source, picked_units) = ("test.csv".to_owned(), PickedUnits::Counted);
    store
        .feeds()
        .start(&StartFeed { kind, source, as_of, mode, picked_units, expected_rows: None, told_at: Timestamp::now() })
        .await
        .unwrap()
}

fn rows<T>(rows: impl IntoIterator<Item = T>) -> Vec<FeedRow<T>> {
    rows.into_iter().zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect()
}

fn tally(result: &BatchResult) -> (u64, u64, usize) {
    (result.accepted, result.unchanged, result.rejected.len())
}

fn receipt(facility: &str, of: &str, quantity: u32) -> Receipt {
    Receipt { receipt_id: None, received_at: at("2010-12-03T00:00:00Z"), facility_id: facility_id(facility), sku: sku(of), quantity }
}

/// Reads the receipts as one file, in batches of two.
async fn receive(store: &Store, receipts: &[Receipt]) -> (u64, u64, u64) {
    let feed_id = start(store, FeedKind::Receipts, FeedMode::Partial, None).await;
    for batch in rows(receipts.to_vec()).chunks(2) {
        store.feeds().apply_receipts(feed_id, batch).await.unwrap();
    }
    let run = store.feeds().finish(feed_id).await.unwrap();
    (run.accepted, run.unchanged, run.rejected)
}

#[tokio::test]
async fn facilities_and_products_are_added_replaced_or_left_alone() {
    let store = fresh_store().await;
    let feeds = store.feeds();
    let run = start(&store, FeedKind::Facilities, FeedMode::Partial, None).await;
    let closed = oms_store::Facility { ship_enabled: false, daily_order_capacity: None, ..facility("WH-1") };
    let batch = rows([facility("WH-1"), facility("WH-2"), closed.clone()]);
    assert_eq!(tally(&feeds.apply_facilities(run, &batch).await.unwrap()), (2, 1, 0));
    assert_eq!(store.catalog().facility(&facility_id("WH-1")).await.unwrap(), Some(closed.clone()));
    assert_eq!(store.catalog().facilities().await.unwrap(), [closed, facility("WH-2")]);
    let again = start(&store, FeedKind::Facilities, FeedMode::Partial, None).await;
    assert_eq!(tally(&feeds.apply_facilities(again, &batch).await.unwrap()), (0, 3, 0));

    let run = start(&store, FeedKind::Products, FeedMode::Partial, None).await;
    let bad = oms_store::Product { title: "nul \0".into(), ..product("B") };
    let result = feeds.apply_products(run, &rows([product("A"), bad, product("C")])).await.unwrap();
    assert_eq!(tally(&result), (2, 0, 1));
    assert_eq!(result.rejected[0].row_number, 2);
    assert_eq!(store.catalog().product(&sku("C")).await.unwrap(), Some(product("C")));
    assert_eq!(store.catalog().products(&[sku("B"), sku("C")]).await.unwrap(), [product("C")]);
}

#[tokio::test]
async fn a_bad_row_is_kept_with_its_number_and_reason_and_costs_the_others_nothing() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let run = start(&store, FeedKind::Stock, FeedMode::Partial, None).await;
    let batch = rows([count("WH-1", "A", 5), count("WH-9", "A", 1), count("WH-1", "Z", 1), count("WH-1", "A", -1), count("WH-1", "A", 7)]);
    let result = store.feeds().apply_stock(run, &batch).await.unwrap();
    assert_eq!(tally(&result), (0, 1, 1), "the others are judged at the end");
    let waiting = store.feeds().get(run).await.unwrap().unwrap();
    assert_eq!((waiting.rows_read, waiting.waiting, position(&store, "WH-1", "A").await.on_hand), (5, 3, 0));
    store.feeds().note_unreadable(run, &unreadable(6)).await.unwrap();
    store.feeds().note_unreadable(run, &unreadable(6)).await.unwrap();
    let run = store.feeds().finish(run).await.unwrap();
    assert_eq!((run.rows_read, run.accepted, run.unchanged, run.rejected, run.status), (6, 1, 1, 4, FeedStatus::Finished));
    assert_eq!(run.waiting, 0);
    let rejects = store.feeds().rejects(run.feed_id, 0, 10).await.unwrap();
    let reasons: Vec<_> = rejects.iter().map(|r| (r.row_number, r.reason.split(':').next().unwrap())).collect();
    assert_eq!(reasons, [(2, "unknown_facility"), (3, "unknown_sku"), (4, "validation_failed"), (6, "malformed_body")]);
    assert_eq!(store.feeds().rejects(run.feed_id, 3, 1).await.unwrap()[0].row_number, 4);
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 7);
}

fn unreadable(row_number: u64) -> [RejectedRow; 1] {
    [RejectedRow { row_number, reason: "malformed_body: not CSV".into() }]
}

#[tokio::test]
async fn the_same_receipts_twice_change_nothing_and_appended_ones_add_only_themselves() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    stock_up(&store, "WH-1", "B", 0).await;
    // Three equal rows on the same day are three receipts, also across batches.
    let mut file = vec![receipt("WH-1", "A", 2), receipt("WH-1", "B", 1), receipt("WH-1", "A", 2), receipt("WH-1", "A", 2)];
    assert_eq!(receive(&store, &file).await, (4, 0, 0));
    assert_eq!(receive(&store, &file).await, (0, 4, 0));
    file.extend([receipt("WH-1", "A", 3), receipt("WH-9", "A", 1), Receipt { quantity: 0, ..receipt("WH-1", "A", 1) }]);
    assert_eq!(receive(&store, &file).await, (1, 4, 2));
    assert_eq!(receive(&store, &file).await, (0, 5, 2));
    assert_eq!((position(&store, "WH-1", "A").await.on_hand, position(&store, "WH-1", "B").await.on_hand), (9, 1));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_receipt_with_an_id_counts_once_whatever_file_it_is_in() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let named = |id: &str| Receipt { receipt_id: Some(id.into()), ..receipt("WH-1", "A", 2) };
    assert_eq!(receive(&store, &[named("r1"), named("r1"), named("r2"), named("r1")]).await, (2, 2, 0));
    assert_eq!(receive(&store, &[named("r2"), named("r3")]).await, (1, 1, 0));
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 6);
}

#[tokio::test]
async fn a_batch_sent_again_is_neither_applied_nor_counted_again() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let run = start(&store, FeedKind::Receipts, FeedMode::Partial, None).await;
    let batch = rows([receipt("WH-1", "A", 2), receipt("WH-9", "A", 1)]);
    assert_eq!(tally(&store.feeds().apply_receipts(run, &batch).await.unwrap()), (1, 0, 1));
    assert_eq!(tally(&store.feeds().apply_receipts(run, &batch).await.unwrap()), (0, 0, 0));
    let run = store.feeds().finish(run).await.unwrap();
    assert_eq!((run.rows_read, position(&store, "WH-1", "A").await.on_hand), (2, 2));
}

#[tokio::test]
async fn only_an_open_run_of_the_right_kind_takes_rows() {
    let store = fresh_store().await;
    let refused = Err(StoreError::Refused { code: ErrorCode::NotFound });
    let batch = rows([product("A")]);
    let facilities = start(&store, FeedKind::Facilities, FeedMode::Partial, None).await;
    assert_eq!(store.feeds().apply_products(facilities, &batch).await, refused);
    let ended = start(&store, FeedKind::Products, FeedMode::Partial, None).await;
    assert_eq!(store.feeds().fail(ended, "the connection broke").await.unwrap().status, FeedStatus::Failed);
    assert_eq!(store.feeds().apply_products(ended, &batch).await, refused);
    assert_eq!(store.feeds().finish(ended).await.unwrap().status, FeedStatus::Failed);
    assert!(store.feeds().finish(Uuid::now_v7()).await.is_err());
    let listed: Vec<_> = store.feeds().list(10, None).await.unwrap().into_iter().map(|run| run.feed_id).collect();
    assert_eq!(listed, [ended, facilities]);
    assert_eq!(store.feeds().list(10, Some(ended)).await.unwrap().len(), 1);
    let many = rows((0..=FEED_BATCH_ROWS).map(|_| product("A")));
    assert!(matches!(store.feeds().apply_products(facilities, &many).await, Err(StoreError::TooLarge { .. })));
}

#[tokio::test]
async fn a_snapshot_is_corrected_by_what_moved_since() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    adjust(&store, "WH-1", "A", 4).await; // on 2010-12-02
    let put = async |as_of: &str, on_hand| store.catalog().put_stock(&count("WH-1", "A", on_hand), Some(at(as_of))).await;
    // Counted before the four came in, and told of later.
    assert_eq!(put("2010-12-01T12:00:00Z", 7).await.unwrap().on_hand, 11);
    assert_eq!(put("2010-12-01T12:00:00Z", 7).await.unwrap().on_hand, 11);
    // Counted after: they are in it.
    assert_eq!(put("2010-12-03T00:00:00Z", 12).await.unwrap().on_hand, 12);
    assert_eq!(put("2010-12-02T00:00:00Z", 5).await.unwrap_err(), StoreError::Refused { code: ErrorCode::StaleSnapshot });
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 12);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_count_below_what_is_reserved_is_a_fact_and_a_deficit() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.reserve(&crate::support::step("o1", "place", &[("WH-1", "A", 8)])).await.unwrap();
    let counted = store.catalog().put_stock(&count("WH-1", "A", 5), Some(at("2010-12-01T12:00:00Z"))).await.unwrap();
    assert_eq!((counted.on_hand, counted.reserved, counted.deficit, counted.available), (5, 8, 3, 0));
    assert_sound(&store).await;
    adjust(&store, "WH-1", "A", 2).await;
    assert_eq!(position(&store, "WH-1", "A").await.deficit, 1);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_full_snapshot_empties_what_it_leaves_out_and_a_partial_one_does_not() {
    let store = fresh_store().await;
    for (facility, of) in [("WH-1", "A"), ("WH-1", "B"), ("WH-1", "C"), ("WH-2", "B")] {
        stock_up(&store, facility, of, 5).await;
    }
    let on_hand = async || {
        let mut found = Vec::new();
        for (facility, of) in [("WH-1", "A"), ("WH-1", "B"), ("WH-1", "C"), ("WH-2", "B")] {
            found.push(position(&store, facility, of).await.on_hand);
        }
        found
    };
    let snapshot = async |mode, unreadable_row: Option<u64>, at_time: &str| {
        let run = start(&store, FeedKind::Stock, mode, Some(at(at_time))).await;
        // C is named, wrongly: that is not left out.
        store.feeds().apply_stock(run, &rows([count("WH-1", "A", 6), count("WH-1", "C", -1)])).await.unwrap();
        if let Some(row) = unreadable_row {
            store.feeds().note_unreadable(run, &unreadable(row)).await.unwrap();
        }
        store.feeds().expect_rows(run, 2 + u64::from(unreadable_row.is_some())).await.unwrap();
        store.feeds().finish(run).await.unwrap();
    };
    snapshot(FeedMode::Partial, None, "2010-12-02T00:00:00Z").await;
    assert_eq!(on_hand().await, [6, 5, 5, 5]);
    snapshot(FeedMode::Full, Some(3), "2010-12-03T00:00:00Z").await;
    assert_eq!(on_hand().await, [6, 5, 5, 5], "who knows what row 3 said");
    snapshot(FeedMode::Full, None, "2010-12-04T00:00:00Z").await;
    assert_eq!(on_hand().await, [6, 0, 5, 5]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_single_count_of_something_unknown_or_negative_is_refused_by_name() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 1).await;
    let put = async |of: &StockCount| match store.catalog().put_stock(of, None).await {
        Err(StoreError::Refused { code }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(put(&count("WH-9", "A", 1)).await, ErrorCode::UnknownFacility);
    assert_eq!(put(&count("WH-1", "Z", 1)).await, ErrorCode::UnknownSku);
    assert_eq!(put(&count("WH-1", "A", -1)).await, ErrorCode::ValidationFailed);
}

#[tokio::test]
async fn adjustments_answer_each_by_itself_and_count_once_by_id() {
    use oms_store::{Adjustment, AdjustmentReason, AdjustmentResult::*};
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let adjustment = |id: Option<&str>, facility: &str, of: &str, quantity| Adjustment {
        adjustment_id: id.map(str::to_owned),
        facility_id: facility_id(facility),
        sku: sku(of),
        quantity,
        unavailable: 0,
        reason: AdjustmentReason::Sale,
        occurred_at: None,
        told_at: at("2010-12-02T00:00:00Z"),
    };
    let batch = [
        adjustment(Some("a1"), "WH-1", "A", -3),
        adjustment(Some("a1"), "WH-1", "A", -3),
        adjustment(None, "WH-1", "A", -1),
        adjustment(Some("a2"), "WH-9", "A", 1),
        adjustment(Some("a3"), "WH-1", "Z", 1),
        adjustment(None, "WH-1", "A", i64::MIN + 1),
        Adjustment { unavailable: 2, ..adjustment(Some("a4"), "WH-1", "A", 0) },
    ];
    let rejected = |code| Rejected(code);
    let first = store.adjust_stock(&batch).await.unwrap();
    let refused = [rejected(ErrorCode::UnknownFacility), rejected(ErrorCode::UnknownSku), rejected(ErrorCode::ValidationFailed)];
    assert_eq!(first, [Applied, Duplicate, Applied, refused[0], refused[1], refused[2], Applied]);
    assert_eq!(store.adjust_stock(&batch[..2]).await.unwrap(), [Duplicate, Duplicate]);
    let left = position(&store, "WH-1", "A").await;
    assert_eq!((left.on_hand, left.unavailable, left.available), (6, 2, 4));
}
