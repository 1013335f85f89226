//! One server for all tests of this binary, in a thread of its own; each test brings ids of its own.

use std::{
    path::PathBuf,
    sync::{LazyLock, mpsc},
    time::Duration,
};

use anyhow::Context;
use oms_devstack::{Progress, Stack, StackOptions, TemporalChoice, TemporalOptions, Tools};
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_starter::{Starter, StarterConfig};
use oms_store::{ApiKey, Store, StoreConfig};
use oms_workflows::names::{Queues, SEARCH_ATTRIBUTES};
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use temporalio_client::{ClientOptions, Connection, ConnectionOptions, Url};
use tokio::net::TcpListener;

use super::{doors, insights};
use crate::{AppState, DeclaredAccount, serve};

/// What opens everything.
static KEY: LazyLock<ApiKey> = LazyLock::new(ApiKey::random);

/// The server's address, and that of one with every route's lock and nothing behind it. The stack ends with this process.
static URLS: LazyLock<[String; 2]> = LazyLock::new(|| {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (state, _stack) = start().await.unwrap();
            doors::furnish(&state.store).await;
            insights::furnish(&state.store).await;
            tokio::spawn(insights::keep_counting(state.store.clone()));
            let (listener, locks) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
            tell.send([&listener, &locks].map(|listener| format!("http://{}", listener.local_addr().unwrap()))).unwrap();
            // As another server would: what it knows of keys is its own.
            let other = AppState::new(state.store.clone(), state.starter.clone()).declaring(doors::accounts());
            tokio::spawn(async move { axum::serve(locks, doors::locks(other)).await });
            serve(state, listener, std::future::pending()).await.unwrap();
        });
    });
    told.recv_timeout(Duration::from_secs(900)).unwrap()
});

async fn start() -> anyhow::Result<(AppState, Stack)> {
    let cache = std::env::var_os("OMS_CACHE_DIR").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/oms")));
    let tools = Tools::new(cache.context("set HOME or OMS_CACHE_DIR")?, Progress::on_stderr());
    let mut options = StackOptions::ephemeral(tools);
    let search_attributes = SEARCH_ATTRIBUTES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
    options.temporal = TemporalChoice::Native(TemporalOptions { search_attributes, ..TemporalOptions::default() });
    let stack = Stack::start(options).await?;
    let mut config = StoreConfig::new(stack.database_url.clone(), "email-key".into());
    config.dynamodb_endpoint = Some(stack.dynamodb_endpoint.clone());
    let store = Store::connect(&config).await?;
    store.setup().await?;
    let url = Url::parse(&format!("http://{}", stack.temporal_address))?;
    let connection = Connection::connect(ConnectionOptions::new(url).build()).await?;
    let client = temporalio_client::Client::new(connection, ClientOptions::new("default").build())?;
    let config = StarterConfig {
        queues: Queues::default(),
        clock: BusinessClock::default(),
        policy: Policy::default(),
        customer_key: "customer-key".into(),
        eager_start: false,
    };
    let starter = Starter::new(client, store.clone(), config);
    let all = DeclaredAccount::of_all_roles("tests".parse()?, KEY.hash());
    Ok((AppState::new(store, starter).declaring(doors::accounts().with(all)?), stack))
}

/// A caller.
pub(super) struct App {
    client: Client,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The code of a problem document; the answer must be one, and say the status it came with.
    pub fn code(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        self.body["code"].as_str().unwrap()
    }

    /// The pointers of a problem document.
    pub fn pointers(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().map(|error| error["pointer"].as_str().unwrap()).collect()
    }
}

impl App {
    pub fn new() -> Self {
        // Another test may have installed it.
        drop(rustls::crypto::ring::default_provider().install_default());
        LazyLock::force(&URLS);
        Self { client: Client::builder().timeout(Duration::from_secs(60)).build().unwrap() }
    }

    /// Host and port, for callers who break HTTP's rules.
    pub fn address(&self) -> &'static str {
        URLS[0].trim_start_matches("http://")
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(KEY.text().expose_secret())
    }

    /// Of somebody who shows nothing.
    pub fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", URLS[0]))
    }

    /// To the lock of a route, behind which there is nothing: 204 when it lets in.
    pub fn lock(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", URLS[1]))
    }

    /// What opens everything.
    pub fn own_key(&self) -> &'static str {
        KEY.text().expose_secret()
    }

    /// A key that is, or soon will be, in force no more.
    pub async fn key_that(&self, what: &str) -> String {
        let made = self.post("/v1/accounts", &json!({"name": what, "roles": ["ops"]})).await;
        let keys = format!("/v1/accounts/{}/keys", made.body["account_id"].as_str().unwrap());
        let expires_at = (what == "expires").then(|| jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1));
        let key = self.post(&keys, &expires_at.map_or_else(|| json!({}), |at| json!({"expires_at": at}))).await;
        if expires_at.is_none() {
            let path = format!("{keys}/{}", key.body["key_id"].as_str().unwrap());
            assert_eq!(self.send(self.request(Method::DELETE, &path)).await.status, 204);
        }
        key.body["key"].as_str().unwrap().to_owned()
    }

    /// Waits until none of the keys opens anything.
    pub async fn until_refused(&self, keys: &[&str]) {
        for key in keys {
            while self.send(self.anonymous(Method::GET, "/v1/audit").bearer_auth(key)).await.status != 401 {}
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        assert!(headers.contains_key("x-request-id"));
        Answer { status, headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn feed(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(self.request(Method::POST, path).body(body)).await
    }

    /// Puts a product into the catalog, unless it is there.
    pub async fn product(&self, sku: &str) {
        let product = json!({"title": "LANTERN", "price_minor": 339, "currency": "GBP", "weight_g": 100, "length_mm": 1, "width_mm": 1, "height_mm": 1});
        assert!([200, 428].contains(&self.put(&format!("/v1/products/{sku}"), &product).await.status.as_u16()), "{sku}");
    }

    /// Puts a facility into the catalog, unless it is there.
    pub async fn facility(&self, facility_id: &str) {
        let facility = json!({"name": "Leeds store", "type": "store", "country": "GB", "city": "Leeds", "latitude": 53.79648, "longitude": -1.54785,
            "timezone": "Europe/London", "cutoff_local_time": "15:00", "working_days": "Mon-Sat", "pickup_enabled": true});
        assert!([200, 428].contains(&self.put(&format!("/v1/facilities/{facility_id}"), &facility).await.status.as_u16()), "{facility_id}");
    }
}

/// A one-line order of a SKU.
pub(super) fn order(order_id: &str, sku: &str) -> Value {
    json!({
        "order_id": order_id, "channel": "web", "placed_at": "2010-12-01T08:26:00Z", "currency": "GBP",
        "customer": {"customer_id": "17850", "name": "Customer 17850", "email": "customer-17850@example.com"},
        "ship_to": {"name": "Customer 17850", "line1": "94 High Street", "city": "Leeds", "country": "GB"},
        "shipping": {"method": "standard", "price_minor": 0},
        "payment": {"method": "card", "token": "tok_17850"},
        "lines": [{"line_id": "1", "sku": sku, "quantity": 6, "unit_price_minor": 255}]
    })
}
