//! Opening returns and reaching them: a running one by an update, an ended one through its document.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{OrderId, ReturnId},
    order::{self, Credit, Order},
    policy::Policy,
    returns::{AnnouncedLine, Command, Consent, Return, ReturnCore, decide},
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
    errors::{WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError},
};
use temporalio_common::search_attributes::SearchAttributes;

use crate::{
    Placed, Starter, StarterError,
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
            if self.return_of(&return_id).await?.is_none() {
                self.refuse_early(&order, &return_id, &opening)?;
            }
            let started = self.start_return(policy, &return_id, &opening).await?;
            return self.opened(&return_id, &opening.lines, started).await;
        }
        let taken = self.store.returns_of(&opening.order_id).await?;
        self.refuse_early(&order, &ReturnId::of(&opening.order_id, taken + 1), &opening)?;
        for number in taken + 1..=taken + NUMBERS_TRIED_MAX {
            let return_id = ReturnId::of(&opening.order_id, number);
            if self.start_return(policy, &return_id, &opening).await? == Placed::Created {
                return self.opened(&return_id, &opening.lines, Placed::Created).await;
            }
        }
        Err(StarterError::Unavailable("too many returns of one order are being opened at once".to_owned()))
    }

    /// What the order's document refuses already needs no workflow to be refused; the order itself decides about the rest.
    fn refuse_early(&self, order: &Order, return_id: &ReturnId, opening: &OpenReturn) -> Result<(), StarterError> {
        let lines = opening.lines.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
        let (return_id, credit) = (return_id.clone(), opening.credit.clone());
        let open = order::Command::Request(order::Request::OpenReturn { return_id, lines, credit });
        let at = self.config.clock.business(Timestamp::now());
        order::decide(order, &open, at).map(drop).map_err(StarterError::Rejected)
    }

    /// The workflow first: whatever the order keeps for it has somebody to give it back.
    async fn start_return(&self, policy: &Policy, return_id: &ReturnId, opening: &OpenReturn) -> Result<Placed, StarterError> {
        let at = self.config.clock.business(Timestamp::now());
        // To the microsecond, as PostgreSQL keeps it.
        let opened_at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let OpenReturn { order_id, lines, credit, .. } = opening.clone();
        let summary = format!("Return {return_id}: {} lines", lines.len());
        let core = ReturnCore { return_id: return_id.clone(), order_id, opened_at, lines, credit };
        let input = ReturnInput {
            core,
            clock: self.config.clock,
            policy: policy.clone(),
            queues: self.config.queues.clone(),
            resumes: false,
            history_max: history_max(),
        };
        let options = WorkflowStartOptions::new(self.config.queues.name(Queue::Orders), return_workflow_id(return_id))
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .search_attributes(SearchAttributes::new([NEEDS_ATTENTION.value_set(false)]))
            .static_summary(summary)
            .build();
        match self.temporal.start_workflow(ReturnWorkflow::run, input, options).await {
            Ok(_) => Ok(Placed::Created),
            Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Placed::Existing),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
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
        let handle = self.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
        let options = WorkflowExecuteUpdateOptions::builder().update_id(request.command_id.clone()).build();
        let update = handle.execute_update(ReturnWorkflow::command, request.clone(), options);
        match tokio::time::timeout(ANSWER_WITHIN, update).await.map_err(|_| StarterError::TimedOut)? {
            Ok(answer) => Ok(answer),
            Err(WorkflowUpdateError::Failed(failure)) => match serde_json::from_str::<Rejection>(&failure.message) {
                Ok(rejection) => Err(StarterError::Rejected(rejection)),
                // Not a refusal: the run ended under the update.
                Err(_) => self.after_the_return(id, request).await,
            },
            Err(WorkflowUpdateError::NotFound(_)) => self.after_the_return(id, request).await,
            Err(WorkflowUpdateError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// The run has ended: the rules answer from the document, which repeats old answers and refuses what is new.
    async fn after_the_return(&self, id: &ReturnId, request: ReturnRequest) -> Result<ReturnAnswer, StarterError> {
        let Some(found) = self.return_of(id).await? else { return Err(StarterError::NotFound) };
        let at = self.config.clock.business(Timestamp::now());
        match decide(&found, &Command::Request(request.request), at) {
            Err(rejection) => Err(StarterError::Rejected(rejection)),
            Ok(events) if events.is_empty() => Ok(ReturnAnswer { version: found.version, status: found.status }),
            Ok(_) => Err(StarterError::Unavailable("the return has no run at the moment".to_owned())),
        }
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
