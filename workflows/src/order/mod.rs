//! The order's workflow: one an order. It drives domain's rules and owns none.

mod effects;
mod record;
mod run;
mod shown;

use std::error::Error;

use jiff::Timestamp;
use oms_domain::{
    error::{ErrorCode, Rejection},
    order::{Command, Event, Order, Request, decide},
    parcel::ParcelStatus,
};
use serde_json::Value;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::messages::{CommandAnswer, CommandRequest, OrderInput, OrderResult, Refusal, carrier_events, stock_arrived, stock_shorted};

/// What an update's or a validator's error must be, says the SDK.
type BoxError = Box<dyn Error + Send + Sync>;

/// An order's run.
#[workflow]
pub struct OrderWorkflow {
    input: OrderInput,
    /// None until the order is admitted.
    order: Option<Order>,
    /// Events not yet recorded, with their time.
    unrecorded: Vec<(Event, Timestamp)>,
    /// The version that is durable.
    recorded: u64,
    /// Keys of effects that have been started and have not come back.
    in_flight: Vec<String>,
    /// Business time when the order last moved: a validator is given no clock.
    clock_seen: Option<Timestamp>,
    /// Facts that came before the order was admitted.
    early: Vec<Command>,
}

#[workflow_methods]
impl OrderWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: OrderInput) -> Self {
        Self { input, order: None, unrecorded: Vec::new(), recorded: 0, in_flight: Vec::new(), clock_seen: None, early: Vec::new() }
    }

    #[run(name = "Order")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<OrderResult> {
        run::run(ctx).await
    }

    /// Refuses before anything is written: a refusal costs no event.
    #[update_validator(command)]
    fn validate_command(&self, _ctx: &WorkflowContextView, request: &CommandRequest) -> Result<(), BoxError> {
        let (Some(order), Some(at)) = (&self.order, self.clock_seen) else { return Ok(()) };
        decide(order, &Command::Request(request.request.clone()), at).map(|_| ()).map_err(|refusal| self.refused(refusal))
    }

    /// Someone asks for something; answered when it is durable, or refused.
    #[update(name = "command")]
    pub async fn command(ctx: &mut WorkflowContext<Self>, request: CommandRequest) -> Result<CommandAnswer, BoxError> {
        run::wait(ctx, |s: &Self| s.order.is_some()).await?;
        let at = ctx.state(|s| s.business_time(ctx.workflow_time()))?;
        let command = Command::Request(request.request.clone());
        ctx.state_mut(|s| s.apply(&command, at).map_err(|refusal| s.refused(refusal)))?;
        effects::await_labels(ctx, &request.request).await?;
        let version = ctx.state(Self::version);
        run::wait(ctx, move |s: &Self| s.recorded >= version).await?;
        ctx.state(|s| s.answer().ok_or_else(|| s.refused(Rejection::new(ErrorCode::Internal, "the order was not admitted"))))
    }

    /// Stock was granted to waiting units. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "stock_arrived")]
    pub fn stock_arrived(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let facts = stock_arrived(&payload).map(Command::Fact);
        self.take_facts(ctx.workflow_time(), facts.into_iter());
    }

    /// Reserved units are not there. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "stock_shorted")]
    pub fn stock_shorted(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let facts = stock_shorted(&payload).map(Command::Fact);
        self.take_facts(ctx.workflow_time(), facts.into_iter());
    }

    /// The carrier reported. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "carrier_event")]
    pub fn carrier_event(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        self.take_facts(ctx.workflow_time(), carrier_events(&payload).into_iter().map(Command::Fact));
    }

    /// The order as it is in this run, recorded or not.
    #[query(name = "order")]
    pub fn order(&self, _ctx: &WorkflowContextView) -> Option<Order> {
        self.order.clone()
    }

    fn version(&self) -> u64 {
        self.order.as_ref().map_or(0, |order| order.version)
    }

    fn answer(&self) -> Option<CommandAnswer> {
        self.order.as_ref().map(|order| CommandAnswer { version: order.version, status: order.status })
    }

    /// A refusal as an update carries it: its message is the refusal, as JSON.
    fn refused(&self, rejection: Rejection) -> BoxError {
        let message = rejection.message.clone();
        serde_json::to_string(&Refusal { rejection, version: self.version() }).unwrap_or(message).into()
    }

    /// Business time now; the workflow's own time is that of its present task. To the microsecond, as PostgreSQL keeps it: an event
    /// has one time wherever it is read.
    fn business_time(&self, workflow_time: Option<std::time::SystemTime>) -> Result<Timestamp, BoxError> {
        let real = workflow_time.ok_or("the workflow has no time yet")?;
        let now = self.input.clock.business(Timestamp::try_from(real)?);
        Ok(Timestamp::from_microsecond(now.as_microsecond())?)
    }

    /// Decides and evolves, at once; effects and records follow in the main loop.
    fn apply(&mut self, command: &Command, at: Timestamp) -> Result<(), Rejection> {
        let Some(order) = &mut self.order else { return Ok(()) };
        self.clock_seen = Some(at);
        for event in decide(order, command, at)? {
            order.evolve(&event, at);
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

    fn take_facts(&mut self, workflow_time: Option<std::time::SystemTime>, facts: impl Iterator<Item = Command>) {
        let (Some(_), Ok(at)) = (&self.order, self.business_time(workflow_time)) else {
            return self.early.extend(facts);
        };
        for fact in facts {
            self.take(&fact, at);
        }
    }

    /// The parcels that this request still waits for a label of.
    fn awaits_label(&self, request: &Request) -> bool {
        let Request::Fulfillment { fulfillment_order_id, .. } = request else { return false };
        let found = self.order.as_ref().and_then(|order| order.fulfillment_order(fulfillment_order_id));
        found.is_some_and(|f| f.ship_requested && f.parcels.iter().any(|p| p.status == ParcelStatus::LabelPending))
    }
}
