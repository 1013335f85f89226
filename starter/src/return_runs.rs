//! Runs for returns that have lost theirs: found by their next wait, as orders are.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::{
    access::By,
    ids::ReturnId,
    policy::Policy,
    returns::{Return, ReturnCore},
};
use oms_workflows::{
    messages::{ReturnInput, history_max},
    names::{NEEDS_ATTENTION, Queue, return_workflow_id},
    returns::ReturnWorkflow,
};
use temporalio_client::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions, errors::WorkflowStartError};
use temporalio_common::search_attributes::SearchAttributes;

use crate::{
    Round, Starter, StarterError,
    error::rpc,
    sweeper::{BATCH, each},
};

impl Starter {
    /// Gives a run to open returns that have none: nothing was heard of them so long after their next wait was over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revive_lost_returns(&self, silent_for: Duration) -> Result<Round, StarterError> {
        let (overdue, again) = (self.overdue(silent_for), self.look_again_at(Timestamp::now()));
        let mut round = Round::default();
        loop {
            let returns = self.store.claim_overdue_returns(overdue, again, BATCH).await?;
            let last = returns.len() < BATCH as usize;
            round += each(returns, "an open return without a run could not be revived", |id| self.revive_return_if_lost(id)).await;
            if last {
                return Ok(round);
            }
        }
    }

    async fn revive_return_if_lost(&self, id: ReturnId) -> Result<bool, StarterError> {
        if self.runs(return_workflow_id(&id)).await? || self.return_of(&id).await?.is_none_or(|found| found.is_closed()) {
            return Ok(false);
        }
        self.revive_return(&id).await
    }

    /// Gives a return that has none a run, which goes on from its document: it owes what the document says, under the same keys. False: it
    /// has one after all.
    ///
    /// # Errors
    /// `NotFound`: nothing is recorded of such a return.
    pub async fn revive_return(&self, id: &ReturnId) -> Result<bool, StarterError> {
        let Return { core, policy, .. } = self.return_of(id).await?.ok_or(StarterError::NotFound)?;
        self.tell_return_scans_again(id).await?;
        let options = self.return_options(id, core.lines.len());
        match self.temporal.start_workflow(ReturnWorkflow::run, self.return_input(core, policy, None), options).await {
            Ok(_) => {
                tracing::warn!(r#return.id = %id, "revived an open return that had no run");
                Ok(true)
            }
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(false),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    pub(crate) fn return_input(&self, core: ReturnCore, policy: Policy, by: Option<By>) -> ReturnInput {
        ReturnInput { core, clock: self.config.clock, policy, queues: self.config.queues.clone(), history_max: history_max(), by }
    }

    pub(crate) fn return_options(&self, return_id: &ReturnId, lines: usize) -> WorkflowStartOptions {
        WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), return_workflow_id(return_id))
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .search_attributes(SearchAttributes::new([NEEDS_ATTENTION.value_set(false)]))
            .static_summary(format!("Return {return_id}: {lines} lines"))
            .build()
    }
}
