//! A whole system: databases, worker and messengers. The HTTP API is the shops' (each has its own policy).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use oms_activities::ports::Exporter;
use oms_allocation::RulesInForce;
use oms_domain::{clock::BusinessClock, ids::OrderId, policy::Policy};
use oms_outlets::{Cloud, DispatcherOptions, Guard};
use oms_server::{AppState, Messengers};
use oms_starter::{Starter, StarterConfig};
use oms_store::{Facility, Store};
use oms_worker::{Around, Parts, Settings};
use oms_workflows::names::Queues;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use temporalio_client::Client;
use temporalio_common::data_converters::DataConverter;
use tokio::sync::{Mutex, OnceCell};

use super::{
    ground::{Addresses, Own},
    http::dynamodb,
    stack::{temporal, temporal_with},
    worker::WorkerThread,
};

/// Facilities that every system has, at home with the baskets' customer, and further and further away.
pub const LEEDS: &str = "LEEDS";
pub const YORK: &str = "YORK";
pub const BATH: &str = "BATH";

static SHARED: OnceCell<Arc<System>> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The system of all tests that can share one.
pub async fn shared() -> Result<Arc<System>> {
    let start = async || System::start(Addresses::shared(prefix()).await?, None, Setup::default()).await;
    SHARED.get_or_try_init(start).await.cloned()
}

