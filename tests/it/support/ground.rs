//! The servers that one system stands on: the shared ones, or some of its own.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use oms_devstack::{
    CarrierOptions, CarrierService, DataDir, FraudOptions, FraudService, Home, Listen, PaymentGateway, PaymentGatewayOptions, Postgres,
};
use oms_store::StoreConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::stack::{stack, tools};

/// Where everything is; what another process needs to know to be a worker of the same system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addresses {
    pub temporal: String,
    pub database_url: String,
    pub dynamodb: String,
    pub table: String,
    pub gateway_url: String,
    pub carrier_url: String,
    pub fraud_url: String,
    pub queue_prefix: String,
    /// Gateway and carrier are spoken to as Stripe and EasyPost; and whether an authorization may be captured in parts there.
    #[serde(default)]
    pub foreign: Option<bool>,
    /// Gateway, carrier and fraud check are asked behind guards.
    #[serde(default)]
    pub guarded: bool,
}

impl Addresses {
    /// Those of the shared stack.
    pub async fn shared(queue_prefix: String) -> Result<Self> {
        let stack = stack().await?;
        Ok(Self {
            temporal: stack.temporal_address.clone(),
            database_url: stack.database_url.expose_secret().to_owned(),
            dynamodb: stack.dynamodb_endpoint.clone(),
            table: "orders".to_owned(),
            gateway_url: stack.payment_gateway_url.clone(),
            carrier_url: stack.carrier_url.clone(),
            fraud_url: stack.fraud_url.clone(),
            queue_prefix,
            foreign: None,
            guarded: false,
        })
    }

    pub fn store_config(&self) -> StoreConfig {
        let mut config = StoreConfig::new(SecretString::from(self.database_url.clone()), "the tests' key".into());
        config.dynamodb_endpoint = Some(self.dynamodb.clone());
        config.table = self.table.clone();
        // Many systems begin at once on a small machine, and a connection's handshake is slow without optimization.
        config.acquire_timeout = Duration::from_secs(8);
        config
    }
}

/// Servers that end with the system.
pub struct Own {
    pub home: Arc<Home>,
    postgres: Mutex<Option<Postgres>>,
    simulators: Simulators,
}

/// A gateway, a carrier and a fraud check that nobody else uses.
pub struct Simulators {
    pub gateway: PaymentGateway,
    pub carrier: CarrierService,
    pub fraud: FraudService,
}

impl Simulators {
    pub fn start(home: &Arc<Home>) -> Result<Self> {
        let listen = || Listen::Loopback { port: None };
        Ok(Self {
            gateway: PaymentGateway::start(home, &PaymentGatewayOptions { listen: listen(), time_scale: 1 })?,
            carrier: CarrierService::start(home, &CarrierOptions { listen: listen(), time_scale: 1, events_url: None, events_key: None })?,
            fraud: FraudService::start(&FraudOptions { listen: listen() })?,
        })
    }
}

impl Own {
    pub async fn start() -> Result<Self> {
        let home = Home::open(&DataDir::Ephemeral).await?;
        let postgres = Postgres::start(&home, &tools(), None).await?;
        let simulators = Simulators::start(&home)?;
        Ok(Self { home, postgres: Mutex::new(Some(postgres)), simulators })
    }

    /// The shared addresses with these in their place.
    pub async fn addresses(&self, queue_prefix: String) -> Result<Addresses> {
        let mut addresses = Addresses::shared(queue_prefix).await?;
        addresses.gateway_url = self.simulators.gateway.url().to_owned();
        addresses.carrier_url = self.simulators.carrier.url().to_owned();
        addresses.fraud_url = self.simulators.fraud.url();
        let postgres = self.postgres.lock().await;
        addresses.database_url = postgres.as_ref().context("PostgreSQL was stopped")?.url().expose_secret().to_owned();
        addresses.table = format!("{}orders", addresses.queue_prefix);
        Ok(addresses)
    }

    /// Stops PostgreSQL, as an operator would: every connection is cut.
    pub async fn stop_postgres(&self) -> Result<()> {
        let postgres = self.postgres.lock().await.take().context("PostgreSQL is not this system's own, or stopped already")?;
        Ok(postgres.stop().await?)
    }

    /// Starts it again on the same data and the same port.
    pub async fn start_postgres(&self, addresses: &Addresses) -> Result<()> {
        let port = addresses.database_url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        let postgres = Postgres::start(&self.home, &tools(), port).await?;
        anyhow::ensure!(postgres.url().expose_secret() == addresses.database_url, "its port was taken meanwhile");
        *self.postgres.lock().await = Some(postgres);
        Ok(())
    }
}
