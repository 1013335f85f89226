//! Tells the store what happened to a SKU, whatever it was.

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    error::ErrorCode,
    order::{RejectionReason, StockFact},
};
use oms_store::{
    Adjustment, AdjustmentReason, AdjustmentResult, FeedKind, FeedMode, FeedRow, Receipt, Record, RestockedGoods, ReturnRecord, StartFeed,
    StockCount, Store, StoreError,
};
use uuid::Uuid;

use crate::{
    returns,
    stock_model::{Counting, Happened, Told},
    support::{at, count, facility_id, feed, fulfillment, line, position, queued, record, sku, target},
};

/// What every place has as well.
pub const BESIDE: &str = "BESIDE";

/// The minute of a day after everything else was counted.
pub fn minute(minute: i64) -> Timestamp {
    at("2010-12-10T00:00:00Z") + SignedDuration::from_mins(minute)
}

/// Tells what happened to one SKU, and looks at what has become of it.
pub struct Teller<'a> {
    pub store: &'a Store,
    pub place: &'a str,
    pub sku: &'a str,
}

impl Teller<'_> {
    pub async fn on_hand(&self) -> i64 {
        self.figures().await.0
    }

    pub async fn figures(&self) -> (i64, i64) {
        let found = position(self.store, self.place, self.sku).await;
        (found.on_hand, found.unavailable)
    }

    fn order(&self, told: &Told) -> String {
        format!("{}-{}", self.sku, told.n)
    }

    pub async fn feed(&self, kind: FeedKind, as_of: Option<Timestamp>, mode: FeedMode) -> Uuid {
        let feed = StartFeed { expected_rows: (mode == FeedMode::Full).then_some(1), ..feed(kind, mode, as_of) };
        self.store.feeds().start(&feed).await.unwrap()
    }

    /// Counts one SKU of the place in a feed.
    async fn snapshot(&self, mode: FeedMode, row: StockCount, as_of: Timestamp) {
        let feed_id = self.feed(FeedKind::Stock, Some(as_of), mode).await;
        self.store.feeds().apply_stock(feed_id, &[FeedRow { row_number: 1, row }]).await.unwrap();
        self.store.feeds().finish(feed_id).await.unwrap();
    }

    pub fn receipt(&self, receipt_id: Option<&str>, received_at: Timestamp, quantity: u32) -> Receipt {
        let receipt_id = receipt_id.map(str::to_owned);
        Receipt { receipt_id, received_at, facility_id: facility_id(self.place), sku: sku(self.sku), quantity }
    }

    /// Reads them as one file. Reasons of the rows that were refused.
    pub async fn receive(&self, receipts: &[Receipt]) -> Vec<String> {
        let feed_id = self.feed(FeedKind::Receipts, None, FeedMode::Partial).await;
        let rows: Vec<_> = receipts.iter().cloned().zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect();
        let result = self.store.feeds().apply_receipts(feed_id, &rows).await.unwrap();
        self.store.feeds().finish(feed_id).await.unwrap();
        result.rejected.into_iter().map(|row| row.reason.split(':').next().unwrap().to_owned()).collect()
    }

    pub async fn count(&self, units: i64, as_of: Timestamp) -> Result<(), StoreError> {
        self.store.catalog().put_stock(&count(self.place, self.sku, units), Some(as_of)).await.map(drop)
    }

    async fn adjusted(&self, id: &str, units: (i64, i64), when: Timestamp) {
        let result = self.adjust(id, units, when).await;
        assert!(matches!(result, AdjustmentResult::Applied | AdjustmentResult::Duplicate), "{result:?}");
    }

    /// Changes so many units on hand, and so many of those that are unavailable.
    pub async fn adjust(&self, id: &str, (quantity, unavailable): (i64, i64), when: Timestamp) -> AdjustmentResult {
        let adjustment = Adjustment {
            adjustment_id: Some(id.to_owned()),
            facility_id: facility_id(self.place),
            sku: sku(self.sku),
            quantity,
            unavailable,
            reason: AdjustmentReason::Sale,
            occurred_at: Some(when),
            told_at: when,
        };
        self.store.adjust_stock(&[adjustment]).await.unwrap()[0]
    }

    pub async fn ship(&self, order_id: &str, units: u32, when: Timestamp) {
        let mut shipped = Record { stock: vec![target(order_id, self.place, self.sku, 0, units)], ..record(order_id, 1, "shipped") };
        shipped.row.updated_at = when;
        self.store.record(&shipped).await.unwrap();
    }

    pub async fn reject(&self, order_id: &str, reason: RejectionReason, units: u32, when: Timestamp) {
        let fact = StockFact {
            seq: 1,
            fulfillment_order_id: fulfillment(order_id, 1),
            line_id: line(self.sku),
            facility_id: facility_id(self.place),
            sku: sku(self.sku),
            reason,
            quantity: units,
        };
        let fulfillment_orders = vec![queued(order_id, 1, self.place, "incomplete", None)];
        let mut rejected = Record { stock_facts: vec![fact], fulfillment_orders, ..record(order_id, 1, "rejected") };
        rejected.row.updated_at = when;
        self.store.record(&rejected).await.unwrap();
    }

    async fn put_back(&self, order_id: &str, units: u32, when: Timestamp) {
        let goods = vec![RestockedGoods { facility_id: facility_id(self.place), sku: sku(self.sku), restocked: units }];
        let judged = ReturnRecord { goods, updated_at: when, ..returns::record(order_id, 1, "judged", self.sku, units) };
        self.store.record_return(&judged).await.unwrap();
    }

    /// False: there is no such count to take back.
    async fn take_back(&self, of: Timestamp) -> bool {
        match self.store.catalog().take_back_count(&facility_id(self.place), &sku(self.sku), of).await {
            Ok(_) => true,
            Err(StoreError::Refused { code: ErrorCode::NotFound }) => false,
            Err(other) => panic!("{other}"),
        }
    }

    async fn tell_count(&self, row: StockCount, by: Counting, when: Timestamp) {
        match by {
            Counting::ByItself => match self.store.catalog().put_stock(&row, Some(when)).await {
                Ok(_) | Err(StoreError::Refused { code: ErrorCode::StaleSnapshot }) => {}
                Err(other) => panic!("{other}"),
            },
            Counting::InAFeed => self.snapshot(FeedMode::Partial, row, when).await,
            Counting::InFull => self.snapshot(FeedMode::Full, row, when).await,
            Counting::LeftOut => self.snapshot(FeedMode::Full, count(self.place, BESIDE, 5), when).await,
        }
    }

    pub async fn tell(&self, told: &Told) -> bool {
        let (id, when) = (self.order(told), minute(told.minute));
        match told.what {
            Happened::Counted { units, unavailable, by } => {
                self.tell_count(StockCount { unavailable, ..count(self.place, self.sku, units) }, by, when).await;
            }
            Happened::TakenBack => return self.take_back(when).await,
            Happened::Received { units, named } => {
                let receipt = if named { self.receipt(Some(&id), when, units) } else { self.receipt(None, when, units) };
                assert_eq!(self.receive(&[receipt]).await, [""; 0]);
            }
            Happened::Adjusted { units } => self.adjusted(&id, (units, 0), when).await,
            Happened::Spoiled { units } => self.adjusted(&id, (0, units), when).await,
            Happened::Shipped { units } => self.ship(&id, units, when).await,
            Happened::Mismatched { units } => self.reject(&id, RejectionReason::Mismatch, units, when).await,
            Happened::Damaged { units } => self.reject(&id, RejectionReason::Damaged, units, when).await,
            Happened::Returned { units } => self.put_back(&id, units, when).await,
        }
        true
    }
}
