//! Stock snapshots as a whole: parked when they change too much, approved or not, and counts that leave out what was picked.

use std::time::Duration;

use oms_domain::feed::{FeedDecision, FeedStatus};
use oms_store::{
    FeedKind, FeedMode, FeedRow, FeedRun, FulfillmentRow, PickedUnits, Record, Recorded, SnapshotGuard, StartFeed, StockCount, Store,
    StoreConfig,
};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    stack::{fresh_config, fresh_whole_store},
    support::{adjust, assert_sound, at, count, facility, order, position, product, queued, record, step, stock_up, target},
};

const GUARD: SnapshotGuard = SnapshotGuard { change_max_percent: 50, from_positions: 3, decide_within: Duration::from_secs(3_600) };
const SKUS: [&str; 4] = ["A", "B", "C", "D"];

/// Four positions at WH-1, ten units each, counted on 1 December; and WH-2, where nothing was counted.
async fn counted(guard: SnapshotGuard) -> Store {
    let store = Store::connect(&StoreConfig { snapshot_guard: guard, ..fresh_config().await }).await.unwrap();
    store.setup().await.unwrap();
    store.catalog().put_facility(&facility("WH-2")).await.unwrap();
    for of in SKUS {
        stock_up(&store, "WH-1", of, 10).await;
    }
    store.catalog().put_product(&product("E")).await.unwrap();
    store
}

fn snapshot(mode: FeedMode, as_of: Option<&str>) -> StartFeed {
    let (source, picked_units) = ("test.csv".to_owned(), PickedUnits::Counted);
    StartFeed {
        kind: FeedKind::Stock,
        source,
        as_of: as_of.map(at),
        mode,
        picked_units,
        expected_rows: None,
        told_at: jiff::Timestamp::now(),
    }
}

/// Sends the counts in batches of so many rows.
async fn send(store: &Store, feed: &StartFeed, counts: &[StockCount], batch: usize) -> FeedRun {
    let feed_id = store.feeds().start(feed).await.unwrap();
    let rows: Vec<_> = counts.iter().zip(1..).map(|(row, row_number)| FeedRow { row_number, row: row.clone() }).collect();
    for batch in rows.chunks(batch) {
        store.feeds().apply_stock(feed_id, batch).await.unwrap();
    }
    store.feeds().expect_rows(feed_id, rows.len() as u64).await.unwrap();
    store.feeds().finish(feed_id).await.unwrap()
}

/// The same count of each of the four positions.
fn all(on_hand: i64) -> Vec<StockCount> {
    SKUS.map(|of| count("WH-1", of, on_hand)).to_vec()
}

async fn on_hand(store: &Store) -> Vec<i64> {
    let mut found = Vec::new();
    for of in SKUS {
        found.push(position(store, "WH-1", of).await.on_hand);
    }
    found
}

async fn decide(store: &Store, feed_id: Uuid, decision: FeedDecision) -> Result<FeedRun, String> {
    let run = store.feeds().decide(feed_id, decision).await.unwrap();
    decision.refuse_unless_made(run.status, run.parked.is_some()).map_err(|refusal| refusal.message)?;
    Ok(run)
}

const DAY_2: Option<&str> = Some("2010-12-02T00:00:00Z");

