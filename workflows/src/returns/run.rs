//! The main loop: record what happened, start what is owed, wait for whatever comes first.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::future::select_all;
use jiff::Timestamp;
use oms_domain::returns::{Answer, Command, Deadline, Request, Return};
use temporalio_workflow::{
    ContinueAsNewOptions, TimerOptions, WaitConditionOptions, WorkflowCancellationError, WorkflowCancellationToken, WorkflowContext,
    WorkflowResult, WorkflowTermination, common::error::ApplicationFailure,
};

use super::{ReturnWorkflow, effects};
use crate::{
    calls::own,
    contracts::Data,
    messages::{ReturnInput, ReturnResult},
    names::NEEDS_ATTENTION,
};

/// The server's timers are no finer than this.
const SHORTEST_TIMER: Duration = Duration::from_secs(1);

/// What the loop waits for.
pub(super) enum Woken {
    /// An effect came back, with this key and as this command.
    Effect(String, Box<Command>),
    /// There is something to record or to start.
    Changed,
    /// A deadline may have passed.
    Timer,
    /// Somebody asked Temporal to cancel the workflow.
    CancelAsked,
}

/// Something the loop waits for.
pub(super) type Pending = Pin<Box<dyn Future<Output = Woken>>>;

/// Waits whatever the workflow's own cancellation says: a cancelled return still gives its units back.
pub(super) async fn wait(
    ctx: &WorkflowContext<ReturnWorkflow>,
    condition: impl FnMut(&ReturnWorkflow) -> bool,
) -> Result<(), WorkflowCancellationError> {
    let options = WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build();
    ctx.wait_condition_with_options(condition, options).await
}

fn now(ctx: &WorkflowContext<ReturnWorkflow>) -> Result<Timestamp, WorkflowTermination> {
    let now = ctx.state(|s| s.business_time(ctx.workflow_time()));
    now.map_err(|error| ApplicationFailure::builder(error.to_string()).type_name("internal".into()).build().into())
}

pub(super) async fn run(ctx: &mut WorkflowContext<ReturnWorkflow>) -> WorkflowResult<ReturnResult> {
    begin(ctx).await?;
    let (mut alarm, mut attention_shown) = (None, false);
    let mut pending: Vec<Pending> = vec![cancel_asked(ctx), changed(ctx)];
    loop {
        record(ctx).await?;
        show(ctx, &mut attention_shown);
        if let Some(result) = ctx.state(ReturnWorkflow::result).filter(|_| ctx.all_handlers_finished()) {
            return Ok(result);
        }
        hand_over_if_long(ctx).await?;
        pending.extend(effects::start_owed(ctx));
        set_alarm(ctx, &mut alarm, &mut pending)?;
        let (woken, _, rest) = select_all(pending).await;
        pending = rest;
        if matches!(woken, Woken::Changed) {
            pending.push(changed(ctx));
        }
        handle(ctx, woken, &mut alarm)?;
    }
}

/// Starts the return's life, or goes on from its document.
async fn begin(ctx: &WorkflowContext<ReturnWorkflow>) -> Result<(), WorkflowTermination> {
    let input = ctx.state(|s| s.input.clone());
    if input.resumes {
        let id = input.core.return_id;
        let known = own(ctx, &input.queues, Data::read_return, Data::read_return, id, "read the return").await?;
        ctx.state_mut(|s| {
            s.recorded = known.version;
            s.this = known;
        });
    }
    let at = now(ctx)?;
    ctx.state_mut(|s| {
        s.take(&Command::Open, at);
        for scan in std::mem::take(&mut s.early) {
            s.take(&scan, at);
        }
    });
    Ok(())
}

/// Records until nothing is left: events may come in while a record is under way.
async fn record(ctx: &WorkflowContext<ReturnWorkflow>) -> Result<(), WorkflowTermination> {
    while let Some(progress) = ctx.state(ReturnWorkflow::progress) {
        let (version, taken) = (progress.this.version, progress.events.len());
        let queues = ctx.state(|s| s.input.queues.clone());
        own(ctx, &queues, Data::record_return, Data::record_return, progress, &format!("record to {version}")).await?;
        ctx.state_mut(|s| {
            s.recorded = version;
            s.unrecorded.drain(..taken);
        });
    }
    Ok(())
}

