//! The servers that demo and bench play on, and systems on them: one to fill the catalogue, one that goes by the shop's clock.

use anyhow::Result;
use oms_devstack::{Stack, StackOptions, TemporalChoice};
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_store::StoreConfig;
use oms_workflows::names::SEARCH_ATTRIBUTES;
use uuid::Uuid;

use crate::{
    client::Api,
    reconcile::GatewayBooks,
    runtime::{System, SystemOptions, Temporal},
};

/// Running servers, without a system on them.
pub struct Stage {
    pub stack: Stack,
    /// How systems reach them.
    pub options: SystemOptions,
}

impl Stage {
    /// Starts the servers. Parcels stay where they are: the carrier is played.
    ///
    /// # Errors
    /// The first server that cannot be started; the others are stopped.
    pub async fn build(mut options: StackOptions, ui: bool) -> Result<Self> {
        if let TemporalChoice::Native(temporal) = &mut options.temporal {
            temporal.ui = ui;
            temporal.search_attributes = SEARCH_ATTRIBUTES.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        }
        let stack = Stack::start(options).await?;
        let mut store = StoreConfig::new(stack.database_url.clone(), Uuid::new_v4().simple().to_string().into());
        store.dynamodb_endpoint = Some(stack.dynamodb_endpoint.clone());
        let temporal = Temporal::at(&stack.temporal_address)?;
        let options = SystemOptions::new(store, temporal, &stack.payment_gateway_url, &stack.carrier_url);
        Ok(Self { stack, options })
    }

    /// A system that goes by this clock.
    ///
    /// # Errors
    /// The first part that cannot be started.
    pub async fn system(&self, clock: BusinessClock, policy: Policy) -> Result<System> {
        System::start(SystemOptions { clock, policy, ..self.options.clone() }).await
    }

    /// The books of the simulated gateway.
    pub fn gateway(&self) -> GatewayBooks {
        GatewayBooks::new(reqwest::Client::new(), &self.stack.payment_gateway_url)
    }
}

/// Sends a feed, and sees that it was taken whole.
///
/// # Errors
/// When it was not, with how many rows were rejected.
pub async fn feed(api: &Api, kind: &str, as_of: Option<jiff::Timestamp>, bytes: Vec<u8>) -> Result<oms_api::feed::FeedView> {
    let query = [("source", Some("demo".to_owned())), ("as_of", as_of.map(|at| at.to_string()))];
    let run: oms_api::feed::FeedView = serde_json::from_value(api.stream(&["v1", "feeds", kind], &query, bytes.into()).await?)?;
    anyhow::ensure!(run.rejected == 0 && run.failure.is_none(), "{} of {} rows of the {kind} were rejected", run.rejected, run.rows_read);
    Ok(run)
}
