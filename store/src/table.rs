//! The DynamoDB table: its client, its keys, its making.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{
    Client,
    config::Credentials,
    types::{AttributeDefinition, BillingMode, ConsumedCapacity, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::{
    config::StoreConfig,
    error::{DYNAMODB, StoreError},
};

/// Shorter than the activities' own limits, so that a lost packet costs a retry and not the step.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a new table.
const CREATION_TIMEOUT: Duration = Duration::from_secs(60);

/// One table and the client that reaches it.
#[derive(Clone)]
pub(crate) struct Table {
    pub client: Client,
    pub name: Arc<str>,
    spent: Arc<AtomicU64>,
}

impl Table {
    pub async fn open(config: &StoreConfig) -> Self {
        // The TLS provider is named, so that none has to be installed for the process.
        let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts);
        if let Some(endpoint) = &config.dynamodb_endpoint {
            loader = loader
                .endpoint_url(endpoint)
                .region(Region::from_static("local"))
                .credentials_provider(Credentials::new("local", "local", None, None, "static"));
        }
        Self { client: Client::new(&loader.load().await), name: config.table.as_str().into(), spent: Arc::default() }
    }

    /// The write units that writes have cost so far, as far as they were done.
    pub fn write_units(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// Counts what a write has cost: whole units, each of a kB, and two of them within a transaction.
    pub fn note_cost(&self, capacity: Option<&ConsumedCapacity>) {
        let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.spent.fetch_add(units as u64, Ordering::Relaxed);
    }

    /// Makes the table unless it is there, and waits until it can be used.
    pub async fn create(&self) -> Result<(), StoreError> {
        let made = self
            .client
            .create_table()
            .table_name(&*self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes()?))
            .set_key_schema(Some(key()?))
            .send()
            .await;
        match made {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {}
            made => {
                made?;
            }
        }
        tokio::time::timeout(CREATION_TIMEOUT, self.active()).await.map_err(|_| StoreError::TimedOut { system: DYNAMODB })?
    }

    async fn active(&self) -> Result<(), StoreError> {
        loop {
            let answer = self.client.describe_table().table_name(&*self.name).send().await?;
            let table = answer.table().ok_or(StoreError::Corrupt { what: "the description of the table" })?;
            if table.table_status() == Some(&TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client.describe_table().table_name(&*self.name).send().await?;
        Ok(())
    }
}

fn attributes() -> Result<Vec<AttributeDefinition>, StoreError> {
    let text = |name| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
    ["pk", "sk"].into_iter().map(text).collect::<Result<_, _>>().map_err(|_| unbuilt())
}

fn key() -> Result<Vec<KeySchemaElement>, StoreError> {
    let part = |(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    [("pk", KeyType::Hash), ("sk", KeyType::Range)].into_iter().map(part).collect::<Result<_, _>>().map_err(|_| unbuilt())
}

/// A builder missed a required field: a mistake in this file.
pub(crate) fn unbuilt() -> StoreError {
    StoreError::Internal { system: DYNAMODB, code: "request not built".into() }
}
