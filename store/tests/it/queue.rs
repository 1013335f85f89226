//! The queue for stock: whoever has the lowest rank and could have it gets what becomes possible, whatever made it so; and nobody waits
//! beside what they could have.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use oms_domain::ids::FulfillmentOrderId;
use oms_store::{
    Adjustment, AdjustmentReason, AdjustmentResult, Facility, FulfillmentRow, Record, Reserve, Reserved, StockCount, StockTarget, Store,
    Waiting,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    draw::Draw,
    queue_model::{Facility as ModelFacility, Kind, Model, Waiter},
    stack::{fresh_config, fresh_store},
    support::{
        adjust, assert_sound, at, count, facility, facility_id, fulfillment, line, messages, position, product, queued, record, sku, step,
        stock_up, wait_since, waiting,
    },
};

const FACILITIES: usize = 5;
const SKUS: [&str; 3] = ["A", "B", "C"];
/// What each channel's orders have before others, in minutes.
const HEAD_START_MINUTES: [i64; 3] = [0, 30, 240];

fn name(facility: usize) -> String {
    format!("F{facility}")
}

fn shipping(n: usize, ships: bool) -> Facility {
    Facility { ship_enabled: ships, ..facility(&name(n)) }
}

/// The store beside the model.
struct Bench {
    store: Store,
    /// To look behind the store's back.
    pool: PgPool,
    model: Model,
    /// Where each order waits, how many fulfillment orders it has opened, and how much it has recorded.
    waits_in: BTreeMap<String, FulfillmentOrderId>,
    opened: BTreeMap<String, u32>,
    recorded: BTreeMap<String, u64>,
    draw: Draw,
}

impl Bench {
    /// Facilities, the last of which does not ship, no stock, and orders of three channels in a row.
    async fn new(orders: usize) -> Self {
        let config = fresh_config().await;
        let store = Store::connect(&config).await.unwrap();
        store.setup().await.unwrap();
        let (pool, mut draw) = (PgPool::connect(config.database_url.expose_secret()).await.unwrap(), Draw::new());
        for of in SKUS {
            store.catalog().put_product(&product(of)).await.unwrap();
        }
        for n in 0..FACILITIES {
            store.catalog().put_facility(&shipping(n, n + 1 < FACILITIES)).await.unwrap();
            for of in SKUS {
                store.catalog().put_stock(&count(&name(n), of, 0), Some(at("2010-12-01T00:00:00Z"))).await.unwrap();
            }
        }
        while store.serve_due(Timestamp::now()).await.unwrap() {}
        let facilities: Vec<_> = (0..FACILITIES).map(|n| ModelFacility { ships: n + 1 < FACILITIES, version: n as u64 + 1 }).collect();
        let waiters: Vec<Waiter> = (0..orders).map(|n| waiter(n, &facilities, &mut draw)).collect();
        let model = Model::new(facilities, waiters.clone());
        let mut bench = Self { store, pool, model, waits_in: BTreeMap::new(), opened: BTreeMap::new(), recorded: BTreeMap::new(), draw };
        for waiter in &waiters {
            bench.reserve(waiter, &BTreeMap::new()).await;
        }
        bench
    }

    fn next(&mut self, id: &str) -> u32 {
        let opened = self.opened.entry(id.to_owned()).or_insert(1);
        *opened += 1;
        *opened
    }

