//! Pages at the size of a shop of many years, as browsers ask for them, each beside the bare question that it puts to the database: what a page
//! weighs, how long it takes, how long a scan takes, and how soon whoever looks is told.

use std::{
    collections::BTreeSet,
    io::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use oms_devstack::Progress;
use oms_domain::{
    access::Scope,
    bench::{ScanResult, Taken},
    clock::BusinessClock,
    ids::FulfillmentOrderId,
    policy::Policy,
};
use oms_store::{
    FulfillmentFilter, OrderFilter, Store, StoreConfig,
    bench::{Size, fill, rest},
};
use reqwest::{Client, Response, header::ORIGIN, redirect};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::report::Measurement;
use crate::{client::Api, demo::stage::Stage, runtime::System};

const FACILITIES: u64 = 1_000;
const STATEMENT_MAX: Duration = Duration::from_secs(1_800);
const FIRST_PAGE_MAX_KB: f64 = 30.0;
const PAGE_MAX_MS: f64 = 50.0;
const FIND_MAX_MS: f64 = 50.0;
const SCAN_MAX_MS: f64 = 100.0;
const PUSH_MAX_MS: f64 = 1_000.0;
/// Times that each thing is asked before it counts, and that it counts.
const WARM_UP: u64 = 10;
const TIMES: u64 = 200;
/// Who listens meanwhile: so many people, with so many tabs each.
const PEOPLE: usize = 10;
const TABS: usize = 10;
/// Orders that are scanned, and their units.
const SCANNED: usize = 10;
const UNITS: usize = 20;
const PUSHES: usize = 30;
const TOLD_WITHIN: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a password of a benchmark";

pub async fn measure(stage: &Stage, progress: &Progress, orders: u32, positions: u32) -> Result<Vec<Measurement>> {
    let config = StoreConfig { statement_timeout: STATEMENT_MAX, ..stage.options.store.clone() };
    let store = Store::connect(&config).await?;
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    progress.say(&format!("Making {orders} orders and {positions} positions"));
    let size = Size { orders: orders.into(), positions: positions.into(), facilities: FACILITIES };
    fill(&store, size).await?;
    rest(&store).await?;
    let measured = measure_all(&store, &system, progress, size).await;
    store.close().await;
    system.stop().await?;
    measured
}

async fn measure_all(store: &Store, system: &System, progress: &Progress, size: Size) -> Result<Vec<Measurement>> {
    let api = system.client()?;
    let visitor = Visitor::come_in(system, &api, "bench-0@people.example").await?;
    let mut measured = vec![visitor.weight().await?];
    let listeners = Listeners::gather(system, &api).await?;
    progress.say("Asking for pages");
    measured.extend(pages(store, &visitor, size).await?);
    progress.say("Finding");
    measured.extend(finds(store, &visitor, size).await?);
    progress.say("Scanning, and telling who looks");
    let bench = Bench::open(&api).await?;
    measured.extend(bench.scans(store, &visitor).await?);
    measured.push(bench.pushes(&visitor).await?);
    listeners.are_there()?;
    Ok(measured)
}

/// Somebody who has come in.
struct Visitor {
    client: Client,
    base: String,
    cookie: String,
}

impl Visitor {
    async fn come_in(system: &System, api: &Api, email: &str) -> Result<Self> {
        let person = json!({"email": email, "name": "Benchmark", "roles": ["support", "ops", "facility_manager"]});
        let made = api.post(&["v1", "people"], &person).await?;
        let accept = json!({"token": made["invitation"]["token"], "password": PASSWORD});
        api.post(&["v1", "invitations", "accept"], &accept).await?;
        let client = Client::builder().redirect(redirect::Policy::none()).build()?;
        let login = client.post(format!("{}/v1/sessions", system.api_url)).header(ORIGIN, &system.api_url);
        let came = login.json(&json!({"email": email, "password": PASSWORD})).send().await?;
        ensure!(came.status() == 201, "{email} may not come in: {}", came.status());
        let cookie = came.headers().get("set-cookie").context("no cookie")?.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { client, base: system.api_url.clone(), cookie })
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// A page, which must be one.
    async fn page(&self, path: &str) -> Result<String> {
        let response = self.get(path).send().await?;
        let status = response.status();
        ensure!(status.is_success() || status.is_redirection(), "{path}: {status}");
        Ok(response.text().await?)
    }

    /// What a browser that comes for the first time has to load: the page and all that it names, as they travel.
    async fn weight(&self) -> Result<Measurement> {
        let html = self.page("/console").await?;
        let named = html.split('"').filter_map(|part| part.split('#').next()).filter(|part| part.starts_with("/console/assets/"));
        let assets: BTreeSet<&str> = named.collect();
        let mut bytes = packed(html.as_bytes())?;
        for asset in assets {
            bytes += packed(self.page(asset).await?.as_bytes())?;
        }
        Ok(Measurement::at_most("first page with all that it loads, gzipped", &[bytes as f64 / 1_000.0], "kB", FIRST_PAGE_MAX_KB))
    }

    async fn listen(&self, topics: &str) -> Result<Response> {
        let response = self.get(&format!("/console/live?topics={topics}")).send().await?;
        ensure!(response.status() == 200, "nobody may listen to {topics}: {}", response.status());
        Ok(response)
    }
}

fn packed(bytes: &[u8]) -> Result<usize> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    Ok(packer.finish()?.len())
}