#[tokio::test]
async fn a_snapshot_that_changes_too_much_is_parked_and_changes_nothing() {
    let store = counted(GUARD).await;
    let counts = [count("WH-1", "A", 0), count("WH-1", "B", 3), count("WH-1", "C", 15), count("WH-1", "E", 500), count("WH-2", "A", 500)];
    let run = send(&store, &snapshot(FeedMode::Partial, DAY_2), &counts, 2).await;
    assert_eq!((run.status, run.rows_read, run.waiting, run.accepted), (FeedStatus::Parked, 5, 5, 0));
    let parked = run.parked.unwrap();
    // First counts, of E and at WH-2, are no change; D is not spoken of.
    let change = parked.change;
    assert_eq!((change.positions, change.units_before, change.units_after, change.units_changed), (3, 30, 18, 22));
    assert_eq!((change.changed_percent, parked.limit_percent), (74, 50));
    assert_eq!(parked.facilities, [oms_store::FacilityChange { facility_id: "WH-1".parse().unwrap(), change }]);
    let largest: Vec<_> = parked.largest.iter().map(|change| (change.sku.as_str(), change.before, change.after)).collect();
    assert_eq!(largest, [("A", 10, 0), ("B", 10, 3), ("C", 10, 15)]);
    assert_eq!(on_hand(&store).await, [10; 4]);
    assert_eq!(store.stock_of(&"E".parse().unwrap()).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_within_the_limit_or_of_few_positions_or_counted_first_is_applied() {
    let store = counted(GUARD).await;
    let share = send(&store, &snapshot(FeedMode::Partial, DAY_2), &all(5), 9).await;
    assert_eq!((share.status, share.accepted, on_hand(&store).await), (FeedStatus::Finished, 4, vec![5; 4]));
    let few = [count("WH-1", "A", 500), count("WH-1", "B", 500)];
    assert_eq!(send(&store, &snapshot(FeedMode::Partial, DAY_2), &few, 9).await.status, FeedStatus::Finished);
    let first = SKUS.map(|of| count("WH-2", of, 500));
    assert_eq!(send(&store, &snapshot(FeedMode::Full, DAY_2), &first, 9).await.status, FeedStatus::Finished);
    assert_eq!(position(&store, "WH-2", "D").await.on_hand, 500);
    let stale = send(&store, &snapshot(FeedMode::Partial, Some("2010-12-01T12:00:00Z")), &all(0), 9).await;
    assert_eq!((stale.status, stale.rejected), (FeedStatus::Finished, 4), "what is refused changes nothing");
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_a_full_snapshot_leaves_out_is_a_change_and_gone_when_approved() {
    let store = counted(GUARD).await;
    let run = send(&store, &snapshot(FeedMode::Full, DAY_2), &[count("WH-1", "A", 10)], 9).await;
    assert_eq!(run.status, FeedStatus::Parked);
    assert_eq!((run.waiting, run.parked.as_ref().unwrap().change.units_changed), (1, 30));
    let run = decide(&store, run.feed_id, FeedDecision::Approve).await.unwrap();
    assert_eq!((run.status, run.rows_read, run.unchanged, run.waiting), (FeedStatus::Finished, 1, 1, 0));
    assert_eq!(on_hand(&store).await, [10, 0, 0, 0]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn an_approved_snapshot_is_as_of_its_own_time() {
    let store = counted(GUARD).await;
    let run = send(&store, &snapshot(FeedMode::Partial, Some("2010-12-01T12:00:00Z")), &all(1), 9).await;
    // Meanwhile four units came in, on the 2nd, and D was counted anew.
    adjust(&store, "WH-1", "A", 4).await;
    store.catalog().put_stock(&count("WH-1", "D", 7), DAY_2.map(at)).await.unwrap();
    let approved = decide(&store, run.feed_id, FeedDecision::Approve).await.unwrap();
    assert_eq!((approved.status, approved.accepted, approved.rejected), (FeedStatus::Finished, 3, 1));
    assert_eq!(on_hand(&store).await, [5, 1, 1, 7]);
    assert_eq!(decide(&store, run.feed_id, FeedDecision::Approve).await.unwrap(), approved, "the same decision again");
    let refusal = decide(&store, run.feed_id, FeedDecision::Reject).await.unwrap_err();
    assert_eq!(refusal, "reject is not possible while finished; possible now: nothing");
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_rejected_snapshot_changes_nothing_and_cannot_be_approved_any_more() {
    let store = counted(GUARD).await;
    let run = send(&store, &snapshot(FeedMode::Partial, DAY_2), &all(1), 9).await;
    let rejected = decide(&store, run.feed_id, FeedDecision::Reject).await.unwrap();
    assert_eq!((rejected.status, rejected.accepted, rejected.waiting), (FeedStatus::Rejected, 0, 4));
    assert_eq!(decide(&store, run.feed_id, FeedDecision::Reject).await.unwrap(), rejected);
    assert!(decide(&store, run.feed_id, FeedDecision::Approve).await.is_err());
    assert_eq!(on_hand(&store).await, [10; 4]);
    let applied = send(&store, &snapshot(FeedMode::Partial, DAY_2), &all(9), 9).await;
    assert!(decide(&store, applied.feed_id, FeedDecision::Approve).await.is_err(), "it never was parked");
}

#[tokio::test]
async fn the_same_file_while_it_is_parked_is_the_parked_feed() {
    let store = counted(GUARD).await;
    let unsaid = snapshot(FeedMode::Partial, None);
    let run = send(&store, &unsaid, &all(1), 2).await;
    assert_eq!(run.status, FeedStatus::Parked);
    assert_eq!(send(&store, &unsaid, &all(1), 9).await, run, "whatever its batches, and whenever it is sent");
    let other = send(&store, &unsaid, &all(2), 9).await;
    assert_eq!(other.status, FeedStatus::Parked);
    assert_ne!(send(&store, &snapshot(FeedMode::Partial, DAY_2), &all(1), 9).await.feed_id, run.feed_id, "as of another time");
    assert_eq!(store.feeds().list(10, None).await.unwrap().len(), 3);
    decide(&store, run.feed_id, FeedDecision::Reject).await.unwrap();
    assert_ne!(send(&store, &unsaid, &all(1), 9).await.feed_id, run.feed_id, "a decision was about what was sent before it");
}

#[tokio::test]
async fn what_nobody_decides_about_in_time_is_rejected() {
    let store = counted(SnapshotGuard { decide_within: Duration::ZERO, ..GUARD }).await;
    let run = send(&store, &snapshot(FeedMode::Partial, DAY_2), &all(1), 9).await;
    assert_eq!((run.status, store.feeds().sweep().await.unwrap()), (FeedStatus::Parked, 1));
    assert_eq!(store.feeds().get(run.feed_id).await.unwrap().unwrap().status, FeedStatus::Rejected);
    assert_eq!((store.feeds().sweep().await.unwrap(), on_hand(&store).await), (0, vec![10; 4]));
    let patient = counted(GUARD).await;
    let run = send(&patient, &snapshot(FeedMode::Partial, DAY_2), &all(1), 9).await;
    assert_eq!(patient.feeds().sweep().await.unwrap(), 0);
    assert_eq!(patient.feeds().get(run.feed_id).await.unwrap().unwrap().status, FeedStatus::Parked);
}

#[tokio::test]
async fn a_snapshot_that_breaks_off_applies_nothing_and_a_corrected_row_counts_once() {
    let store = counted(GUARD).await;
    let feed_id = store.feeds().start(&snapshot(FeedMode::Full, DAY_2)).await.unwrap();
    store.feeds().apply_stock(feed_id, &[FeedRow { row_number: 1, row: count("WH-1", "A", 9) }]).await.unwrap();
    let failed = store.feeds().fail(feed_id, "the connection broke").await.unwrap();
    assert_eq!((failed.status, failed.rows_read, failed.accepted), (FeedStatus::Failed, 1, 0));
    let twice = [count("WH-1", "A", 9), count("WH-1", "B", 9), count("WH-1", "A", 8)];
    let run = send(&store, &snapshot(FeedMode::Partial, DAY_2), &twice, 2).await;
    assert_eq!((run.rows_read, run.accepted, run.unchanged, run.waiting), (3, 2, 1, 0));
    assert_eq!(on_hand(&store).await, [8, 9, 10, 10]);
}

/// The order's only fulfillment order in this state, at this time.
fn in_state(version: u64, status: &str, time: &str, allocated: u32, consumed: u32) -> Record {
    let mut record = record("o1", version, status);
    record.row.updated_at = at(time);
    let row: FulfillmentRow = queued("o1", 1, "WH-1", status, None);
    Record { fulfillment_orders: vec![row], stock: vec![target("o1", "WH-1", "A", allocated, consumed)], ..record }
}

/// Ten units, four of which an order takes: packed at 10:00, shipped at 14:00 on 2 December.
async fn packed_then_shipped() -> Store {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 4)])).await.unwrap();
    for (version, status, time, allocated, consumed) in [
        (1, "released", "2010-12-02T08:00:00Z", 4, 0),
        (2, "picking", "2010-12-02T09:00:00Z", 4, 0),
        (3, "packed", "2010-12-02T10:00:00Z", 4, 0),
        (4, "shipped", "2010-12-02T14:00:00Z", 0, 4),
    ] {
        store.record(&in_state(version, status, time, allocated, consumed)).await.unwrap();
    }
    store
}

/// What is on hand after a shelf was counted at this time without what had been picked.
async fn shelf(store: &Store, units: i64, time: &str) -> i64 {
    let feed = StartFeed { picked_units: PickedUnits::NotCounted, ..snapshot(FeedMode::Partial, Some(time)) };
    assert_eq!(send(store, &feed, &[count("WH-1", "A", units)], 9).await.status, FeedStatus::Finished);
    position(store, "WH-1", "A").await.on_hand
}

#[tokio::test]
async fn units_that_were_picked_when_a_shelf_was_counted_are_on_hand_until_they_leave() {
    let store = packed_then_shipped().await;
    // Counted between: six on the shelf, four packed. They have shipped since.
    assert_eq!(shelf(&store, 10, "2010-12-02T09:30:00Z").await, 6, "still on the shelf while it is being picked");
    assert_eq!(shelf(&store, 6, "2010-12-02T12:00:00Z").await, 6);
    assert_eq!(shelf(&store, 6, "2010-12-02T15:00:00Z").await, 6);
    // Counted with them, the same shelf and table hold ten.
    let counted = snapshot(FeedMode::Partial, Some("2010-12-02T16:00:00Z"));
    send(&store, &counted, &[count("WH-1", "A", 6)], 9).await;
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 6);
    assert_sound(&store).await;
}

#[tokio::test]
async fn packed_units_are_added_to_a_count_without_them_and_nothing_takes_that_back() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 4)])).await.unwrap();
    store.record(&in_state(1, "picking", "2010-12-02T09:00:00Z", 4, 0)).await.unwrap();
    store.record(&in_state(2, "packed", "2010-12-02T10:00:00Z", 4, 0)).await.unwrap();
    assert_eq!(shelf(&store, 6, "2010-12-02T11:00:00Z").await, 10);
    // The task that packed was lost: what it recorded stands.
    let mut instead = in_state(2, "picking", "2010-12-02T10:00:00Z", 4, 0);
    instead.events[0].kind = "renamed".into();
    assert_eq!(store.record(&instead).await.unwrap(), Recorded::Other { stored_version: 2 });
    assert_eq!(shelf(&store, 6, "2010-12-02T11:00:00Z").await, 10);
    assert_eq!(store.document(&order("o1")).await.unwrap().unwrap().version, 2);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_facility_is_judged_by_itself_and_by_what_it_has_only_received() {
    let store = counted(GUARD).await;
    // WH-3 was never counted, and holds what came in; the other facility of the file is as it was.
    store.catalog().put_facility(&facility("WH-3")).await.unwrap();
    for of in SKUS {
        adjust(&store, "WH-3", of, 1).await;
    }
    let emptied = SKUS.map(|of| count("WH-3", of, 0));
    let run = send(&store, &snapshot(FeedMode::Partial, Some("2010-12-03T00:00:00Z")), &[all(10), emptied.to_vec()].concat(), 9).await;
    assert_eq!(run.status, FeedStatus::Parked, "4 units of 44, and all of WH-3's");
    let parked = run.parked.unwrap();
    let facilities: Vec<_> = parked.facilities.iter().map(|found| (found.facility_id.as_str(), found.change.changed_percent)).collect();
    assert_eq!((facilities, parked.change.units_before), (vec![("WH-3", 100)], 4));
}

