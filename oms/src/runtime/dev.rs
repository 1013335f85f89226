//! A system with everything it talks to, on this machine.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use oms_devstack::{
    CarrierChoice, DataDir, DynamoDbChoice, PaymentGatewayChoice, PostgresChoice, Stack, StackOptions, TemporalChoice, Tools,
};
use oms_domain::{access::Role, clock::BusinessClock, ids::AccountId, policy::Policy, provider::ProviderPort};
use oms_server::{DeclaredAccount, DeclaredAccounts};
use oms_store::{ApiKey, SnapshotGuard, StoreConfig};
use oms_workflows::names::SEARCH_ATTRIBUTES;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{System, SystemOptions, Temporal, listen};
use crate::config::{ProviderConfig, derived};

/// Name of the file that keeps a data folder's privacy key.
const KEY_FILE: &str = "privacy.key";
/// And that of its API key.
const API_KEY_FILE: &str = "api.key";
/// And that of the password of whoever comes in at the console.
const PASSWORD_FILE: &str = "console.password";
/// The account of the simulated carrier.
const CARRIER: &str = "simulated-carrier";
/// Connections to PostgreSQL, shared by the API and the worker, and how long to wait for one.
const CONNECTIONS: u32 = 32;
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// How a development system is started. [`DevOptions::kept`] and [`DevOptions::ephemeral`] are good beginnings.
#[derive(Clone)]
pub struct DevOptions {
    pub tools: Tools,
    /// None: nothing outlives the system.
    pub data_dir: Option<PathBuf>,
    /// Where the API listens; the next free port when this one is taken.
    pub http_addr: SocketAddr,
    /// On the ports people know (7233, 8233, 15432, ...) as far as they are free, and with Temporal's UI; else on any.
    pub well_known: bool,
    /// The simulators' delays and journeys are divided by it.
    pub time_scale: u32,
    pub clock: BusinessClock,
    pub policy: Policy,
    /// Which stock snapshots a person must approve.
    pub snapshot_guard: SnapshotGuard,
    /// Databases that are there already, in place of our own.
    pub database_url: Option<SecretString>,
    pub dynamodb_endpoint: Option<String>,
    /// Whether the carrier moves parcels by itself.
    pub parcels_travel: bool,
    /// Activities after which the worker is built anew; the worker's default unless said.
    pub recycle_after: Option<u64>,
}

impl DevOptions {
    /// State kept in the folder, on the well-known ports, with the UI, in real time: `oms dev`.
    pub fn kept(data_dir: impl Into<PathBuf>, tools: Tools) -> Self {
        Self { data_dir: Some(data_dir.into()), well_known: true, ..Self::ephemeral(tools) }
    }

    /// Nothing kept, on any free ports, without the UI, in real time.
    pub fn ephemeral(tools: Tools) -> Self {
        Self {
            tools,
            data_dir: None,
            http_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            well_known: false,
            time_scale: 1,
            clock: BusinessClock::default(),
            policy: Policy::default(),
            database_url: None,
            dynamodb_endpoint: None,
            parcels_travel: true,
            recycle_after: None,
            snapshot_guard: SnapshotGuard::default(),
        }
    }

    fn stack(&self) -> StackOptions {
        let mut stack = match self.well_known {
            true => StackOptions::kept("", self.tools.clone()),
            false => StackOptions::ephemeral(self.tools.clone()),
        };
        stack.data = self.data_dir.clone().map_or(DataDir::Ephemeral, DataDir::Kept);
        if let TemporalChoice::Native(temporal) = &mut stack.temporal {
            temporal.search_attributes = SEARCH_ATTRIBUTES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        }
        if let PaymentGatewayChoice::Native(gateway) = &mut stack.payment_gateway {
            gateway.time_scale = self.time_scale;
        }
        if let CarrierChoice::Native(carrier) = &mut stack.carrier {
            carrier.time_scale = self.time_scale;
        }
        if let Some(url) = &self.database_url {
            stack.postgres = PostgresChoice::External(url.clone());
        }
        if let Some(endpoint) = &self.dynamodb_endpoint {
            stack.dynamodb = DynamoDbChoice::External(endpoint.clone());
        }
        stack
    }

    /// A secret that lives as long as the data: customers of kept orders are found again.
    fn privacy_key(&self) -> Result<SecretString> {
        self.kept_secret(KEY_FILE, || Uuid::new_v4().simple().to_string().into())
    }

    /// What opens the API of this data, for as long as that is kept.
    fn api_key(&self) -> Result<ApiKey> {
        let kept = self.kept_secret(API_KEY_FILE, || ApiKey::random().text().clone())?;
        ApiKey::parse(kept.expose_secret()).with_context(|| format!("{API_KEY_FILE} in the data folder holds no key: remove it"))
    }

    /// What opens the console of this data, for as long as that is kept.
    fn console_password(&self) -> Result<SecretString> {
        self.kept_secret(PASSWORD_FILE, || Uuid::new_v4().simple().to_string().into())
    }

