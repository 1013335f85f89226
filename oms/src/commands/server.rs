//! `oms server`: the HTTP API, and the relay that tells running orders what happened.

use anyhow::{Context, Result};
use clap::Args;
use oms_outlets::{Cloud, Guard};
use oms_server::Door;
use oms_starter::{Starter, StarterConfig};
use oms_store::StoreConfig;

use super::signals::stop_signal;
use crate::{
    config::{ConfigFile, DatabaseLayer, PolicyLayer, ServerLayer, TemporalLayer},
    runtime::{ApiServer, listen, open_files, open_store, rules, webhooks},
};

/// `oms server`
#[derive(Debug, Args)]
pub struct ServerArgs {
    #[command(flatten)]
    server: ServerLayer,
    #[command(flatten)]
    policy: PolicyLayer,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(flatten)]
    database: DatabaseLayer,
}

impl ServerArgs {
    /// Runs until it is told to stop, then answers what it has accepted.
    ///
    /// # Errors
    /// When something is not configured or cannot be reached; when the port is taken.
    pub async fn run(self, file: ConfigFile) -> Result<()> {
        let stop = stop_signal()?;
        open_files::raise();
        let temporal_layer = self.temporal.over(file.temporal);
        let database = self.database.over(file.database);
        let customer_key = database.customer_key()?;
        let (server, policy) = (self.server.over(file.server), self.policy.over(file.policy).policy());
        let config = StoreConfig { snapshot_guard: server.snapshot_guard(), ..database.settings()? };
        let adapters = file.adapters.named()?;
        let rules = rules(server.rules.as_deref())?;
        let listener = listen(server.address()).await?;
        let temporal = temporal_layer.connection()?;
        let (store, client) = tokio::try_join!(open_store(&config), temporal.connect())?;
        let queues = temporal_layer.queues();
        // The worker is another process: it cannot be handed an order's first task from here.
        let starter = StarterConfig { queues, clock: Default::default(), policy, customer_key, eager_start: false };
        let starter = Starter::new(client, store.clone(), starter);
        for id in starter.schedule_maintenance().await.context("the maintenance's schedules")? {
            tracing::info!(schedule.id = id, "schedule created");
        }
        let door = Door {
            accounts: server.accounts.unwrap_or_default(),
            origins: server.cors_origins.unwrap_or_default(),
            proxies: server.trusted_proxies.unwrap_or_default(),
            account_requests_per_second: server.account_requests_per_second,
            webhooks: webhooks(&adapters)?,
            stock_low_units: server.stock_low_units,
            outlets: Guard::new(server.outlet_networks.clone().unwrap_or_default()),
            cloud: Cloud::new(server.cloud_names.clone().unwrap_or_default()),
        };
        let mut api = ApiServer::start(listener, store.clone(), starter, rules, door)?;
        tracing::info!(http.url = api.url(), "server listens");
        tokio::select! {
            ended = api.ended() => return ended,
            () = stop => {}
        }
        api.stop().await?;
        store.close().await;
        tracing::info!("server has stopped");
        Ok(())
    }
}
