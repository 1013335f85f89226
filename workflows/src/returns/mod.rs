//! The return's workflow: one a return. It drives domain's rules and owns none; its shape is the order's.

mod effects;
mod run;

use std::error::Error;

use jiff::Timestamp;
use oms_domain::{
    error::Rejection,
    returns::{Command, Event, Return, decide},
};
use serde_json::Value;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::{
    contracts::{RecordedEvent, ReturnProgress},
    messages::{ReturnAnswer, ReturnInput, ReturnRequest, ReturnResult, carrier_moves},
};

/// What an update's or a validator's error must be, says the SDK.
type BoxError = Box<dyn Error + Send + Sync>;

/// A return's run.
#[workflow]
pub struct ReturnWorkflow {
    input: ReturnInput,
    this: Return,
    /// None until the run has begun, or gone on from the document: a validator is given no clock.
    clock_seen: Option<Timestamp>,
    /// Events not yet recorded, with their time.
    unrecorded: Vec<(Event, Timestamp)>,
    /// The version that is durable.
    recorded: u64,
    /// Keys of effects that have been started and have not come back.
    in_flight: Vec<String>,
    /// What the carrier said before the run had begun.
    early: Vec<Command>,
}

#[workflow_methods]
impl ReturnWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: ReturnInput) -> Self {
        let this = Return::new(input.core.clone(), input.policy.clone());
        Self { input, this, clock_seen: None, unrecorded: Vec::new(), recorded: 0, in_flight: Vec::new(), early: Vec::new() }
    }

    #[run(name = "Return")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ReturnResult> {
        run::run(ctx).await
    }

    /// Refuses before anything is written: a refusal costs no event.
    #[update_validator(command)]
    fn validate_command(&self, _ctx: &WorkflowContextView, request: &ReturnRequest) -> Result<(), BoxError> {
        let Some(at) = self.clock_seen else { return Ok(()) };
        decide(&self.this, &Command::Request(request.request.clone()), at).map(|_| ()).map_err(|refusal| refused(&refusal))
    }

    /// Someone asks for something; answered when it is durable, or refused.
    #[update(name = "command")]
    pub async fn command(ctx: &mut WorkflowContext<Self>, request: ReturnRequest) -> Result<ReturnAnswer, BoxError> {
        run::wait(ctx, |s: &Self| s.clock_seen.is_some()).await?;
        let at = ctx.state(|s| s.business_time(ctx.workflow_time()))?;
        let command = Command::Request(request.request.clone());
        ctx.state_mut(|s| s.apply(&command, at)).map_err(|refusal| refused(&refusal))?;
        let version = ctx.state(|s| s.this.version);
        run::wait(ctx, move |s: &Self| s.recorded >= version).await?;
        Ok(ctx.state(|s| ReturnAnswer { version: s.this.version, status: s.this.status }))
    }

    /// The carrier reported. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "carrier_event")]
    pub fn carrier_event(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let moves = carrier_moves(&payload).into_iter().map(Command::Carrier);
        let (Some(_), Ok(at)) = (self.clock_seen, self.business_time(ctx.workflow_time())) else {
            return self.early.extend(moves);
        };
        for scan in moves {
            self.take(&scan, at);
        }
    }

    /// The return as it is in this run, recorded or not.
    #[query(name = "return")]
    pub fn this(&self, _ctx: &WorkflowContextView) -> Return {
        self.this.clone()
    }

    /// Business time now, to the microsecond, as PostgreSQL keeps it: an event has one time wherever it is read.
    fn business_time(&self, workflow_time: Option<std::time::SystemTime>) -> Result<Timestamp, BoxError> {
        let real = workflow_time.ok_or("the workflow has no time yet")?;
        let now = self.input.clock.business(Timestamp::try_from(real)?);
        Ok(Timestamp::from_microsecond(now.as_microsecond())?)
    }

    /// Decides and evolves, at once; effects and records follow in the main loop.
    fn apply(&mut self, command: &Command, at: Timestamp) -> Result<(), Rejection> {
        self.clock_seen = Some(at);
        for event in decide(&self.this, command, at)? {
            self.this.evolve(&event, at);
            self.unrecorded.push((event, at));
        }
        Ok(())
    }

    /// Facts and answers are never refused; one that is not possible now changes nothing.
    fn take(&mut self, command: &Command, at: Timestamp) {
        if let Err(refusal) = self.apply(command, at) {
            debug_assert!(false, "a fact was refused: {refusal}");
        }
    }

    fn must_record(&self) -> bool {
        self.this.version > self.recorded
    }

    fn progress(&self) -> Option<ReturnProgress> {
        let at = self.unrecorded.last().map(|(_, at)| *at)?;
        let events = (self.recorded + 1..).zip(&self.unrecorded).map(|(seq, (event, at))| recorded(seq, event, *at)).collect();
        Some(ReturnProgress { this: self.this.clone(), events, at })
    }

    /// The end, once the return is closed, everything is recorded and nothing is under way.
    fn result(&self) -> Option<ReturnResult> {
        let at_rest = self.this.is_closed() && !self.must_record() && self.in_flight.is_empty();
        at_rest.then_some(ReturnResult { status: self.this.status, version: self.this.version })
    }
}

fn recorded(seq: u64, event: &Event, at: Timestamp) -> RecordedEvent {
    // An event is plain data: maps with string keys, which always has a JSON form.
    let data = serde_json::to_value(event).unwrap_or_default();
    RecordedEvent { seq, at, kind: event.kind().to_owned(), data }
}

/// A refusal as an update carries it: its message is the refusal, as JSON.
fn refused(refusal: &Rejection) -> BoxError {
    serde_json::to_string(refusal).unwrap_or_else(|_| refusal.message.clone()).into()
}
