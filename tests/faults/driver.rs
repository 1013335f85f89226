//! A shop, its facilities and its carrier: they place orders and work on them through the API, and ask again for as long as it takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{ground::CLIENT, random::Random};

const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Orders that somebody works on at a time.
const AT_ONCE: usize = 8;
pub const FACILITIES: [&str; 3] = ["NORTH", "MIDDLE", "SOUTH"];
pub const SKUS: [&str; 6] = ["LANTERN", "HEART", "HANGER", "BOXES", "STAR", "RARE"];
/// There is less of it than is ordered, until the driver brings more.
pub const RARE: &str = "RARE";
pub const UNITS_EACH: i64 = 10_000;
const RARE_AT_FIRST: i64 = 3;
pub const RARE_BROUGHT: i64 = 5_000;
/// More than a parcel costs: what is worth less waits for company, for days if need be.
const PRICE_MINOR: i64 = 2_550;
/// Parcels of what was shipped of which the carrier has more to tell.
const ON_ITS_WAY: [&str; 4] = ["labelled", "handedover", "intransit", "outfordelivery"];
/// Of an order that needs a person in the end, though the gateway knows nothing of that.
pub const HOPELESS: &str = "tok_hopeless";

/// How a fault is played.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: &'static str,
    pub seed: u64,
    pub orders: usize,
    pub go_on: Duration,
    pub settle: Duration,
}

/// An order as the shop means it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub order_id: String,
    pub units: i64,
    pub total_minor: i64,
    /// The customer changes their mind.
    pub cancel: bool,
    /// The gateway never answers for it: a person is needed.
    pub hopeless: bool,
    /// One of those that nobody touches for as long as they are to sleep.
    sleepy: bool,
    body: Value,
}

/// How scans come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scans {
    #[default]
    InOrder,
    /// Twice, and the last first.
    Disorderly,
    /// Told a day late.
    Late,
    /// Each of a time that is still to come, the first ones of the furthest.
    Ahead,
}

/// Everybody outside.
pub struct Driver {
    api: String,
    http: reqwest::Client,
    pub orders: Vec<Wanted>,
    pub scans: Scans,
    accepted: Mutex<BTreeSet<String>>,
    finished: Mutex<BTreeSet<String>>,
    asleep: AtomicBool,
    /// Units that came in beside the orders, by product.
    received: Mutex<BTreeMap<String, i64>>,
}

impl Driver {
    /// Brings the catalogue in, and decides what is ordered.
    pub async fn open(api: &str, plan: &Plan, token: impl Fn(usize) -> &'static str) -> Result<Self> {
        let mut random = Random::new(plan.seed);
        let orders = (0..plan.orders).map(|n| wanted(plan.name, n, token(n), &mut random)).collect();
        let driver = Self {
            api: api.to_owned(),
            http: CLIENT.clone(),
            orders,
            scans: Scans::InOrder,
            accepted: Mutex::default(),
            finished: Mutex::default(),
            asleep: AtomicBool::new(false),
            received: Mutex::default(),
        };
        driver.bring_catalogue().await?;
        Ok(driver)
    }

    async fn bring_catalogue(&self) -> Result<()> {
        let mut facilities = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,\
                              cutoff_local_time,working_days,ship_enabled,pickup_enabled\n"
            .to_owned();
        let mut products = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n".to_owned();
        let mut stock = "facility_id,sku,on_hand\n".to_owned();
        for (n, facility) in FACILITIES.iter().enumerate() {
            facilities
                .push_str(&format!("{facility},{facility},warehouse,GB,Leeds,5{n}.5,-1.5,Europe/London,90,,23:59,Mon-Sun,true,true\n"));
            for sku in SKUS {
                let units = if sku == RARE { RARE_AT_FIRST } else { UNITS_EACH };
                stock.push_str(&format!("{facility},{sku},{units}\n"));
            }
        }
        for sku in SKUS {
            products.push_str(&format!("{sku},{sku},{PRICE_MINOR},GBP,180,120,110,60\n"));
        }
        for (feed, csv) in [("facilities", facilities), ("products", products), ("stock", stock)] {
            let answer = self.feed(feed, csv).await.with_context(|| format!("no answer to feed {feed}"))?;
            ensure!(answer.0 == 200, "feed {feed}: {answer:?}");
        }
        Ok(())
    }

    /// Sends a feed; None when nobody answers.
    pub async fn feed(&self, feed: &str, body: impl Into<reqwest::Body>) -> Option<(u16, Value)> {
        answer(self.http.post(format!("{}/v1/feeds/{feed}", self.api)).header("content-type", "text/csv").body(body)).await
    }