    /// A round of an order: takes these units, and waits for the rest.
    async fn reserve(&mut self, waiter: &Waiter, taken: &BTreeMap<usize, i64>) {
        let (id, of, n) = (waiter.id.as_str(), SKUS[waiter.sku], self.next(&waiter.id));
        let seen = self.store.availability(&[sku(of)]).await.unwrap();
        let positions: Vec<(String, u32)> = taken.iter().map(|(f, units)| (name(*f), whole(*units))).collect();
        let positions: Vec<(&str, &str, u32)> = positions.iter().map(|(f, units)| (f.as_str(), of, *units)).collect();
        let wait = Waiting {
            fulfillment_order_id: fulfillment(id, n),
            line_id: line(of),
            sku: sku(of),
            quantity: whole(waiter.wanted),
            plans_again: waiter.kind != Kind::Plain || !waiter.declined.is_empty(),
            all_or_nothing: waiter.kind == Kind::Whole,
            only_at: Vec::new(),
            could_have: Some((0..FACILITIES).filter(|f| waiter.reach[*f] && waiter.seen[*f]).collect()),
            declined: waiter.declined.iter().map(|(f, units)| (facility_id(&name(*f)), *units)).collect(),
            expires_at: None,
        };
        let request = Reserve {
            waiting: if waiter.wanted > 0 { vec![wait] } else { Vec::new() },
            rank_at: Some(at("2010-12-01T08:00:00Z") + SignedDuration::from_mins(waiter.rank)),
            planned_at: Some(seen.mark),
            facilities_version: Some(seen.facilities_version),
            ..step(id, &n.to_string(), &positions)
        };
        let reserved = self.store.reserve(&request).await.unwrap();
        assert!(matches!(reserved, Reserved::Done(_)), "{id} plans with what it is offered: {reserved:?}");
        self.waits_in.insert(id.to_owned(), fulfillment(id, n));
    }

    /// Orders do what they are told, until nobody is told anything: they take notice of grants, and plan once with all that they are offered.
    async fn settle(&mut self) {
        self.model.serve_changed(SKUS.len());
        loop {
            while self.store.serve_due(Timestamp::now()).await.unwrap() {}
            let told = messages(&self.store).await;
            if told.is_empty() {
                return;
            }
            for (id, payload) in &told {
                for grant in payload["grants"].as_array().unwrap() {
                    self.acknowledge(id, grant).await;
                }
            }
            for (id, payload) in &told {
                if let Some(offer) = payload["offers"].as_array().unwrap().first()
                    && self.waits_in.get(id).is_some_and(|current| offer["fulfillment_order_id"] == current.as_str())
                {
                    self.answer(id, offer).await;
                }
            }
        }
    }

    fn record(&mut self, id: &str) -> Record {
        let version = self.recorded.entry(id.to_owned()).or_default();
        *version += 1;
        record(id, *version, "served")
    }

    /// Units that are granted become reservations, as a record makes them.
    async fn acknowledge(&mut self, id: &str, grant: &Value) {
        let text = |field: &str| grant[field].as_str().unwrap().to_owned();
        let (from, place, n) = (text("fulfillment_order_id").parse().unwrap(), facility_id(&text("facility_id")), self.next(id));
        let units = u32::try_from(grant["quantity"].as_u64().unwrap()).unwrap();
        let left: Option<i64> =
            sqlx::query_scalar("SELECT quantity FROM waiting_units WHERE order_id = $1").bind(id).fetch_optional(&self.pool).await.unwrap();
        let left = left.map_or(0, whole);
        let target = |fulfillment_order_id: &FulfillmentOrderId, facility_id, allocated, waiting| StockTarget {
            fulfillment_order_id: fulfillment_order_id.clone(),
            line_id: line(&text("line_id")),
            facility_id,
            sku: sku(&text("sku")),
            allocated,
            consumed: 0,
            waiting,
            only_at: Vec::new(),
        };
        let stock = vec![target(&from, None, 0, left), target(&fulfillment(id, n), Some(place), units, 0)];
        let next = Record { stock, grants_seen: vec![text("grant_id")], ..self.record(id) };
        self.store.record(&next).await.unwrap();
    }

    /// The order's waiting ends, and it plans with what it is offered.
    async fn answer(&mut self, id: &str, offer: &Value) {
        let ended = FulfillmentRow { planned_again: true, ..queued(id, 1, "F0", "cancelled", None) };
        let ended = FulfillmentRow { fulfillment_order_id: offer["fulfillment_order_id"].as_str().unwrap().parse().unwrap(), ..ended };
        let next = Record { fulfillment_orders: vec![ended], planning: true, ..self.record(id) };
        self.store.record(&next).await.unwrap();
        let taken = self.model.answer(id);
        let waiter = self.model.waiters.iter().find(|waiter| waiter.id == id).unwrap().clone();
        self.reserve(&waiter, &taken).await;
    }

