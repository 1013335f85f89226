//! What whoever reserves, waits or puts goods back has to wait while a feed of receipts comes in.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, ReturnId, Sku};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{count, facility, id, imports::feed, product};
use crate::{
    error::StoreError,
    feed_rows::Receipt,
    feeds::FeedKind,
    record::RecordedEvent,
    reserve::{Position, Reserve, Reserved, Waiting},
    returns::{RestockedGoods, ReturnRecord},
    store::Store,
    waiting::FacilitySet,
};

const FACILITIES: u64 = 24;
/// Each kind of action comes so often.
const EVERY: Duration = Duration::from_millis(10);
/// Units that an order waits for, and orders that wait for a SKU from the beginning: more than the feed brings.
const WAITED_UNITS: u32 = 30;
const WAITING_ORDERS: u64 = 2;

/// A shop of which every other SKU is out, with orders that wait for it.
#[derive(Clone)]
pub struct Counters {
    store: Store,
    facilities: Vec<FacilityId>,
    skus: Vec<Sku>,
    anywhere: FacilitySet,
}

/// The 99th percentile of each kind of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionTimes {
    /// Of a SKU that is there.
    pub reservation: Duration,
    /// Of one that is out: a look at the stock, and a place in the queue.
    pub waiting: Duration,
    /// Goods put back.
    pub restock: Duration,
}

impl Counters {
    /// Opens the shop.
    pub async fn open(store: &Store, products: u64) -> Result<Self, StoreError> {
        let run = Uuid::now_v7();
        let facilities: Vec<_> = (0..FACILITIES).map(|n| id(FacilityId::parse(format!("FEED-{n:02}")))).collect::<Result<_, _>>()?;
        let skus: Vec<_> = (0..products).map(|n| id(Sku::parse(format!("feed-{run}-{n}")))).collect::<Result<_, _>>()?;
        for facility_id in &facilities {
            store.catalog().put_facility(&facility(facility_id.clone())).await?;
        }
        let places = store.places(None, Timestamp::now()).await?;
        let anywhere = facilities.iter().filter_map(|facility_id| places.numbers.get(facility_id.as_str()).copied()).collect();
        let shop = Self { store: store.clone(), facilities, skus, anywhere };
        shop.stock_up().await?;
        for n in 0..products / 2 * WAITING_ORDERS {
            shop.wait(format!("early-{run}-{n}"), n).await?;
        }
        Ok(shop)
    }

    async fn stock_up(&self) -> Result<(), StoreError> {
        let (feeds, products) = (self.store.feeds(), self.skus.len() as u64);
        let written = feed(
            &self.store,
            FeedKind::Products,
            products,
            |n| product(self.sku(n)),
            async |feed_id, rows| feeds.apply_products(feed_id, &rows).await,
        );
        written.await?;
        let counted = feed(
            &self.store,
            FeedKind::Stock,
            products / 2,
            |n| Ok(count(self.place(2 * n), self.sku(2 * n), 1_000_000)),
            async |feed_id, rows| feeds.apply_stock(feed_id, &rows).await,
        );
        counted.await.map(drop)
    }

    /// So many actions of each kind, at their own pace.
    pub async fn alone(&self, actions: u64) -> Result<ActionTimes, StoreError> {
        let (_open, open) = watch::channel(true);
        self.actions("alone", actions, open).await
    }

    /// The same for as long as a feed of so many receipts takes.
    pub async fn beside_receipts(&self, receipts: u64) -> Result<ActionTimes, StoreError> {
        let (close, open) = watch::channel(true);
        let feeding = async {
            let fed = self.feed(receipts).await;
            let _nobody_listens = close.send(false);
            fed
        };
        let (fed, times) = tokio::join!(feeding, self.actions("beside", u64::MAX, open));
        fed.and(times)
    }

    async fn feed(&self, receipts: u64) -> Result<Duration, StoreError> {
        let (run, now) = (Uuid::now_v7(), Timestamp::now());
        let receipt = |n: u64| {
            // Any SKU next to any other, each as often.
            let of = n.wrapping_mul(7_919);
            let receipt_id = Some(format!("{run}-{n}"));
            Ok(Receipt { receipt_id, received_at: now, facility_id: self.place(n / 3), sku: self.sku(of), quantity: 1 })
        };
        feed(&self.store, FeedKind::Receipts, receipts, receipt, async |feed_id, rows| {
            self.store.feeds().apply_receipts(feed_id, &rows).await
        })
        .await
    }

