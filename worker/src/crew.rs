//! The workers of one generation, one for each queue.

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::{Context, Result, anyhow};
use futures_util::future::try_join_all;
use oms_activities::{
    BulkActivities, DataActivities, FraudActivities, MaintenanceActivities, OrderActivities, PaymentActivities, Providers,
    ShippingActivities,
};
use oms_workflows::{bulk::BulkWorkflow, maintenance::MaintenanceWorkflow, names::Queue, order::OrderWorkflow, returns::ReturnWorkflow};
use temporalio_client::Client;
use temporalio_common::worker::{VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion};
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
};

use crate::{
    Build, Parts, Settings,
    at_once::{self, AtOnce},
    breaker::Breaker,
    wear::Wear,
};

/// How long running activities get to finish when their worker is dismissed.
const GRACE: Duration = Duration::from_secs(10);

/// Handles on a crew; its work is the future that comes with it.
pub(crate) struct Crew {
    shutdown: Vec<Box<dyn Fn()>>,
    wear: Wear,
}

/// Ends when the crew was dismissed and has finished what it had.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<()>>>>;

impl Crew {
    /// Registers a worker for each queue. The client's connection may know a crew before this one, if that was dismissed.
    pub(crate) fn form(runtime: &Runtime, client: &Client, parts: &Parts, settings: &Settings) -> Result<(Self, Work)> {
        let wear = Wear::new(settings.recycle_after);
        let mut workers = Vec::new();
        for queue in &settings.serves {
            let worker = Worker::new(runtime, client.clone(), options(*queue, parts, settings, &wear)?);
            workers.push(worker.map_err(|error| anyhow!("{error}")).with_context(|| format!("worker for queue {}", queue.as_str()))?);
        }
        let shutdown = workers.iter().map(|worker| Box::new(worker.shutdown_handle()) as Box<dyn Fn()>).collect();
        Ok((Self { shutdown, wear }, Box::pin(work(client.clone(), workers))))
    }

    /// Takes no new work from now on.
    pub(crate) fn dismiss(&self) {
        self.shutdown.iter().for_each(|shutdown| shutdown());
    }

    /// Completes once the crew has executed as many activities as it may.
    pub(crate) async fn worn(&self) {
        self.wear.out().await;
    }
}

async fn work(client: Client, mut workers: Vec<Worker>) -> Result<()> {
    let worked = try_join_all(workers.iter_mut().map(|worker| async { worker.run().await.map_err(|error| anyhow!("{error}")) })).await;
    // The SDK leaves a worker that has ended on its connection's list, with all it holds.
    for worker in &workers {
        if let Err(error) = client.connection().workers().finalize_unregister(worker.worker_instance_key()) {
            tracing::debug!(%error, "a worker that ended was not on its connection's list");
        }
    }
    worked.map(drop)
}

/// A task in hand waits for its local activities, one or a few at a time.
fn tuner(tasks_at_once: usize) -> TunerHolder {
    // One is polling the queue that is the worker's own, one the queue of all.
    let slots = || FixedSizeSlotSupplier::new(tasks_at_once.max(2));
    TunerHolder::builder()
        .workflow_task_slot_supplier(slots())
        .local_activity_task_slot_supplier(slots())
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(at_once::SLOTS))
        .nexus_task_slot_supplier(slots())
        .build()
}

/// Workflows are pinned: a run stays with its build to its end, or to where it hands over.
fn deployment(build: &Build) -> WorkerDeploymentOptions {
    let version =
        WorkerDeploymentVersion::builder().deployment_name(build.deployment_name.clone()).build_id(build.build_id.clone()).build();
    WorkerDeploymentOptions::new(version).use_worker_versioning(true).default_versioning_behavior(VersioningBehavior::Pinned).build()
}

fn options(queue: Queue, parts: &Parts, settings: &Settings, wear: &Wear) -> Result<WorkerOptions> {
    let options = WorkerOptions::new(settings.queues.name(queue)).graceful_shutdown_period(GRACE);
    let options = options.activity_inbound_interceptor(wear.clone());
    let options = match settings.around.clone() {
        Some(around) => options.activity_inbound_interceptor(around),
        None => options,
    };
    let data = || DataActivities::new(parts.store.clone(), parts.rules.clone());
    let house = || {
        let (store, starter) = (parts.store.clone(), parts.starter.clone());
        MaintenanceActivities::new(store, starter, parts.rules.clone(), parts.exporter.clone())
    };
    let bulks = || BulkActivities { store: parts.store.clone(), starter: parts.starter.clone() };
    let payments = || PaymentActivities { store: parts.store.clone(), gateways: parts.gateways.clone() };
    let shipping = || ShippingActivities { store: parts.store.clone(), carriers: parts.carriers.clone() };
    Ok(match queue {
        Queue::Orders => {
            let options =
                options.activity_inbound_interceptor(Breaker::default()).activity_inbound_interceptor(AtOnce::of(&settings.serves));
            let options = options.max_cached_workflows(settings.cached_orders).tuner(tuner(settings.tasks_at_once));
            let options = options.register_workflow::<OrderWorkflow>()?.register_workflow::<ReturnWorkflow>()?;
            let options = options.register_workflow::<MaintenanceWorkflow>()?.register_workflow::<BulkWorkflow>()?;
            let options = options.maybe_deployment_options(settings.build.as_ref().map(deployment));
            let options = options.register_activities(payments()).register_activities(shipping());
            options.register_activities(data()).register_activities(bulks()).build()
        }
        Queue::Data => options.register_activities(data()).register_activities(bulks()).register_activities(house()).build(),
        Queue::Relations => {
            let orders = OrderActivities { starter: parts.starter.clone() };
            options.register_activities(orders).register_activities(house()).build()
        }
        // What is beyond stays with the server, where a slot of nobody's waits for it.
        Queue::Payments => {
            let options = options.maybe_max_task_queue_activities_per_second(parts.gateways.per_second());
            options.register_activities(payments()).build()
        }
        Queue::Fraud => {
            let (store, checks) = (parts.store.clone(), parts.fraud.clone());
            let options = options.maybe_max_task_queue_activities_per_second(checks.as_ref().and_then(Providers::per_second));
            options.register_activities(FraudActivities { store, checks }).build()
        }
        Queue::Shipping => {
            let options = options.maybe_max_task_queue_activities_per_second(parts.carriers.per_second());
            options.register_activities(shipping()).build()
        }
        Queue::Bulk => options.register_activities(bulks()).build(),
    })
}
