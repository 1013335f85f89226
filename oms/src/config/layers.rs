//! The groups of settings, and what they are when nobody says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
};

use anyhow::Result;
use clap::Args;
use oms_domain::{error::ErrorCode, policy::Policy, provider::ProviderPort};
use oms_outlets::{CloudNames, Networks};
use oms_server::{DeclaredAccounts, Origins, TrustedProxies};
use oms_starter::encrypting_converter;
use oms_store::{SnapshotGuard, StoreConfig};
use oms_worker::{Build, Settings};
use oms_workflows::names::{Queue, Queues};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Adapters, ProviderConfig};
use crate::{deploy::build_id, exit::Coded, running, runtime::Temporal};

/// Declares a layer: every setting optional, and one layer laid over another.
macro_rules! layer {
    ($(#[$about:meta])* $name:ident { $($(#[$setting:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, Args, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$setting])* pub $field: Option<$kind>,)+ }

        impl $name {
            /// What is absent here is taken from below.
            pub fn over(self, below: Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)+ }
            }
        }
    };
}

layer! {
    /// The databases. DynamoDB is found through the AWS variables, `AWS_ENDPOINT_URL_DYNAMODB` among them.
    DatabaseLayer {
        /// URL of PostgreSQL; best given in the environment, for others see a process's arguments.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
        database_url: SecretString,
        /// Most connections to PostgreSQL [default: 16].
        #[arg(long, env = "OMS_DATABASE_CONNECTIONS", value_name = "N")]
        database_connections: u32,
        /// DynamoDB table of the orders [default: orders].
        #[arg(long, env = "OMS_DYNAMODB_TABLE", value_name = "TABLE")]
        dynamodb_table: String,
        /// Whole months for which events and movements of stock are kept after their own, at least 3; then a month goes, but for what
        /// orders that are not over have done, and the sums of the movements [default: for good].
        #[arg(long, env = "OMS_HISTORY_MONTHS", value_name = "N", value_parser = clap::value_parser!(u32).range(3..=1200))]
        history_months: u32,
        /// Secret under which customers are hashed where they must be found again; changing it loses the search for older orders.
        #[arg(long, env = "OMS_PRIVACY_KEY", hide_env_values = true, value_name = "SECRET")]
        privacy_key: SecretString,
    }
}

layer! {
    /// What a worker serves, and how much of it.
    WorkerLayer {
        /// Task queues to serve, separated by commas: orders, data, relations, payments, fraud, shipping, bulk [default: all].
        #[arg(long, env = "OMS_QUEUES", value_name = "QUEUES")]
        queues: ServedQueues,
        /// Orders kept in memory between their tasks, about 120 kB each [default: 1000].
        #[arg(long, env = "OMS_CACHED_ORDERS", value_name = "N")]
        cached_orders: usize,
        /// Orders worked on at once; what comes beyond waits at the server, where another worker may take it; at least 2 [default: 24].
        #[arg(long, env = "OMS_TASKS_AT_ONCE", value_name = "N")]
        tasks_at_once: usize,
        /// Activities after which the worker is built anew, for the SDK keeps some bytes of each [default: 100000].
        #[arg(long, env = "OMS_RECYCLE_AFTER", value_name = "N")]
        recycle_after: u64,
        /// Address where monitoring reads the worker's figures, at /metrics [default: nowhere].
        #[arg(long, env = "OMS_METRICS_ADDR", value_name = "ADDR")]
        metrics_addr: SocketAddr,
        /// Rule file of the allocation (`oms rules check`); a change is in force at once [default: the built-in rules].
        #[arg(long, env = "OMS_RULES", value_name = "FILE")]
        rules: PathBuf,
        /// Deployment that this build belongs to: orders stay with the build that began them, and new ones begin with the one that
        /// `oms deploy set-current` names [default: none; a worker takes the tasks of all orders].
        #[arg(long, env = "OMS_DEPLOYMENT_NAME", value_name = "NAME")]
        deployment_name: String,
        /// This build's id in its deployment [default: version and commit].
        #[arg(long, env = "OMS_BUILD_ID", value_name = "ID")]
        build_id: String,
        /// Where the schedule writes tables out for analysts: a folder, or s3://bucket/prefix with credentials and region from the AWS
        /// environment [default: nowhere].
        #[arg(long, env = "OMS_EXPORT_TO", value_name = "FOLDER|S3URL")]
        export_to: String,
        /// Where S3 is, if it is not AWS's.
        #[arg(long, env = "AWS_ENDPOINT_URL_S3", value_name = "URL")]
        s3_endpoint: String,
    }
}

