//! `oms worker`: runs orders' workflows and activities.

use anyhow::Result;
use clap::Args;
use oms_starter::{Starter, StarterConfig};

use super::signals::stop_signal;
use crate::{
    config::{AdapterLayer, ConfigFile, DatabaseLayer, TemporalLayer, WorkerLayer},
    runtime::{WorkerThread, exporter, meter, open_store, parts, rules},
};

/// `oms worker`
#[derive(Debug, Args)]
pub struct WorkerArgs {
    #[command(flatten)]
    worker: WorkerLayer,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(flatten)]
    database: DatabaseLayer,
    #[command(flatten)]
    adapters: AdapterLayer,
}

impl WorkerArgs {
    /// Runs until it is told to stop, then finishes what it has begun.
    ///
    /// # Errors
    /// When something is not configured or cannot be reached; when search attributes are missing.
    pub async fn run(self, file: ConfigFile) -> Result<()> {
        let stop = stop_signal()?;
        let temporal_layer = self.temporal.over(file.temporal);
        let layer = self.worker.over(file.worker);
        let settings = layer.settings(temporal_layer.queues());
        let rules = rules(layer.rules.as_deref())?;
        let adapters = self.adapters.over(file.adapters).settings()?;
        let database = self.database.over(file.database);
        let customer_key = database.customer_key()?;
        let config = database.settings()?;
        let temporal = temporal_layer.connection()?;
        let (store, client) = tokio::try_join!(open_store(&config), temporal.connect())?;
        let queues = settings.queues.clone();
        let starter = StarterConfig { queues, clock: Default::default(), policy: Default::default(), customer_key, eager_start: false };
        let starter = Starter::new(client.clone(), store.clone(), starter);
        let meter = meter(settings.metrics_addr)?;
        let mut parts = parts(starter, store.clone(), &adapters, rules, meter.clone())?;
        parts.exporter = exporter(&layer, &store).await?;
        let serves: Vec<String> = settings.serves.iter().map(|queue| settings.queues.name(*queue)).collect();
        let mut worker = WorkerThread::start(client, parts, settings, meter).await?;
        tracing::info!(temporal.address = temporal.address(), temporal.queues = serves.join(","), "worker serves");
        tokio::select! {
            ended = worker.ended() => return ended,
            () = stop => {}
        }
        worker.stop().await?;
        store.close().await;
        tracing::info!("worker has stopped");
        Ok(())
    }
}
