//! One facility, one product, and customers who each order one of it: everything between the API and completion is real.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use oms_api::{
    carrier::{CarrierEventBody, CarrierEventsBody},
    event::StreamEventView,
    page::StreamPage,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::client::Api;

const FACILITY: &str = "WH-BENCH";
const SKU: &str = "BENCH-1";
/// More than any benchmark sells.
const UNITS: u32 = 100_000_000;
const CARRIER: &str = "BENCHPOST";
/// The events that somebody waits for.
const RELEASED: &str = "fulfillment.released";
const COMPLETED: &str = "order.completed";
/// Pause between two looks at the events when the last one saw none.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(120);
const SCANS_MAX: usize = 500;

/// How a facility ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipping {
    /// `ship` alone, which implies the steps before it.
    ShipOnly,
    /// `accept`, `start-picking`, `pack` and `ship`.
    FourUpdates,
}

/// The shop.
pub struct Shop {
    api: Api,
    awaited: Mutex<BTreeMap<(String, &'static str), oneshot::Sender<()>>>,
    /// How long each action took, from asking to its answer.
    waits: Mutex<Vec<Duration>>,
    scans: mpsc::UnboundedSender<CarrierEventBody>,
    scanned: tokio::sync::Mutex<mpsc::UnboundedReceiver<CarrierEventBody>>,
}

impl Shop {
    /// Opens it: facility, product and stock, through the API.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn open(api: Api) -> Result<Arc<Self>> {
        let facility = json!({"facility_id": FACILITY, "name": "Benchmark", "type": "warehouse", "country": "GB", "city": "Coventry", "latitude": 52.4,
            "longitude": -1.5, "timezone": "Europe/London", "handling_cost_minor": 90, "cutoff_local_time": "17:00", "working_days": "Mon-Sun",
            "ship_enabled": true, "pickup_enabled": false});
        let product = json!({"sku": SKU, "title": "Benchmark", "price_minor": 255, "currency": "GBP", "weight_g": 200, "length_mm": 100,
            "width_mm": 100, "height_mm": 100});
        api.replace(&["v1", "facilities", FACILITY], &facility).await?;
        api.replace(&["v1", "products", SKU], &product).await?;
        api.put(&["v1", "stock", FACILITY, SKU], &json!({"on_hand": UNITS})).await?;
        let (scans, scanned) = mpsc::unbounded_channel();
        Ok(Arc::new(Self { api, awaited: Mutex::default(), waits: Mutex::default(), scans, scanned: tokio::sync::Mutex::new(scanned) }))
    }

