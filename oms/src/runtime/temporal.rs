//! The connection to Temporal.

use std::{sync::LazyLock, time::Duration};

use anyhow::{Context, Result};
use oms_domain::error::ErrorCode;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url, envconfig::LoadClientConfigProfileOptions};
use temporalio_common::data_converters::DataConverter;

use crate::exit::Coded;

/// A server that does not take the connection by then is down.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The namespace of development servers.
const NAMESPACE: &str = "default";
/// What the Temporal UI calls this process. The host's name tells containers apart, in which every process has the same number, and the
/// rest one process from another that had this host's name and number before.
static IDENTITY: LazyLock<String> = LazyLock::new(|| {
    let (host, born) = (gethostname::gethostname(), uuid::Uuid::new_v4().simple().to_string());
    format!("oms@{}:{}-{}", host.to_string_lossy(), std::process::id(), &born[..8])
});

/// Where Temporal is, and how to be let in.
#[derive(Clone)]
pub struct Temporal {
    connection: ConnectionOptions,
    client: ClientOptions,
}

impl Temporal {
    /// As `TEMPORAL_*` and `temporal.toml` say: address, namespace, TLS, API key, profile.
    ///
    /// # Errors
    /// When they contradict themselves or name files that cannot be read.
    pub fn from_environment() -> Result<Self> {
        let loaded = ClientOptions::load_from_config(LoadClientConfigProfileOptions::default());
        let (connection, client) = loaded.map_err(|error| {
            Coded::new(ErrorCode::ValidationFailed, format!("the Temporal configuration cannot be used: {error}"))
                .hint("see TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE and temporal.toml")
        })?;
        Ok(Self { connection, client }.prepared())
    }

    /// A development server at `host:port`, without TLS.
    ///
    /// # Errors
    /// When the address is none.
    pub fn at(address: &str) -> Result<Self> {
        let target = Url::parse(&format!("http://{address}")).with_context(|| format!("Temporal's address {address}"))?;
        Ok(Self { connection: ConnectionOptions::new(target).build(), client: ClientOptions::new(NAMESPACE).build() }.prepared())
    }

    fn prepared(mut self) -> Self {
        self.connection.identity = IDENTITY.clone();
        self.connection.connect_timeout = Some(CONNECT_WITHIN);
        self
    }

    /// With payloads converted like this, the same in every process of an installation.
    pub fn encrypted(mut self, converter: DataConverter) -> Self {
        self.client.data_converter = converter;
        self
    }

    /// What payloads look like to Temporal.
    pub fn converter(&self) -> DataConverter {
        self.client.data_converter.clone()
    }

    /// Where it is, for people.
    pub fn address(&self) -> String {
        self.connection.target.to_string()
    }

    /// The namespace that everything happens in.
    pub fn namespace(&self) -> &str {
        &self.client.namespace
    }

    /// Connects.
    ///
    /// # Errors
    /// `unavailable` when nothing answers there.
    pub async fn connect(&self) -> Result<Client> {
        let connecting = tokio::time::timeout(CONNECT_WITHIN * 2, Connection::connect(self.connection.clone())).await;
        let connection = match connecting {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(self.silent(&error.to_string())),
            Err(_) => return Err(self.silent("no answer in time")),
        };
        Ok(Client::new(connection, self.client.clone())?)
    }

    fn silent(&self, why: &str) -> anyhow::Error {
        let message = format!("Temporal at {} does not answer: {why}", self.address());
        Coded::new(ErrorCode::Unavailable, message).hint("see TEMPORAL_ADDRESS, or start everything with `oms dev`").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_identity_that_no_other_has() {
        let first = Temporal::at("127.0.0.1:7233").unwrap().connection.identity;
        assert_eq!(first, Temporal::at("127.0.0.1:7234").unwrap().connection.identity);
        let (number, born) = first.rsplit_once(':').and_then(|(_, rest)| rest.split_once('-')).unwrap();
        assert_eq!(number, std::process::id().to_string(), "{first}");
        assert_eq!(born.len(), 8, "{first}");
    }
}
