//! A door of the house, used as checkouts, associates, carriers and enterprise systems use it: over HTTP.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use oms_api::{
    cancellation::CancellationView,
    fulfillment::FulfillmentOrderView,
    order::OrderView,
    stock::{PositionView, StockView},
};
use oms_domain::{
    ids::{FulfillmentOrderId, OrderId, Sku},
    order::Order,
    policy::Policy,
};
use oms_outlets::Guard;
use oms_server::AppState;
use oms_starter::Starter;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    basket::{Basket, unique},
    books::Books,
    http::{self, Answer, client},
    replay,
    runtime::{until, until_within},
    sound,
    system::System,
};

/// A request may take a minute to be answered that it takes too long; then it is sent again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(180);

/// An HTTP API of the test's own on a system, under a policy of its own. Remembers the orders placed through it.
pub struct Shop {
    pub system: Arc<System>,
    pub starter: Starter,
    base_url: String,
    placed: Mutex<Vec<OrderId>>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Shop {
    pub async fn open(system: Arc<System>, policy: Policy) -> Result<Self> {
        let starter = system.starter(policy);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let state = AppState::new(system.store.clone(), starter.clone()).declaring(http::accounts()?);
        let state = state.sending_to(Guard::default().of_development()).reaching(system.cloud.clone()).with_console(oms_console::router);
        let server = tokio::spawn(oms_server::serve(state, listener, async { drop(stopped.await) }));
        Ok(Self { system, starter, base_url, placed: Mutex::default(), stop, server })
    }

    /// Stops the server, as an operator would.
    pub async fn shut(self) -> Result<()> {
        drop(self.stop);
        Ok(self.server.await??)
    }

    /// Ends the test: whatever it did, the equations hold for every order it placed.
    pub async fn close(self) -> Result<()> {
        sound::settle(&self.system, &self.orders()).await?;
        self.shut().await
    }

    /// The orders that were placed here.
    pub fn orders(&self) -> Vec<OrderId> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The order is this test's: its equations are checked at the end.
    pub fn note(&self, order_id: OrderId) {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if !placed.contains(&order_id) {
            placed.push(order_id);
        }
    }

    /// A request to be sent, for tests that need more than the methods below.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        client().request(method, format!("{}{path}", self.base_url)).bearer_auth(http::key())
    }

    /// The same with somebody else's credential.
    pub fn request_as(&self, credential: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        client().request(method, format!("{}{path}", self.base_url)).bearer_auth(credential)
    }