/// Those who listen while everything else is measured.
struct Listeners(Vec<JoinHandle<()>>);

impl Listeners {
    async fn gather(system: &System, api: &Api) -> Result<Self> {
        let mut tasks = Vec::new();
        for person in 1..=PEOPLE {
            let visitor = Visitor::come_in(system, api, &format!("bench-{person}@people.example")).await?;
            for tab in 0..TABS {
                let mut stream = visitor.listen(&format!("queue:F{:04},inbox", person * TABS + tab)).await?;
                tasks.push(tokio::spawn(async move { while let Ok(Some(_)) = stream.chunk().await {} }));
            }
        }
        Ok(Self(tasks))
    }

    fn are_there(&self) -> Result<()> {
        let gone = self.0.iter().filter(|task| task.is_finished()).count();
        ensure!(gone == 0, "{gone} of {} listeners were let go", self.0.len());
        Ok(())
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// How long all but one in a hundred took at most, in milliseconds.
async fn p99_ms(ask: impl AsyncFn(u64) -> Result<()>) -> Result<f64> {
    for n in 0..WARM_UP {
        ask(TIMES + n).await?;
    }
    let mut took = Vec::new();
    for n in 0..TIMES {
        let asked = Instant::now();
        ask(n).await?;
        took.push(asked.elapsed());
    }
    Ok(worst_ms(took))
}

fn worst_ms(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len().saturating_sub(1 + took.len() / 100)).copied().unwrap_or_default().as_secs_f64() * 1_000.0
}

/// A figure with its bound, and what the database alone takes for the same.
fn beside(what: &str, page_ms: f64, bare_ms: f64, bound_ms: f64) -> [Measurement; 2] {
    [
        Measurement::at_most(format!("{what}, p99"), &[page_ms], "ms", bound_ms),
        Measurement::told("the bare query of it, p99", bare_ms, "ms"),
    ]
}

/// Some order of the shop, for each number.
fn order_of(n: u64, size: Size) -> String {
    format!("S{:09}", 1 + (n + 1).wrapping_mul(2_654_435_761) % size.orders.max(1))
}

async fn pages(store: &Store, visitor: &Visitor, size: Size) -> Result<Vec<Measurement>> {
    let facility = |n: u64| format!("F{:04}", n.wrapping_mul(2_654_435_761) % size.facilities.max(1));
    let orders = p99_ms(async |_| visitor.page("/console/orders").await.map(drop)).await?;
    let bare_orders = p99_ms(async |_| Ok(store.orders_page(&OrderFilter::default(), None, 50).await.map(drop)?)).await?;
    let home = p99_ms(async |_| visitor.page("/console").await.map(drop)).await?;
    let queue = p99_ms(async |n| visitor.page(&format!("/console/facilities/{}", facility(n))).await.map(drop)).await?;
    let bare_queue = p99_ms(async |n| {
        let filter =
            FulfillmentFilter { facility_id: Some(facility(n).parse()?), statuses: vec!["released".to_owned()], ..Default::default() };
        Ok(store.fulfillment_orders_page(&filter, None, 50).await.map(drop)?)
    })
    .await?;
    let mut measured = Vec::new();
    measured.extend(beside("page of orders", orders, bare_orders, PAGE_MAX_MS));
    measured.extend(beside("page of a facility", queue, bare_queue, PAGE_MAX_MS));
    measured.push(Measurement::at_most("home, p99", &[home], "ms", PAGE_MAX_MS));
    Ok(measured)
}

async fn finds(store: &Store, visitor: &Visitor, size: Size) -> Result<Vec<Measurement>> {
    let find = p99_ms(async |n| visitor.page(&format!("/console/find?q={}", order_of(n, size))).await.map(drop)).await?;
    let bare = p99_ms(async |n| {
        let id = order_of(n, size);
        Ok(store.find(&id, &id, &["order", "fulfillment_order"], &Scope::default()).await.map(drop)?)
    })
    .await?;
    let nothing = p99_ms(async |n| visitor.page(&format!("/console/find?q=nobody%20{n}")).await.map(drop)).await?;
    let mut measured = beside("find an order", find, bare, FIND_MAX_MS).into_iter().collect::<Vec<_>>();
    measured.push(Measurement::at_most("find a name that nobody has, p99", &[nothing], "ms", FIND_MAX_MS));
    Ok(measured)
}

/// A facility of its own, with orders that are packed.
struct Bench<'a> {
    api: &'a Api,
}

const FACILITY: &str = "WH-CONSOLE";
const SKU: &str = "CONSOLE-1";

