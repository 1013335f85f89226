//! What drives a process that lives long: record what has happened, start what is owed, wait for whatever comes first; hand a long history
//! over to a new run. Orders and returns are driven by it; each says only what is its own.

mod alarms;
mod line;
mod recording;

use std::{convert::Infallible, error::Error, future::Future, pin::Pin};

use futures_util::future::select_all;
use jiff::Timestamp;
use oms_domain::{
    access::HousePart,
    clock::BusinessClock,
    error::{ErrorCode, Rejection},
};
use temporalio_workflow::{
    ActivityExecutionError, ContinueAsNewOptions, ContinueAsNewVersioningBehavior, WaitConditionOptions, WorkflowCancellationError,
    WorkflowCancellationToken, WorkflowContext, WorkflowResult, WorkflowTermination, common::error::ApplicationFailure,
};

use self::alarms::Alarms;
pub(crate) use self::{
    line::{Line, Process, Ticket, Told, Unrecorded},
    recording::insist,
};
use crate::{
    contracts::RecordAnswer,
    messages::Refusal,
    names::{NEEDS_ATTENTION, Queues},
};

/// What an update's or a validator's error must be, says the SDK.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Something that is under way and comes back as a command.
pub(crate) type Effort<C> = Pin<Box<dyn Future<Output = C>>>;

type CommandOf<W> = <<W as Driven>::This as Process>::Command;

/// What the loop waits for.
enum Woken<C> {
    /// An effect came back, with this key and as this command.
    Effect(String, C),
    /// There is something to record, to start or to look at.
    Changed,
    /// A deadline may have passed; it was set for this time.
    Alarm(Timestamp),
    /// Somebody asked Temporal to cancel the workflow.
    CancelAsked,
}

/// Something the loop waits for.
type Pending<C> = Pin<Box<dyn Future<Output = Woken<C>>>>;

/// What every run has, whatever it drives.
pub(crate) struct Run<P: Process> {
    pub line: Line<P>,
    /// Keys of effects that have been started and have not come back.
    pub in_flight: Vec<String>,
    /// Nothing new is taken, since the next run is about to go on.
    pub draining: bool,
    /// A newer build is there to go over to.
    hand_over_asked: bool,
    /// Somebody has seen more of it recorded than this run knows.
    look_again: bool,
    /// It has been trying to record, or to read, for too long.
    stuck: bool,
    attention_shown: bool,
}

impl<P: Process> Run<P> {
    pub fn new() -> Self {
        Self {
            line: Line::new(),
            in_flight: Vec::new(),
            draining: false,
            hand_over_asked: false,
            look_again: false,
            stuck: false,
            attention_shown: false,
        }
    }

    /// The line may be behind what is recorded.
    pub fn look_again(&mut self) {
        self.look_again = true;
    }

    /// Hands over as soon as it is at rest, however short its history is.
    pub fn hand_over(&mut self) {
        self.hand_over_asked = true;
    }

    /// Refuses before anything is written: a refusal costs no event.
    pub fn validate(&self, command: &P::Command) -> Result<(), BoxError> {
        if self.draining {
            let why = Rejection::new(ErrorCode::Unavailable, "the run is being handed over to the next one");
            return Err(Refusal { retry: true, ..self.refused(why) }.into_message());
        }
        let Some((this, at)) = self.line.seen() else { return Ok(()) };
        this.decide(command, at).map(drop).map_err(|rejection| self.refused(rejection).into_message())
    }

    /// A refusal says which version is recorded, so that whoever has seen a later one asks again.
    fn refused(&self, rejection: Rejection) -> Refusal {
        Refusal { rejection, version: self.line.recorded(), retry: false }
    }
}

/// A process as the books have it.
pub(crate) struct Found<P> {
    pub this: P,
    /// It goes on; else it begins.
    pub goes_on: bool,
    /// The version that PostgreSQL has: below its own, or below what a run has recorded, once PostgreSQL had been restored.
    pub stored: u64,
}

