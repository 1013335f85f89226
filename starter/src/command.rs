//! Reaching an order: a running one by an update, an ended one through its document.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Command, Order, OrderStatus, decide},
};
use oms_workflows::{
    messages::{CommandAnswer, CommandRequest, Opening, Refusal},
    names::order_workflow_id,
    order::OrderWorkflow,
};
use temporalio_client::{WorkflowExecuteUpdateOptions, errors::WorkflowUpdateError};

use crate::{Starter, StarterError, error::rpc};

/// How long a caller waits for an order's answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often a waiting caller looks whether an order has come so far.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Starter {
    /// Asks something of an order. When this returns, the order's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen, and asking again
    /// under the same `command_id` gives the one answer.
    pub async fn command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        let asked = self.ask_until_caught_up(order_id, &request);
        tokio::time::timeout(ANSWER_WITHIN, asked).await.map_err(|_| StarterError::TimedOut)?
    }

    /// What a task recorded before it was lost can be read before the run has come to it again. A refusal by such an older state
    /// would deny what the caller has seen, so the run is asked anew. Each time under an id of its own (the order may have
    /// answered the first one for good), in a sequence that is the same for every repeat.
    async fn ask_until_caught_up(&self, order_id: &OrderId, request: &CommandRequest) -> Result<CommandAnswer, StarterError> {
        let mut update_id = request.command_id.clone();
        for again in 1.. {
            match self.ask(order_id, request, update_id).await? {
                Ok(answer) => return Ok(answer),
                Err(refusal) if self.recorded_version(order_id).await? <= refusal.version => {
                    return Err(StarterError::Rejected(refusal.rejection));
                }
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
            update_id = format!("{}~{again}", request.command_id);
        }
        Err(StarterError::TimedOut)
    }

    /// Asks once: the answer, or the refusal with the version that refused.
    async fn ask(
        &self,
        order_id: &OrderId,
        request: &CommandRequest,
        update_id: String,
    ) -> Result<Result<CommandAnswer, Refusal>, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id).build();
        match handle.execute_update(OrderWorkflow::command, request.clone(), options).await {
            Ok(answer) => Ok(Ok(answer)),
            // A refusal is JSON; anything else means that the run ended under the update.
            Err(WorkflowUpdateError::Failed(failure)) => match serde_json::from_str(&failure.message) {
                Ok(refusal) => Ok(Err(refusal)),
                Err(_) => self.after_the_end(order_id, request.clone()).await.map(Ok),
            },
            Err(WorkflowUpdateError::NotFound(_)) => self.after_the_end(order_id, request.clone()).await.map(Ok),
            Err(WorkflowUpdateError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    async fn recorded_version(&self, order_id: &OrderId) -> Result<u64, StarterError> {
        Ok(self.store.document(order_id).await?.map_or(0, |document| document.version))
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
