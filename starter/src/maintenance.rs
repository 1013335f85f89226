//! What is done to the house as a whole: by schedules, and at once when a person says so.

use std::time::Duration;

use oms_workflows::{
    maintenance::{
        MaintenanceWorkflow,
        contracts::{MaintenanceInput, MaintenanceResult, MaintenanceTask},
    },
    names::{Queue, maintenance_id},
};
use temporalio_client::{
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions,
    errors::WorkflowStartError,
    schedules::{CreateScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec},
};

use crate::{Starter, StarterError, error::rpc};

/// How long a caller waits for a run: shorter than a request to the API may take.
const RESULT_WITHIN: Duration = Duration::from_secs(50);
/// How often a pool is decided again: orders wait for hours between their placing and their release, if they wait at all.
const POOL_EVERY: Duration = Duration::from_secs(10 * 60);
/// How often the stock is priced: demand of weeks changes in days.
const PRICES_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often what is past its time goes.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often tables are written out: analysts' own stores are read by the day.
const EXPORT_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

impl Starter {
    /// Does it now, or joins a run of the same task that somebody else has asked for, and waits for its end.
    ///
    /// # Errors
    /// `TimedOut`: it goes on, and the Temporal UI shows what comes of it. `Unavailable` when it failed.
    pub async fn maintain(&self, task: MaintenanceTask) -> Result<MaintenanceResult, StarterError> {
        let options = WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), self.maintenance_id(task))
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .static_summary(summary(task).to_owned())
            .build();
        let started = self.temporal.start_workflow(MaintenanceWorkflow::run, self.maintenance(task), options).await;
        let run = started.map_err(|error| match error {
            WorkflowStartError::Rpc(status) => rpc(&status),
            error => StarterError::Internal(error.to_string()),
        })?;
        let ended = tokio::time::timeout(RESULT_WITHIN, run.get_result(Default::default())).await;
        ended.map_err(|_| StarterError::TimedOut)?.map_err(|error| StarterError::Unavailable(format!("the run failed: {error}")))
    }

    /// Creates the schedules that are not there yet; one that is there is left as people have set it. Answers those that were created.
    ///
    /// The stock is priced only once somebody resumes that schedule: until there are prices, a unit costs the same everywhere. So it is with tables
    /// for analysts: somebody must have said where they go.
    ///
    /// # Errors
    /// When Temporal does not answer, or refuses.
    pub async fn schedule_maintenance(&self) -> Result<Vec<String>, StarterError> {
        let pool = MaintenanceTask::Pool { dry_run: false };
        let mut created = Vec::new();
        let schedules = [
            (pool, POOL_EVERY, false),
            (MaintenanceTask::StockPrices, PRICES_EVERY, true),
            (MaintenanceTask::Prune, PRUNE_EVERY, false),
            (MaintenanceTask::Export, EXPORT_EVERY, true),
        ];
        for (task, every, paused) in schedules {
            let id = self.maintenance_id(task);
            let queue = self.config.queues.name(Queue::Orders);
            let options = CreateScheduleOptions::builder()
                .action(ScheduleAction::start_workflow(MaintenanceWorkflow::run, self.maintenance(task), queue, id.clone()))
                .spec(ScheduleSpec::from_interval(every))
                .overlap_policy(ScheduleOverlapPolicy::Skip)
                .paused(paused)
                .note(summary(task))
                .build();
            match self.temporal.create_schedule(id.clone(), options).await {
                Ok(_) => created.push(id),
                Err(ScheduleError::Rpc(status)) if status.code() == tonic::Code::AlreadyExists => {}
                Err(ScheduleError::Rpc(status)) => return Err(rpc(&status)),
                Err(error) => return Err(StarterError::Internal(error.to_string())),
            }
        }
        Ok(created)
    }

    fn maintenance(&self, task: MaintenanceTask) -> MaintenanceInput {
        MaintenanceInput { task, clock: self.config.clock, queues: self.config.queues.clone() }
    }

    /// Queues keep one installation's tasks from another's, and these ids keep their schedules apart.
    fn maintenance_id(&self, task: MaintenanceTask) -> String {
        let name = match task {
            MaintenanceTask::Pool { dry_run: false } => "pool",
            MaintenanceTask::Pool { dry_run: true } => "pool-dry-run",
            MaintenanceTask::StockPrices => "stock-prices",
            MaintenanceTask::Prune => "prune",
            MaintenanceTask::Export => "export",
        };
        maintenance_id(&self.config.queues, name)
    }
}

/// What the Temporal UI lists it as.
fn summary(task: MaintenanceTask) -> &'static str {
    match task {
        MaintenanceTask::Pool { dry_run: false } => "Decide the orders that are not released yet again, together",
        MaintenanceTask::Pool { dry_run: true } => "Decide the orders that are not released yet again, together: a dry run",
        MaintenanceTask::StockPrices => "Price the stock by recent demand",
        MaintenanceTask::Prune => "Delete what is past its time",
        MaintenanceTask::Export => "Write out for analysts what is new or has changed",
    }
}
