//! The servers of the house, started once for the binary. They end with the process.

use std::path::PathBuf;

use anyhow::Result;
use oms_devstack::{Progress, Stack, StackOptions, TemporalChoice, TemporalOptions, Tools};
use oms_workflows::names::SEARCH_ATTRIBUTES;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};
use temporalio_common::data_converters::DataConverter;
use tokio::sync::OnceCell;

static STACK: OnceCell<Stack> = OnceCell::const_new();

/// The tools of the house, where `oms` keeps them too.
pub fn tools() -> Tools {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home).unwrap_or_else(std::env::temp_dir).join("oms");
    Tools::new(std::env::var_os("OMS_CACHE_DIR").map_or(cache, PathBuf::from), Progress::on_stderr())
}

/// Temporal, PostgreSQL, DynamoDB and the simulators.
pub async fn stack() -> Result<&'static Stack> {
    STACK.get_or_try_init(start).await
}

async fn start() -> Result<Stack> {
    let mut options = StackOptions::ephemeral(tools());
    let search_attributes = SEARCH_ATTRIBUTES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
    options.temporal = TemporalChoice::Native(TemporalOptions { search_attributes, ..TemporalOptions::default() });
    Ok(Stack::start(options).await?)
}

/// A client on a connection of its own: the SDK takes one worker for a queue on each. Payloads are in clear.
pub async fn temporal(address: &str) -> Result<Client> {
    temporal_with(address, DataConverter::default()).await
}

/// The same, with payloads as the converter makes them.
pub async fn temporal_with(address: &str, converter: DataConverter) -> Result<Client> {
    let url = Url::parse(&format!("http://{address}"))?;
    let connection = Connection::connect(ConnectionOptions::new(url).build()).await?;
    Ok(Client::new(connection, ClientOptions::new("default").data_converter(converter).build())?)
}
