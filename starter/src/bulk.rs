//! Bulk operations: taken in with their orders, then started. A running one is reached by an update, one that has ended through its row.

use jiff::Timestamp;
use oms_domain::{
    bulk::{Bulk, BulkCore, Command, OrderOutcome, Task},
    error::{ErrorCode, Rejection},
    ids::{BulkId, OrderId},
};
use oms_store::{BULK_ORDERS_MAX, BulkIntake, BulkRow, BulkTaken, OrderFilter};
use oms_workflows::{
    bulk::{
        BulkWorkflow,
        contracts::{BulkAnswer, BulkInput, BulkRequest},
    },
    messages::history_max,
    names::{Queue, bulk_workflow_id},
};
use temporalio_client::{
    WorkflowExecuteUpdateOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions,
    errors::{WorkflowStartError, WorkflowUpdateError},
};

use crate::{Placed, Starter, StarterError, command::ANSWER_WITHIN, error::rpc};

/// Orders of a preview that are looked at.
const SAMPLE: u32 = 20;

/// What a bulk operation would be.
#[derive(Debug, Clone)]
pub struct BulkPreview {
    /// Counted to one more than one may ask.
    pub orders: u64,
    /// Some of them, with what they would answer.
    pub sample: Vec<(OrderId, OrderOutcome)>,
}

impl Starter {
    /// Starts a bulk operation on the orders that the filter names now. When this returns, it will ask each of them.
    ///
    /// # Errors
    /// `Rejected` with `bulk_conflict` when another one has the id, or when it is about too many orders.
    pub async fn start_bulk(&self, task: Task, filter: OrderFilter, orders_per_second: u32) -> Result<(BulkRow, Placed), StarterError> {
        let bulk_id = task.bulk_id.clone();
        let at = self.config.clock.business(Timestamp::now());
        // To the microsecond, as PostgreSQL keeps it.
        let started_at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let placed = match self.store.put_bulk(&BulkIntake { task, filter, orders_per_second, started_at }).await? {
            BulkTaken::New => Placed::Created,
            BulkTaken::Same => Placed::Existing,
            BulkTaken::Other => {
                let why = format!("bulk operation {bulk_id} exists with another body: give the new one an id of its own");
                return Err(StarterError::Rejected(Rejection::new(ErrorCode::BulkConflict, why)));
            }
            BulkTaken::TooMany => {
                let why = format!("more than {BULK_ORDERS_MAX} orders are selected: narrow the selection, by placed_before for one");
                return Err(StarterError::Rejected(Rejection::new(ErrorCode::RefusedByRule, why)));
            }
        };
        let row = self.bulk(&bulk_id).await?.ok_or(StarterError::NotFound)?;
        if row.bulk.is_none() {
            self.start_bulk_run(&row).await?;
        }
        Ok((row, placed))
    }

    /// What it would be; nothing is kept, and no order is asked.
    pub async fn preview_bulk(&self, task: &Task, filter: &OrderFilter) -> Result<BulkPreview, StarterError> {
        let found = self.store.preview_bulk(&task.operation, filter, SAMPLE).await?;
        let at = self.config.clock.business(Timestamp::now());
        let mut sample = Vec::new();
        for order_id in found.sample {
            if let Some(order) = self.order(&order_id).await? {
                sample.push((order_id, task.foresee(&order, at)));
            }
        }
        Ok(BulkPreview { orders: found.orders, sample })
    }

    /// A bulk operation, as last recorded.
    pub async fn bulk(&self, id: &BulkId) -> Result<Option<BulkRow>, StarterError> {
        Ok(self.store.bulk(id).await?)
    }

    /// As last recorded, or as it is about to begin.
    pub fn bulk_of(&self, row: &BulkRow) -> Bulk {
        let begins = || {
            Bulk::new(BulkCore {
                bulk_id: row.task.bulk_id.clone(),
                selected: row.selected,
                orders_per_second: row.orders_per_second,
                started_at: row.started_at,
                pause_ms: self.config.policy.bulk_pause_ms,
            })
        };
        row.bulk.clone().unwrap_or_else(begins)
    }

    /// Starts its workflow, or takes up one whose run was lost where it was recorded last; one that runs or has ended is left as it is.
    /// Whether there is a new run.
    pub(crate) async fn start_bulk_run(&self, row: &BulkRow) -> Result<bool, StarterError> {
        let (bulk, recorded) = (self.bulk_of(row), row.bulk.as_ref().map_or(0, |bulk| bulk.version));
        let (id, summary) = (bulk_workflow_id(&row.task.bulk_id), format!("Bulk {}: {} orders", row.task.bulk_id, row.selected));
        let input = BulkInput { bulk, recorded, clock: self.config.clock, queues: self.config.queues.clone(), history_max: history_max() };
        let options = WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), id)
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicateFailedOnly)
            .static_summary(summary)
            .build();
        match self.temporal.start_workflow(BulkWorkflow::run, input, options).await {
            Ok(_) => Ok(true),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(false),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// Asks something of a bulk operation. When this returns it is durable, and the batch that was in hand is done.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen.
    pub async fn bulk_command(&self, id: &BulkId, request: BulkRequest) -> Result<BulkAnswer, StarterError> {
        let handle = self.temporal.get_workflow_handle::<BulkWorkflow>(bulk_workflow_id(id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(request.command_id.clone()).build();
        let update = handle.execute_update(BulkWorkflow::command, request.clone(), options);
        match tokio::time::timeout(ANSWER_WITHIN, update).await.map_err(|_| StarterError::TimedOut)? {
            Ok(answer) => Ok(answer),
            Err(WorkflowUpdateError::Failed(failure)) => match serde_json::from_str::<Rejection>(&failure.message) {
                Ok(rejection) => Err(StarterError::Rejected(rejection)),
                // Not a refusal: the run ended under the update.
                Err(_) => self.after_the_bulk(id, &request).await,
            },
            Err(WorkflowUpdateError::NotFound(_)) => self.after_the_bulk(id, &request).await,
            Err(WorkflowUpdateError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// There is no run: the rules answer from what was recorded last, and after the end they refuse.
    async fn after_the_bulk(&self, id: &BulkId, request: &BulkRequest) -> Result<BulkAnswer, StarterError> {
        let row = self.bulk(id).await?.ok_or(StarterError::NotFound)?;
        match self.bulk_of(&row).after(&Command::Request(request.request), self.config.clock.business(Timestamp::now())) {
            Err(rejection) => Err(StarterError::Rejected(rejection)),
            Ok(_) => Err(StarterError::Unavailable("the bulk operation has no run at the moment".to_owned())),
        }
    }
}
