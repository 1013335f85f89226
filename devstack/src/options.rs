//! What the caller chooses. Nothing here is read from the environment: `oms` does that, once.

use secrecy::SecretString;

use crate::home::DataDir;
use crate::progress::Progress;
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

impl StackOptions {
    /// All native on the well-known ports, with the Temporal UI, state kept in the folder: `oms dev`.
    pub fn kept(folder: impl Into<std::path::PathBuf>, tools: Tools) -> Self {
        Self {
            data: DataDir::Kept(folder.into()),
            tools,
            temporal: TemporalChoice::Native(TemporalOptions {
                ui: true,
                port: Some(7233),
                ..TemporalOptions::default()
            }),
            postgres: PostgresChoice::Native { port: Some(15432) },
            dynamodb: DynamoDbChoice::Native { port: Some(18000) },
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
        }
    }

    /// Where progress is shown.
    pub fn progress(&self) -> &Progress {
        self.tools.progress()
    }
}
