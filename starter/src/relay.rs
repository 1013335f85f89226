//! Carries messages from the databases to the running orders, at least once; starts orders whose start was lost; and gives back what
//! checkouts hold past their deadline.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use oms_domain::order::decide;
use oms_store::InboxMessage;
use oms_workflows::{
    messages::Opening,
    names::{CARRIER_EVENT, STOCK_ARRIVED, STOCK_SHORTED, order_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::{WorkflowSignalOptions, errors::WorkflowInteractionError};
use tokio::sync::Notify;

use crate::{Starter, StarterError, error::rpc};

/// Messages taken at a time, and how many are delivered side by side.
const BATCH: u32 = 200;
const SIDE_BY_SIDE: usize = 16;
/// A message that is not done by then is taken again, by whoever looks next.
const LEASE: Duration = Duration::from_secs(30);
/// How often the relay looks unasked, and how often it looks for lost starts.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How often holds of checkouts are looked at: none outlives its deadline by much more.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// An order that has been taken in for this long without a record of it had its start lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// Delivers what the orders must be told. Any number of them may run.
#[derive(Clone)]
pub struct Relay {
    starter: Starter,
    nudge: Arc<Notify>,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    pub started: usize,
}

impl Relay {
    pub fn new(starter: Starter) -> Self {
        Self { starter, nudge: Arc::new(Notify::new()) }
    }

    /// There may be something to deliver: look now rather than at the next round.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Runs until the future is dropped. What fails is tried again; nothing here ends it.
    pub async fn run(&self) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        let mut expire = tokio::time::interval(EXPIRE_EVERY);
        loop {
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = sweep.tick() => self.sweep_logged().await,
                _ = expire.tick() => self.expire_logged().await,
            }
            if let Err(error) = self.deliver_all().await {
                tracing::warn!(error = %error, "messages could not be delivered; they will be tried again");
            }
        }
    }

    /// Delivers until nothing is left; how many were delivered.
    pub async fn deliver_all(&self) -> Result<usize, StarterError> {
        let mut delivered = 0;
        loop {
            let messages = self.starter.store.inbox_claim(BATCH, LEASE).await?;
            let taken = messages.len();
            let results: Vec<(i64, Result<(), StarterError>)> = stream::iter(messages)
                .map(|message| async move { (message.id, self.starter.tell(&message).await) })
                .buffer_unordered(SIDE_BY_SIDE)
                .collect()
                .await;
            let (done, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, result)| result.is_ok());
            delivered += done.len();
            self.starter.store.inbox_done(&ids(&done)).await?;
            if !failed.is_empty() {
                self.starter.store.inbox_release(&ids(&failed)).await?;
                return failed.into_iter().find_map(|(_, result)| result.err()).map_or(Ok(delivered), Err);
            }
            if taken < BATCH as usize {
                return Ok(delivered);
            }
        }
    }

    /// Starts orders and bulk operations that were taken in and whose start was lost.
    pub async fn sweep(&self, lost_after: Duration) -> Result<Swept, StarterError> {
        let mut started = 0;
        for order_id in self.starter.store.intakes_without_run(lost_after, BATCH).await? {
            if let Some(intake) = self.starter.store.intake(&order_id).await? {
                self.starter.start(&intake.order).await?;
                started += 1;
            }
        }
        for bulk_id in self.starter.store.bulks_without_run(lost_after, BATCH).await? {
            if let Some(row) = self.starter.store.bulk(&bulk_id).await? {
                self.starter.start_bulk_run(&row).await?;
                started += 1;
            }
        }
        Ok(Swept { started })
    }

    /// Gives back what checkouts hold past their deadline; how many holds ended. Who waits for the units has a message then.
    pub async fn expire_holds(&self) -> Result<u32, StarterError> {
        let mut expired = 0;
        loop {
            let ended = self.starter.store.expire_holds(BATCH).await?;
            expired += ended;
            if ended < BATCH {
                return Ok(expired);
            }
        }
    }

    async fn expire_logged(&self) {
        match self.expire_holds().await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(holds.expired = expired, "gave back what checkouts held past their deadline"),
            Err(error) => tracing::warn!(error = %error, "holds of checkouts could not be ended; it will be tried again"),
        }
    }

    async fn sweep_logged(&self) {
        match self.sweep(LOST_AFTER).await {
            Ok(Swept { started: 0 }) => {}
            Ok(Swept { started }) => tracing::info!(orders.started = started, "started what was taken in and whose start was lost"),
            Err(error) => tracing::warn!(error = %error, "the sweep failed; it will be tried again"),
        }
    }
}

fn ids(results: &[(i64, Result<(), StarterError>)]) -> Vec<i64> {
    results.iter().map(|(id, _)| *id).collect()
}

impl Starter {
    /// What a carrier says after the end is a fact too: if it means something to the order, the order gets a run for it. Stock is
    /// no concern of an order that has ended.
    async fn tell_ended(&self, message: &InboxMessage) -> Result<(), StarterError> {
        let opening = Opening::CarrierEvent(message.payload.clone());
        let Some(order) = self.order(&message.order_id).await?.filter(|_| message.kind == CARRIER_EVENT) else { return Ok(()) };
        let at = self.config.clock.business(Timestamp::now());
        let matters = opening.commands().iter().any(|fact| decide(&order, fact, at).is_ok_and(|events| !events.is_empty()));
        if matters && !self.reopen(&message.order_id, opening).await? {
            return Err(StarterError::Unavailable("the order has a run again: it is told once more".to_owned()));
        }
        Ok(())
    }

    /// Signals an order.
    async fn tell(&self, message: &InboxMessage) -> Result<(), StarterError> {
        self.tell_returns(message).await?;
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&message.order_id));
        let options = WorkflowSignalOptions::builder().request_id(format!("inbox-{}", message.id)).build();
        let payload = message.payload.clone();
        let told = match message.kind.as_str() {
            STOCK_ARRIVED => handle.signal(OrderWorkflow::stock_arrived, payload, options).await,
            STOCK_SHORTED => handle.signal(OrderWorkflow::stock_shorted, payload, options).await,
            CARRIER_EVENT => handle.signal(OrderWorkflow::carrier_event, payload, options).await,
            other => return Err(StarterError::Internal(format!("no order understands a message of kind {other}"))),
        };
        match told {
            Ok(()) => Ok(()),
            Err(WorkflowInteractionError::NotFound(_)) => self.tell_ended(message).await,
            Err(WorkflowInteractionError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }
}