/// Keeps one system's tasks from another's.
fn prefix() -> String {
    format!("s{}-", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub struct System {
    pub addresses: Addresses,
    pub store: Store,
    pub temporal: Client,
    /// What payloads look like to Temporal.
    pub converter: DataConverter,
    pub own: Option<Own>,
    /// How Amazon's services are reached.
    pub cloud: Cloud,
    worker: Mutex<Option<WorkerThread>>,
    messengers: Mutex<Option<Messengers>>,
}

/// What a system may have otherwise than usual.
#[derive(Default)]
pub struct Setup {
    pub without_worker: bool,
    pub converter: DataConverter,
    /// Activities after which its workers are built anew.
    pub recycle_after: Option<u64>,
    /// Stands around every activity of its worker.
    pub around: Option<Around>,
    /// What its worker sources by.
    pub rules: Option<RulesInForce>,
    /// Its gateway and carrier are spoken to as Stripe and EasyPost; and whether an authorization may be captured in parts there.
    pub foreign: Option<bool>,
    /// A guard stands before each of its providers.
    pub guarded: bool,
    /// What stands in for Amazon's services, all of which may be named.
    pub cloud: Option<String>,
    /// Where its worker writes tables out.
    pub export_to: Option<Box<dyn FnOnce(Store) -> Arc<dyn Exporter>>>,
}

impl System {
    /// With databases, gateway and carrier of its own. Two systems on one database would tell each other's orders things, in payloads
    /// that only their own workers can read.
    pub async fn own(setup: Setup) -> Result<Arc<Self>> {
        let own = Own::start().await?;
        Self::start(own.addresses(prefix()).await?, Some(own), setup).await
    }

    async fn start(addresses: Addresses, own: Option<Own>, setup: Setup) -> Result<Arc<Self>> {
        let addresses = Addresses { foreign: setup.foreign, guarded: setup.guarded, ..addresses };
        let store = Store::connect(&addresses.store_config()).await?;
        store.setup().await?;
        seed(&store).await?;
        let temporal = temporal_with(&addresses.temporal, setup.converter.clone()).await?;
        let set_up = |parts: &mut Parts, settings: &mut Settings| {
            if let Some(rules) = setup.rules {
                parts.rules = rules;
            }
            parts.exporter = setup.export_to.map(|exporter| exporter(store.clone()));
            settings.recycle_after = setup.recycle_after.unwrap_or(settings.recycle_after);
            settings.around = setup.around;
        };
        let start = || WorkerThread::start_with(temporal.clone(), store.clone(), &addresses, set_up);
        let worker = if setup.without_worker { None } else { Some(start()?) };
        let (worker, messengers) = (Mutex::new(worker), Mutex::new(None));
        let cloud = match setup.cloud {
            Some(url) => Cloud::new("arn:*,s3://*".parse()?).at(&url),
            None => Cloud::default(),
        };
        let system = Arc::new(Self { addresses, store, temporal, converter: setup.converter, own, cloud, worker, messengers });
        system.start_messengers().await;
        Ok(system)
    }

    /// What places and reaches orders under this policy.
    pub fn starter(&self, policy: Policy) -> Starter {
        starter(&self.temporal, &self.store, &self.addresses, policy)
    }

    /// The order's document is lost, as after a table was restored to an earlier day.
    pub async fn forget_document(&self, id: &OrderId) -> Result<()> {
        let body = json!({"TableName": self.addresses.table, "Key": {"pk": {"S": format!("ORDER#{id}")}, "sk": {"S": "DOC"}}});
        dynamodb(&self.addresses, "DeleteItem", &body).await.map(drop)
    }

    /// Executes a statement on the database itself.
    pub async fn execute(&self, statement: impl Into<String>) -> Result<()> {
        let mut connection = PgConnection::connect(&self.addresses.database_url).await?;
        sqlx::query(AssertSqlSafe(statement.into())).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    pub async fn start_messengers(&self) {
        let state = AppState::new(self.store.clone(), self.starter(Policy::default()));
        // Short, so that what a server leaves behind that was killed is taken up soon.
        let dispatching = DispatcherOptions { lease: Duration::from_secs(3), ..DispatcherOptions::default() };
        let state = state.sending_to(Guard::default().of_development()).reaching(self.cloud.clone()).dispatching(dispatching);
        *self.messengers.lock().await = Some(Messengers::start(&state));
    }

    pub async fn stop_messengers(&self) {
        if let Some(messengers) = self.messengers.lock().await.take() {
            messengers.stop().await;
        }
    }

    pub async fn start_worker(&self) -> Result<()> {
        // A second worker for a queue needs a connection of its own.
        let temporal = temporal(&self.addresses.temporal).await?;
        *self.worker.lock().await = Some(WorkerThread::start(temporal, self.store.clone(), &self.addresses)?);
        Ok(())
    }

    pub async fn stop_worker(&self) -> Result<()> {
        self.worker.lock().await.take().context("there is no worker to stop")?.stop().await
    }

    pub async fn stop(&self) -> Result<()> {
        self.stop_messengers().await;
        if self.worker.lock().await.is_some() {
            self.stop_worker().await?;
        }
        self.store.close().await;
        Ok(())
    }
}

/// What places and reaches orders, for a test or for a worker's own questions.
pub fn starter(temporal: &Client, store: &Store, addresses: &Addresses, policy: Policy) -> Starter {
    let config = StarterConfig {
        queues: Queues::new(addresses.queue_prefix.clone()),
        clock: BusinessClock::default(),
        policy,
        customer_key: "the tests' key".into(),
        eager_start: true,
    };
    Starter::new(temporal.clone(), store.clone(), config)
}

/// Before the worker looks: it reads the facilities only every few seconds.
async fn seed(store: &Store) -> Result<()> {
    for (id, latitude, longitude) in [(LEEDS, 53.80, -1.55), (YORK, 53.96, -1.08), (BATH, 51.38, -2.36)] {
        store.catalog().put_facility(&facility(id, latitude, longitude)?).await?;
    }
    Ok(())
}

/// A facility in Great Britain that ships every day.
pub fn facility(id: &str, latitude: f64, longitude: f64) -> Result<Facility> {
    Ok(Facility {
        facility_id: id.parse()?,
        name: format!("Warehouse {id}"),
        facility_type: "warehouse".into(),
        country: "GB".into(),
        city: id.into(),
        latitude,
        longitude,
        timezone: "Europe/London".into(),
        handling_cost_minor: 90,
        daily_order_capacity: None,
        cutoff_local_time: "17:00".parse()?,
        working_days: "Mon-Sun".into(),
        ship_enabled: true,
        pickup_enabled: true,
    })
}
