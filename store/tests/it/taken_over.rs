//! Feeds that more than one process has in hand: whoever comes second takes nothing from the first.

use std::time::Duration;

use oms_domain::feed::{FeedDecision, FeedStatus};
use oms_store::{FeedKind, FeedMode, FeedRow, FeedRun, PickedUnits, SnapshotGuard, StartFeed, Store, StoreConfig};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    stack::fresh_config,
    support::{at, count, position, product, stock_up},
};

const SKUS: [&str; 4] = ["A", "B", "C", "D"];

/// Ten units each at WH-1 and WH-2, counted on 1 December.
async fn counted() -> (StoreConfig, Store) {
    let config = fresh_config().await;
    let snapshot_guard = SnapshotGuard { change_max_percent: 50, from_positions: 3, decide_within: Duration::from_secs(3_600) };
    let store = Store::connect(&StoreConfig { snapshot_guard, ..config.clone() }).await.unwrap();
    for of in SKUS {
        stock_up(&store, "WH-1", of, 10).await;
        stock_up(&store, "WH-2", of, 10).await;
    }
    (config, store)
}

/// Nine units of each of these at both, told as of 2 December, and not ended.
async fn sent(store: &Store, mode: FeedMode, skus: &[&str]) -> Uuid {
    let feed = StartFeed {
        kind: FeedKind::Stock,
        source: "test.csv".to_owned(),
        as_of: Some(at("2010-12-02T00:00:00Z")),
        told_at: jiff::Timestamp::now(),
        mode,
        picked_units: PickedUnits::Counted,
        expected_rows: Some(2 * skus.len() as u64),
    };
    let feed_id = store.feeds().start(&feed).await.unwrap();
    let counts = ["WH-1", "WH-2"].into_iter().flat_map(|place| skus.iter().map(move |of| count(place, of, 9)));
    let rows: Vec<_> = counts.zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect();
    store.feeds().apply_stock(feed_id, &rows).await.unwrap();
    feed_id
}

async fn on_hand(store: &Store) -> Vec<i64> {
    let mut found = Vec::new();
    for place in ["WH-1", "WH-2"] {
        for of in SKUS {
            found.push(position(store, place, of).await.on_hand);
        }
    }
    found
}

async fn get(store: &Store, feed_id: Uuid) -> FeedRun {
    store.feeds().get(feed_id).await.unwrap().unwrap()
}

/// Another process, which does this much of the work and dies.
async fn died_after(config: &StoreConfig, steps: &'static [&'static str], feed_id: Uuid) {
    let mut died = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    for step in steps {
        sqlx::query(*step).bind(feed_id).execute(&mut died).await.unwrap();
    }
    sqlx::query("UPDATE feeds SET worked_at = now() - interval '31 seconds'").execute(&mut died).await.unwrap();
}

const TO_BE_APPLIED: &str = "SELECT end_feed($1), keep_absent($1, 100), keep_absent($1, 100), judge_snapshot($1, 50, 3, '1 day')";

#[tokio::test]
async fn what_a_full_snapshot_has_counted_stays_counted_whoever_applies_the_rest() {
    for applied in [
        &[TO_BE_APPLIED, "SELECT apply_counts($1, 1)"][..],
        &[TO_BE_APPLIED, "SELECT apply_counts($1, 4)", "SELECT apply_counts($1, 3)"],
        &[TO_BE_APPLIED, "SELECT apply_counts($1, 7)"],
    ] {
        let (config, store) = counted().await;
        let feed_id = sent(&store, FeedMode::Full, &["A", "B", "C"]).await;
        died_after(&config, applied, feed_id).await;
        assert_eq!(get(&store, feed_id).await.status, FeedStatus::Applying);
        assert_eq!(store.feeds().sweep().await.unwrap(), 1);
        let run = get(&store, feed_id).await;
        assert_eq!((run.status, run.accepted, run.waiting), (FeedStatus::Finished, 6, 0));
        assert_eq!(on_hand(&store).await, [9, 9, 9, 0, 9, 9, 9, 0], "{applied:?}");
    }
}

#[tokio::test]
async fn what_came_to_a_place_while_its_server_was_gone_is_absent_all_the_same() {
    let (config, store) = counted().await;
    let feed_id = sent(&store, FeedMode::Full, &["A", "B", "C"]).await;
    died_after(&config, &[TO_BE_APPLIED, "SELECT apply_counts($1, 6)"], feed_id).await;
    store.catalog().put_product(&product("E")).await.unwrap();
    store.catalog().put_stock(&count("WH-2", "E", 5), Some(at("2010-12-01T00:00:00Z"))).await.unwrap();
    assert_eq!(store.feeds().sweep().await.unwrap(), 1);
    assert_eq!(on_hand(&store).await, [9, 9, 9, 0, 9, 9, 9, 0]);
    assert_eq!(position(&store, "WH-2", "E").await.on_hand, 0);
}

#[tokio::test]
async fn a_run_that_is_parked_or_was_read_keeps_its_rows_when_somebody_says_late_that_it_failed() {
    let (config, store) = counted().await;
    // Emptied, it is parked: whoever lost the connection to its sender after all says so.
    let parked = sent(&store, FeedMode::Full, &["A"]).await;
    assert_eq!(store.feeds().finish(parked).await.unwrap().status, FeedStatus::Parked);
    let failed = store.feeds().fail(parked, "the connection broke").await.unwrap();
    assert_eq!((failed.status, failed.failure), (FeedStatus::Parked, None));
    let approved = store.feeds().decide(parked, FeedDecision::Approve).await.unwrap();
    assert_eq!((approved.status, approved.accepted), (FeedStatus::Finished, 2));
    assert_eq!(on_hand(&store).await, [9, 0, 0, 0, 9, 0, 0, 0]);

    // Read to its end, and left there: others work on it.
    let read = sent(&store, FeedMode::Partial, &["A"]).await;
    died_after(&config, &["SELECT end_feed($1)"], read).await;
    assert_eq!(store.feeds().fail(read, "nobody has read it to its end").await.unwrap().status, FeedStatus::Running);
    assert_eq!(store.feeds().sweep().await.unwrap(), 1);
    let run = get(&store, read).await;
    assert_eq!((run.status, run.unchanged, run.failure), (FeedStatus::Finished, 2, None));
}
