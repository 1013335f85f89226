//! The worker on a thread of its own: its future is not `Send`, and workflow code must not wait for anybody else's.

use std::{net::SocketAddr, sync::Arc, thread};

use anyhow::{Context, Result, anyhow, bail};
use oms_domain::error::ErrorCode;
use oms_worker::{Parts, Settings, serve};
use temporalio_client::Client;
use temporalio_common::telemetry::{PrometheusExporterOptions, TelemetryOptions, metrics::CoreMeter, start_prometheus_metric_exporter};
use temporalio_sdk::{Runtime, runtime::RuntimeOptions};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;

use super::missing_search_attributes;
use crate::exit::Coded;

/// A running worker. Dropping it tells it to stop; [`WorkerThread::stop`] also waits until it has.
pub struct WorkerThread {
    stop: CancellationToken,
    ended: oneshot::Receiver<Result<()>>,
}

impl WorkerThread {
    /// Starts the worker. Its activities run on the present tokio runtime, its workflows on the thread.
    ///
    /// # Errors
    /// `unavailable` when search attributes are missing: orders could not be started.
    pub async fn start(client: Client, parts: Parts, settings: Settings, meter: Option<Arc<dyn CoreMeter>>) -> Result<Self> {
        let missing = missing_search_attributes(&client).await?;
        if !missing.is_empty() {
            let message = format!("Temporal does not know the search attributes {}", missing.join(", "));
            bail!(Coded::new(ErrorCode::Unavailable, message).hint("run `oms setup` once, then start the worker again"));
        }
        let (stop, (tell, ended)) = (CancellationToken::new(), oneshot::channel());
        let (runtime, stopped) = (Handle::current(), stop.clone());
        let work = move || {
            let served = runtime.block_on(async move {
                let core = Runtime::from_current_tokio(runtime_options(meter)?)?;
                serve(&core, client, parts, settings, stopped.cancelled_owned()).await
            });
            // Nobody listens any more when the whole system was dropped.
            drop(tell.send(served));
        };
        thread::Builder::new().name("oms-worker".to_owned()).spawn(work).context("start the worker's thread")?;
        Ok(Self { stop, ended })
    }

    /// Completes when the worker has ended: if nobody asked it to, with what it failed with.
    pub async fn ended(&mut self) -> Result<()> {
        (&mut self.ended).await.unwrap_or_else(|_| Err(anyhow!("the worker's thread panicked")))
    }

    /// Takes no new work, finishes what runs, and returns.
    ///
    /// # Errors
    /// What the worker failed with.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        self.ended().await
    }
}

/// What counts the worker's figures, and has them read at the address, if there is one, for as long as the process lives.
///
/// # Errors
/// When the address is taken.
pub(crate) fn meter(metrics_addr: Option<SocketAddr>) -> Result<Option<Arc<dyn CoreMeter>>> {
    let Some(socket_addr) = metrics_addr else { return Ok(None) };
    let exporter = PrometheusExporterOptions::builder().socket_addr(socket_addr).use_seconds_for_durations(true).unit_suffix(true).build();
    let exporter = start_prometheus_metric_exporter(exporter).map_err(|error| anyhow!("the metrics at {socket_addr}: {error}"))?;
    Ok(Some(exporter.meter))
}

/// The SDK's own figures are among them.
fn runtime_options(meter: Option<Arc<dyn CoreMeter>>) -> Result<RuntimeOptions> {
    let Some(meter) = meter else { return Ok(RuntimeOptions::default()) };
    let telemetry = TelemetryOptions::builder().metrics(meter).build();
    RuntimeOptions::builder().telemetry_options(telemetry).build().map_err(anyhow::Error::msg)
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
