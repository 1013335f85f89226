//! Worker, relay and HTTP API over one store and one connection to Temporal.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use oms_allocation::{Rules, RulesInForce};
use oms_domain::{clock::BusinessClock, error::ErrorCode, ids::AccountId, policy::Policy};
use oms_outlets::{Cloud, Guard};
use oms_server::{DeclaredAccount, DeclaredAccounts, Door};
use oms_starter::{Starter, StarterConfig};
use oms_store::{ApiKey, Store, StoreConfig};
use oms_worker::Settings;
use oms_workflows::names::Queues;
use secrecy::SecretString;
use temporalio_client::Client;
use tokio::net::TcpListener;

use super::{
    ApiServer, Temporal, WorkerThread,
    adapters::{parts, webhooks},
    register_search_attributes,
    worker::meter,
};
use crate::{client::Api, config::Adapters, exit::Coded};

/// The account of whoever started the system.
const OWNER: &str = "owner";

/// What a system is composed of. [`SystemOptions::new`] has the defaults.
#[derive(Clone)]
pub struct SystemOptions {
    pub store: StoreConfig,
    pub temporal: Temporal,
    pub adapters: Adapters,
    /// Key of the hash under which the Temporal UI finds a customer's orders.
    pub customer_key: SecretString,
    pub http_addr: SocketAddr,
    pub queues: Queues,
    pub clock: BusinessClock,
    pub policy: Policy,
    pub rules: RulesInForce,
    /// What whoever started the system shows its API: it opens everything.
    pub api_key: ApiKey,
    /// Who else may come in.
    pub accounts: DeclaredAccounts,
    /// How Amazon's services are reached, and what of them may be named.
    pub cloud: Cloud,
    /// What the worker serves; its queues are those above.
    pub worker: Settings,
}

impl SystemOptions {
    /// All queues, real time, the built-in rules, and any free port of this machine for the API.
    pub fn new(store: StoreConfig, temporal: Temporal, payment_gateway_url: impl Into<String>, carrier_url: impl Into<String>) -> Self {
        Self {
            customer_key: store.email_key.clone(),
            store,
            temporal,
            adapters: Adapters::of_urls(payment_gateway_url, carrier_url),
            http_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            queues: Queues::default(),
            clock: BusinessClock::default(),
            policy: Policy::default(),
            rules: Rules::built_in().into(),
            api_key: ApiKey::random(),
            accounts: DeclaredAccounts::default(),
            cloud: Cloud::default(),
            worker: Settings::all(Queues::default()),
        }
    }

    /// Under a prefix of their own, so that systems on one server do not take each other's tasks.
    pub fn prefixed(mut self, prefix: impl Into<String>) -> Self {
        self.queues = Queues::new(prefix);
        self.worker.queues = self.queues.clone();
        self
    }
}

/// A running system.
pub struct System {
    pub api_url: String,
    pub api_key: ApiKey,
    pub store: Store,
    pub starter: Starter,
    pub temporal: Client,
    api: ApiServer,
    worker: WorkerThread,
}

impl System {
    /// Sets up the databases and the search attributes, then starts the worker and the API.
    ///
    /// # Errors
    /// The first part that cannot be reached or started; the others are stopped.
    pub async fn start(options: SystemOptions) -> Result<Self> {
        Self::start_on(listen(options.http_addr).await?, options).await
    }

    /// As [`System::start`], with the API on a listener that is there already.
    ///
    /// # Errors
    /// As there.
    pub async fn start_on(listener: TcpListener, options: SystemOptions) -> Result<Self> {
        let (store, temporal) = tokio::try_join!(open_store(&options.store), options.temporal.connect())?;
        tokio::try_join!(async { Ok(store.setup().await?) }, async { register_search_attributes(&temporal).await.map(drop) })?;
        let config = StarterConfig {
            queues: options.queues,
            clock: options.clock,
            policy: options.policy,
            customer_key: options.customer_key,
            // The worker is on the same connection: a new order's first task need not go round by the server.
            eager_start: true,
        };
        let starter = Starter::new(temporal.clone(), store.clone(), config);
        starter.schedule_maintenance().await.context("the maintenance's schedules")?;
        let meter = meter(options.worker.metrics_addr)?;
        let parts = parts(starter.clone(), store.clone(), &options.adapters, options.rules.clone(), meter.clone())?;
        let worker = WorkerThread::start(temporal.clone(), parts, options.worker, meter).await?;
        let all = DeclaredAccount::of_all_roles(AccountId::parse(OWNER)?, options.api_key.hash());
        let webhooks = webhooks(&options.adapters)?;
        let outlets = Guard::default().of_development();
        let door = Door { accounts: options.accounts.with(all)?, webhooks, outlets, cloud: options.cloud, ..Door::default() };
        let api = ApiServer::start(listener, store.clone(), starter.clone(), options.rules, door)?;
        Ok(Self { api_url: api.url(), api_key: options.api_key, store, starter, temporal, api, worker })
    }

    /// A client of its API that may do everything.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn client(&self) -> Result<Api> {
        Ok(Api::new(&self.api_url)?.showing(Some(self.api_key.text().clone())))
    }

    /// Completes when the worker or the API ends without having been asked to.
    ///
    /// # Errors
    /// Always, but for an end without a failure.
    pub async fn ended(&mut self) -> Result<()> {
        tokio::select! {
            ended = self.worker.ended() => ended.context("the worker ended"),
            ended = self.api.ended() => ended.context("the API server ended"),
        }
    }

    /// The API stops accepting and answers what it has; the worker drains; the connections close.
    ///
    /// # Errors
    /// The first part's failure; the others are stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let api = self.api.stop().await;
        let worker = self.worker.stop().await;
        self.store.close().await;
        api.context("the API server failed").and(worker.context("the worker failed"))
    }
}

/// Opens the databases.
///
/// # Errors
/// `unavailable` when PostgreSQL does not answer.
pub(crate) async fn open_store(config: &StoreConfig) -> Result<Store> {
    Store::connect(config).await.context("PostgreSQL cannot be reached; see DATABASE_URL, or start everything with `oms dev`")
}

/// Listens where it is told to, and nowhere else.
///
/// # Errors
/// `unavailable` when the port is taken.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!("the API cannot listen on {address}: {error}");
        Coded::new(ErrorCode::Unavailable, message).hint("choose another address with --http-addr").into()
    })
}