    /// Stock comes in, one way or another.
    async fn arrive(&mut self) {
        let (f, s, units) = (self.draw.below(FACILITIES), self.draw.below(SKUS.len()), 1 + self.draw.below(6));
        let (place, of, units) = (name(f), SKUS[s], i64::try_from(units).unwrap());
        let now = position(&self.store, &place, of).await;
        match self.draw.below(4) {
            0 => self.count(&count(&place, of, now.on_hand + units)).await,
            1 => self.count(&StockCount { oversell_limit: Some(now.oversell_limit + units), ..count(&place, of, now.on_hand) }).await,
            _ => self.receive(&place, of, units).await,
        }
        self.model.arrive((f, s), units);
    }

    async fn count(&self, count: &StockCount) {
        self.store.catalog().put_stock(count, None).await.unwrap();
    }

    async fn receive(&self, place: &str, of: &str, quantity: i64) {
        let adjustment = Adjustment {
            adjustment_id: None,
            facility_id: facility_id(place),
            sku: sku(of),
            quantity,
            unavailable: 0,
            reason: AdjustmentReason::Receipt,
            occurred_at: None,
            told_at: Timestamp::now(),
        };
        assert_eq!(self.store.adjust_stock(&[adjustment]).await.unwrap(), [AdjustmentResult::Applied]);
    }

    /// A facility is switched on or off, or other rules are in force.
    async fn change(&mut self, n: usize) {
        if n.is_multiple_of(40) {
            assert!(self.store.rules_in_force(&format!("rules-{n}")).await.unwrap());
            self.model.change_all();
            return;
        }
        let f = self.draw.below(FACILITIES);
        let ships = !self.model.facilities[f].ships;
        self.store.catalog().put_facility(&shipping(f, ships)).await.unwrap();
        self.model.facilities[f].ships = ships;
        self.model.change(f);
        self.claimed(f).await;
    }

    /// What those who wait are about to be served is nobody else's.
    async fn claimed(&self, f: usize) {
        for (s, of) in SKUS.iter().enumerate() {
            let waiting: i64 = self.model.waiters.iter().filter(|waiter| waiter.sku == s).map(|waiter| waiter.wanted).sum();
            let free = self.model.free.get(&(f, s)).copied().unwrap_or_default();
            let seen = self.store.availability(&[sku(of)]).await.unwrap().positions;
            let seen = seen.iter().find(|level| level.facility_id.as_str() == name(f)).map_or(0, |level| level.available);
            assert!(seen <= (free - waiting).max(0), "{seen} of {free}, and {waiting} are waited for");
        }
    }

    /// New demand sees what is left after those who wait, and takes some of it.
    async fn new_demand(&mut self, n: usize) {
        let mut seen = BTreeMap::new();
        for (s, of) in SKUS.iter().enumerate() {
            for level in self.store.availability(&[sku(of)]).await.unwrap().positions {
                let f = level.facility_id.as_str()[1..].parse().unwrap();
                seen.insert((f, s), level.available);
            }
        }
        self.model.free.retain(|_, units| *units != 0);
        assert_eq!(seen, self.model.free, "at event {n}");
        let Some(((f, s), free)) = seen.into_iter().nth(self.draw.below(FACILITIES)) else { return };
        let units = 1 + i64::try_from(self.draw.below(3)).unwrap().min(free - 1);
        let (id, place) = (format!("new{n}"), name(f));
        let taken = step(&id, "place", &[(&place, SKUS[s], whole(units))]);
        assert!(matches!(self.store.reserve(&taken).await.unwrap(), Reserved::Done(_)));
        *self.model.free.get_mut(&(f, s)).unwrap() -= units;
    }

    /// What everybody still waits for.
    async fn compare(&self, n: usize) {
        let waits = |waiter: &&Waiter| waiter.wanted > 0;
        let waiting = self.model.waiters.iter().filter(waits).map(|waiter| (waiter.id.clone(), waiter.wanted)).collect();
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT order_id, sum(quantity)::bigint FROM waiting_units GROUP BY order_id")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        assert_eq!(rows.into_iter().collect::<BTreeMap<String, i64>>(), waiting, "at event {n}");
        assert_sound(&self.store).await;
    }
}