#[tokio::test]
async fn a_snapshot_whose_server_died_is_gone_on_with_by_any_other() {
    let config = fresh_config().await;
    let store = Store::connect(&StoreConfig { snapshot_guard: GUARD, ..config.clone() }).await.unwrap();
    store.setup().await.unwrap();
    stock_up(&store, "WH-1", "A", 10).await;
    let mut died = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let rows = [FeedRow { row_number: 1, row: count("WH-1", "A", 9) }];
    // After the last row, while it is weighed, and while it is applied.
    for (step, on_hand) in [("SELECT end_feed($1)", 9), ("SELECT end_feed($1), judge_snapshot($1, 50, 3, '1 day')", 9)] {
        let feed_id = store.feeds().start(&snapshot(FeedMode::Partial, DAY_2)).await.unwrap();
        store.feeds().apply_stock(feed_id, &rows).await.unwrap();
        sqlx::query(step).bind(feed_id).execute(&mut died).await.unwrap();
        assert_eq!(store.feeds().sweep().await.unwrap(), 0, "it may be at work");
        sqlx::query("UPDATE feeds SET worked_at = now() - interval '31 seconds'").execute(&mut died).await.unwrap();
        assert_eq!(store.feeds().sweep().await.unwrap(), 1);
        assert_eq!(store.feeds().get(feed_id).await.unwrap().unwrap().status, FeedStatus::Finished);
        assert_eq!(position(&store, "WH-1", "A").await.on_hand, on_hand);
    }
}

