//! Reaching a return: by an update, or with what its carrier says, to the run it has or to one that it gets for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::ReturnId,
    returns::{Return, decide},
};
use oms_store::InboxMessage;
use oms_workflows::{
    messages::{ReturnAnswer, ReturnRequest},
    names::return_workflow_id,
    returns::ReturnWorkflow,
};
use serde_json::{Value, json};
use temporalio_client::{
    WorkflowExecuteUpdateOptions, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowUpdateWithStartOptions,
    errors::{WorkflowInteractionError, WorkflowStartError},
};

use crate::{
    Starter, StarterError,
    asked::{Asked, asked, with_start},
    command::{ANSWER_WITHIN, LOOK_EVERY, LOOKS_BEFORE_TELLING},
    error::rpc,
};

impl Starter {
    /// Asks something of a return. When this returns, the return's document is durable at the answer's version.
    ///
    /// # Errors
    /// `Rejected` with the present state and what is legal; `NotFound`; `TimedOut`: it may still happen.
    pub async fn return_command(&self, id: &ReturnId, request: ReturnRequest) -> Result<ReturnAnswer, StarterError> {
        let asked = async { self.ask_return_until_caught_up(id, &self.keep_text_of_return(id, request).await?).await };
        tokio::time::timeout(ANSWER_WITHIN, asked).await.map_err(|_| StarterError::TimedOut)?
    }

    /// As an order is asked: see `ask_until_caught_up`.
    async fn ask_return_until_caught_up(&self, id: &ReturnId, request: &ReturnRequest) -> Result<ReturnAnswer, StarterError> {
        let mut update_id = request.command_id.clone();
        for again in 1.. {
            match self.ask_return(id, request, update_id.clone()).await? {
                Asked::Answered(answer) => return Ok(answer),
                Asked::Refused(refusal) if refusal.retry => {}
                Asked::Refused(refusal) if self.recorded_version_of_return(id).await? <= refusal.version => {
                    return Err(StarterError::Rejected(refusal.rejection));
                }
                Asked::Refused(_) if again % LOOKS_BEFORE_TELLING == 0 => drop(self.tell_return_to_look_again(id).await?),
                Asked::Refused(_) => {}
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
        asked(handle.execute_update(ReturnWorkflow::command, self.signed_return(request), options).await)
    }

    /// With whose doing it is.
    fn signed_return(&self, request: &ReturnRequest) -> ReturnRequest {
        ReturnRequest { by: self.store.acting().cloned(), ..request.clone() }
    }

    async fn recorded_version_of_return(&self, id: &ReturnId) -> Result<u64, StarterError> {
        Ok(self.return_of(id).await?.map_or(0, |found| found.version))
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
        let (input, command) = (self.return_input(found.core, found.policy, None), ReturnWorkflow::command);
        let asked =
            self.temporal.execute_update_with_start_workflow(ReturnWorkflow::run, input, command, self.signed_return(request), options);
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
            self.tell_return(&return_id, json!({"events": events}), message.id).await?;
        }
        Ok(())
    }

    async fn tell_return(&self, id: &ReturnId, payload: Value, message_id: i64) -> Result<(), StarterError> {
        let handle = self.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
        let options = WorkflowSignalOptions::builder().request_id(format!("inbox-{message_id}")).build();
        match handle.signal(ReturnWorkflow::carrier_event, payload.clone(), options).await {
            Ok(()) => Ok(()),
            Err(WorkflowInteractionError::NotFound(_)) => self.tell_return_without_run(id, payload).await,
            Err(WorkflowInteractionError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// An open return has lost its run, and gets one with what it is told. One that has ended needs to be told nothing: the fact stays on
    /// record.
    async fn tell_return_without_run(&self, id: &ReturnId, payload: Value) -> Result<(), StarterError> {
        let Some(found) = self.return_of(id).await?.filter(|found: &Return| !found.is_closed()) else { return Ok(()) };
        let mut options = self.return_options(id, found.core.lines.len());
        options.id_conflict_policy = WorkflowIdConflictPolicy::UseExisting;
        let (input, signal) = (self.return_input(found.core, found.policy, None), ReturnWorkflow::carrier_event);
        match self.temporal.signal_with_start_workflow(ReturnWorkflow::run, input, signal, payload, options).await {
            Ok(_) => Ok(()),
            Err(WorkflowStartError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }
}
