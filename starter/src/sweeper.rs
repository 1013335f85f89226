//! Finds what nobody would come and tell of: starts that were lost, open orders whose run was, holds past their deadline. Any number of
//! sweepers may run: each row has one of them at a time, and one that cannot be helped keeps nobody else.

use std::{ops::AddAssign, time::Duration};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use oms_domain::ids::{BulkId, OrderId};
use oms_store::PendingIntake;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use temporalio_client::{
    WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    errors::{WorkflowInteractionError, WorkflowStartError},
};

use crate::{Starter, StarterError, error::rpc};

/// Rows claimed at a time, and how many are looked at side by side.
pub(crate) const BATCH: u32 = 200;
const SIDE_BY_SIDE: usize = 16;
/// An order that was announced, and whose body has not come for so long, will not come: nobody was told that it exists.
const GHOST_AFTER_S: f64 = 3_600.0;
/// What should have been heard of, and has a run, is looked at again after this.
const LOOK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What a round of a messenger did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    pub done: usize,
    /// Put off; each was logged, and keeps nobody else.
    pub failed: usize,
}

impl AddAssign for Round {
    fn add_assign(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
    }
}

impl Starter {
    /// Starts orders that were taken in longer ago than this and have recorded nothing, and forgets those that were announced and never
    /// came.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_lost_orders(&self, lost_after: Duration) -> Result<Round, StarterError> {
        let mut round = Round::default();
        loop {
            let pending = self.store.claim_pending_intakes(lost_after, BATCH).await?;
            let last = pending.len() < BATCH as usize;
            round += each(pending, "an order whose start was lost could not be started", |intake| self.start_lost(intake)).await;
            if last {
                return Ok(round);
            }
        }
    }

    /// Starts bulk operations that were taken in longer ago than this and have not ended, unless they run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_lost_bulks(&self, lost_after: Duration) -> Result<Round, StarterError> {
        let open = self.store.claim_open_bulks(lost_after, BATCH).await?;
        Ok(each(open, "a bulk operation whose run was lost could not be started", |id| self.start_lost_bulk(id)).await)
    }

    /// Gives a run to open orders that have none, found by their next wait: nothing was heard of them so long after it was over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revive_lost_orders(&self, silent_for: Duration) -> Result<Round, StarterError> {
        let (overdue, again) = (self.overdue(silent_for), self.look_again_at(Timestamp::now()));
        let mut round = Round::default();
        loop {
            let orders = self.store.claim_overdue_orders(overdue, again, BATCH).await?;
            let last = orders.len() < BATCH as usize;
            round += each(orders, "an open order without a run could not be revived", |id| self.revive_if_lost(id)).await;
            if last {
                return Ok(round);
            }
        }
    }

    /// Gives back what checkouts hold past their deadline. Who waits for the units has a message then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_holds(&self) -> Result<Round, StarterError> {
        let mut round = Round::default();
        loop {
            let ended = self.store.expire_holds(BATCH).await?;
            round.done += ended as usize;
            if ended < BATCH {
                return Ok(round);
            }
        }
    }

    /// Takes over feeds that a lost process has left, and makes stock's marks right after a move of the database.
    ///
    /// # Errors
    /// The first that failed, once each has had its turn.
    pub async fn take_over_feeds(&self) -> Result<Round, StarterError> {
        self.store.clear_marks().await?;
        let dealt_with = self.store.feeds().sweep().await?;
        Ok(Round { done: usize::try_from(dealt_with).unwrap_or(usize::MAX), failed: 0 })
    }

    /// Business time; until then whoever was looked at is left alone.
    pub(crate) fn look_again_at(&self, now: Timestamp) -> Timestamp {
        self.config.clock.business(now.saturating_add(LOOK_AGAIN_AFTER).unwrap_or(now))
    }

    /// Now, in business time.
    pub fn now(&self) -> Timestamp {
        self.config.clock.business(Timestamp::now())
    }

    /// Business time; orders and returns whose next wait was over by then should have been heard of.
    pub fn overdue(&self, silent_for: Duration) -> Timestamp {
        let now = Timestamp::now();
        let silent_for = SignedDuration::try_from(silent_for).unwrap_or(SignedDuration::MAX);
        self.config.clock.business(now.saturating_sub(silent_for).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    async fn start_lost_bulk(&self, id: BulkId) -> Result<bool, StarterError> {
        match self.store.bulk(&id).await? {
            Some(row) => self.start_bulk_run(&row).await,
            None => Ok(false),
        }
    }

    async fn start_lost(&self, pending: PendingIntake) -> Result<bool, StarterError> {
        if let Some(intake) = self.store.intake(&pending.order_id).await? {
            self.start(&intake.order).await?;
            return Ok(true);
        }
        if pending.age_s > GHOST_AFTER_S && self.store.forget_pending_intake(&pending).await? {
            tracing::info!(order.id = %pending.order_id, "forgot an order that was announced and never came");
        }
        Ok(false)
    }

    /// Starts an order that has recorded nothing.
    ///
    /// # Errors
    /// `NotFound`: nothing was ever taken in under this id.
    pub async fn start_from_intake(&self, order_id: &OrderId) -> Result<(), StarterError> {
        let intake = self.store.intake(order_id).await?.ok_or(StarterError::NotFound)?;
        self.start(&intake.order).await
    }

    async fn revive_if_lost(&self, order_id: OrderId) -> Result<bool, StarterError> {
        if self.has_run(&order_id).await? || self.order(&order_id).await?.is_some_and(|order| order.is_closed()) {
            return Ok(false);
        }
        self.revive(&order_id).await
    }

    /// Whether a run of the order goes on.
    pub(crate) async fn has_run(&self, order_id: &OrderId) -> Result<bool, StarterError> {
        self.runs(order_workflow_id(order_id)).await
    }

    /// Whether a workflow of this id goes on, whatever its type.
    pub(crate) async fn runs(&self, workflow_id: String) -> Result<bool, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(workflow_id);
        match handle.describe(Default::default()).await {
            Ok(described) => Ok(described.status() == WorkflowExecutionStatus::Running),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(WorkflowInteractionError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// Gives an order that has none a run, which goes on from its document: it owes what the document says, under the same keys. False: it
    /// has one after all.
    ///
    /// # Errors
    /// `NotFound`: nothing was ever taken in under this id.
    pub async fn revive(&self, order_id: &OrderId) -> Result<bool, StarterError> {
        let intake = self.store.intake(order_id).await?.ok_or(StarterError::NotFound)?;
        self.tell_scans_again(order_id).await?;
        let input = self.input(order_id, intake.by);
        let mut options = self.options(&intake.order);
        options.id_conflict_policy = WorkflowIdConflictPolicy::Fail;
        options.id_reuse_policy = WorkflowIdReusePolicy::AllowDuplicate;
        match self.temporal.start_workflow(OrderWorkflow::run, input, options).await {
            Ok(_) => {
                tracing::warn!(order.id = %order_id, "revived an open order that had no run");
                Ok(true)
            }
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(false),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }
}

/// Does it to each, some side by side; an error is that one's own.
pub(crate) async fn each<T, F>(items: Vec<T>, what: &'static str, work: impl Fn(T) -> F) -> Round
where
    F: Future<Output = Result<bool, StarterError>>,
{
    let mut results = stream::iter(items.into_iter().map(work)).buffer_unordered(SIDE_BY_SIDE);
    let mut round = Round::default();
    while let Some(result) = results.next().await {
        match result {
            Ok(did) => round.done += usize::from(did),
            Err(error) => {
                round.failed += 1;
                tracing::warn!(error.message = %error, "{what}; it will be tried again");
            }
        }
    }
    round
}
