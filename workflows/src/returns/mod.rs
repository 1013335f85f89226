//! The return's workflow: one a return. It drives domain's rules and owns none; its shape is the order's.

mod driven;
mod effects;

use oms_domain::returns::{Command, Return};
use serde_json::Value;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::{
    driver::{self, BoxError, Driven, Run, Told},
    messages::{ReturnAnswer, ReturnInput, ReturnRequest, ReturnResult, carrier_moves},
};

/// A return's run.
#[workflow]
pub struct ReturnWorkflow {
    input: ReturnInput,
    run: Run<Return>,
}

#[workflow_methods]
impl ReturnWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: ReturnInput) -> Self {
        Self { input, run: Run::new() }
    }

    #[run(name = "Return")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ReturnResult> {
        driver::drive(ctx).await
    }

    /// Refuses before anything is written: a refusal costs no event.
    #[update_validator(command)]
    fn validate_command(&self, _ctx: &WorkflowContextView, request: &ReturnRequest) -> Result<(), BoxError> {
        self.run.validate(&request.command())
    }

    /// Someone asks for something; answered when it is durable, or refused.
    #[update(name = "command")]
    pub async fn command(ctx: &mut WorkflowContext<Self>, request: ReturnRequest) -> Result<ReturnAnswer, BoxError> {
        let ticket = driver::ask(ctx, &Told { command: request.command(), by: request.by.clone() }).await?;
        let (version, status) = driver::durable(ctx, ticket).await?;
        Ok(ReturnAnswer { version, status })
    }

    /// The carrier reported. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "carrier_event")]
    pub fn carrier_event(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let told = |(moved, by)| Told::passed_on(Command::Carrier(moved), by);
        self.take_facts(ctx.workflow_time(), carrier_moves(&payload).into_iter().map(told));
    }

    /// A newer build is there to go over to.
    #[signal(name = "hand_over")]
    pub fn asked_to_hand_over(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.run.hand_over();
    }

    /// More is recorded than the run knows.
    #[signal(name = "look_again")]
    pub fn look_again(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.run.look_again();
    }

    /// The return as it is in this run, recorded or not.
    #[query(name = "return")]
    pub fn this(&self, _ctx: &WorkflowContextView) -> Option<Return> {
        self.run.line.this().cloned()
    }
}
