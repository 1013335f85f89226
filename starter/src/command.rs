//! Reaching an order: by an update, to the run it has or to one that it gets for it.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Beginning, Event, Order, OrderStatus, decide},
    taken::{TakenCommand, body_hash},
};
use oms_store::{RecordedEvent, Timeline};
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

/// What became of a command that may have come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The version that it led to; where it led to nothing, the one that it found.
    pub version: u64,
    /// It was taken before.
    pub is_repeat: bool,
}

impl Starter {
    /// Asks something of an order. When this returns, the order's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen, and asking again
    /// under the same `command_id` gives the one answer.
    pub async fn command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        self.answered(order_id, self.ask_once(order_id, request)).await
    }

    /// The same under an id that nobody can have used before: nothing is looked up, so that it reaches its order also while the books are
    /// away.
    ///
    /// # Errors
    /// As [`Starter::command`].
    pub async fn new_command(&self, order_id: &OrderId, request: CommandRequest) -> Result<CommandAnswer, StarterError> {
        let asked = async { self.ask_until_caught_up(order_id, &self.keep_text_of(order_id, request).await?).await };
        self.answered(order_id, asked).await
    }

    /// The same under an id that a caller's key stands for, and says which version is the answer to it, for ever. What led to nothing is
    /// kept, too: it has been answered.
    ///
    /// # Errors
    /// As [`Starter::command`].
    pub async fn keyed_command(&self, order_id: &OrderId, request: CommandRequest) -> Result<Answered, StarterError> {
        self.answered(order_id, self.ask_under_key(order_id, request)).await
    }

    async fn answered<T>(&self, order_id: &OrderId, asked: impl Future<Output = Result<T, StarterError>>) -> Result<T, StarterError> {
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                self.alarm_if_unserved(order_id).await;
                Err(StarterError::TimedOut)
            }
        }
    }

    async fn ask_once(&self, order_id: &OrderId, given: CommandRequest) -> Result<CommandAnswer, StarterError> {
        let request = self.keep_text_of(order_id, given.clone()).await?;
        match self.taken_before(order_id, &request, &given).await? {
            Some((_, answer)) => Ok(answer),
            None => self.ask_until_caught_up(order_id, &request).await,
        }
    }

    async fn ask_under_key(&self, order_id: &OrderId, given: CommandRequest) -> Result<Answered, StarterError> {
        let request = self.keep_text_of(order_id, given.clone()).await?;
        if let Some((taken, _)) = self.taken_before(order_id, &request, &given).await? {
            return Ok(Answered { version: taken.version, is_repeat: true });
        }
        let answer = self.ask_until_caught_up(order_id, &request).await?;
        let version = match answer.led_to {
            Some(version) => version,
            None => self.led_to(order_id, &request, answer.version).await?,
        };
        Ok(Answered { version, is_repeat: false })
    }

    /// The answer has not said what it led to: nothing, at this version; or its run is of a build that says nothing of it.
    async fn led_to(&self, order_id: &OrderId, request: &CommandRequest, version: u64) -> Result<u64, StarterError> {
        let order = self.order(order_id).await?;
        if let Some(taken) = order.as_ref().and_then(|order| order.commands.find(&request.command_id)) {
            return Ok(taken.version);
        }
        let idle = TakenCommand { command_id: request.command_id.clone(), body_hash: body_hash(&request.request), version };
        // Nothing was done: an answer that cannot be kept is still the answer.
        if let Err(error) = self.store.keep_idle_command(order_id, &idle).await {
            tracing::error!(order.id = %order_id, error.message = %error, "a command that led to nothing could not be kept under its id");
        }
        Ok(version)
    }

    /// An order knows its last commands by itself, and has forgotten those before. What was recorded of it has not. `given`: the request with
    /// its text, which builds before this one have recorded.
    async fn taken_before(
        &self,
        order_id: &OrderId,
        request: &CommandRequest,
        given: &CommandRequest,
    ) -> Result<Option<(TakenCommand, CommandAnswer)>, StarterError> {
        let Some(taken) = self.store.taken_command(order_id, &request.command_id).await? else { return Ok(None) };
        taken.is_again(&request.request).or_else(|_| taken.is_again(&given.request)).map_err(StarterError::Rejected)?;
        // The document follows: until it has, the run answers.
        let order = self.order(order_id).await?.filter(|order| order.version >= taken.version);
        // It may have been recorded by a run that died with it, before it was in any history: the next one is told what it does not know.
        if order.as_ref().is_some_and(|order| !order.is_closed()) {
            self.tell_to_look_again(order_id).await?;
        }
        Ok(order.map(|order| {
            let answer = CommandAnswer { version: order.version, status: order.status, led_to: Some(taken.version) };
            (taken, answer)
        }))
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
        asked(handle.execute_update(OrderWorkflow::command, self.signed(request), options).await)
    }

    /// With whose doing it is.
    pub(crate) fn signed(&self, request: &CommandRequest) -> CommandRequest {
        CommandRequest { by: self.store.acting().cloned(), ..request.clone() }
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
                let durable = (order.version, order.status);
                return Ok(Asked::Answered(CommandAnswer::of(&order, &request.command_id, durable)));
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

    /// The order as it was at a version, which is recorded: what was answered then is answered again from here. As it is, if it has not gone
    /// on since, or cannot be followed from its beginning.
    pub async fn order_at(&self, order_id: &OrderId, version: u64) -> Result<Option<Order>, StarterError> {
        let Some(order) = self.order(order_id).await? else { return Ok(None) };
        if order.version <= version {
            return Ok(Some(order));
        }
        let then = follow(self.store.timeline_until(order_id, version).await?);
        Ok(Some(then.filter(|then| then.version == version).unwrap_or_else(|| {
            tracing::error!(order.id = %order_id, order.version = version, "what was recorded of an order until then is not there");
            order
        })))
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

/// The order that its timeline leads to, if that can be read.
fn follow(timeline: Timeline) -> Option<Order> {
    let beginning: Option<Beginning> = serde_json::from_value(timeline.beginning?).ok()?;
    let event = |event: RecordedEvent| Some((event.seq, serde_json::from_value::<Event>(event.data).ok()?, event.at));
    let events = timeline.events.into_iter().map(event).collect::<Option<Vec<_>>>()?;
    Order::follow(None, beginning, events, timeline.commands).ok()
}
