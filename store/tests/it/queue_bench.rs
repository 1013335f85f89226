//! The store beside a model of its queue, which is told the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use oms_domain::ids::FulfillmentOrderId;
use oms_store::{
    Adjustment, AdjustmentReason, AdjustmentResult, Facility, FulfillmentRow, Record, Reserve, Reserved, RestockedGoods, ReturnRecord,
    StockCount, StockTarget, Store, Waiting,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    draw::Draw,
    queue_model::{Facility as ModelFacility, Kind, Model, Place, Waiter},
    returns,
    stack::fresh_config,
    support::{
        assert_sound, at, count, facility, facility_id, fulfillment, line, messages, position, product, queued, receive, record, serve,
        sku, step,
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
pub struct Bench {
    store: Store,
    /// To look behind the store's back.
    pool: PgPool,
    pub model: Model,
    /// Where each order waits, how many fulfillment orders it has opened, and how much it has recorded.
    waits_in: BTreeMap<String, FulfillmentOrderId>,
    opened: BTreeMap<String, u32>,
    recorded: BTreeMap<String, u64>,
    /// What new demand holds, and may cancel.
    bought: Vec<(String, Place, i64)>,
    returned: u32,
    /// Of each facility: orders a day, and whether it works at weekends.
    room: [u32; FACILITIES],
    works_weekends: [bool; FACILITIES],
    draw: Draw,
}

impl Bench {
    /// Facilities, the last of which does not ship, no stock, and orders of three channels in a row.
    pub async fn new(orders: usize) -> Self {
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
        serve(&store, Timestamp::now()).await;
        let facilities: Vec<_> = (0..FACILITIES).map(|n| ModelFacility { ships: n + 1 < FACILITIES, version: n as u64 + 1 }).collect();
        let waiters: Vec<Waiter> = (0..orders).map(|n| waiter(n, &facilities, &mut draw)).collect();
        let model = Model::new(facilities, waiters.clone());
        let (waits_in, opened, recorded) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (bought, returned, room, works_weekends) = (Vec::new(), 0, [400; FACILITIES], [false; FACILITIES]);
        let mut bench = Self { store, pool, model, waits_in, opened, recorded, bought, returned, room, works_weekends, draw };
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
            ships_with: None,
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
    pub async fn settle(&mut self) {
        self.model.serve_changed(SKUS.len());
        loop {
            serve(&self.store, Timestamp::now()).await;
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

    /// Units become anybody's, one way or another.
    pub async fn arrive(&mut self) {
        let (f, s, units) = (self.draw.below(FACILITIES), self.draw.below(SKUS.len()), 1 + self.draw.below(6));
        let (place, of, units) = (name(f), SKUS[s], i64::try_from(units).unwrap());
        let now = position(&self.store, &place, of).await;
        match self.draw.below(7) {
            0 => self.count(&count(&place, of, now.on_hand + units)).await,
            1 => self.count(&StockCount { oversell_limit: Some(now.oversell_limit + units), ..count(&place, of, now.on_hand) }).await,
            2 => self.adjust(&place, of, units).await,
            3 => self.put_back(&place, of, units).await,
            4 | 5 if !self.bought.is_empty() => return self.cancel().await,
            _ => receive(&self.store, &place, of, whole(units), Timestamp::now()).await,
        }
        self.model.arrive((f, s), units);
    }

    /// An order of new demand is cancelled.
    async fn cancel(&mut self) {
        let n = self.draw.below(self.bought.len());
        let (id, place, units) = self.bought.swap_remove(n);
        self.store.record(&Record { closed: true, ..record(&id, 1, "cancelled") }).await.unwrap();
        self.model.arrive(place, units);
    }

    /// Goods come back, of an order that nobody has to know.
    async fn put_back(&mut self, place: &str, of: &str, units: i64) {
        self.returned += 1;
        let goods = vec![RestockedGoods { facility_id: facility_id(place), sku: sku(of), restocked: whole(units) }];
        let judged = returns::record(&format!("returned{}", self.returned), 1, "judged", of, whole(units));
        self.store.record_return(&ReturnRecord { goods, updated_at: Timestamp::now(), ..judged }).await.unwrap();
    }

    async fn count(&self, count: &StockCount) {
        self.store.catalog().put_stock(count, None).await.unwrap();
    }

    async fn adjust(&self, place: &str, of: &str, quantity: i64) {
        let adjustment = Adjustment {
            adjustment_id: None,
            facility_id: facility_id(place),
            sku: sku(of),
            quantity,
            unavailable: 0,
            reason: AdjustmentReason::TransferIn,
            occurred_at: None,
            told_at: Timestamp::now(),
        };
        assert_eq!(self.store.adjust_stock(&[adjustment]).await.unwrap(), [AdjustmentResult::Applied]);
    }

    /// A facility is switched on or off, has room for more or fewer orders or works on other days; or other rules are in force.
    pub async fn change(&mut self, n: usize) {
        if n.is_multiple_of(40) {
            assert!(self.store.rules_in_force(&format!("rules-{n}")).await.unwrap());
            self.model.change_all();
            return;
        }
        let f = self.draw.below(FACILITIES);
        match self.draw.below(4) {
            0 => self.room[f] += 1,
            1 => self.works_weekends[f] = !self.works_weekends[f],
            _ => self.model.facilities[f].ships = !self.model.facilities[f].ships,
        }
        self.store.catalog().put_facility(&self.facility(f)).await.unwrap();
        self.model.change(f);
        self.claimed(f).await;
    }

    fn facility(&self, f: usize) -> Facility {
        let working_days = if self.works_weekends[f] { "Mon-Sun" } else { "Mon-Fri" };
        let (daily_order_capacity, working_days) = (Some(self.room[f]), working_days.to_owned());
        Facility { daily_order_capacity, working_days, ..shipping(f, self.model.facilities[f].ships) }
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
    pub async fn new_demand(&mut self, n: usize) {
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
        self.bought.push((id, (f, s), units));
    }

    /// What everybody still waits for.
    pub async fn compare(&self, n: usize) {
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