layer! {
    /// Temporal, beside what `TEMPORAL_*` and temporal.toml say of the connection.
    TemporalLayer {
        /// What the names of the task queues begin with, the same for workers and servers [default: nothing].
        #[arg(long, env = "OMS_QUEUE_PREFIX", value_name = "PREFIX")]
        queue_prefix: String,
        /// Keys under which payloads are encrypted before Temporal sees them, each <id>:<64 hex digits>, separated by commas: the first
        /// encrypts, all decrypt [default: payloads in clear].
        #[arg(long, env = "OMS_PAYLOAD_KEYS", hide_env_values = true, value_name = "KEYS")]
        payload_keys: SecretString,
    }
}

layer! {
    /// The systems outside.
    AdapterLayer {
        /// Base URL of the payment gateway.
        #[arg(long, env = "OMS_PAYMENT_GATEWAY_URL", value_name = "URL")]
        payment_gateway_url: String,
        /// Base URL of the carrier.
        #[arg(long, env = "OMS_CARRIER_URL", value_name = "URL")]
        carrier_url: String,
        /// Base URL of the fraud check [default: none; orders that are to be screened wait for a person].
        #[arg(long, env = "OMS_FRAUD_URL", value_name = "URL")]
        fraud_url: String,
        /// Payment gateways, in the file alone: `[[adapters.payment]]`, in place of the URL.
        #[arg(skip)]
        payment: Vec<ProviderConfig>,
        /// Carriers, in the file alone.
        #[arg(skip)]
        carrier: Vec<ProviderConfig>,
        /// Fraud checks, in the file alone.
        #[arg(skip)]
        fraud: Vec<ProviderConfig>,
    }
}

layer! {
    /// The HTTP API.
    ServerLayer {
        /// Address the API listens on [default: 127.0.0.1:8080].
        #[arg(long, env = "OMS_HTTP_ADDR", value_name = "ADDR")]
        http_addr: SocketAddr,
        /// Rule file that promises go by, the workers' [default: the built-in rules].
        #[arg(long, env = "OMS_RULES", value_name = "FILE")]
        rules: PathBuf,
        /// Most that a stock snapshot may change of what a facility has on hand at the positions it speaks of, in percent, before a person
        /// must approve it [default: 20].
        #[arg(long, env = "OMS_PARK_ABOVE", value_name = "PERCENT")]
        park_above: u32,
        /// Positions of a facility from which on a snapshot is looked at so: of a few, any change is a large share [default: 10].
        #[arg(long, env = "OMS_PARK_FROM", value_name = "N")]
        park_from: u32,
        /// Accounts that may come in beside those in the database, as JSON: [{"name","roles","facilities"?,"channels"?,"key_sha256"}], where
        /// the last is the SHA-256 of the whole key [default: none].
        #[arg(long, env = "OMS_ACCOUNTS", hide_env_values = true, value_name = "JSON")]
        accounts: DeclaredAccounts,
        /// Origins of pages that may call the API from browsers, as in `https://shop.example`, separated by commas [default: none].
        #[arg(long, env = "OMS_CORS_ORIGINS", value_name = "ORIGINS")]
        cors_origins: Origins,
        /// Networks of proxies whose `X-Forwarded-For` is believed, as in `10.0.0.0/8`, separated by commas [default: none].
        #[arg(long, env = "OMS_TRUSTED_PROXIES", value_name = "NETWORKS")]
        trusted_proxies: TrustedProxies,
        /// Requests a second that an account may make on end, and twice as many at once after a pause [default: 5000].
        #[arg(long, env = "OMS_ACCOUNT_REQUESTS_PER_SECOND", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        account_requests_per_second: u32,
        /// An event `stock.low` says that so few units of a position, or fewer, can still be promised [default: 5].
        #[arg(long, env = "OMS_STOCK_LOW_UNITS", value_name = "UNITS")]
        stock_low_units: u32,
        /// Networks of your own in which receivers of events may stand, as in `10.1.0.0/16`, separated by commas; without, events are sent to
        /// addresses of the public network alone [default: none].
        #[arg(long, env = "OMS_OUTLET_NETWORKS", value_name = "NETWORKS")]
        outlet_networks: Networks,
        /// Event buses, queues and places of files of Amazon's that endpoints and inlets may name, as in
        /// `arn:aws:sqs:eu-west-1:123456789012:oms-*` or `s3://bucket/in/*`, separated by commas; reached by Amazon's own settings
        /// [default: none].
        #[arg(long, env = "OMS_CLOUD_NAMES", value_name = "NAMES")]
        cloud_names: CloudNames,
    }
}

