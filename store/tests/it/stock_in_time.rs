//! Facts about stock, told in any order and more than once: stock ends where they happened to leave it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    error::ErrorCode,
    order::{RejectionReason, StockFact},
};
use oms_store::{
    Adjustment, AdjustmentReason, AdjustmentResult, FeedKind, FeedMode, FeedRow, PickedUnits, Receipt, Record, StartFeed, StockCount,
    StockTarget, Store, StoreConfig, StoreError,
};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    stack::{fresh_config, fresh_whole_store},
    support::{
        adjust, assert_sound, at, count, facility_id, fulfillment, line, messages, position, queued, record, sku, step, stock_up, target,
        wait_for, waiting,
    },
};

/// The minute of a day after everything else was counted.
fn minute(minute: i64) -> Timestamp {
    at("2010-12-10T00:00:00Z") + SignedDuration::from_mins(minute)
}

/// What happened at WH-1 to a SKU: when, how many units, and by which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happened {
    Counted { units: i64, by_feed: bool },
    Received { units: u32, named: bool },
    Adjusted { units: i64 },
    Shipped { units: u32 },
    Mismatched { units: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    n: usize,
    minute: i64,
    what: Happened,
}

/// Random numbers from a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, usize::try_from(self.below(n as u64 + 1)).unwrap());
        }
    }
}

fn day(random: &mut Random) -> Vec<Told> {
    let happened = |random: &mut Random| {
        let units = i64::try_from(random.below(9)).unwrap() + 1;
        let few = u32::try_from(units).unwrap();
        match random.below(10) {
            0 | 1 => Happened::Counted { units: units * 10, by_feed: random.below(2) == 0 },
            2..=4 => Happened::Received { units: few, named: random.below(2) == 0 },
            5 | 6 => Happened::Adjusted { units: units - 10 },
            7 | 8 => Happened::Shipped { units: few },
            _ => Happened::Mismatched { units: few },
        }
    };
    // Never two receipts without an id, nor two counts, of one minute: nobody could say which is which.
    let mut minutes = BTreeSet::new();
    let all = (0..14).map(|n| Told { n, minute: i64::try_from(random.below(40)).unwrap(), what: happened(random) });
    let alone = |told: &Told| matches!(told.what, Happened::Counted { .. } | Happened::Received { named: false, .. });
    all.filter(|told| !alone(told) || minutes.insert((told.minute, matches!(told.what, Happened::Counted { .. })))).collect()
}

/// On hand in the end, by the simplest rules that could be right: the last count, and whatever happened after it. What was shipped
/// happened when it was told, if a count stood there that claims to be later.
fn expected(telling: &[Told]) -> i64 {
    let mut known = BTreeSet::new();
    let (mut last_count, mut moved) = ((i64::MIN, 0), Vec::new());
    for told in telling.iter().filter(|told| known.insert(told.n)) {
        match told.what {
            Happened::Counted { units, .. } if told.minute >= last_count.0 => last_count = (told.minute, units),
            Happened::Counted { .. } => {}
            Happened::Received { units, .. } => moved.push((told.minute, false, i64::from(units))),
            Happened::Adjusted { units } => moved.push((told.minute, false, units)),
            Happened::Mismatched { units } => moved.push((told.minute, false, -i64::from(units))),
            Happened::Shipped { units } => moved.push((told.minute.max(last_count.0), told.minute <= last_count.0, -i64::from(units))),
        }
    }
    // A moment after the count it was told after.
    let counts = |(minute, just_after, _): &(i64, bool, i64)| *minute > last_count.0 || (*minute == last_count.0 && *just_after);
    last_count.1 + moved.iter().filter(|fact| counts(fact)).map(|(_, _, units)| units).sum::<i64>()
}

/// Tells what happened to one SKU, and looks at what has become of it.
struct Teller<'a> {
    store: &'a Store,
    sku: &'a str,
}