    /// Where a path is, for other programs.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    /// Puts something in the place of whatever is there.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        let answer = Answer::to(self.request(Method::PUT, path).json(body)).await?;
        if answer.status != 428 {
            return Ok(answer);
        }
        Answer::to(self.request(Method::PUT, path).header("if-match", "*").json(body)).await
    }

    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Result<Answer> {
        Answer::to(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// Sends the order, whatever comes of it.
    pub async fn send(&self, basket: &Basket) -> Result<Answer> {
        self.post("/v1/orders", &basket.body).await
    }

    /// What is answered in the end: asks again under the same key, as a client would, while parts of the house are slow or down.
    pub async fn ask(&self, method: Method, path: &str, key: &str, body: &Value) -> Result<Answer> {
        until_within(ANSWERED_WITHIN, path, async || {
            let answer = Answer::to(self.request(method.clone(), path).header("Idempotency-Key", key).json(body)).await?;
            Ok(Some(answer).filter(|answer| !is_put_off(answer)))
        })
        .await
    }

    /// Places an order that must be taken, and be a new one.
    pub async fn place(&self, basket: &Basket) -> Result<OrderId> {
        self.place_unnoted(basket).await?;
        self.note(basket.id());
        Ok(basket.id())
    }

    /// The same, of an order that the equations at the end are not for.
    pub async fn place_unnoted(&self, basket: &Basket) -> Result<()> {
        let first = self.send(basket).await?;
        if !is_put_off(&first) {
            return first.view::<OrderView>(201).map(drop);
        }
        let answer = self.ask(Method::POST, "/v1/orders", &format!("place-{}", basket.id()), &basket.body).await?;
        // It may have been taken the first time, and nobody was told.
        let status = if answer.status == 200 { 200 } else { 201 };
        answer.view::<OrderView>(status).map(drop)
    }

    /// Places an order and waits until every part of it is with a facility.
    pub async fn place_released(&self, basket: &Basket) -> Result<OrderView> {
        let id = self.place(basket).await?;
        self.until(&id, "be released", |order| {
            !order.fulfillment_orders.is_empty() && order.fulfillment_orders.iter().all(|found| found.status == "released")
        })
        .await
    }

    pub async fn order(&self, id: &OrderId) -> Result<OrderView> {
        self.get(&format!("/v1/orders/{id}")).await?.view(200)
    }

    /// The order once the condition holds.
    pub async fn until(&self, id: &OrderId, what: &str, mut condition: impl FnMut(&OrderView) -> bool) -> Result<OrderView> {
        let what = format!("order {id} to {what}");
        let found = until(&what, async || Ok(Some(self.order(id).await?).filter(|order| condition(order)))).await;
        match found {
            Ok(order) => Ok(order),
            Err(error) => {
                let noted = replay::last_noted(&self.system, id).await?;
                Err(error.context(format!("it is {:#?}\n{noted}", self.document(id).await?)))
            }
        }
    }

    pub async fn until_status(&self, id: &OrderId, status: &str) -> Result<OrderView> {
        self.until(id, &format!("be {status}"), |order| order.status == status).await
    }

    /// The n-th fulfillment order once it has the status.
    pub async fn until_part(&self, id: &OrderId, n: u32, status: &str) -> Result<FulfillmentOrderView> {
        let part = FulfillmentOrderId::of(id, n).to_string();
        let is =
            |order: &OrderView| order.fulfillment_orders.iter().find(|f| f.fulfillment_order_id == part && f.status == status).cloned();
        let order = self.until(id, &format!("have {part} {status}"), |order| is(order).is_some()).await?;
        is(&order).context("it had it a moment ago")
    }

    /// The order's document, as last recorded.
    pub async fn document(&self, id: &OrderId) -> Result<Option<Order>> {
        Ok(self.starter.order(id).await?)
    }

    /// Types of the order's events so far, in order.
    pub async fn timeline(&self, id: &OrderId) -> Result<Vec<String>> {
        Ok(self.system.store.events(id, 0, 100_000).await?.into_iter().map(|event| event.kind).collect())
    }

    /// What an associate does, whatever comes of it.
    pub async fn act(&self, part: &str, action: &str, body: Value) -> Result<Answer> {
        self.post(&format!("/v1/fulfillment-orders/{part}/{action}"), &body).await
    }

    /// What an associate does, and may do.
    pub async fn acts(&self, part: &str, action: &str, body: Value) -> Result<FulfillmentOrderView> {
        self.act(part, action, body).await?.view(200)
    }

    /// Ships with a number of the facility's own, so that no carrier is asked.
    pub async fn ship(&self, part: &str) -> Result<FulfillmentOrderView> {
        self.acts(part, "ship", json!({"carrier": "van", "tracking_number": unique("VAN")})).await
    }

    /// Ships or delivers, whatever is down meanwhile.
    pub async fn insist(&self, part: &str, action: &str) -> Result<()> {
        let body = if action == "ship" { json!({"carrier": "van", "tracking_number": format!("V-{part}")}) } else { json!({}) };
        let path = format!("/v1/fulfillment-orders/{part}/{action}");
        self.ask(Method::POST, &path, &format!("{part}-{action}"), &body).await?.view::<Value>(200).map(drop)
    }

    /// Ships and delivers everything that is with a facility.
    pub async fn fulfill(&self, order: &OrderView) -> Result<()> {
        for part in order.fulfillment_orders.iter().filter(|part| part.status == "released") {
            self.ship(&part.fulfillment_order_id).await?;
            self.acts(&part.fulfillment_order_id, "deliver", json!({})).await?;
        }
        Ok(())
    }

    /// Asks to cancel units of lines, or, without lines, everything.
    pub async fn cancel(&self, id: &OrderId, cancellation_id: &str, lines: &[(&str, u32)]) -> Result<CancellationView> {
        self.post(&format!("/v1/orders/{id}/cancellations"), &cancellation(cancellation_id, lines)).await?.view(200)
    }

    /// A new product with stock at facilities.
    pub async fn stocked(&self, at: &[(&str, i64)]) -> Result<Sku> {
        let sku: Sku = unique("SKU").parse()?;
        let product = json!({"title": "A thing", "price_minor": 2_550, "currency": "GBP", "weight_g": 200,
            "length_mm": 100, "width_mm": 80, "height_mm": 60});
        self.put(&format!("/v1/products/{sku}"), &product).await?.view::<Value>(200)?;
        for (facility, on_hand) in at {
            self.put(&format!("/v1/stock/{facility}/{sku}"), &json!({"on_hand": on_hand})).await?.view::<PositionView>(200)?;
        }
        Ok(sku)
    }

    /// Units on hand and reserved at a facility.
    pub async fn stock(&self, sku: &Sku, facility: &str) -> Result<(i64, i64)> {
        let stock: StockView = self.get(&format!("/v1/skus/{sku}/availability")).await?.view(200)?;
        let position = stock.positions.iter().find(|position| position.facility_id == facility);
        Ok(position.map_or((0, 0), |position| (position.on_hand, position.reserved)))
    }

    /// Units come in, by a correction that is applied.
    pub async fn adjust(&self, sku: &Sku, facility: &str, quantity: i64) -> Result<()> {
        let adjustment = json!({"facility_id": facility, "sku": sku, "quantity": quantity, "reason": "correction"});
        let answer: Value = self.post("/v1/stock/adjustments", &json!({"adjustments": [adjustment]})).await?.view(200)?;
        ensure!(answer["results"][0]["result"] == "applied", "{answer}");
        Ok(())
    }

    /// What a statement counts in the database itself.
    pub async fn count(&self, statement: &str) -> Result<u64> {
        let mut connection = PgConnection::connect(&self.system.addresses.database_url).await?;
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(count.try_into()?)
    }

    /// The gateway's own books of the order.
    pub async fn books(&self, id: &OrderId) -> Result<Books> {
        Books::of(&self.system.addresses.gateway_url, id).await
    }
}

/// Whoever asked may ask the same again.
fn is_put_off(answer: &Answer) -> bool {
    matches!(answer.status, 503 | 504) || answer.body["code"] == "idempotency_key_in_flight"
}

/// The body of a cancellation; without lines, of everything.
pub fn cancellation(cancellation_id: &str, lines: &[(&str, u32)]) -> Value {
    let mut body = json!({"cancellation_id": cancellation_id, "reason": "changed their mind"});
    if !lines.is_empty() {
        body["lines"] = lines.iter().map(|(line_id, quantity)| json!({"line_id": line_id, "quantity": quantity})).collect();
    }
    body
}