    fn kept_secret(&self, name: &str, fresh: impl Fn() -> SecretString) -> Result<SecretString> {
        let Some(folder) = &self.data_dir else { return Ok(fresh()) };
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(kept) if !kept.trim().is_empty() => return Ok(kept.trim().into()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        }
        let secret = fresh();
        write_private(&path, secret.expose_secret()).with_context(|| format!("write {}", path.display()))?;
        Ok(secret)
    }
}

/// The account of the carrier that moves parcels by itself.
fn carrier(key: &ApiKey) -> Result<DeclaredAccounts> {
    let account = DeclaredAccount::of_roles(AccountId::parse(CARRIER)?, [Role::Carrier].into(), key.hash());
    Ok(DeclaredAccounts::default().with(account)?)
}

fn write_private(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// A running development system. Dropping it stops it too, blocking for a moment.
pub struct Dev {
    // Dropped in this order: nothing of the system must meet a database that is gone.
    pub system: System,
    pub stack: Stack,
    /// The secret under which this system hashes customers.
    pub privacy_key: SecretString,
    /// With which somebody of every role comes in at the console.
    pub console_password: SecretString,
}

impl Dev {
    /// Starts the servers, then the system on them.
    ///
    /// # Errors
    /// The first part that cannot be started; the others are stopped.
    pub async fn start(options: DevOptions) -> Result<Self> {
        let stack = Stack::start(options.stack()).await?;
        let console_password = options.console_password()?;
        match Self::start_system(&options, &stack).await {
            Ok((system, privacy_key)) => Ok(Self { system, stack, privacy_key, console_password }),
            Err(error) => {
                stack.stop().await.unwrap_or_else(|error| tracing::warn!(%error, "a server did not stop"));
                Err(error)
            }
        }
    }

    async fn start_system(options: &DevOptions, stack: &Stack) -> Result<(System, SecretString)> {
        let _step = options.tools.progress().step("Setting up the databases, the worker and the API");
        let key = options.privacy_key()?;
        let mut store = StoreConfig::new(stack.database_url.clone(), derived(&key, "email"));
        store.dynamodb_endpoint = Some(stack.dynamodb_endpoint.clone());
        // The servers share a development machine's cores with everything else: a wait for a connection is no outage here.
        store.max_connections = CONNECTIONS;
        store.acquire_timeout = ACQUIRE_WITHIN;
        store.snapshot_guard = options.snapshot_guard;
        let temporal = Temporal::at(&stack.temporal_address)?;
        let mut system = SystemOptions::new(store, temporal, &stack.payment_gateway_url, &stack.carrier_url);
        system.adapters.fraud = vec![ProviderConfig::http(ProviderPort::Fraud, &stack.fraud_url)];
        system.customer_key = derived(&key, "customer");
        system.clock = options.clock;
        system.policy = options.policy.clone();
        let carrier_key = ApiKey::random();
        (system.api_key, system.accounts) = (options.api_key()?, carrier(&carrier_key)?);
        system.worker.recycle_after = options.recycle_after.unwrap_or(system.worker.recycle_after);
        let system = System::start_on(listen_near(options.http_addr).await?, system).await?;
        if options.parcels_travel {
            stack.send_carrier_events_to(&format!("{}/v1/carrier-events", system.api_url), Some(carrier_key.text().clone()));
        }
        Ok((system, key))
    }

    /// Stops the system, then the servers under it.
    ///
    /// # Errors
    /// The first failure; everything is stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let system = self.system.stop().await;
        let stack = self.stack.stop().await;
        system.and(stack.map_err(anyhow::Error::from))
    }
}

/// Listens on the address, or on the next free port when its own is taken, or on any when the next twenty are taken too.
async fn listen_near(wanted: SocketAddr) -> Result<TcpListener> {
    for port in (0..20).filter_map(|offset| wanted.port().checked_add(offset)) {
        if let Ok(listener) = TcpListener::bind(SocketAddr::new(wanted.ip(), port)).await {
            return Ok(listener);
        }
    }
    listen(SocketAddr::new(wanted.ip(), 0)).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use oms_devstack::Progress;

    use super::*;

    #[tokio::test]
    async fn a_taken_port_makes_way_for_the_next() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = taken.local_addr().unwrap();
        let listener = listen_near(address).await.unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), address.port());
    }

    #[test]
    fn a_data_folder_keeps_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let kept = DevOptions::kept(folder.path(), Tools::new(folder.path(), Progress::Silent));
        let first = kept.privacy_key().unwrap();
        assert_eq!(kept.privacy_key().unwrap().expose_secret(), first.expose_secret());
        let opens = kept.api_key().unwrap();
        assert!(kept.api_key().unwrap().hash().matches(&opens.hash()));
        let file = std::fs::metadata(folder.path().join(API_KEY_FILE)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        let ephemeral = DevOptions::ephemeral(Tools::new(folder.path(), Progress::Silent));
        assert_ne!(ephemeral.privacy_key().unwrap().expose_secret(), first.expose_secret());
    }
}