fn waiter(n: usize, facilities: &[ModelFacility], draw: &mut Draw) -> Waiter {
    let (reach, wanted) = (1 + draw.below((1 << FACILITIES) - 1), 1 + draw.below(4));
    Waiter {
        id: format!("o{n:03}"),
        rank: i64::try_from(n).unwrap() - HEAD_START_MINUTES[n % 3],
        sku: draw.below(SKUS.len()),
        wanted: i64::try_from(wanted).unwrap(),
        reach: (0..FACILITIES).map(|f| reach >> f & 1 == 1).collect(),
        kind: match draw.below(8) {
            0 => Kind::Whole,
            1 => Kind::Choosy(2),
            _ => Kind::Plain,
        },
        declined: BTreeMap::new(),
        planned: FACILITIES as u64,
        seen: facilities.iter().map(|facility| facility.ships).collect(),
        got: BTreeMap::new(),
    }
}

fn whole(units: i64) -> u32 {
    u32::try_from(units).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_orders_of_three_channels_are_served_by_the_rule_and_nobody_waits_beside_what_they_could_have() {
    let mut bench = Bench::new(500).await;
    for n in 1..=160 {
        if n % 8 == 0 {
            bench.change(n).await;
        } else {
            bench.arrive().await;
        }
        bench.settle().await;
        bench.compare(n).await;
        bench.new_demand(n).await;
    }
    let served = bench.model.waiters.iter().filter(|waiter| !waiter.got.is_empty()).count();
    assert!(served > 100, "only {served} were served");
}

/// Waits, each for one unit, and brings stock in every way at once, while others want it, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_much_happens_at_once_the_first_in_the_queue_get_the_units_and_new_demand_gets_none() {
    const WAITING: u32 = 80;
    const UNITS: u32 = 50;
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    stock_up(&store, "WH-2", "A", i64::from(UNITS) - 30).await;
    store.catalog().put_facility(&Facility { ship_enabled: false, ..facility("WH-2") }).await.unwrap();
    while store.serve_due(Timestamp::now()).await.unwrap() {}
    for n in 0..WAITING {
        // The last to come is the first by rank.
        let id = format!("o{n:02}");
        let only_there = Waiting { could_have: Some([0].into_iter().collect()), ..waiting(&id, "A", 1) };
        wait_since(&store, only_there, &id, &format!("2010-12-01T00:{:02}:{:02}Z", (WAITING - n) / 60, (WAITING - n) % 60)).await;
    }
    let (over, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (switched_on, taken_since) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let demand = (0..4).map(|n| {
        let (store, over, taken) = (store.clone(), over.clone(), taken.clone());
        let (switched_on, taken_since) = (switched_on.clone(), taken_since.clone());
        tokio::spawn(async move {
            for round in 0.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let looks_since = switched_on.load(Ordering::SeqCst);
                for level in store.availability(&[sku("A")]).await.unwrap().positions {
                    let wants = step(&format!("new{n}-{round}"), "place", &[(level.facility_id.as_str(), "A", 1)]);
                    if matches!(store.reserve(&wants).await.unwrap(), Reserved::Done(_)) {
                        taken.fetch_add(1, Ordering::Relaxed);
                        taken_since.fetch_add(looks_since.into(), Ordering::Relaxed);
                    }
                }
            }
        })
    });
    let demand: Vec<_> = demand.collect();
    let arrive = (0..3).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                adjust(&store, "WH-1", "A", 1).await;
            }
        })
    });
    let serve = |at: Timestamp| {
        let store = store.clone();
        tokio::spawn(async move { while store.serve_due(at).await.unwrap() {} })
    };
    let arrive: Vec<_> = arrive.collect();
    store.catalog().put_facility(&facility("WH-2")).await.unwrap();
    switched_on.store(true, Ordering::SeqCst);
    let serving = [serve(Timestamp::now()), serve(Timestamp::now())];
    for task in arrive.into_iter().chain(serving) {
        task.await.unwrap();
    }
    while store.serve_due(Timestamp::now()).await.unwrap() {}
    over.store(true, Ordering::Relaxed);
    for task in demand {
        task.await.unwrap();
    }
    let told = messages(&store).await;
    let given = |kind: &str| -> BTreeMap<String, u64> {
        let units =
            |payload: &Value| payload[kind].as_array().unwrap().iter().map(|given| given["quantity"].as_u64().unwrap()).sum::<u64>();
        told.iter().map(|(id, payload)| (id.clone(), units(payload))).filter(|(_, units)| *units > 0).collect()
    };
    let (granted, offered) = (given("grants"), given("offers"));
    assert_eq!(taken_since.load(Ordering::Relaxed), 0, "new demand is served after those who wait");
    // Before, they may have taken what nobody could have then.
    let taken = taken.load(Ordering::Relaxed);
    let units = usize::try_from(UNITS - taken).unwrap();
    assert_eq!((granted.len(), granted.len() + offered.len()), (30, units), "what came, and what a switched-on facility has");
    let mut served: Vec<&String> = granted.keys().chain(offered.keys()).collect();
    served.sort();
    let first: Vec<String> = (WAITING - (UNITS - taken)..WAITING).map(|n| format!("o{n:02}")).collect();
    assert_eq!(served, first.iter().collect::<Vec<_>>(), "the lowest ranks, each once");
}