layer! {
    /// What orders go by that are placed here, or started here for the first time.
    PolicyLayer {
        /// Whether orders are screened for fraud before they are approved [default: false].
        #[arg(long, env = "OMS_FRAUD_CHECK", value_name = "true|false")]
        fraud_check: bool,
        /// Whether authorizations are captured in parts, as parcels leave; false where the account at the gateway may not [default: true].
        #[arg(long, env = "OMS_CAPTURES_IN_PARTS", value_name = "true|false")]
        captures_in_parts: bool,
        /// Channels whose orders are served before others that came when they did, and by how much, as in `vip=120,shop=30`, in minutes
        /// [default: none].
        #[arg(long, env = "OMS_HEAD_START_MINUTES", value_name = "CHANNEL=MINUTES,..")]
        head_start_minutes: HeadStarts,
    }
}

layer! {
    /// Where a client finds the API.
    ApiLayer {
        /// Base URL of the API [default: http://127.0.0.1:8080].
        #[arg(long, env = "OMS_API", value_name = "URL", global = true)]
        api: String,
        /// Key that the API is shown; best given in the environment, for others see a process's arguments [default: that of a running
        /// `oms dev`, which goes nowhere else].
        #[arg(long, env = "OMS_API_KEY", hide_env_values = true, value_name = "KEY", global = true)]
        api_key: SecretString,
    }
}

/// Address of the API unless said.
const HTTP_ADDR: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// What a worker serves of the task queues.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ServedQueues(pub BTreeSet<Queue>);

