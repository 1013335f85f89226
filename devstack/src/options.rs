//! What the caller chooses. Nothing here is read from the environment: `oms` does that, once.

use secrecy::SecretString;

use crate::carrier::CarrierOptions;
use crate::fraud::FraudOptions;
use crate::gateway::PaymentGatewayOptions;
use crate::home::DataDir;
use crate::ports::Listen;
use crate::provision::Tools;
use crate::temporal::TemporalOptions;

/// The options of a whole stack. [`StackOptions::kept`] and [`StackOptions::ephemeral`] are good beginnings.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Where state lives, and whether it is kept.
    pub data: DataDir,
    /// Where missing tools are installed, and how that is shown.
    pub tools: Tools,
    /// Which Temporal.
    pub temporal: TemporalChoice,
    /// Which PostgreSQL.
    pub postgres: PostgresChoice,
    /// Which DynamoDB.
    pub dynamodb: DynamoDbChoice,
    /// Which payment gateway.
    pub payment_gateway: PaymentGatewayChoice,
    /// Which carrier.
    pub carrier: CarrierChoice,
    /// Which fraud check.
    pub fraud: FraudChoice,
}

/// Temporal: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum TemporalChoice {
    /// `host:port` of a frontend that runs already. Its search attributes are its owner's affair.
    External(String),
    /// A development server of our own.
    Native(TemporalOptions),
}

/// PostgreSQL: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum PostgresChoice {
    /// The URL of a database that runs already.
    External(SecretString),
    /// A server of our own.
    Native {
        /// Taken when free; none: any free port.
        port: Option<u16>,
    },
}

/// DynamoDB: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum DynamoDbChoice {
    /// The endpoint URL of one that runs already.
    External(String),
    /// One of our own, in this process.
    Native {
        /// Taken when free; none: any free port.
        port: Option<u16>,
    },
}

/// The payment gateway: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum PaymentGatewayChoice {
    /// The base URL of one that runs already.
    External(String),
    /// A simulator, in this process.
    Native(PaymentGatewayOptions),
}

/// The carrier: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum CarrierChoice {
    /// The base URL of one that runs already.
    External(String),
    /// A simulator, in this process.
    Native(CarrierOptions),
}

/// The fraud check: somebody's, or ours.
#[derive(Debug, Clone)]
pub enum FraudChoice {
    /// The base URL of one that runs already.
    External(String),
    /// A simulator, in this process.
    Native(FraudOptions),
}

impl StackOptions {
    /// All native on the well-known ports, with the Temporal UI, state kept in the folder: `oms dev`.
    pub fn kept(folder: impl Into<std::path::PathBuf>, tools: Tools) -> Self {
        Self {
            data: DataDir::Kept(folder.into()),
            tools,
            temporal: TemporalChoice::Native(TemporalOptions { ui: true, port: Some(7233), ..TemporalOptions::default() }),
            postgres: PostgresChoice::Native { port: Some(15432) },
            dynamodb: DynamoDbChoice::Native { port: Some(18000) },
            payment_gateway: simulated_gateway(Some(18081)),
            carrier: simulated_carrier(Some(18082)),
            fraud: simulated_fraud(Some(18083)),
        }
    }

    /// All native on any free ports, without the Temporal UI, nothing kept: tests.
    pub fn ephemeral(tools: Tools) -> Self {
        Self {
            data: DataDir::Ephemeral,
            tools,
            temporal: TemporalChoice::Native(TemporalOptions::default()),
            postgres: PostgresChoice::Native { port: None },
            dynamodb: DynamoDbChoice::Native { port: None },
            payment_gateway: simulated_gateway(None),
            carrier: simulated_carrier(None),
            fraud: simulated_fraud(None),
        }
    }
}

fn simulated_gateway(port: Option<u16>) -> PaymentGatewayChoice {
    PaymentGatewayChoice::Native(PaymentGatewayOptions { listen: Listen::Loopback { port }, time_scale: 1 })
}

fn simulated_fraud(port: Option<u16>) -> FraudChoice {
    FraudChoice::Native(FraudOptions { listen: Listen::Loopback { port } })
}

fn simulated_carrier(port: Option<u16>) -> CarrierChoice {
    CarrierChoice::Native(CarrierOptions { listen: Listen::Loopback { port }, time_scale: 1, events_url: None, events_key: None })
}
