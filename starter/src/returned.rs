//! Opening returns and reaching them: a running one by an update, an ended one through its document.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{OrderId, ReturnId},
    order::{self, Credit, Order},
    policy::Policy,
    returns::{AnnouncedLine, Consent, Return, ReturnCore, decide},
};
use oms_store::InboxMessage;
use oms_workflows::{
    messages::{ReturnAnswer, ReturnInput, ReturnRequest, history_max},
    names::{NEEDS_ATTENTION, Queue, return_workflow_id},
    returns::ReturnWorkflow,
};
use serde_json::{Value, json};
use temporalio_client::{
    WorkflowExecuteUpdateOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
    WorkflowUpdateWithStartOptions,
    errors::{WorkflowInteractionError, WorkflowStartError},
};
use temporalio_common::search_attributes::SearchAttributes;

use crate::{
    Placed, Starter, StarterError,
    asked::{Asked, asked, with_start},
    command::{ANSWER_WITHIN, LOOK_EVERY},
    error::rpc,
};

/// So many others may take the next number of an order's returns at the same time.
const NUMBERS_TRIED_MAX: u32 = 20;

/// A return that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReturn {
    /// None: the order's next number.
    pub return_id: Option<ReturnId>,
    pub order_id: OrderId,
    /// None: the goods are here unannounced.
    pub lines: Vec<AnnouncedLine>,
    /// What of their money is to pay for another order.
    pub credit: Option<Credit>,
}

impl Starter {
    /// Opens a return. When this returns, the order has let its units come back, and nobody else may return them.
    ///
    /// # Errors
    /// `Rejected` in the order's words, for ever the same; with `return_conflict` when the id is taken by other units. `NotFound`:
    /// there is no such order.
    pub async fn open_return(&self, opening: OpenReturn) -> Result<(Return, Placed), StarterError> {
        self.open_return_under(&self.config.policy, opening).await
    }

    /// The same, with the waits of somebody else.
    pub(crate) async fn open_return_under(&self, policy: &Policy, opening: OpenReturn) -> Result<(Return, Placed), StarterError> {
        let order = self.order(&opening.order_id).await?.ok_or(StarterError::NotFound)?;
        if let Some(return_id) = opening.return_id.clone() {
            let started = match self.return_of(&return_id).await? {
                Some(_) => Placed::Existing,
                None => {
                    self.refuse_early(&order, &return_id, &opening)?;
                    self.start_return(policy, &return_id, &opening, WorkflowIdReusePolicy::AllowDuplicate).await?
                }
            };
            return self.opened(&return_id, &opening.lines, started).await;
        }
        let taken = self.store.returns_of(&opening.order_id).await?;
        self.refuse_early(&order, &ReturnId::of(&opening.order_id, taken + 1), &opening)?;
        for number in taken + 1..=taken + NUMBERS_TRIED_MAX {
            let return_id = ReturnId::of(&opening.order_id, number);
            // A number is used once, whatever became of the return that had it.
            let only_new = WorkflowIdReusePolicy::RejectDuplicate;
            if self.start_return(policy, &return_id, &opening, only_new).await? == Placed::Created {
                return self.opened(&return_id, &opening.lines, Placed::Created).await;
            }
        }
        Err(StarterError::Unavailable("too many returns of one order are being opened at once".to_owned()))
    }

    /// What the order's document refuses already needs no workflow to be refused; the order itself decides about the rest.
    fn refuse_early(&self, order: &Order, return_id: &ReturnId, opening: &OpenReturn) -> Result<(), StarterError> {
        let lines = opening.lines.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
        let (return_id, credit) = (return_id.clone(), opening.credit.clone());
        let request = order::Request::OpenReturn { return_id, lines, credit };
        let open = order::Command::Request { command_id: "preview".to_owned(), request };
        let at = self.config.clock.business(Timestamp::now());
        order::decide(order, &open, at).map(drop).map_err(StarterError::Rejected)
    }