    /// So many units of the product have come in, somewhere.
    pub fn receive(&self, sku: &str, units: i64) {
        *lock(&self.received).entry(sku.to_owned()).or_default() += units;
    }

    pub fn received(&self, sku: &str) -> i64 {
        lock(&self.received).get(sku).copied().unwrap_or_default()
    }

    /// A third of the orders is left alone, until it is not.
    pub fn let_sleep(&self, yes: bool) {
        self.asleep.store(yes, Ordering::Relaxed);
    }

    /// Nobody works on them any more.
    pub fn give_up(&self, order_ids: &BTreeSet<String>) {
        lock(&self.finished).extend(order_ids.iter().cloned());
    }

    /// Waits until so many orders more are finished, or the time is up.
    pub async fn go_on(&self, orders: usize, within: Duration) {
        let (until, wanted) = (Instant::now() + within, self.finished_count() + orders);
        while self.finished_count() < wanted.min(self.orders.len()) && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Those that the API said yes to.
    pub fn accepted(&self) -> Vec<&Wanted> {
        let accepted = lock(&self.accepted);
        self.orders.iter().filter(|order| accepted.contains(&order.order_id)).collect()
    }

    /// Those that are at their end, or as far as they can get.
    pub fn finished_count(&self) -> usize {
        lock(&self.finished).len()
    }

    /// Places all orders and works on each to its end, for as long as this is polled.
    ///
    /// # Errors
    /// When the API answers what nobody understands.
    pub async fn work(&self) -> Result<()> {
        let placing = async {
            let mut placed = stream::iter(&self.orders).map(|order| self.place(order)).buffer_unordered(AT_ONCE);
            while let Some(done) = placed.next().await {
                done?;
            }
            self.bring_rare().await;
            anyhow::Ok(())
        };
        let working = async {
            while self.finished_count() < self.orders.len() {
                let open: Vec<&Wanted> = {
                    let finished = lock(&self.finished);
                    self.accepted().into_iter().filter(|order| !finished.contains(&order.order_id)).collect()
                };
                let mut worked = stream::iter(open).map(|order| self.work_on(order)).buffer_unordered(AT_ONCE);
                while let Some(done) = worked.next().await {
                    done?;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            anyhow::Ok(())
        };
        tokio::try_join!(placing, working).map(drop)
    }

    /// Again and again, until the API says that it has the order.
    async fn place(&self, order: &Wanted) -> Result<()> {
        loop {
            match self.post("/v1/orders", &order.body, None).await {
                Some((200 | 201, _)) => break,
                Some((status, answer)) if (400..500).contains(&status) && status != 429 && status != 409 => {
                    anyhow::bail!("{} was refused: {status} {answer}", order.order_id)
                }
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        lock(&self.accepted).insert(order.order_id.clone());
        Ok(())
    }

    /// Brings more of the rare product: once, however often it is told. It is told until somebody hears it.
    pub async fn bring_rare(&self) {
        let each = |facility: &&str| json!({"adjustment_id": format!("more-{facility}"), "facility_id": facility, "sku": RARE, "quantity": RARE_BROUGHT, "reason": "correction"});
        let body = json!({"adjustments": FACILITIES.iter().map(each).collect::<Vec<_>>()});
        while !matches!(self.post("/v1/stock/adjustments", &body, None).await, Some((200, _))) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Does what is next for the order, if anything is. What gets no answer is tried again at the next look.
    async fn work_on(&self, order: &Wanted) -> Result<()> {
        if order.sleepy && self.asleep.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some((200, view)) = self.get(&format!("/v1/orders/{}", order.order_id)).await else { return Ok(()) };
        let status = word(&view["status"]);
        let is_final = ["completed", "cancelled", "rejected", "expired"].contains(&status.as_str());
        if is_final || (order.hopeless && is_for_people(&view)) {
            lock(&self.finished).insert(order.order_id.clone());
            return Ok(());
        }
        if order.cancel && view["cancellations"].as_array().is_some_and(Vec::is_empty) {
            let path = format!("/v1/orders/{}/cancellations", order.order_id);
            let body = json!({"cancellation_id": "c1", "reason": "changed their mind"});
            self.post(&path, &body, Some(format!("{}-cancel", order.order_id))).await;
            return Ok(());
        }
        for part in view["fulfillment_orders"].as_array().context("fulfillment orders")? {
            self.work_on_part(part).await?;
        }
        Ok(())
    }

    async fn work_on_part(&self, part: &Value) -> Result<()> {
        let id = part["fulfillment_order_id"].as_str().context("its id")?;
        let legal = |action: &str| part["legal_actions"].as_array().is_some_and(|actions| actions.iter().any(|known| known == action));
        if legal("ship") {
            let path = format!("/v1/fulfillment-orders/{id}/ship");
            self.post(&path, &json!({}), Some(format!("{id}-ship"))).await;
            return Ok(());
        }
        if word(&part["status"]) != "shipped" {
            return Ok(());
        }
        let on_its_way = |parcel: &&Value| ON_ITS_WAY.contains(&word(&parcel["status"]).as_str());
        let parcels: Vec<&Value> = part["parcels"].as_array().context("parcels")?.iter().filter(on_its_way).collect();
        let events: Vec<Value> = parcels.iter().filter_map(|parcel| self.scans_of(parcel)).flatten().collect();
        if !events.is_empty() {
            self.post("/v1/carrier-events", &json!({"events": events}), None).await;
        }
        Ok(())
    }

    fn scans_of(&self, parcel: &Value) -> Option<Vec<Value>> {
        let (number, carrier) = (parcel["tracking_number"].as_str()?, parcel["carrier"].as_str()?);
        let scan_at = |status: &str, hours: i64| {
            let at = (jiff::Timestamp::now() + SignedDuration::from_hours(hours)).to_string();
            json!({"event_id": format!("{number}-{status}"), "carrier": carrier, "tracking_number": number, "status": status, "occurred_at": at})
        };
        let scan = |status| scan_at(status, 0);
        Some(match self.scans {
            Scans::InOrder => vec![scan("handed_over"), scan("in_transit"), scan("delivered")],
            Scans::Disorderly => vec![scan("delivered"), scan("delivered"), scan("in_transit"), scan("handed_over"), scan("in_transit")],
            Scans::Late => vec![scan_at("handed_over", -26), scan_at("in_transit", -25), scan_at("delivered", -24)],
            Scans::Ahead => vec![scan_at("handed_over", 72), scan_at("in_transit", 48), scan_at("delivered", 24)],
        })
    }

    /// None when nobody answers.
    async fn post(&self, path: &str, body: &Value, key: Option<String>) -> Option<(u16, Value)> {
        let mut request = self.http.post(format!("{}{path}", self.api)).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        answer(request).await
    }

    async fn get(&self, path: &str) -> Option<(u16, Value)> {
        answer(self.http.get(format!("{}{path}", self.api))).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.ok()?;
    Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// It needs somebody, or nobody knows of one of its payments, of which somebody is told after an hour.
pub fn is_for_people(order: &Value) -> bool {
    let payments = order["payments"].as_array().into_iter().flatten();
    let mut operations = payments.flat_map(|payment| payment["operations"].as_array().into_iter().flatten());
    order["needs_attention"] == true || operations.any(|operation| operation["status"] == "unknown")
}

/// A status as one word, however it is spelled.
pub fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase().replace('_', "")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wanted(name: &str, n: usize, token: &str, random: &mut Random) -> Wanted {
    let order_id = format!("{}-{n}", name.replace('_', "-"));
    let lines: Vec<Value> = (0..=random.below(2))
        .map(|line| {
            // Each line another product; one in six is the rare one.
            let sku = SKUS[(random.below(3) * 2 + line) % SKUS.len()];
            json!({"line_id": (line + 1).to_string(), "sku": sku, "quantity": 1 + random.below(3), "unit_price_minor": PRICE_MINOR})
        })
        .collect();
    let units = lines.iter().filter_map(|line| line["quantity"].as_i64()).sum::<i64>();
    let body = json!({
        "order_id": order_id, "channel": "web", "placed_at": jiff::Timestamp::now().to_string(), "currency": "GBP",
        "customer": {"customer_id": format!("C-{n}"), "name": "Ada Example", "email": "ada@example.com"},
        "ship_to": {"name": "Ada Example", "line1": "94 High Street", "city": "Leeds", "country": "GB", "latitude": 53.8, "longitude": -1.55},
        "shipping": {"method": "standard", "price_minor": 0},
        "payment": {"method": "card", "token": token},
        "lines": lines,
    });
    let hopeless = token.starts_with("tok_errors_") || token == HOPELESS;
    Wanted {
        order_id,
        units,
        total_minor: units * PRICE_MINOR,
        cancel: !hopeless && random.percent(15),
        hopeless,
        sleepy: n.is_multiple_of(3),
        body,
    }
}
