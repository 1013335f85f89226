//! What is the order's own in the driver's loop.

use std::convert::Infallible;

use jiff::Timestamp;
use oms_domain::{
    access::HousePart,
    clock::BusinessClock,
    error::Rejection,
    ids::CancellationId,
    order::{Command, Effect, Event, Order, OrderStatus, Request, decide},
};
use temporalio_workflow::{ActivityExecutionError, ContinueAsNewOptions, WorkflowContext, WorkflowTermination};

use super::{OrderWorkflow, effects};
use crate::{
    contracts::{AdmitRequest, Admitted, Data, RecordAnswer, RecordInput},
    driver::{Driven, Effort, Found, Process, Run, Told, Unrecorded, insist},
    messages::{OrderInput, OrderResult},
    names::Queues,
};

/// OrderPlaced and SourcingAsked.
const BEGINNING: u64 = 2;

impl Process for Order {
    type Command = Command;
    type Event = Event;
    type Status = OrderStatus;

    fn version(&self) -> u64 {
        self.version
    }

    fn status(&self) -> OrderStatus {
        self.status
    }

    fn decide(&self, command: &Command, at: Timestamp) -> Result<(Self, Vec<Event>), Rejection> {
        decide(self, command, at).map(|decided| (decided.state, decided.events))
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        Order::evolve(self, event, at);
    }

    fn kind(event: &Event) -> &'static str {
        event.kind()
    }

    fn books_restored(from: u64, to: u64) -> Event {
        Event::BooksRestored { from, to }
    }
}

impl Driven for OrderWorkflow {
    type This = Order;
    type Effect = Effect;
    type Result = OrderResult;

    fn run_state(&self) -> &Run<Order> {
        &self.run
    }

    fn run_state_mut(&mut self) -> &mut Run<Order> {
        &mut self.run
    }

    fn clock(&self) -> BusinessClock {
        self.input.clock
    }

    fn queues(&self) -> &Queues {
        &self.input.queues
    }

    fn history_max(&self) -> u32 {
        self.input.history_max
    }

    async fn admit(ctx: &WorkflowContext<Self>) -> Result<Found<Order>, ActivityExecutionError> {
        let (order_id, policy) = ctx.state(|s| (s.input.order_id.clone(), s.input.policy.clone()));
        match insist(ctx, || Data::admit, AdmitRequest { order_id }, "read the order").await? {
            Admitted::Fresh(core) => {
                ctx.state_mut(|s| s.beginning = Some((*core).clone()));
                Ok(Found { this: Order::new(*core, policy), goes_on: false, stored: 0 })
            }
            Admitted::Resumed(order) => Ok(Found { stored: order.version, this: *order, goes_on: true }),
            Admitted::Behind { order, stored_version } => Ok(Found { this: *order, goes_on: true, stored: stored_version }),
        }
    }

    fn first(&self) -> Told<Command> {
        Told { command: Command::Place, by: self.input.by.clone() }
    }

    fn tick() -> Command {
        Command::Tick
    }

    async fn record(ctx: &WorkflowContext<Self>, unrecorded: &Unrecorded<Order>) -> Result<Option<RecordAnswer>, WorkflowTermination> {
        let input = ctx.state(|s| s.record_input(unrecorded));
        let summary = format!("record {} to {}", input.base + 1, input.order.version);
        Ok(insist(ctx, || Data::record, input, &summary).await?)
    }

    /// An order's first two events (placed, sourcing asked) are recorded together with the answer: the intake says as much until then, and
    /// a record saved is a tenth of an order's writes.
    fn holds_back(&self) -> bool {
        self.run.line.recorded() == 0 && self.order_is(|order| order.version <= BEGINNING)
    }

    /// Payments that are pending may have been begun by whoever recorded them.
    fn went_on(&mut self) {
        if self.run.line.recorded() == self.input.handed_over_at {
            return;
        }
        let pending = self.run.line.this().map(Order::pending_effects).unwrap_or_default();
        let pays = pending.iter().filter(|effect| matches!(effect, Effect::Pay(_)));
        self.in_doubt.extend(pays.map(Effect::key).filter(|key| !self.run.in_flight.contains(key)));
    }

    fn owed(&self) -> Vec<(String, Effect)> {
        let effects = self.run.line.this().map(Order::pending_effects).unwrap_or_default();
        let waits = |effect: &Effect| effect.after().is_some_and(|before| self.run.in_flight.contains(&before));
        effects.into_iter().filter(|effect| !waits(effect)).map(|effect| (effect.key(), effect)).collect()
    }

    fn perform(ctx: WorkflowContext<Self>, key: String, effect: Effect) -> Effort<Command> {
        Box::pin(effects::perform(ctx, key, effect))
    }

    /// An attempt at a payment that nobody waits for any more may still be at the gateway when the next one is begun.
    fn must_not_be_handed_over(&self) -> bool {
        let effects = self.run.line.this().map(Order::pending_effects).unwrap_or_default();
        effects.iter().any(|effect| matches!(effect, Effect::Pay(_)) && self.run.in_flight.contains(&effect.key()))
    }

    fn next_deadline(&self) -> Option<(Timestamp, String)> {
        let next = self.run.line.this()?.deadlines().into_iter().next()?;
        Some((next.due, next.wait.key().to_owned()))
    }

    fn needs_attention(&self) -> bool {
        self.order_is(|order| !order.attention.is_empty())
    }

    fn show(ctx: &WorkflowContext<Self>) {
        super::shown::show(ctx);
    }

    /// Answered unit by unit, with its undo.
    fn cancelled(&mut self, at: Timestamp) {
        let Ok(cancellation_id) = CancellationId::parse("temporal") else { return };
        let request = Request::Cancel { cancellation_id, reason: "cancelled through Temporal".to_owned(), lines: None };
        // Refused once the order has ended: then there is nothing to cancel.
        let command = Command::Request { command_id: "temporal".to_owned(), request };
        drop(self.run.line.ask(&Told::by_house(command, HousePart::Temporal), at));
    }

    fn result(&self) -> Option<OrderResult> {
        let order = self.run.line.this().filter(|order| order.is_closed())?;
        Some(OrderResult { status: order.status, version: order.version })
    }

    fn hand_over(ctx: &WorkflowContext<Self>, options: ContinueAsNewOptions) -> Result<Infallible, WorkflowTermination> {
        let input = ctx.state(|s| OrderInput { handed_over_at: s.run.line.recorded(), ..s.input.clone() });
        ctx.continue_as_new(input, options)
    }
}

impl OrderWorkflow {
    fn order_is(&self, condition: impl FnOnce(&Order) -> bool) -> bool {
        self.run.line.this().is_some_and(condition)
    }

    fn record_input(&self, unrecorded: &Unrecorded<Order>) -> RecordInput {
        let Unrecorded { this: order, events, base, since, at, .. } = unrecorded;
        let stock_facts = self.run.line.unrecorded().flat_map(|(seq, event)| order.stock_facts(seq, event)).collect();
        let beginning = self.beginning.clone().filter(|_| *base == 0).map(Box::new);
        RecordInput { order: order.clone(), events: events.clone(), stock_facts, base: *base, since: *since, beginning, at: *at }
    }
}