    async fn actions(&self, name: &str, most: u64, open: watch::Receiver<bool>) -> Result<ActionTimes, StoreError> {
        let run = format!("{name}-{}", Uuid::now_v7());
        let (reservation, waiting, restock) = tokio::try_join!(
            paced(most, open.clone(), |n| self.reserve(format!("{run}-r{n}"), n)),
            paced(most, open.clone(), |n| self.wait(format!("{run}-w{n}"), n)),
            paced(most, open, |n| self.restock(format!("{run}-b{n}"), n)),
        )?;
        Ok(ActionTimes { reservation, waiting, restock })
    }

    fn place(&self, n: u64) -> FacilityId {
        self.facilities[(n % FACILITIES) as usize].clone()
    }

    fn sku(&self, n: u64) -> Sku {
        self.skus[(n % self.skus.len() as u64) as usize].clone()
    }

    async fn reserve(&self, order: String, n: u64) -> Result<(), StoreError> {
        let there = n.wrapping_mul(7_919) * 2 % self.skus.len() as u64;
        let order_id = id(OrderId::parse(order))?;
        let position = Position {
            fulfillment_order_id: FulfillmentOrderId::of(&order_id, 1),
            line_id: id(LineId::parse("1"))?,
            facility_id: self.place(there),
            sku: self.sku(there),
            quantity: 1,
        };
        match self.store.reserve(&Reserve { positions: vec![position], ..step(order_id) }).await? {
            Reserved::Done(_) => Ok(()),
            Reserved::Short(_) | Reserved::Closed => Err(wrong("found nothing of a SKU that is there")),
        }
    }

    /// Until the order has its place: what comes meanwhile has it look again.
    async fn wait(&self, order: String, n: u64) -> Result<(), StoreError> {
        let (sku, order_id) = (self.sku(n.wrapping_mul(7_919) * 2 + 1), id(OrderId::parse(order))?);
        loop {
            let seen = self.store.availability(std::slice::from_ref(&sku)).await?;
            let waiting = Waiting {
                fulfillment_order_id: FulfillmentOrderId::of(&order_id, 1),
                line_id: id(LineId::parse("1"))?,
                sku: sku.clone(),
                quantity: WAITED_UNITS,
                plans_again: false,
                all_or_nothing: false,
                ships_with: None,
                only_at: Vec::new(),
                could_have: Some(self.anywhere.clone()),
                declined: BTreeMap::new(),
                expires_at: None,
            };
            let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
            let request = Reserve { waiting: vec![waiting], planned_at, facilities_version, ..step(order_id.clone()) };
            if let Reserved::Done(_) = self.store.reserve(&request).await? {
                return Ok(());
            }
        }
    }

    async fn restock(&self, order: String, n: u64) -> Result<(), StoreError> {
        let (now, of) = (Timestamp::now(), n.wrapping_mul(7_919));
        let order_id = id(OrderId::parse(order))?;
        let record = ReturnRecord {
            return_id: ReturnId::of(&order_id, 1),
            order_id,
            base: 0,
            version: 1,
            status: "received".to_owned(),
            needs_attention: false,
            opened_at: now,
            updated_at: now,
            next_wait_at: None,
            events: vec![RecordedEvent { seq: 1, kind: "judged".to_owned(), at: now, data: json!({"type": "judged"}), by: None }],
            goods: vec![RestockedGoods { facility_id: self.place(of), sku: self.sku(of), restocked: 1 }],
            label: None,
            doc: json!({}),
        };
        self.store.record_return(&record).await.map(drop)
    }
}

/// The 99th percentile of actions one after the other, at a pace, while it is open.
async fn paced<F: Future<Output = Result<(), StoreError>>>(
    most: u64,
    open: watch::Receiver<bool>,
    action: impl Fn(u64) -> F,
) -> Result<Duration, StoreError> {
    let mut pace = interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    while (times.len() as u64) < most && *open.borrow() {
        pace.tick().await;
        let begun = Instant::now();
        action(times.len() as u64).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().ok_or_else(|| wrong("the feed was over before anything else was done"))
}

fn step(order_id: OrderId) -> Reserve {
    Reserve {
        order_id,
        key: "place".to_owned(),
        positions: Vec::new(),
        waiting: Vec::new(),
        rank_at: None,
        planned_at: None,
        facilities_version: None,
        full: Vec::new(),
        takes_over: None,
        decision: None,
        answer: Value::Null,
    }
}

fn wrong(what: &str) -> StoreError {
    StoreError::Internal { system: "the benchmark", code: what.to_owned() }
}