/// A workflow that the driver drives.
pub(crate) trait Driven: Sized + 'static {
    type This: Process;
    type Effect;
    type Result;

    fn run_state(&self) -> &Run<Self::This>;
    fn run_state_mut(&mut self) -> &mut Run<Self::This>;
    fn clock(&self) -> BusinessClock;
    fn queues(&self) -> &Queues;
    fn history_max(&self) -> u32;

    /// Reads it as it is recorded, or as it begins. An error: there is nothing at all.
    fn admit(ctx: &WorkflowContext<Self>) -> impl Future<Output = Result<Found<Self::This>, ActivityExecutionError>>;
    /// Its first command; to one that has begun it means nothing.
    fn first(&self) -> Told<CommandOf<Self>>;
    fn tick() -> CommandOf<Self>;
    /// Makes it durable. None: of a history from before records had an answer.
    fn record(
        ctx: &WorkflowContext<Self>,
        unrecorded: &Unrecorded<Self::This>,
    ) -> impl Future<Output = Result<Option<RecordAnswer>, WorkflowTermination>>;
    /// What has happened is recorded together with what is about to.
    fn holds_back(&self) -> bool {
        false
    }
    /// It goes on from what others, who may be at work still, have recorded.
    fn went_on(&mut self) {}

    /// What must be done outside, with its key. What must wait for something in flight is left out.
    fn owed(&self) -> Vec<(String, Self::Effect)>;
    fn perform(ctx: WorkflowContext<Self>, key: String, effect: Self::Effect) -> Effort<CommandOf<Self>>;
    /// Something is under way that no other run may begin before it has come back.
    fn must_not_be_handed_over(&self) -> bool {
        false
    }
    /// The earliest deadline, and what it is for.
    fn next_deadline(&self) -> Option<(Timestamp, String)>;
    fn needs_attention(&self) -> bool;
    fn show(ctx: &WorkflowContext<Self>);
    /// It can say whether it may be cancelled.
    fn hears_cancellation(&self) -> bool {
        true
    }
    /// "Request cancellation" in the Temporal UI is a cancellation like any other.
    fn cancelled(&mut self, at: Timestamp);

    /// The end, once it is closed; None before.
    fn result(&self) -> Option<Self::Result>;
    /// Ends the run; the next one goes on from what is recorded.
    fn hand_over(ctx: &WorkflowContext<Self>, options: ContinueAsNewOptions) -> Result<Infallible, WorkflowTermination>;

    fn must_record(&self) -> bool {
        self.run_state().line.is_ahead() && !self.holds_back()
    }

    /// Business time; the workflow's own time is that of its present task. To the microsecond, as PostgreSQL keeps it: an event has one
    /// time wherever it is read.
    fn business_time(&self, workflow_time: Option<std::time::SystemTime>) -> Result<Timestamp, BoxError> {
        let real = workflow_time.ok_or("the workflow has no time yet")?;
        let now = self.clock().business(Timestamp::try_from(real)?);
        Ok(Timestamp::from_microsecond(now.as_microsecond())?)
    }

    /// Facts are never refused; those that come too early wait.
    fn take_facts(&mut self, workflow_time: Option<std::time::SystemTime>, facts: impl Iterator<Item = Told<CommandOf<Self>>>) {
        let at = self.business_time(workflow_time);
        let line = &mut self.run_state_mut().line;
        for fact in facts {
            match &at {
                Ok(at) => line.take(fact, *at),
                Err(_) => line.take_early(fact),
            }
        }
    }
}

/// Waits whatever the workflow's own cancellation says: a cancelled order still gives its stock and money back.
pub(crate) async fn wait<W: Driven>(ctx: &WorkflowContext<W>, condition: impl FnMut(&W) -> bool) -> Result<(), WorkflowCancellationError> {
    let options = WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build();
    ctx.wait_condition_with_options(condition, options).await
}