/// What the Temporal UI shows of it.
fn show(ctx: &WorkflowContext<ReturnWorkflow>, attention_shown: &mut bool) {
    let (details, needs_attention) = ctx.state(|s| (details(&s.this), !s.this.attention.is_empty()));
    ctx.set_current_details(details);
    if needs_attention != *attention_shown {
        ctx.upsert_search_attributes([NEEDS_ATTENTION.value_set(needs_attention)]);
        *attention_shown = needs_attention;
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

/// A long history is handed over to a new run, which goes on from the document.
async fn hand_over_if_long(ctx: &WorkflowContext<ReturnWorkflow>) -> Result<(), WorkflowTermination> {
    if ctx.history_length() <= ctx.state(|s| s.input.history_max) && !ctx.continue_as_new_suggested() {
        return Ok(());
    }
    // A handler is answered only when what it did is recorded, so recording goes on until the last one has been.
    while !ctx.all_handlers_finished() {
        let draining = ctx.clone();
        wait(ctx, move |s| draining.all_handlers_finished() || s.must_record()).await?;
        record(ctx).await?;
    }
    let input = ctx.state(|s| ReturnInput { resumes: true, ..s.input.clone() });
    ctx.continue_as_new(input, ContinueAsNewOptions::default())?;
    Ok(())
}

fn cancel_asked(ctx: &WorkflowContext<ReturnWorkflow>) -> Pending {
    let ctx = ctx.clone();
    Box::pin(async move {
        ctx.cancelled().await;
        Woken::CancelAsked
    })
}

/// Ends when there is something to record, or when the last handler has answered and the return may end.
fn changed(ctx: &WorkflowContext<ReturnWorkflow>) -> Pending {
    let ctx = ctx.clone();
    Box::pin(async move {
        let handlers = ctx.clone();
        let ends = move |s: &ReturnWorkflow| s.result().is_some() && handlers.all_handlers_finished();
        match wait(&ctx, move |s| s.must_record() || ends(s)).await {
            // A shielded wait is never cancelled; if it were, looking again would be the right thing too.
            Ok(()) | Err(_) => Woken::Changed,
        }
    })
}

/// The earliest deadline has a timer. One that rings too early is harmless, so timers are only added when an earlier one is needed.
fn set_alarm(
    ctx: &WorkflowContext<ReturnWorkflow>,
    alarm: &mut Option<Timestamp>,
    pending: &mut Vec<Pending>,
) -> Result<(), WorkflowTermination> {
    let deadlines = ctx.state(|s| s.this.deadlines());
    let Some(Deadline { due, wait, .. }) = deadlines.first() else { return Ok(()) };
    if alarm.is_some_and(|set| set <= *due) {
        return Ok(());
    }
    let duration = ctx.state(|s| s.input.clock).real_wait(now(ctx)?, *due).max(SHORTEST_TIMER);
    *alarm = Some(*due);
    let options = TimerOptions::builder(duration)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(format!("deadline: {}", wait.key()))
        .build();
    let ctx = ctx.clone();
    pending.push(Box::pin(async move {
        ctx.timer(options).await;
        Woken::Timer
    }));
    Ok(())
}

fn handle(ctx: &WorkflowContext<ReturnWorkflow>, woken: Woken, alarm: &mut Option<Timestamp>) -> Result<(), WorkflowTermination> {
    let at = now(ctx)?;
    ctx.state_mut(|s| match woken {
        Woken::Effect(key, command) => {
            s.in_flight.retain(|known| *known != key);
            s.take(&command, at);
        }
        Woken::Changed => {}
        Woken::Timer => {
            *alarm = None;
            s.take(&Command::Tick, at);
        }
        Woken::CancelAsked => s.cancel_by_temporal(at),
    });
    Ok(())
}

impl ReturnWorkflow {
    /// "Request cancellation" in the Temporal UI is a cancellation like any other; goods that are on their way are seen through.
    fn cancel_by_temporal(&mut self, at: Timestamp) {
        let request = Request::Cancel { reason: "cancelled through Temporal".to_owned() };
        if let Err(refusal) = self.apply(&Command::Request(request), at) {
            self.take(&Command::Answer(Answer::GaveUp { effect: "cancellation".into(), why: refusal.message }), at);
        }
    }
}
