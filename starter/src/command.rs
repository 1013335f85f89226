//! Reaching an order: by an update, to the run it has or to one that it gets for it.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Order, OrderStatus, decide},
};
use oms_workflows::{
    messages::{CommandAnswer, CommandRequest},
    names::order_workflow_id,
    order::OrderWorkflow,
};
use temporalio_client::WorkflowExecuteUpdateOptions;

use crate::{
    Starter, StarterError,
    asked::{Asked, asked},
    error::rpc,
};

/// How long a caller waits for an order's answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often a waiting caller looks whether an order has come so far.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A run that is behind what is recorded is most often just about to hear of its own record. After so many looks it is told: it may have
/// nothing to record by which it would notice.
pub(crate) const LOOKS_BEFORE_TELLING: u32 = 20;

impl Starter {
    /// Asks something of an order. When this returns, the order's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen, and asking again
    /// under the same `command_id` gives the one answer.
    pub async fn command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        self.answered(order_id, self.ask_once(order_id, &request)).await
    }

    /// The same under an id that nobody can have used before: nothing is looked up, so that it reaches its order also while the books are
    /// away.
    ///
    /// # Errors
    /// As [`Starter::command`].
    pub async fn new_command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        self.answered(order_id, self.ask_until_caught_up(order_id, &request)).await
    }

    async fn answered(
        &self,
        order_id: &OrderId,
        asked: impl Future<Output = Result<CommandAnswer, StarterError>>,
    ) -> Result<CommandAnswer, StarterError> {
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                self.alarm_if_unserved(order_id).await;
                Err(StarterError::TimedOut)
            }
        }
    }

    async fn ask_once(&self, order_id: &OrderId, request: &CommandRequest) -> Result<CommandAnswer, StarterError> {
        match self.taken_before(order_id, request).await? {
            Some(answer) => Ok(answer),
            None => self.ask_until_caught_up(order_id, request).await,
        }
    }

    /// An order knows its last commands by itself, and has forgotten those before. What was recorded of it has not.
    async fn taken_before(&self, order_id: &OrderId, request: &CommandRequest) -> Result<Option<CommandAnswer>, StarterError> {
        let Some(taken) = self.store.taken_command(order_id, &request.command_id).await? else { return Ok(None) };
        taken.is_again(&request.request).map_err(StarterError::Rejected)?;
        // The document follows: until it has, the run answers.
        let order = self.order(order_id).await?.filter(|order| order.version >= taken.version);
        // It may have been recorded by a run that died with it, before it was in any history: the next one is told what it does not know.
        if order.as_ref().is_some_and(|order| !order.is_closed()) {
            self.tell_to_look_again(order_id).await?;
        }
        Ok(order.map(|order| CommandAnswer { version: order.version, status: order.status }))
    }

    /// More can be recorded than the run knows: a refusal by such an older state would deny what the caller has seen. And a run that is
    /// about to be handed over takes nothing. In both cases the order is asked anew, each time under an id of its own (it may have answered
    /// the first one for good), in a sequence that is the same for every repeat.
    async fn ask_until_caught_up(&self, order_id: &OrderId, request: &CommandRequest) -> Result<CommandAnswer, StarterError> {
        let mut update_id = request.command_id.clone();
        for again in 1.. {
            match self.ask(order_id, request, update_id.clone()).await? {
                Asked::Answered(answer) => return Ok(answer),
                Asked::Refused(refusal) if refusal.retry => {}
                Asked::Refused(refusal) if self.recorded_version(order_id).await? <= refusal.version => {
                    return Err(StarterError::Rejected(refusal.rejection));
                }
                Asked::Refused(_) if again % LOOKS_BEFORE_TELLING == 0 => drop(self.tell_to_look_again(order_id).await?),
                Asked::Refused(_) => {}
                Asked::NoRun => match self.without_run(order_id, request, update_id).await? {
                    Asked::Answered(answer) => return Ok(answer),
                    Asked::Refused(_) | Asked::NoRun => {}
                },
            }
            tokio::time::sleep(LOOK_EVERY).await;
            update_id = format!("{}~{again}", request.command_id);
        }
        Err(StarterError::TimedOut)
    }

    /// Asks a run once.
    async fn ask(&self, order_id: &OrderId, request: &CommandRequest, update_id: String) -> Result<Asked<CommandAnswer>, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id).build();
        asked(handle.execute_update(OrderWorkflow::command, request.clone(), options).await)
    }

    async fn recorded_version(&self, order_id: &OrderId) -> Result<u64, StarterError> {
        Ok(self.store.document_version(order_id).await?.unwrap_or(0))
    }

    /// There is no run: the rules answer from the document, which repeats old answers and refuses most of what is new. What is possible
    /// is asked of a run that is started for it.
    async fn without_run(
        &self,
        order_id: &OrderId,
        request: &CommandRequest,
        update_id: String,
    ) -> Result<Asked<CommandAnswer>, StarterError> {
        if let Some(order) = self.order(order_id).await? {
            let at = self.config.clock.business(Timestamp::now());
            let decided = decide(&order, &request.command(), at).map_err(StarterError::Rejected)?;
            if decided.events.is_empty() {
                return Ok(Asked::Answered(CommandAnswer { version: order.version, status: order.status }));
            }
        }
        self.command_with_start(order_id, request, update_id).await
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
