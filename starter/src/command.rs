//! Reaching an order: a running one by an update, an ended one through its document.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::{
    error::Rejection,
    ids::OrderId,
    order::{Command, Order, OrderStatus, decide},
};
use oms_workflows::{
    messages::{CommandAnswer, CommandRequest, Opening},
    names::order_workflow_id,
    order::OrderWorkflow,
};
use temporalio_client::{WorkflowExecuteUpdateOptions, errors::WorkflowUpdateError};

use crate::{Starter, StarterError, error::rpc};

/// How long a caller waits for an order's answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often a waiting caller looks whether an order has been sourced.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Starter {
    /// Asks something of an order. When this returns, the order's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen, and asking again
    /// under the same `command_id` gives the one answer.
    pub async fn command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(request.command_id.clone()).build();
        let update = handle.execute_update(OrderWorkflow::command, request.clone(), options);
        let answered = tokio::time::timeout(ANSWER_WITHIN, update).await.map_err(|_| StarterError::TimedOut)?;
        match answered {
            Ok(answer) => Ok(answer),
            Err(WorkflowUpdateError::Failed(failure)) => self.refused(order_id, request, &failure.message).await,
            Err(WorkflowUpdateError::NotFound(_)) => self.after_the_end(order_id, request).await,
            Err(WorkflowUpdateError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// A refusal is JSON; anything else means that the run ended under the update.
    async fn refused(&self, order_id: &OrderId, request: CommandRequest, message: &str) -> Result<CommandAnswer, StarterError> {
        match serde_json::from_str::<Rejection>(message) {
            Ok(rejection) => Err(StarterError::Rejected(rejection)),
            Err(_) => self.after_the_end(order_id, request).await,
        }
    }

    /// The run has ended: the rules answer from the document, which repeats old answers and refuses most of what is new. What
    /// outlives the order gets a run of its own.
    async fn after_the_end(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        let Some(order) = self.order(order_id).await? else { return Err(StarterError::NotFound) };
        let at = self.config.clock.business(Timestamp::now());
        match decide(&order, &Command::Request(request.request.clone()), at) {
            Err(rejection) => Err(StarterError::Rejected(rejection)),
            Ok(events) if events.is_empty() => Ok(CommandAnswer { version: order.version, status: order.status }),
            Ok(_) => {
                if !self.reopen(order_id, Opening::Command(Box::new(request))).await? {
                    // Somebody else woke it at the same time, for something else.
                    return Err(StarterError::Unavailable("the order is busy with another command".to_owned()));
                }
                self.recorded_after(order_id, order.version).await
            }
        }
    }

    /// The order's answer once it has recorded more than this version.
    async fn recorded_after(&self, order_id: &OrderId, version: u64) -> Result<CommandAnswer, StarterError> {
        let until = tokio::time::Instant::now() + ANSWER_WITHIN;
        while tokio::time::Instant::now() < until {
            if let Some(order) = self.order(order_id).await?.filter(|order| order.version > version) {
                return Ok(CommandAnswer { version: order.version, status: order.status });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(StarterError::TimedOut)
    }

    /// The order as last recorded.
    pub async fn order(&self, order_id: &OrderId) -> Result<Option<Order>, StarterError> {
        let Some(document) = self.store.document(order_id).await? else { return Ok(None) };
        let order = serde_json::from_value(document.doc).map_err(|error| StarterError::Internal(error.to_string()))?;
        Ok(Some(order))
    }

    /// Waits until a new order has been sourced and its payment answered, or the time is up; the order as it is then.
    pub async fn wait_until_sourced(&self, order_id: &OrderId, timeout: Duration) -> Result<Option<Order>, StarterError> {
        let until = tokio::time::Instant::now() + timeout;
        loop {
            let order = self.order(order_id).await?;
            let waiting = order.as_ref().is_none_or(|order| order.status == OrderStatus::Created && order.holds.is_empty());
            if !waiting || tokio::time::Instant::now() >= until {
                return Ok(order);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether Temporal answers.
    pub async fn ping(&self) -> Result<(), StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>("readiness");
        match tokio::time::timeout(Duration::from_secs(2), handle.describe(Default::default())).await {
            Err(_) => Err(StarterError::TimedOut),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(temporalio_client::errors::WorkflowInteractionError::NotFound(_))) => Ok(()),
            Ok(Err(temporalio_client::errors::WorkflowInteractionError::Rpc(status))) => Err(rpc(&status)),
            Ok(Err(error)) => Err(StarterError::Unavailable(error.to_string())),
        }
    }
}
