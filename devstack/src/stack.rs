//! All parts together.

use std::sync::Arc;

use secrecy::SecretString;

use crate::dynamodb::DynamoDb;
use crate::error::Result;
use crate::home::Home;
use crate::options::{DynamoDbChoice, PostgresChoice, StackOptions, TemporalChoice};
use crate::postgres::Postgres;
use crate::temporal::Temporal;

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
    temporal: Option<Temporal>,
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
        let ((temporal_address, temporal), (database_url, postgres), (dynamodb_endpoint, dynamodb)) =
            tokio::try_join!(
                start_temporal(&options, &home),
                start_postgres(&options, &home),
                start_dynamodb(&options, &home),
            )?;
        let temporal_ui_url = temporal
            .as_ref()
            .and_then(|part| part.ui_url().map(str::to_owned));
        Ok(Self {
            temporal_address,
            temporal_ui_url,
            database_url,
            dynamodb_endpoint,
            temporal,
            dynamodb,
            postgres,
        })
    }

    /// Stops what was started: Temporal first, so that no workflow meets a store that is gone.
    ///
    /// # Errors
    /// The first part that did not stop by itself; the others are stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let temporal = match self.temporal {
            Some(part) => part.stop().await,
            None => Ok(()),
        };
        let dynamodb = match self.dynamodb {
            Some(part) => part.stop().await,
            None => Ok(()),
        };
        let postgres = match self.postgres {
            Some(part) => part.stop().await,
            None => Ok(()),
        };
        temporal.and(dynamodb).and(postgres)
    }
}

async fn start_temporal(
    options: &StackOptions,
    home: &Arc<Home>,
) -> Result<(String, Option<Temporal>)> {
    match &options.temporal {
        TemporalChoice::External(address) => Ok((address.clone(), None)),
        TemporalChoice::Native(chosen) => {
            let part = Temporal::start(home, &options.tools, chosen).await?;
            Ok((part.address().to_owned(), Some(part)))
        }
    }
}

async fn start_postgres(
    options: &StackOptions,
    home: &Arc<Home>,
) -> Result<(SecretString, Option<Postgres>)> {
    match &options.postgres {
        PostgresChoice::External(url) => Ok((url.clone(), None)),
        PostgresChoice::Native { port } => {
            let part = Postgres::start(home, &options.tools, *port).await?;
            Ok((part.url().clone(), Some(part)))
        }
    }
}

async fn start_dynamodb(
    options: &StackOptions,
    home: &Arc<Home>,
) -> Result<(String, Option<DynamoDb>)> {
    match &options.dynamodb {
        DynamoDbChoice::External(endpoint) => Ok((endpoint.clone(), None)),
        DynamoDbChoice::Native { port } => {
            let part = DynamoDb::start(home, *port).await?;
            Ok((part.endpoint().to_owned(), Some(part)))
        }
    }
}
