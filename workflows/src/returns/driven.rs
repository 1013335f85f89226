//! What is the return's own in the driver's loop.

use std::convert::Infallible;

use jiff::Timestamp;
use oms_domain::{
    access::HousePart,
    clock::BusinessClock,
    error::Rejection,
    returns::{Command, Effect, Event, Request, Return, ReturnStatus, decide},
};
use temporalio_workflow::{ActivityExecutionError, ContinueAsNewOptions, WorkflowContext, WorkflowTermination};

use super::{ReturnWorkflow, effects};
use crate::{
    contracts::{Data, RecordAnswer, ReturnProgress},
    driver::{Driven, Effort, Found, Process, Run, Told, Unrecorded, insist},
    messages::ReturnResult,
    names::Queues,
};

impl Process for Return {
    type Command = Command;
    type Event = Event;
    type Status = ReturnStatus;

    fn version(&self) -> u64 {
        self.version
    }

    fn status(&self) -> ReturnStatus {
        self.status
    }

    fn decide(&self, command: &Command, at: Timestamp) -> Result<(Self, Vec<Event>), Rejection> {
        decide(self, command, at).map(|decided| (decided.state, decided.events))
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        Return::evolve(self, event, at);
    }

    fn kind(event: &Event) -> &'static str {
        event.kind()
    }

    fn books_restored(from: u64, to: u64) -> Event {
        Event::BooksRestored { from, to }
    }
}

impl Driven for ReturnWorkflow {
    type This = Return;
    type Effect = Effect;
    type Result = ReturnResult;

    fn run_state(&self) -> &Run<Return> {
        &self.run
    }

    fn run_state_mut(&mut self) -> &mut Run<Return> {
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

    async fn admit(ctx: &WorkflowContext<Self>) -> Result<Found<Return>, ActivityExecutionError> {
        let (core, policy) = ctx.state(|s| (s.input.core.clone(), s.input.policy.clone()));
        let known = insist(ctx, || Data::read_return, core.return_id.clone(), "read the return").await?;
        // Its document is PostgreSQL's own.
        let (goes_on, stored) = (known.is_some(), known.as_ref().map_or(0, |known| known.version));
        Ok(Found { this: known.unwrap_or_else(|| Return::new(core, policy)), goes_on, stored })
    }

    fn first(&self) -> Told<Command> {
        Told { command: Command::Open, by: self.input.by.clone() }
    }

    fn tick() -> Command {
        Command::Tick
    }

    async fn record(ctx: &WorkflowContext<Self>, unrecorded: &Unrecorded<Return>) -> Result<Option<RecordAnswer>, WorkflowTermination> {
        let Unrecorded { this, events, base, at, .. } = unrecorded;
        let progress = ReturnProgress { this: this.clone(), events: events.clone(), base: *base, at: *at };
        Ok(insist(ctx, || Data::record_return, progress, &format!("record {} to {}", base + 1, this.version)).await?)
    }

    fn owed(&self) -> Vec<(String, Effect)> {
        let effects = self.run.line.this().map(Return::pending_effects).unwrap_or_default();
        effects.into_iter().map(|effect| (effect.key(), effect)).collect()
    }

    fn perform(ctx: WorkflowContext<Self>, key: String, effect: Effect) -> Effort<Command> {
        Box::pin(effects::perform(ctx, key, effect))
    }

    fn next_deadline(&self) -> Option<(Timestamp, String)> {
        let next = self.run.line.this()?.deadlines().into_iter().next()?;
        Some((next.due, next.wait.key().to_owned()))
    }

    fn needs_attention(&self) -> bool {
        self.run.line.this().is_some_and(Return::needs_attention)
    }

    fn show(ctx: &WorkflowContext<Self>) {
        if let Some(details) = ctx.state(|s| s.run.line.this().map(details)) {
            ctx.set_current_details(details);
        }
    }

    /// Before the order has answered there is nothing to refuse.
    fn hears_cancellation(&self) -> bool {
        self.run.line.this().is_some_and(Return::is_answered)
    }

    /// Goods that are on their way are seen through.
    fn cancelled(&mut self, at: Timestamp) {
        let request = Request::Cancel { reason: "cancelled through Temporal".to_owned() };
        // Refused once the goods are on their way: then the return goes on.
        let command = Command::Request { command_id: "temporal".to_owned(), request };
        drop(self.run.line.ask(&Told::by_house(command, HousePart::Temporal), at));
    }

    fn result(&self) -> Option<ReturnResult> {
        let this = self.run.line.this().filter(|this| this.is_closed())?;
        Some(ReturnResult { status: this.status, version: this.version })
    }

    fn hand_over(ctx: &WorkflowContext<Self>, options: ContinueAsNewOptions) -> Result<Infallible, WorkflowTermination> {
        ctx.continue_as_new(ctx.state(|s| s.input.clone()), options)
    }
}

/// Markdown: what an operator asks first. No personal data.
fn details(this: &Return) -> String {
    let mut text = format!("**{}** of order `{}`\n", this.status, this.core.order_id);
    for (id, units) in this.announced() {
        text.push_str(&format!("\n- line {id}: {units} announced, {} received", this.received().get(&id).copied().unwrap_or(0)));
    }
    for attention in &this.attention {
        text.push_str(&format!("\n- ⚠ {}: {}", attention.subject, attention.why));
    }
    if let Some(next) = this.deadlines().first() {
        text.push_str(&format!("\n\nNext deadline: {} of `{}` at {}", next.wait.key(), next.subject, next.due));
    }
    text
}