/// Business time now.
pub(crate) fn now<W: Driven>(ctx: &WorkflowContext<W>) -> Result<Timestamp, WorkflowTermination> {
    let now = ctx.state(|s| s.business_time(ctx.workflow_time()));
    now.map_err(|error| ApplicationFailure::builder(error.to_string()).type_name("internal".into()).build().into())
}

/// From the beginning, or from where it stands, to the end or to the next run.
pub(crate) async fn drive<W: Driven>(ctx: &WorkflowContext<W>) -> WorkflowResult<W::Result> {
    let Found { this, goes_on, stored } = W::admit(ctx).await?;
    let at = now(ctx)?;
    ctx.state_mut(|s| {
        let first = s.first();
        let line = &mut s.run_state_mut().line;
        line.stand_on(this, first, at);
        line.restore_if_behind(stored, at);
        if goes_on {
            s.went_on();
        }
    });
    let mut alarms = Alarms::default();
    let mut pending: Vec<Pending<CommandOf<W>>> = vec![cancel_asked(ctx), changed(ctx)];
    loop {
        recording::record(ctx).await?;
        W::show(ctx);
        show_attention(ctx);
        if let Some(result) = finished(ctx) {
            return Ok(result);
        }
        if !hand_over_if_due(ctx)? {
            pending.extend(start_owed(ctx));
        }
        pending.extend(alarms.set(ctx)?);
        let (woken, _, rest) = select_all(pending).await;
        pending = rest;
        if matches!(woken, Woken::Changed) {
            pending.push(changed(ctx));
        }
        handle(ctx, woken, &mut alarms)?;
    }
}

fn handle<W: Driven>(ctx: &WorkflowContext<W>, woken: Woken<CommandOf<W>>, alarms: &mut Alarms) -> Result<(), WorkflowTermination> {
    let at = now(ctx)?;
    ctx.state_mut(|s| match woken {
        Woken::Effect(key, command) => {
            s.run_state_mut().in_flight.retain(|known| *known != key);
            s.run_state_mut().line.take(Told::by_house(command, HousePart::Effect), at);
        }
        Woken::Changed => {}
        Woken::Alarm(set_for) => {
            alarms.rang(set_for);
            s.run_state_mut().line.take(Told::by_house(W::tick(), HousePart::Timer), at);
        }
        Woken::CancelAsked => s.cancelled(at),
    });
    Ok(())
}

/// Starts every effect that is owed and not under way. The loop never waits for one of these: they come back as commands.
fn start_owed<W: Driven>(ctx: &WorkflowContext<W>) -> Vec<Pending<CommandOf<W>>> {
    let mut owed = ctx.state(W::owed);
    owed.retain(|(key, _)| ctx.state(|s| !s.run_state().in_flight.contains(key)));
    let start = |(key, effect): (String, W::Effect)| {
        ctx.state_mut(|s| s.run_state_mut().in_flight.push(key.clone()));
        let effort = W::perform(ctx.clone(), key.clone(), effect);
        Box::pin(async move { Woken::Effect(key, effort.await) }) as Pending<CommandOf<W>>
    };
    owed.into_iter().map(start).collect()
}

/// Done when it is closed, everything is recorded, nothing is under way and everybody has been answered.
fn finished<W: Driven>(ctx: &WorkflowContext<W>) -> Option<W::Result> {
    ctx.state(at_rest).filter(|_| ctx.all_handlers_finished())
}

fn at_rest<W: Driven>(s: &W) -> Option<W::Result> {
    let run = s.run_state();
    let rests = !run.line.is_ahead() && run.in_flight.is_empty() && !run.look_again;
    s.result().filter(|_| rests)
}