impl<'a> Bench<'a> {
    async fn open(api: &'a Api) -> Result<Self> {
        let facility = json!({"facility_id": FACILITY, "name": "Benchmark", "type": "warehouse", "country": "GB", "city": "Coventry",
            "latitude": 52.4, "longitude": -1.5, "timezone": "Europe/London", "handling_cost_minor": 90, "cutoff_local_time": "17:00",
            "working_days": "Mon-Sun", "ship_enabled": true, "pickup_enabled": false});
        let product = json!({"sku": SKU, "title": "Benchmark", "price_minor": 255, "currency": "GBP", "weight_g": 200, "length_mm": 100,
            "width_mm": 100, "height_mm": 100});
        api.replace(&["v1", "facilities", FACILITY], &facility).await?;
        api.replace(&["v1", "products", SKU], &product).await?;
        api.put(&["v1", "stock", FACILITY, SKU], &json!({"on_hand": 1_000_000})).await?;
        Ok(Self { api })
    }

    /// A part of an order that waits to be packed.
    async fn released(&self) -> Result<String> {
        let order_id = format!("C-{}", Uuid::now_v7().simple());
        let order = json!({"order_id": order_id, "channel": "web", "placed_at": jiff::Timestamp::now(), "currency": "GBP",
            "customer": {"customer_id": "bench", "name": "Benchmark"},
            "ship_to": {"name": "Benchmark", "line1": "94 High Street", "city": "Leeds", "country": "GB", "latitude": 53.8, "longitude": -1.5},
            "shipping": {"method": "standard", "price_minor": 0}, "payment": {"method": "card", "token": "tok_bench"},
            "lines": [{"line_id": "1", "sku": SKU, "quantity": UNITS, "unit_price_minor": 255}]});
        self.api.post(&["v1", "orders"], &order).await?;
        let gives_up = Instant::now() + TOLD_WITHIN;
        loop {
            let found = self.api.get(&["v1", "orders", &order_id], &[]).await?;
            if found["fulfillment_orders"][0]["status"] == "released" {
                return Ok(format!("{order_id}-F1"));
            }
            ensure!(Instant::now() < gives_up, "{order_id} is not released");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Scans of whole orders: those that count a unit, and the last ones, which pack and ship.
    async fn scans(&self, store: &Store, visitor: &Visitor) -> Result<Vec<Measurement>> {
        let (mut counting, mut last) = (Vec::new(), Vec::new());
        for _ in 0..SCANNED {
            let part = self.released().await?;
            for unit in 1..=UNITS {
                let began = Instant::now();
                let said = visitor.scan(&part, &format!("scan-{unit}")).await?;
                let (of, result) = if unit == UNITS { (&mut last, "complete") } else { (&mut counting, "counted") };
                of.push(began.elapsed());
                ensure!(said.contains(&format!("data-result=\"{result}\"")), "{said}");
            }
        }
        let id: FulfillmentOrderId = "C-BARE-F1".parse()?;
        let bare = p99_ms(async |n| {
            let taken = |_: &[Taken]| Taken { result: ScanResult::Counted, units: Default::default() };
            Ok(store.take_scan(&id, &format!("bare-{n}"), taken).await.map(drop)?)
        })
        .await?;
        let mut measured: Vec<Measurement> = beside("scan to answer", worst_ms(counting), bare, SCAN_MAX_MS).into();
        measured.push(Measurement::told("the last scan, which packs and ships, p99", worst_ms(last), "ms"));
        Ok(measured)
    }

    /// How long it takes from doing something until who looks is told.
    async fn pushes(&self, visitor: &Visitor) -> Result<Measurement> {
        let mut stream = visitor.listen(&format!("queue:{FACILITY}")).await?;
        heard(&mut stream, "beat").await?;
        let mut took = Vec::new();
        for _ in 0..PUSHES {
            let part = self.released().await?;
            // What its release says is heard first.
            heard(&mut stream, "changed").await?;
            let began = Instant::now();
            self.api.post(&["v1", "fulfillment-orders", &part, "accept"], &Value::Object(Default::default())).await?;
            heard(&mut stream, "changed").await?;
            took.push(began.elapsed());
        }
        Ok(Measurement::at_most("push, from the command to the page, p99", &[worst_ms(took)], "ms", PUSH_MAX_MS))
    }
}

/// Pause between two looks at an order.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Reads on until the stream says so.
async fn heard(stream: &mut Response, event: &str) -> Result<()> {
    let hears = async {
        while let Some(chunk) = stream.chunk().await? {
            if String::from_utf8_lossy(&chunk).contains(&format!("event: {event}")) {
                return Ok(());
            }
        }
        anyhow::bail!("the stream ended before it said {event}")
    };
    tokio::time::timeout(TOLD_WITHIN, hears).await.with_context(|| format!("waited in vain for {event}"))?
}

impl Visitor {
    async fn scan(&self, part: &str, scan_id: &str) -> Result<String> {
        let scan =
            self.client.post(format!("{}/console/pack/{part}/scan", self.base)).header("cookie", &self.cookie).header(ORIGIN, &self.base);
        let scan = scan.header("x-scan", "1").header("content-type", "application/x-www-form-urlencoded");
        let response = scan.body(format!("scan_id={scan_id}&code={SKU}&facility={FACILITY}")).send().await?;
        ensure!(response.status() == 200, "a scan of {part}: {}", response.status());
        Ok(response.text().await?)
    }
}
