//! DynamoDB in this process, served over HTTP to the real AWS client.

use std::sync::Arc;

use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::ports::listen;
use crate::service::Service;

/// A running DynamoDB. It takes any credentials and any region.
#[derive(Debug)]
pub struct DynamoDb {
    endpoint: String,
    service: Service,
    _home: Arc<Home>,
}

impl DynamoDb {
    /// Starts it on the port, or on any free one; in a file when the home is kept, else in memory.
    ///
    /// # Errors
    /// When its file cannot be opened or no port can be had.
    pub fn start(home: &Arc<Home>, port: Option<u16>) -> Result<Self> {
        let database = open(home)?;
        let service = Service::start("dynamodb", listen(port)?, async |listener, stop| {
            serve_with_shutdown(listener, database, stop.cancelled_owned()).await
        })?;
        Ok(Self { endpoint: service.url(), service, _home: home.clone() })
    }

    /// Its endpoint URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// # Errors
    /// When it has ended without having been asked to.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.service.check()
    }

    /// Stops it after the requests in flight.
    ///
    /// # Errors
    /// When it had failed.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }
}

fn open(home: &Home) -> Result<Database> {
    let failed = |error| Error::failed("open of the DynamoDB file", error);
    if !home.is_kept() {
        return Database::memory().map_err(failed);
    }
    let file = home.folder("dynamodb")?.join("dynamodb.sqlite");
    Database::new(&file.to_string_lossy()).map_err(failed)
}