/// A long history is handed over to a new run, which goes on from what is recorded: what is owed is derived from the state, and done
/// under the same keys. True: it is about to be; whoever asks for something meanwhile is told to ask again, so that the last handler ends.
fn hand_over_if_due<W: Driven>(ctx: &WorkflowContext<W>) -> Result<bool, WorkflowTermination> {
    let long = ctx.history_length() > ctx.state(W::history_max) || ctx.continue_as_new_suggested();
    let due = long || ctx.state(is_asked_and_rests);
    if !due || ctx.state(|s| s.must_not_be_handed_over() || s.holds_back()) {
        return Ok(false);
    }
    if !ctx.state(|s| s.run_state().draining) {
        ctx.state_mut(|s| s.run_state_mut().draining = true);
    }
    if ctx.all_handlers_finished() && !ctx.state(|s| s.run_state().line.is_ahead()) {
        // The next run begins with the build that is current by then, whatever this one is pinned to.
        let current = ContinueAsNewVersioningBehavior::AutoUpgrade;
        W::hand_over(ctx, ContinueAsNewOptions::builder().initial_versioning_behavior(current).build())?;
    }
    Ok(true)
}

/// It was asked to hand over, and nothing of its is under way outside.
fn is_asked_and_rests<W: Driven>(s: &W) -> bool {
    let run = s.run_state();
    run.hand_over_asked && run.in_flight.is_empty() && !s.must_not_be_handed_over() && !s.holds_back()
}

fn cancel_asked<W: Driven>(ctx: &WorkflowContext<W>) -> Pending<CommandOf<W>> {
    let ctx = ctx.clone();
    Box::pin(async move {
        ctx.cancelled().await;
        match wait(&ctx, W::hears_cancellation).await {
            // A shielded wait is never cancelled; if it were, it would be heard at once.
            Ok(()) | Err(_) => Woken::CancelAsked,
        }
    })
}

/// Ends when there is something to record or to look at, or when the last handler has answered and the run may end.
fn changed<W: Driven>(ctx: &WorkflowContext<W>) -> Pending<CommandOf<W>> {
    let ctx = ctx.clone();
    Box::pin(async move {
        let handlers = ctx.clone();
        let ends = move |s: &W| (s.run_state().draining || at_rest(s).is_some()) && handlers.all_handlers_finished();
        let goes_over = |s: &W| is_asked_and_rests(s) && !s.run_state().draining;
        match wait(&ctx, move |s: &W| s.must_record() || s.run_state().look_again || goes_over(s) || ends(s)).await {
            // A shielded wait is never cancelled; if it were, looking again would be the right thing too.
            Ok(()) | Err(_) => Woken::Changed,
        }
    })
}

/// Whether a person must look is written only when it differs, since each write is an event.
fn show_attention<W: Driven>(ctx: &WorkflowContext<W>) {
    let (needed, shown) = ctx.state(|s| (s.needs_attention() || s.run_state().stuck, s.run_state().attention_shown));
    if needed != shown {
        ctx.upsert_search_attributes([NEEDS_ATTENTION.value_set(needed)]);
        ctx.state_mut(|s| s.run_state_mut().attention_shown = needed);
    }
}

/// Asks for something, on behalf of somebody who waits.
pub(crate) async fn ask<W: Driven>(ctx: &WorkflowContext<W>, asked: &Told<CommandOf<W>>) -> Result<Ticket, BoxError> {
    wait(ctx, |s: &W| s.run_state().line.this().is_some()).await?;
    let at = ctx.state(|s| s.business_time(ctx.workflow_time()))?;
    ctx.state_mut(|s| {
        let run = s.run_state_mut();
        run.line.ask(asked, at).map_err(|rejection| run.refused(rejection).into_message())
    })
}

/// Waits until it, and whatever has happened by now, is durable: the version then, and the status.
pub(crate) async fn durable<W: Driven>(ctx: &WorkflowContext<W>, ticket: Ticket) -> Result<(u64, <W::This as Process>::Status), BoxError> {
    let last = ctx.state(|s| s.run_state().line.last_ticket());
    wait(ctx, move |s: &W| s.run_state().line.is_settled(last)).await?;
    ctx.state_mut(|s| {
        let run = s.run_state_mut();
        if let Some(rejection) = run.line.refusal(ticket) {
            return Err(run.refused(rejection).into_message());
        }
        let status = run.line.recorded_status().ok_or("nothing is recorded")?;
        Ok((run.line.recorded(), status))
    })
}