    /// The workflow first: whatever the order keeps for it has somebody to give it back. Nothing is recorded of the return: it lives once,
    /// however long ago its run has ended.
    async fn start_return(
        &self,
        policy: &Policy,
        return_id: &ReturnId,
        opening: &OpenReturn,
        reuse: WorkflowIdReusePolicy,
    ) -> Result<Placed, StarterError> {
        let at = self.config.clock.business(Timestamp::now());
        // To the microsecond, as PostgreSQL keeps it.
        let opened_at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let OpenReturn { order_id, lines, credit, .. } = opening.clone();
        let core = ReturnCore { return_id: return_id.clone(), order_id, opened_at, lines, credit };
        let mut options = self.return_options(return_id, opening.lines.len());
        options.id_reuse_policy = reuse;
        let input = self.return_input(core, policy.clone());
        match self.temporal.start_workflow(ReturnWorkflow::run, input, options).await {
            Ok(_) => Ok(Placed::Created),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Placed::Existing),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    fn return_input(&self, core: ReturnCore, policy: Policy) -> ReturnInput {
        ReturnInput { core, clock: self.config.clock, policy, queues: self.config.queues.clone(), history_max: history_max() }
    }

    fn return_options(&self, return_id: &ReturnId, lines: usize) -> WorkflowStartOptions {
        WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), return_workflow_id(return_id))
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .search_attributes(SearchAttributes::new([NEEDS_ATTENTION.value_set(false)]))
            .static_summary(format!("Return {return_id}: {lines} lines"))
            .build()
    }

    /// Waits for the order's answer.
    async fn opened(&self, id: &ReturnId, lines: &[AnnouncedLine], started: Placed) -> Result<(Return, Placed), StarterError> {
        let until = tokio::time::Instant::now() + ANSWER_WITHIN;
        let found = loop {
            match self.return_of(id).await? {
                Some(found) if found.is_answered() => break found,
                _ if tokio::time::Instant::now() >= until => return Err(StarterError::TimedOut),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        if found.core.lines != lines {
            let why = format!("return {id} exists with other units or reasons");
            return Err(StarterError::Rejected(Rejection::new(ErrorCode::ReturnConflict, why)));
        }
        match found.consent {
            Consent::Refused(refusal) => Err(StarterError::Rejected(refusal)),
            Consent::Pending | Consent::Given | Consent::Settled => Ok((found, started)),
        }
    }

    /// The return as last recorded.
    pub async fn return_of(&self, id: &ReturnId) -> Result<Option<Return>, StarterError> {
        let Some(document) = self.store.return_document(id).await? else { return Ok(None) };
        serde_json::from_value(document).map(Some).map_err(|error| StarterError::Internal(error.to_string()))
    }

    /// Asks something of a return. When this returns, the return's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen.
    pub async fn return_command(&self, id: &ReturnId, request: ReturnRequest) -> Result<ReturnAnswer, StarterError> {
        let asked = self.ask_return_until_answered(id, &request);
        tokio::time::timeout(ANSWER_WITHIN, asked).await.map_err(|_| StarterError::TimedOut)?
    }

    async fn ask_return_until_answered(&self, id: &ReturnId, request: &ReturnRequest) -> Result<ReturnAnswer, StarterError> {
        let mut update_id = request.command_id.clone();
        for again in 1.. {
            match self.ask_return(id, request, update_id.clone()).await? {
                Asked::Answered(answer) => return Ok(answer),
                Asked::Refused(refusal) if refusal.retry => {}
                Asked::Refused(refusal) => return Err(StarterError::Rejected(refusal.rejection)),
                Asked::NoRun => match self.return_without_run(id, request, update_id).await? {
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
    async fn ask_return(&self, id: &ReturnId, request: &ReturnRequest, update_id: String) -> Result<Asked<ReturnAnswer>, StarterError> {
        let handle = self.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id).build();
        asked(handle.execute_update(ReturnWorkflow::command, request.clone(), options).await)
    }

    /// There is no run: the rules answer from the document, which repeats old answers and refuses most of what is new. What is possible
    /// is asked of a run that is started for it.
    async fn return_without_run(
        &self,
        id: &ReturnId,
        request: &ReturnRequest,
        update_id: String,
    ) -> Result<Asked<ReturnAnswer>, StarterError> {
        let found = self.return_of(id).await?.ok_or(StarterError::NotFound)?;
        let decided = decide(&found, &request.command(), self.config.clock.business(Timestamp::now())).map_err(StarterError::Rejected)?;
        if decided.events.is_empty() {
            return Ok(Asked::Answered(ReturnAnswer { version: found.version, status: found.status }));
        }
        let start = self.return_options(id, found.core.lines.len());
        let options = WorkflowUpdateWithStartOptions::new(start.task_queue, start.workflow_id, WorkflowIdConflictPolicy::UseExisting)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .maybe_search_attributes(start.search_attributes)
            .maybe_static_summary(start.static_summary)
            .update_id(update_id)
            .build();
        let (input, command) = (self.return_input(found.core, found.policy), ReturnWorkflow::command);
        let asked = self.temporal.execute_update_with_start_workflow(ReturnWorkflow::run, input, command, request.clone(), options);
        with_start(asked.await)
    }

    /// A carrier's events on labels to send back with belong to the returns: the parcel has the return's id.
    pub(crate) async fn tell_returns(&self, message: &InboxMessage) -> Result<(), StarterError> {
        let events = message.payload.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut of_returns: BTreeMap<ReturnId, Vec<&Value>> = BTreeMap::new();
        for event in events {
            let parcel_id = event.get("parcel_id").and_then(Value::as_str).and_then(|id| ReturnId::parse(id).ok());
            if let Some(return_id) = parcel_id.filter(|id| id.order_id().is_some()) {
                of_returns.entry(return_id).or_default().push(event);
            }
        }
        for (return_id, events) in of_returns {
            let handle = self.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(&return_id));
            let options = WorkflowSignalOptions::builder().request_id(format!("inbox-{}", message.id)).build();
            match handle.signal(ReturnWorkflow::carrier_event, json!({"events": events}), options).await {
                // One that has ended needs to be told nothing: the fact stays on record.
                Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => {}
                Err(WorkflowInteractionError::Rpc(status)) => return Err(rpc(&status)),
                Err(error) => return Err(StarterError::Internal(error.to_string())),
            }
        }
        Ok(())
    }
}
