//! The order's workflow: one an order. It drives domain's rules and owns none.

mod driven;
mod effects;
mod shown;

use std::collections::BTreeSet;

use oms_domain::{
    order::{Command, Fact, Order, OrderCore, Request},
    parcel::ParcelStatus,
};
use serde_json::Value;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use self::shown::Shown;
use crate::{
    driver::{self, BoxError, Driven, Run, Told},
    messages::{CommandAnswer, CommandRequest, OrderInput, OrderResult, carrier_events, gateway_report, stock_arrived, stock_shorted},
};

/// An order's run.
#[workflow]
pub struct OrderWorkflow {
    input: OrderInput,
    run: Run<Order>,
    /// As it began, until its first events are recorded.
    beginning: Option<OrderCore>,
    /// Keys of payments that another run may have begun: what became of them is asked first.
    in_doubt: BTreeSet<String>,
    shown: Shown,
}

#[workflow_methods]
impl OrderWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: OrderInput) -> Self {
        Self { input, run: Run::new(), beginning: None, in_doubt: BTreeSet::new(), shown: Shown::default() }
    }

    #[run(name = "Order")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<OrderResult> {
        driver::drive(ctx).await
    }

    /// Refuses before anything is written: a refusal costs no event.
    #[update_validator(command)]
    fn validate_command(&self, _ctx: &WorkflowContextView, request: &CommandRequest) -> Result<(), BoxError> {
        self.run.validate(&request.command())
    }

    /// Someone asks for something; answered when it is durable, or refused.
    #[update(name = "command")]
    pub async fn command(ctx: &mut WorkflowContext<Self>, request: CommandRequest) -> Result<CommandAnswer, BoxError> {
        let ticket = driver::ask(ctx, &Told { command: request.command(), by: request.by.clone() }).await?;
        effects::await_labels(ctx, &request.request).await?;
        let durable = driver::durable(ctx, ticket).await?;
        let answer = |s: &Self| s.run.line.this().map(|order| CommandAnswer::of(order, &request.command_id, durable));
        ctx.state(answer).ok_or_else(|| "nothing is known of the order".into())
    }

    /// Stock was granted to waiting units. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "stock_arrived")]
    pub fn stock_arrived(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        self.take_facts(ctx.workflow_time(), stock_arrived(&payload).map(passed_on).into_iter());
    }

    /// Reserved units are not there. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "stock_shorted")]
    pub fn stock_shorted(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        self.take_facts(ctx.workflow_time(), stock_shorted(&payload).map(passed_on).into_iter());
    }

    /// The carrier reported. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "carrier_event")]
    pub fn carrier_event(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let told = |(report, by)| Told::passed_on(Command::Fact(Fact::Carrier(report)), by);
        self.take_facts(ctx.workflow_time(), carrier_events(&payload).into_iter().map(told));
    }

    /// The gateway has said something unasked. Takes any payload: one that makes no sense is left alone.
    #[signal(name = "gateway_event")]
    pub fn gateway_event(&mut self, ctx: &mut SyncWorkflowContext<Self>, payload: Value) {
        let facts = gateway_report(&payload).map(|report| passed_on(Fact::Gateway(report)));
        self.take_facts(ctx.workflow_time(), facts.into_iter());
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

    /// The order as it is in this run, recorded or not.
    #[query(name = "order")]
    pub fn order(&self, _ctx: &WorkflowContextView) -> Option<Order> {
        self.run.line.this().cloned()
    }

    /// The parcels that this request still waits for a label of.
    fn awaits_label(&self, request: &Request) -> bool {
        let Request::Fulfillment { fulfillment_order_id, .. } = request else { return false };
        let found = self.run.line.this().and_then(|order| order.fulfillment_order(fulfillment_order_id));
        found.is_some_and(|f| f.ship_requested && f.parcels.iter().any(|p| p.status == ParcelStatus::LabelPending))
    }
}

fn passed_on(fact: Fact) -> Told<Command> {
    Told::passed_on(Command::Fact(fact), None)
}
