//! The world of a test: a shared stack, and a worker and starter of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use oms_activities::adapters::{HttpCarrier, HttpGateway, http_client};
use oms_allocation::Rules;
use oms_devstack::{Progress, Stack, StackOptions, TemporalChoice, TemporalOptions, Tools};
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_starter::{Relay, Starter, StarterConfig};
use oms_store::{Store, StoreConfig};
use oms_worker::{Parts, Settings};
use oms_workflows::names::{Queues, SEARCH_ATTRIBUTES};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};
use temporalio_sdk::{Runtime, runtime::RuntimeOptions};

/// Where provisioned tools are kept between runs.
fn tools() -> Tools {
    let cache = std::env::var_os("OMS_CACHE_DIR").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/oms")));
    Tools::new(cache.unwrap_or_else(|| std::env::temp_dir().join("oms-cache")), Progress::on_stderr())
}

pub struct World {
    pub stack: Stack,
    pub store: Store,
    pub client: Client,
    pub starter: Starter,
    pub relay: Relay,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    worker: Option<std::thread::JoinHandle<Result<()>>>,
}

impl World {
    pub async fn start() -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _ = tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).try_init();
        let mut options = StackOptions::ephemeral(tools());
        let search_attributes = SEARCH_ATTRIBUTES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        options.temporal = TemporalChoice::Native(TemporalOptions { ui: false, port: None, search_attributes });
        let stack = Stack::start(options).await?;
        let mut config = StoreConfig::new(stack.database_url.clone(), "email-key".into());
        config.dynamodb_endpoint = Some(stack.dynamodb_endpoint.clone());
        let store = Store::connect(&config).await?;
        store.setup().await?;
        let url = Url::parse(&format!("http://{}", stack.temporal_address))?;
        let connection = Connection::connect(ConnectionOptions::new(url).build()).await?;
        let client = Client::new(connection, ClientOptions::new("default").build())?;
        let starter_config = StarterConfig {
            queues: Queues::default(),
            clock: BusinessClock::default(),
            policy: Policy::default(),
            customer_key: "customer-key".into(),
            eager_start: true,
        };
        let starter = Starter::new(client.clone(), store.clone(), starter_config);
        let http = http_client()?;
        let parts = Parts {
            store: store.clone(),
            gateway: Arc::new(HttpGateway::new(http.clone(), &stack.payment_gateway_url)),
            carrier: Arc::new(HttpCarrier::new(http, &stack.carrier_url)),
            rules: Rules::built_in(),
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let worker_client = client.clone();
        let worker = std::thread::Builder::new().name("worker".into()).spawn(move || {
            let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            tokio.block_on(async {
                let runtime = Runtime::from_current_tokio(RuntimeOptions::builder().build().map_err(anyhow::Error::msg)?)?;
                oms_worker::serve(&runtime, worker_client, parts, Settings::all(Queues::default()), async {
                    let _ = stopped.await;
                })
                .await
            })
        })?;
        let relay = Relay::new(starter.clone());
        Ok(Self { stack, store, client, starter, relay, stop: Some(stop), worker: Some(worker) })
    }

    pub async fn stop(mut self) -> Result<()> {
        drop(self.stop.take());
        let worker = self.worker.take().context("stopped twice")?;
        tokio::task::spawn_blocking(move || worker.join().map_err(|_| anyhow::anyhow!("the worker panicked"))).await???;
        self.store.close().await;
        self.stack.stop().await?;
        Ok(())
    }
}

/// Waits until the condition gives something; fails with what was waited for.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let give_up = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = condition().await? {
            return Ok(found);
        }
        anyhow::ensure!(tokio::time::Instant::now() < give_up, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