impl Teller<'_> {
    async fn on_hand(&self) -> i64 {
        position(self.store, "WH-1", self.sku).await.on_hand
    }

    fn order(&self, told: &Told) -> String {
        format!("{}-{}", self.sku, told.n)
    }

    async fn feed(&self, kind: FeedKind, as_of: Option<Timestamp>) -> Uuid {
        let (source, mode, picked_units) = ("day.csv".to_owned(), FeedMode::Partial, PickedUnits::Counted);
        self.store
            .feeds()
            .start(&StartFeed { kind, source, as_of, mode, picked_units, expected_rows: None, told_at: Timestamp::now() })
            .await
            .unwrap()
    }

    fn receipt(&self, receipt_id: Option<&str>, received_at: Timestamp, quantity: u32) -> Receipt {
        let receipt_id = receipt_id.map(str::to_owned);
        Receipt { receipt_id, received_at, facility_id: facility_id("WH-1"), sku: sku(self.sku), quantity }
    }

    /// Reads them as one file. Reasons of the rows that were refused.
    async fn receive(&self, receipts: &[Receipt]) -> Vec<String> {
        let feed_id = self.feed(FeedKind::Receipts, None).await;
        let rows: Vec<_> = receipts.iter().cloned().zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect();
        let result = self.store.feeds().apply_receipts(feed_id, &rows).await.unwrap();
        self.store.feeds().finish(feed_id).await.unwrap();
        result.rejected.into_iter().map(|row| row.reason.split(':').next().unwrap().to_owned()).collect()
    }

    async fn count(&self, units: i64, as_of: Timestamp) -> Result<(), StoreError> {
        self.store.catalog().put_stock(&count("WH-1", self.sku, units), Some(as_of)).await.map(drop)
    }

    async fn adjust(&self, id: &str, units: i64, when: Timestamp) -> AdjustmentResult {
        let adjustment = Adjustment {
            adjustment_id: Some(id.to_owned()),
            facility_id: facility_id("WH-1"),
            sku: sku(self.sku),
            quantity: units,
            unavailable: 0,
            reason: AdjustmentReason::Sale,
            occurred_at: Some(when),
            told_at: when,
        };
        self.store.adjust_stock(&[adjustment]).await.unwrap()[0]
    }

    async fn ship(&self, order_id: &str, units: u32, when: Timestamp) {
        let mut shipped = Record { stock: vec![target(order_id, "WH-1", self.sku, 0, units)], ..record(order_id, 1, "shipped") };
        shipped.row.updated_at = when;
        self.store.record(&shipped).await.unwrap();
    }

    async fn mismatch(&self, order_id: &str, units: u32, when: Timestamp) {
        let fact = StockFact {
            seq: 1,
            fulfillment_order_id: fulfillment(order_id, 1),
            line_id: line(self.sku),
            facility_id: facility_id("WH-1"),
            sku: sku(self.sku),
            reason: RejectionReason::Mismatch,
            quantity: units,
        };
        let fulfillment_orders = vec![queued(order_id, 1, "WH-1", "incomplete", None)];
        let mut rejected = Record { stock_facts: vec![fact], fulfillment_orders, ..record(order_id, 1, "rejected") };
        rejected.row.updated_at = when;
        self.store.record(&rejected).await.unwrap();
    }

    async fn tell(&self, told: &Told) {
        let (id, when) = (self.order(told), minute(told.minute));
        match told.what {
            Happened::Counted { units, by_feed: false } => match self.count(units, when).await {
                Ok(()) | Err(StoreError::Refused { code: ErrorCode::StaleSnapshot }) => {}
                Err(other) => panic!("{other}"),
            },
            Happened::Counted { units, by_feed: true } => {
                let feed_id = self.feed(FeedKind::Stock, Some(when)).await;
                let row = count("WH-1", self.sku, units);
                self.store.feeds().apply_stock(feed_id, &[FeedRow { row_number: 1, row }]).await.unwrap();
                self.store.feeds().finish(feed_id).await.unwrap();
            }
            Happened::Received { units, named } => {
                let receipt = if named { self.receipt(Some(&id), when, units) } else { self.receipt(None, when, units) };
                assert_eq!(self.receive(&[receipt]).await, [""; 0]);
            }
            Happened::Adjusted { units } => {
                let result = self.adjust(&id, units, when).await;
                assert!(matches!(result, AdjustmentResult::Applied | AdjustmentResult::Duplicate), "{result:?}");
            }
            Happened::Shipped { units } => self.ship(&id, units, when).await,
            Happened::Mismatched { units } => self.mismatch(&id, units, when).await,
        }
    }
}

