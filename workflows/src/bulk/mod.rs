//! The workflow of a bulk operation: batch by batch, until no order is left, or somebody says otherwise. It drives domain's rules and
//! owns none.

pub mod contracts;
mod run;

use std::error::Error;

use jiff::Timestamp;
use oms_domain::{
    bulk::{Bulk, Command},
    error::Rejection,
};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use self::contracts::{BulkAnswer, BulkInput, BulkRequest, BulkResult};

/// What an update's or a validator's error must be, says the SDK.
type BoxError = Box<dyn Error + Send + Sync>;

/// A run of a bulk operation.
#[workflow]
pub struct BulkWorkflow {
    input: BulkInput,
    this: Bulk,
    /// The version that is durable.
    recorded: u64,
    /// What the search attribute says.
    attention_shown: bool,
    /// A newer build is there to go over to.
    hand_over_asked: bool,
}

#[workflow_methods]
impl BulkWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: BulkInput) -> Self {
        Self {
            this: input.bulk.clone(),
            recorded: input.recorded,
            attention_shown: input.bulk.why.is_some(),
            hand_over_asked: false,
            input,
        }
    }

    #[run(name = "Bulk")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<BulkResult> {
        run::run(ctx).await
    }

    /// Refuses before anything is written: a refusal costs no event.
    #[update_validator(command)]
    fn validate_command(&self, _ctx: &WorkflowContextView, request: &BulkRequest) -> Result<(), BoxError> {
        // Whether a request is legal does not depend on the time, which a validator is not given.
        let answer = self.this.after(&Command::Request(request.request), self.this.status_since);
        answer.map(drop).map_err(|refusal| refused(&refusal))
    }

    /// Someone asks for something; answered when it is durable, which is after the batch in hand.
    #[update(name = "command")]
    pub async fn command(ctx: &mut WorkflowContext<Self>, request: BulkRequest) -> Result<BulkAnswer, BoxError> {
        let at = ctx.state(|s| s.business_time(ctx.workflow_time()))?;
        ctx.state_mut(|s| s.apply(&Command::Request(request.request), at)).map_err(|refusal| refused(&refusal))?;
        let version = ctx.state(|s| s.this.version);
        run::wait(ctx, move |s: &Self| s.recorded >= version).await?;
        Ok(ctx.state(|s| BulkAnswer { version: s.this.version, status: s.this.status }))
    }

    /// A newer build is there to go over to: it does between two batches.
    #[signal(name = "hand_over")]
    pub fn asked_to_hand_over(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.hand_over_asked = true;
    }

    /// As it is in this run, recorded or not.
    #[query(name = "bulk")]
    pub fn this(&self, _ctx: &WorkflowContextView) -> Bulk {
        self.this.clone()
    }

    /// Business time now, to the microsecond, as PostgreSQL keeps it.
    fn business_time(&self, workflow_time: Option<std::time::SystemTime>) -> Result<Timestamp, BoxError> {
        let real = workflow_time.ok_or("the workflow has no time yet")?;
        let now = self.input.clock.business(Timestamp::try_from(real)?);
        Ok(Timestamp::from_microsecond(now.as_microsecond())?)
    }

    fn apply(&mut self, command: &Command, at: Timestamp) -> Result<(), Rejection> {
        self.this = self.this.after(command, at)?;
        Ok(())
    }

    /// What is no request is never refused.
    fn take(&mut self, command: &Command, at: Timestamp) {
        if let Err(refusal) = self.apply(command, at) {
            debug_assert!(false, "what is no request was refused: {refusal}");
        }
    }

    fn must_record(&self) -> bool {
        self.this.version > self.recorded
    }

    /// The end, once everything is recorded.
    fn result(&self) -> Option<BulkResult> {
        let at_rest = self.this.status.is_final() && !self.must_record();
        at_rest.then(|| BulkResult { status: self.this.status, counts: self.this.counts.clone() })
    }
}

/// A refusal as an update carries it: its message is the refusal, as JSON.
fn refused(refusal: &Rejection) -> BoxError {
    serde_json::to_string(refusal).unwrap_or_else(|_| refusal.message.clone()).into()
}
