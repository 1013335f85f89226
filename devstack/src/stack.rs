//! All parts together.

use std::convert::Infallible;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::carrier::CarrierService;
use crate::dynamodb::DynamoDb;
use crate::error::Result;
use crate::fraud::FraudService;
use crate::gateway::PaymentGateway;
use crate::home::Home;
use crate::options::{CarrierChoice, DynamoDbChoice, FraudChoice, PaymentGatewayChoice, PostgresChoice, StackOptions, TemporalChoice};
use crate::postgres::Postgres;
use crate::progress::Progress;
use crate::temporal::Temporal;

/// How often it is looked whether every part still runs.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A running stack. Stop it with [`Stack::stop`]; dropping it stops it too, blocking for a moment.
#[derive(Debug)]
pub struct Stack {
    /// `host:port` of Temporal's frontend.
    pub temporal_address: String,
    /// URL of Temporal's UI, when ours runs with one.
    pub temporal_ui_url: Option<String>,
    /// URL of the database, with its password.
    pub database_url: SecretString,
    /// Endpoint URL of DynamoDB. Ours takes any credentials and region.
    pub dynamodb_endpoint: String,
    /// Base URL of the payment gateway.
    pub payment_gateway_url: String,
    /// Base URL of the carrier.
    pub carrier_url: String,
    /// Base URL of the fraud check.
    pub fraud_url: String,
    progress: Progress,
    temporal: Option<Temporal>,
    carrier: Option<CarrierService>,
    fraud: Option<FraudService>,
    payment_gateway: Option<PaymentGateway>,
    dynamodb: Option<DynamoDb>,
    postgres: Option<Postgres>,
}

impl Stack {
    /// Starts what is not external, in parallel, and returns when all of it answers.
    ///
    /// # Errors
    /// The first part's failure; the others are stopped.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let home = Home::open(&options.data).await?;
        let ((temporal_address, temporal), (database_url, postgres)) =
            tokio::try_join!(start_temporal(&options, &home), start_postgres(&options, &home))?;
        let (dynamodb_endpoint, dynamodb) = start_dynamodb(&options, &home)?;
        let (payment_gateway_url, payment_gateway) = start_payment_gateway(&options, &home)?;
        let (carrier_url, carrier) = start_carrier(&options, &home)?;
        let (fraud_url, fraud) = start_fraud(&options)?;
        let temporal_ui_url = temporal.as_ref().and_then(|part| part.ui_url().map(str::to_owned));
        Ok(Self {
            temporal_address,
            temporal_ui_url,
            database_url,
            dynamodb_endpoint,
            payment_gateway_url,
            carrier_url,
            fraud_url,
            progress: options.tools.progress().clone(),
            temporal,
            carrier,
            fraud,
            payment_gateway,
            dynamodb,
            postgres,
        })
    }

    /// Has the carrier post its scans to the URL, when it is ours: for a caller that binds its own address later.
    pub fn send_carrier_events_to(&self, url: &str, key: Option<SecretString>) {
        if let Some(carrier) = &self.carrier {
            carrier.send_events_to(url, key);
        }
    }

    /// Looks after the parts for as long as it is polled: starts a server that has ended by itself again, on the same data and the same
    /// ports, and says so.
    ///
    /// # Errors
    /// When a server cannot be started again or has ended for the third time within a minute; when a part in this process has ended.
    pub async fn look_after(&mut self) -> Result<Infallible> {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(temporal) = &mut self.temporal
                && let Some((name, status)) = temporal.start_again_if_ended().await?
            {
                say_restarted(&self.progress, name, status);
            }
            if let Some(postgres) = &mut self.postgres
                && let Some(status) = postgres.start_again_if_ended().await?
            {
                say_restarted(&self.progress, "PostgreSQL", status);
            }
            self.dynamodb.as_mut().map_or(Ok(()), DynamoDb::check)?;
            self.payment_gateway.as_mut().map_or(Ok(()), PaymentGateway::check)?;
            self.carrier.as_mut().map_or(Ok(()), CarrierService::check)?;
            self.fraud.as_mut().map_or(Ok(()), FraudService::check)?;
        }
    }

    /// Stops what was started: Temporal first, so that no workflow meets a store that is gone.
    ///
    /// # Errors
    /// The first part that did not stop by itself; the others are stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let results = [
            stopped(self.temporal, Temporal::stop).await,
            stopped(self.carrier, CarrierService::stop).await,
            stopped(self.fraud, FraudService::stop).await,
            stopped(self.payment_gateway, PaymentGateway::stop).await,
            stopped(self.dynamodb, DynamoDb::stop).await,
            stopped(self.postgres, Postgres::stop).await,
        ];
        results.into_iter().collect()
    }
}

fn say_restarted(progress: &Progress, name: &str, status: ExitStatus) {
    progress.say(&format!("{name} had ended with {status}; it was started again on the same data"));
}

async fn stopped<T>(part: Option<T>, stop: impl AsyncFnOnce(T) -> Result<()>) -> Result<()> {
    match part {
        Some(part) => stop(part).await,
        None => Ok(()),
    }
}

async fn start_temporal(options: &StackOptions, home: &Arc<Home>) -> Result<(String, Option<Temporal>)> {
    match &options.temporal {
        TemporalChoice::External(address) => Ok((address.clone(), None)),
        TemporalChoice::Native(chosen) => {
            let part = Temporal::start(home, &options.tools, chosen).await?;
            Ok((part.address().to_owned(), Some(part)))
        }
    }
}

async fn start_postgres(options: &StackOptions, home: &Arc<Home>) -> Result<(SecretString, Option<Postgres>)> {
    match &options.postgres {
        PostgresChoice::External(url) => Ok((url.clone(), None)),
        PostgresChoice::Native { port } => {
            let part = Postgres::start(home, &options.tools, *port).await?;
            Ok((part.url().clone(), Some(part)))
        }
    }
}

fn start_dynamodb(options: &StackOptions, home: &Arc<Home>) -> Result<(String, Option<DynamoDb>)> {
    match &options.dynamodb {
        DynamoDbChoice::External(endpoint) => Ok((endpoint.clone(), None)),
        DynamoDbChoice::Native { port } => {
            let part = DynamoDb::start(home, *port)?;
            Ok((part.endpoint().to_owned(), Some(part)))
        }
    }
}

fn start_payment_gateway(options: &StackOptions, home: &Arc<Home>) -> Result<(String, Option<PaymentGateway>)> {
    match &options.payment_gateway {
        PaymentGatewayChoice::External(url) => Ok((url.clone(), None)),
        PaymentGatewayChoice::Native(chosen) => {
            let part = PaymentGateway::start(home, chosen)?;
            Ok((part.url().to_owned(), Some(part)))
        }
    }
}

fn start_carrier(options: &StackOptions, home: &Arc<Home>) -> Result<(String, Option<CarrierService>)> {
    match &options.carrier {
        CarrierChoice::External(url) => Ok((url.clone(), None)),
        CarrierChoice::Native(chosen) => {
            let part = CarrierService::start(home, chosen)?;
            Ok((part.url().to_owned(), Some(part)))
        }
    }
}

fn start_fraud(options: &StackOptions) -> Result<(String, Option<FraudService>)> {
    match &options.fraud {
        FraudChoice::External(url) => Ok((url.clone(), None)),
        FraudChoice::Native(chosen) => {
            let part = FraudService::start(chosen)?;
            Ok((part.url(), Some(part)))
        }
    }
}