/// Positions of which the ledger does not add up to what is there.
async fn unexplained(config: &StoreConfig) -> Vec<String> {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query_scalar(
        "SELECT s.facility_id || '/' || s.sku FROM stock s LEFT JOIN stock_movements m
            ON (m.facility_id, m.sku) = (s.facility_id, s.sku) AND m.moved
        GROUP BY s.facility_id, s.sku HAVING (s.on_hand, s.reserved, s.unavailable)
            <> (coalesce(sum(m.on_hand), 0), coalesce(sum(m.reserved), 0), coalesce(sum(m.unavailable), 0))",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn stock_ends_where_things_happened_to_leave_it_in_whatever_order_they_are_told() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    for seed in 1..=60 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let mut telling = day(&mut random);
        telling.extend_from_within(..telling.len() / 2);
        random.shuffle(&mut telling);
        let sku = format!("S{seed}");
        stock_up(&store, "WH-1", &sku, 0).await;
        let teller = Teller { store: &store, sku: &sku };
        for told in &telling {
            teller.tell(told).await;
        }
        assert_eq!(teller.on_hand().await, expected(&telling), "seed {seed}: {telling:?}");
    }
    assert_eq!(unexplained(&config).await, [""; 0]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_a_count_has_seen_is_kept_and_moves_nothing() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, sku: "A" };
    teller.count(10, minute(60)).await.unwrap();
    assert_eq!(teller.receive(&[teller.receipt(None, minute(30), 5)]).await, [""; 0]);
    assert_eq!(teller.adjust("a1", -2, minute(60)).await, AdjustmentResult::Applied);
    teller.mismatch("o1", 3, minute(59)).await;
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
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, sku: "A" };
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
    teller.adjust("a1", 1, minute(110)).await;
    assert_eq!(teller.on_hand().await, 98);
    assert_eq!(take_back(minute(10)).await, not_found, "only the last one");
    assert_eq!(take_back(minute(100)).await, Ok(14));
    assert_eq!(take_back(minute(100)).await, not_found, "nor twice");
    assert_eq!(teller.count(20, minute(40)).await, Ok(()), "an earlier one is possible again");
    assert_eq!(teller.on_hand().await, 21);
    assert_eq!(unexplained(&config).await, [""; 0]);
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
    let teller = Teller { store: &store, sku: "A" };
    let lorry = |quantity| teller.receipt(None, minute(0), quantity);
    assert_eq!(teller.receive(&[lorry(10)]).await, [""; 0]);
    assert_eq!(teller.receive(&[lorry(25)]).await, ["receipt_conflict"], "the second lorry of that day");
    assert_eq!(teller.receive(&[lorry(10), lorry(25)]).await, [""; 0], "one file tells them apart");
    let named = |quantity| teller.receipt(Some("R1"), minute(0), quantity);
    assert_eq!(teller.receive(&[named(10), named(100), named(10)]).await, ["receipt_conflict"]);
    assert_eq!(teller.on_hand().await, 45);
    assert_eq!(teller.adjust("a1", -3, minute(1)).await, AdjustmentResult::Applied);
    assert_eq!(teller.adjust("a1", -4, minute(1)).await, AdjustmentResult::Rejected(ErrorCode::AdjustmentConflict));
    assert_eq!(teller.on_hand().await, 42);
}

#[tokio::test]
async fn two_uploads_of_one_file_at_once_are_one() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    let teller = Teller { store: &store, sku: "A" };
    let (one, two) = (teller.feed(FeedKind::Receipts, None).await, teller.feed(FeedKind::Receipts, None).await);
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
    Teller { store: &store, sku: "A" }.count(10, minute(60)).await.unwrap();
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