#[tokio::test]
async fn a_file_that_was_cut_fails_and_changes_nothing() {
    let store = counted(GUARD).await;
    for (mode, announced, at_its_end, failure) in [
        (FeedMode::Full, None, None, "a full snapshot must say how many rows it has"),
        (FeedMode::Full, Some(5), None, "4 rows of 5 have come"),
        (FeedMode::Partial, Some(3), None, "4 rows of 3 have come"),
        (FeedMode::Partial, None, Some(5), "4 rows of 5 have come"),
        (FeedMode::Full, Some(4), Some(5), "its end speaks of another number of rows"),
    ] {
        let feed = StartFeed { expected_rows: announced, ..snapshot(mode, DAY_2) };
        let feed_id = store.feeds().start(&feed).await.unwrap();
        let rows: Vec<_> = all(9).into_iter().zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect();
        store.feeds().apply_stock(feed_id, &rows).await.unwrap();
        if let Some(rows) = at_its_end {
            store.feeds().expect_rows(feed_id, rows).await.unwrap();
        }
        let run = store.feeds().finish(feed_id).await.unwrap();
        assert_eq!(run.status, FeedStatus::Failed);
        assert!(run.failure.as_deref().unwrap().starts_with(failure), "{run:?}");
    }
    assert_eq!(on_hand(&store).await, [10; 4]);
}
