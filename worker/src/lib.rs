//! Builds Temporal workers from the rooms: wiring only.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use oms_activities::{
    DataActivities, PaymentActivities, ShippingActivities,
    ports::{Carrier, PaymentGateway},
};
use oms_allocation::Rules;
use oms_store::Store;
use oms_workflows::{
    names::{Queue, Queues},
    order::OrderWorkflow,
};
use temporalio_client::Client;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};

/// How long running activities get to finish when the worker is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What a worker process is made of.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub gateway: Arc<dyn PaymentGateway>,
    pub carrier: Arc<dyn Carrier>,
    pub rules: Rules,
}

/// What a worker process serves, and how much of it at once.
#[derive(Debug, Clone)]
pub struct Settings {
    pub queues: Queues,
    pub serves: BTreeSet<Queue>,
    /// Orders kept in memory between their tasks; about 120 kB each.
    pub cached_orders: usize,
}

impl Settings {
    /// All queues.
    pub fn all(queues: Queues) -> Self {
        Self { queues, serves: Queue::ALL.iter().copied().collect(), cached_orders: 1_000 }
    }
}

/// Serves the queues until `stop` ends; then finishes what is running. The future is not `Send`: run it on a thread of its own.
///
/// # Errors
/// When the server cannot be reached, or a worker of this process serves the queue on the same connection already.
pub async fn serve(runtime: &Runtime, client: Client, parts: Parts, settings: Settings, stop: impl Future<Output = ()>) -> Result<()> {
    let mut workers = Vec::new();
    for queue in &settings.serves {
        let options = options(*queue, &parts, &settings)?;
        let worker = Worker::new(runtime, client.clone(), options);
        workers.push(worker.map_err(|error| anyhow::anyhow!("{error}")).with_context(|| format!("worker for queue {}", queue.as_str()))?);
    }
    let handles: Vec<_> = workers.iter().map(Worker::shutdown_handle).collect();
    let stopping = async {
        stop.await;
        tracing::info!("worker stops: running activities are finished first");
        handles.iter().for_each(|shutdown| shutdown());
        Ok(())
    };
    let running = try_join_all(workers.iter_mut().map(|worker| async { worker.run().await.map_err(|error| anyhow::anyhow!("{error}")) }));
    tokio::try_join!(running, stopping)?;
    Ok(())
}

fn options(queue: Queue, parts: &Parts, settings: &Settings) -> Result<WorkerOptions> {
    let options = WorkerOptions::new(settings.queues.name(queue)).graceful_shutdown_period(GRACE);
    let data = || DataActivities::new(parts.store.clone(), parts.rules.clone());
    Ok(match queue {
        Queue::Orders => {
            let options = options.max_cached_workflows(settings.cached_orders);
            options.register_workflow::<OrderWorkflow>()?.register_activities(data()).build()
        }
        Queue::Data => options.register_activities(data()).build(),
        Queue::Payments => {
            let (store, gateway) = (parts.store.clone(), Arc::clone(&parts.gateway));
            options.register_activities(PaymentActivities { store, gateway }).build()
        }
        Queue::Shipping => {
            let (store, carrier) = (parts.store.clone(), Arc::clone(&parts.carrier));
            options.register_activities(ShippingActivities { store, carrier }).build()
        }
    })
}