impl FromStr for ServedQueues {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Queue::ALL.iter().map(|queue| queue.as_str()).collect::<Vec<_>>().join(", ");
        let queue = |name: &str| Queue::from_name(name).ok_or_else(|| format!("there is no queue {name}; the queues are {}", known()));
        text.split(',').map(|name| queue(name.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for ServedQueues {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ServedQueues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|queue| queue.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

/// By how much a channel's orders stand before others in the queue for stock, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HeadStarts(pub BTreeMap<String, i64>);

/// A year: longer than anything waits.
const HEAD_START_MAX_MINUTES: i64 = 366 * 24 * 60;

impl FromStr for HeadStarts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let head_start = |part: &str| {
            let (channel, minutes) = part.split_once('=').ok_or_else(|| format!("{part} is no CHANNEL=MINUTES"))?;
            let minutes: Option<i64> = minutes.trim().parse().ok().filter(|minutes| (0..=HEAD_START_MAX_MINUTES).contains(minutes));
            let minutes = minutes.ok_or_else(|| format!("{part}: the minutes are a whole number of at most {HEAD_START_MAX_MINUTES}"))?;
            Ok((channel.trim().to_owned(), minutes * 60_000))
        };
        text.split(',').map(head_start).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for HeadStarts {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A shorter key is found by trying.
const PRIVACY_KEY_MIN_BYTES: usize = 16;
const PRIVACY_KEY_OF_COMPOSE: &str = "of-this-machine-alone";

impl DatabaseLayer {
    /// # Errors
    /// When there is no database URL, or no key that is long enough.
    pub fn settings(mut self) -> Result<StoreConfig> {
        let database_url = self.database_url.take().ok_or_else(|| needed("DATABASE_URL", "--database-url", "database.database_url"))?;
        let mut config = StoreConfig::new(database_url, derived(self.strong_key()?, "email"));
        config.max_connections = self.database_connections.unwrap_or(config.max_connections);
        config.table = self.dynamodb_table.unwrap_or(config.table);
        config.history_months = self.history_months;
        Ok(config)
    }

    /// Key of the hash under which the Temporal UI finds a customer's orders.
    ///
    /// # Errors
    /// When there is no key.
    pub fn customer_key(&self) -> Result<SecretString> {
        Ok(derived(self.strong_key()?, "customer"))
    }

    /// The key, if it is long enough that nobody finds it by trying, and with it the people behind the hashes.
    fn strong_key(&self) -> Result<&SecretString> {
        let key = self.privacy_key.as_ref().ok_or_else(|| needed("OMS_PRIVACY_KEY", "--privacy-key", "database.privacy_key"))?;
        let length = key.expose_secret().len();
        if length < PRIVACY_KEY_MIN_BYTES {
            let message = format!("OMS_PRIVACY_KEY has {length} bytes, and needs {PRIVACY_KEY_MIN_BYTES} at least");
            return Err(Coded::new(ErrorCode::ValidationFailed, message).hint("make one: openssl rand -hex 32").into());
        }
        if key.expose_secret() == PRIVACY_KEY_OF_COMPOSE {
            tracing::warn!("OMS_PRIVACY_KEY is the one that docker-compose.yml shows to everybody: set another before real orders come in");
        }
        Ok(key)
    }
}

/// A key for one purpose: hashes of different things must not be comparable. HMAC takes a key of any length.
pub(crate) fn derived(key: &SecretString, purpose: &str) -> SecretString {
    format!("{}/{purpose}", key.expose_secret()).into()
}

impl TemporalLayer {
    /// The queues' names, which workers and servers must agree on.
    pub fn queues(&self) -> Queues {
        Queues::new(self.queue_prefix.clone().unwrap_or_default())
    }

    /// The connection.
    ///
    /// # Errors
    /// When `TEMPORAL_*` or temporal.toml cannot be used, or a payload key is none.
    pub fn connection(&self) -> Result<Temporal> {
        let temporal = Temporal::from_environment()?;
        let Some(keys) = &self.payload_keys else { return Ok(temporal) };
        let keys: Vec<SecretString> = keys.expose_secret().split(',').map(|key| key.trim().into()).collect();
        let wrong = |error| Coded::new(ErrorCode::ValidationFailed, format!("OMS_PAYLOAD_KEYS: {error}"));
        Ok(temporal.encrypted(encrypting_converter(&keys).map_err(wrong)?))
    }
}

impl WorkerLayer {
    /// What the worker serves of these queues.
    pub fn settings(&self, queues: Queues) -> Settings {
        let mut settings = Settings::all(queues);
        settings.serves = self.queues.clone().map_or(settings.serves, |queues| queues.0);
        settings.cached_orders = self.cached_orders.unwrap_or(settings.cached_orders);
        settings.tasks_at_once = self.tasks_at_once.unwrap_or(settings.tasks_at_once);
        settings.metrics_addr = self.metrics_addr;
        settings.recycle_after = self.recycle_after.unwrap_or(settings.recycle_after);
        settings.build = self
            .deployment_name
            .clone()
            .map(|deployment_name| Build { deployment_name, build_id: self.build_id.clone().unwrap_or_else(build_id) });
        settings
    }
}

impl AdapterLayer {
    /// The providers of each port: those of the file, or the one at the URL.
    ///
    /// # Errors
    /// When there is no payment gateway or no carrier; when what the file says of one makes no sense.
    pub fn settings(self) -> Result<Adapters> {
        let missing = |name: &str| {
            needed(
                &format!("OMS_{}_URL", name.to_uppercase()),
                &format!("--{}-url", name.replace('_', "-")),
                &format!("adapters.{name}_url"),
            )
        };
        let of = |configs: Option<Vec<ProviderConfig>>, port, url: Option<String>| {
            let at_url = || url.map(|url| vec![ProviderConfig::http(port, url)]);
            configs.filter(|configs| !configs.is_empty()).or_else(at_url)
        };
        let adapters = Adapters {
            payment: of(self.payment, ProviderPort::Payment, self.payment_gateway_url).ok_or_else(|| missing("payment_gateway"))?,
            carrier: of(self.carrier, ProviderPort::Carrier, self.carrier_url).ok_or_else(|| missing("carrier"))?,
            fraud: of(self.fraud, ProviderPort::Fraud, self.fraud_url).unwrap_or_default(),
        };
        adapters.check()?;
        Ok(adapters)
    }

    /// Those that the file names: whose webhooks a server takes.
    ///
    /// # Errors
    /// When what it says of one makes no sense.
    pub fn named(self) -> Result<Adapters> {
        let adapters = Adapters {
            payment: self.payment.unwrap_or_default(),
            carrier: self.carrier.unwrap_or_default(),
            fraud: self.fraud.unwrap_or_default(),
        };
        adapters.check()?;
        Ok(adapters)
    }
}

impl PolicyLayer {
    /// What the orders go by.
    pub fn policy(self) -> Policy {
        let head_start_ms = self.head_start_minutes.unwrap_or_default().0;
        let captures_in_parts = self.captures_in_parts.unwrap_or(true);
        Policy { fraud_check: self.fraud_check.unwrap_or(false), head_start_ms, captures_in_parts, ..Policy::default() }
    }
}

impl ServerLayer {
    /// Which stock snapshots a person must approve.
    pub fn snapshot_guard(&self) -> SnapshotGuard {
        let unless_said = SnapshotGuard::default();
        SnapshotGuard {
            change_max_percent: self.park_above.unwrap_or(unless_said.change_max_percent),
            from_positions: self.park_from.unwrap_or(unless_said.from_positions),
            ..unless_said
        }
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.http_addr.unwrap_or_else(|| HTTP_ADDR.into())
    }
}

impl ApiLayer {
    /// Where the API is.
    pub fn url(&self) -> String {
        self.api.clone().unwrap_or_else(|| format!("http://{}", SocketAddr::from(HTTP_ADDR)))
    }

    /// What it is shown: the key that was given, or that of a development system which runs at this very address.
    pub fn key(&self) -> Option<SecretString> {
        self.api_key.clone().or_else(|| running::key_at(&self.url()))
    }
}

fn needed(variable: &str, flag: &str, setting: &str) -> Coded {
    let hint = format!("set {variable}, pass {flag}, or write {setting} in the configuration file; `oms dev` needs none of it");
    Coded::new(ErrorCode::ValidationFailed, format!("{variable} is not set")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_above_is_taken_from_below() {
        let above = ServerLayer { http_addr: Some(([127, 0, 0, 1], 1).into()), ..ServerLayer::default() };
        let below = ServerLayer { http_addr: Some(([127, 0, 0, 1], 2).into()), ..ServerLayer::default() };
        assert_eq!(above.over(below.clone()).address().port(), 1);
        assert_eq!(ServerLayer::default().over(below).address().port(), 2);
        assert_eq!(ServerLayer::default().address().port(), 8080);
    }

    #[test]
    fn queues_are_read_by_name_and_others_are_refused_with_the_list() {
        let some: ServedQueues = "payments, orders".parse().unwrap();
        assert_eq!(some.to_string(), "orders, payments");
        let unknown = "orders,pigeons".parse::<ServedQueues>().unwrap_err();
        assert_eq!(unknown, "there is no queue pigeons; the queues are orders, data, relations, payments, fraud, shipping, bulk");
    }

    #[test]
    fn head_starts_are_read_by_channel_and_nonsense_is_refused() {
        let some: HeadStarts = "vip=120, shop = 30".parse().unwrap();
        assert_eq!(some.0, [("shop".to_owned(), 1_800_000), ("vip".to_owned(), 7_200_000)].into());
        for nonsense in ["vip", "vip=", "vip=-1", "vip=1h", "vip=9999999"] {
            assert!(nonsense.parse::<HeadStarts>().is_err(), "{nonsense}");
        }
    }

    #[test]
    fn what_is_not_said_of_the_policy_is_as_in_every_house() {
        assert_eq!(PolicyLayer::default().policy(), Policy::default());
        let said = PolicyLayer { fraud_check: Some(true), head_start_minutes: "vip=2".parse().ok(), ..PolicyLayer::default() };
        assert_eq!(said.policy(), Policy { fraud_check: true, head_start_ms: [("vip".to_owned(), 120_000)].into(), ..Policy::default() });
    }

    #[test]
    fn keys_for_different_purposes_differ() {
        let key = SecretString::from("k");
        assert_ne!(derived(&key, "email").expose_secret(), derived(&key, "customer").expose_secret());
    }
}