    /// Takes one order from entry to completed. [`Shop::serve`] must run meanwhile.
    ///
    /// # Errors
    /// When the API refuses, or nothing happens for two minutes.
    pub async fn order(&self, shipping: Shipping) -> Result<String> {
        let order_id = format!("B-{}", Uuid::now_v7().simple());
        let (released, completed) = (self.expect(&order_id, RELEASED), self.expect(&order_id, COMPLETED));
        self.api.post_under(&format!("{order_id}-place"), &["v1", "orders"], &order(&order_id)).await?;
        happened(released).await.context("its release")?;
        let fulfillment_order_id = format!("{order_id}-F1");
        if shipping == Shipping::FourUpdates {
            for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "bench"})), ("pack", json!({}))] {
                self.act(&fulfillment_order_id, action, &body).await?;
            }
        }
        self.act(&fulfillment_order_id, "ship", &json!({"carrier": CARRIER, "tracking_number": order_id})).await?;
        self.scans.send(delivered(&order_id)).context("the carrier")?;
        happened(completed).await.context("its completion")?;
        Ok(order_id)
    }

    /// Orders that an API of the same house takes in a second, so many at a time.
    ///
    /// # Errors
    /// When it refuses one.
    pub async fn placed_per_second(&self, api: &Api, orders: u32, in_flight: usize) -> Result<f64> {
        let began = Instant::now();
        let place = |_| async move {
            let order_id = format!("B-{}", Uuid::now_v7().simple());
            api.post_under(&format!("{order_id}-place"), &["v1", "orders"], &order(&order_id)).await.map(drop)
        };
        stream::iter(0..orders).map(place).buffer_unordered(in_flight).try_collect::<Vec<()>>().await?;
        Ok(f64::from(orders) / began.elapsed().as_secs_f64())
    }

    /// As every client of the house acts: under a key.
    async fn act(&self, fulfillment_order_id: &str, action: &str, body: &Value) -> Result<Value> {
        let path = ["v1", "fulfillment-orders", fulfillment_order_id, action];
        let asked = Instant::now();
        let key = format!("{fulfillment_order_id}-{action}");
        let answer = self.api.post_under(&key, &path, body).await.with_context(|| format!("{action} {fulfillment_order_id}"))?;
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(asked.elapsed());
        Ok(answer)
    }

    pub fn forget_waits(&self) {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How long each action took since they were forgotten.
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Follows the events and reports scans, until the future is dropped.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn serve(&self) -> Result<()> {
        tokio::try_join!(self.follow(), self.report()).map(drop)
    }

    async fn follow(&self) -> Result<()> {
        let types = Some(format!("{RELEASED},{COMPLETED}"));
        let mut after = None;
        loop {
            let page =
                self.api.get(&["v1", "events"], &[("types", types.clone()), ("cursor", after), ("limit", Some("500".to_owned()))]).await?;
            let page: StreamPage<StreamEventView> = serde_json::from_value(page)?;
            let is_quiet = page.items.is_empty();
            page.items.iter().for_each(|event| self.tell(event));
            after = Some(page.next_cursor);
            if is_quiet {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    async fn report(&self) -> Result<()> {
        let mut scanned = self.scanned.lock().await;
        loop {
            let mut events = Vec::new();
            if scanned.recv_many(&mut events, SCANS_MAX).await == 0 {
                return Ok(());
            }
            self.api.post(&["v1", "carrier-events"], &json!(CarrierEventsBody { events })).await?;
        }
    }

    fn expect(&self, order_id: &str, event: &'static str) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).insert((order_id.to_owned(), event), sender);
        receiver
    }

    fn tell(&self, event: &StreamEventView) {
        let Some(order_id) = event.order_id().map(str::to_owned) else { return };
        let kind = if event.event.kind == RELEASED { RELEASED } else { COMPLETED };
        let waiting = self.awaited.lock().unwrap_or_else(PoisonError::into_inner).remove(&(order_id.clone(), kind));
        if waiting.is_some_and(|waiting| waiting.send(()).is_err()) {
            tracing::debug!(order.id = order_id, "whoever waited has given up");
        }
    }
}

async fn happened(event: oneshot::Receiver<()>) -> Result<()> {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(told) => told.context("nobody follows the events any more"),
        Err(_) => bail!("waited in vain for {} s", PATIENCE.as_secs()),
    }
}

fn order(order_id: &str) -> Value {
    json!({"order_id": order_id, "channel": "web", "placed_at": Timestamp::now(), "currency": "GBP",
        "customer": {"customer_id": "bench", "name": "Benchmark", "email": "bench@example.com"},
        "ship_to": {"name": "Benchmark", "line1": "94 High Street", "city": "Leeds", "country": "GB", "latitude": 53.79648, "longitude": -1.54785},
        "shipping": {"method": "standard", "price_minor": 0}, "payment": {"method": "card", "token": "tok_bench"},
        "lines": [{"line_id": "1", "sku": SKU, "quantity": 1, "unit_price_minor": 255}]})
}

fn delivered(tracking_number: &str) -> CarrierEventBody {
    CarrierEventBody {
        event_id: format!("{tracking_number}-delivered"),
        carrier: CARRIER.to_owned(),
        tracking_number: tracking_number.to_owned(),
        status: "delivered".to_owned(),
        occurred_at: Timestamp::now(),
    }
}