#[tokio::test]
async fn an_offer_that_is_left_unanswered_goes_on_to_the_next_only_while_others_answer_theirs() {
    let store = fresh_store().await;
    for of in ["A", "B"] {
        stock_up(&store, "WH-1", of, 0).await;
    }
    for (n, (id, of)) in [("first", "A"), ("second", "A"), ("other", "B")].into_iter().enumerate() {
        let plans = Waiting { plans_again: true, ..waiting(id, of, 1) };
        wait_since(&store, plans, id, &format!("2010-12-0{}T00:00:00Z", n + 1)).await;
    }
    adjust(&store, "WH-1", "A", 1).await;
    assert_eq!(offered_to(&store).await, ["first"]);
    // Nobody answers anything: workers are down, and it keeps its place.
    store.hurry_offers(Duration::from_secs(61)).await.unwrap();
    assert_eq!(store.expire_offers(10).await.unwrap(), 0);
    assert_eq!(offered_to(&store).await, [""; 0]);
    for missed in 1..=3 {
        adjust(&store, "WH-1", "B", 1).await;
        let answer = step("other", &missed.to_string(), &[("WH-1", "B", 1)]);
        assert!(matches!(store.reserve(&answer).await.unwrap(), Reserved::Done(_)));
        assert_eq!(offered_to(&store).await, ["other"]);
        store.hurry_offers(Duration::from_secs(61)).await.unwrap();
        assert_eq!(store.expire_offers(10).await.unwrap(), 1);
        assert_eq!(offered_to(&store).await, if missed == 1 { vec!["second"] } else { vec![] }, "others answer theirs, so that it goes on");
        assert_eq!(store.backlog(Timestamp::now()).await.unwrap().orders_without_offers, u64::from(missed == 3));
        if missed == 1 {
            // The next one would rather not have it, and is not asked again for as much.
            let declines = Waiting { declined: [(facility_id("WH-1"), 1)].into(), plans_again: true, ..waiting("second", "A", 1) };
            let declines = Reserve { waiting: vec![declines], ..step("second", "declines", &[]) };
            assert!(matches!(store.reserve(&declines).await.unwrap(), Reserved::Done(_)));
        }
        // By then it is the first one's turn again, unless it has missed three.
        store.hurry_offers(Duration::from_secs(61)).await.unwrap();
        while store.serve_due(Timestamp::now() + SignedDuration::from_mins(2)).await.unwrap() {}
        assert_eq!(offered_to(&store).await, if missed < 3 { vec!["first"] } else { vec![] });
    }
    assert_eq!(position(&store, "WH-1", "A").await.available, 1, "new demand may have it");
}

/// Whose offers have been told of.
async fn offered_to(store: &Store) -> Vec<String> {
    let told = messages(store).await.into_iter().filter(|(_, payload)| !payload["offers"].as_array().unwrap().is_empty());
    told.map(|(id, _)| id).collect()
}
