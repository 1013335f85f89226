//! The main loop: record what happened, start what is owed, wait for whatever comes first.

use std::{future::Future, pin::Pin};

use futures_util::future::select_all;
use jiff::Timestamp;
use oms_domain::{
    ids::CancellationId,
    order::{Command, Deadline, Order, Request},
};
use temporalio_workflow::{
    ContinueAsNewOptions, TimerOptions, WaitConditionOptions, WorkflowCancellationError, WorkflowCancellationToken, WorkflowContext,
    WorkflowResult, WorkflowTermination, common::error::ApplicationFailure,
};

use super::{OrderWorkflow, effects, record, shown::Shown};
use crate::{
    contracts::{AdmitRequest, Admitted},
    messages::{Opening, OrderInput, OrderResult},
};

/// The server's timers are no finer than this.
const SHORTEST_TIMER: std::time::Duration = std::time::Duration::from_secs(1);

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

/// Waits whatever the workflow's own cancellation says: a cancelled order still gives its stock and money back.
pub(super) async fn wait(
    ctx: &WorkflowContext<OrderWorkflow>,
    condition: impl FnMut(&OrderWorkflow) -> bool,
) -> Result<(), WorkflowCancellationError> {
    let options = WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build();
    ctx.wait_condition_with_options(condition, options).await
}

/// Business time now.
pub(super) fn now(ctx: &WorkflowContext<OrderWorkflow>) -> Result<Timestamp, WorkflowTermination> {
    let now = ctx.state(|s| s.business_time(ctx.workflow_time()));
    now.map_err(|error| ApplicationFailure::builder(error.to_string()).type_name("internal".into()).build().into())
}

pub(super) async fn run(ctx: &mut WorkflowContext<OrderWorkflow>) -> WorkflowResult<OrderResult> {
    admit(ctx).await?;
    let mut shown = Shown::default();
    let mut alarm = None;
    let mut pending: Vec<Pending> = vec![cancel_asked(ctx), changed(ctx)];
    loop {
        record::record(ctx).await?;
        shown.show(ctx);
        if let Some(result) = finished(ctx) {
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

/// Reads the order in, and starts its life.
async fn admit(ctx: &WorkflowContext<OrderWorkflow>) -> Result<(), WorkflowTermination> {
    let input = ctx.state(|s| s.input.clone());
    let request = AdmitRequest { order_id: input.order_id.clone(), resumes: input.resumes };
    let admitted = effects::admit(ctx, request).await?;
    let at = now(ctx)?;
    ctx.state_mut(|s| {
        match admitted {
            Admitted::Fresh(core) => s.order = Some(Order::new(*core, input.policy)),
            Admitted::Resumed(order) => {
                s.recorded = order.version;
                s.order = Some(*order);
            }
        }
        s.take(&Command::Place, at);
        for command in input.opens_with.iter().flat_map(Opening::commands) {
            s.open_with(&command, at);
        }
        for fact in std::mem::take(&mut s.early) {
            s.take(&fact, at);
        }
    });
    Ok(())
}

/// Done when the order is closed, everything is recorded and everybody has been answered.
fn finished(ctx: &WorkflowContext<OrderWorkflow>) -> Option<OrderResult> {
    ctx.state(OrderWorkflow::result).filter(|_| ctx.all_handlers_finished())
}

/// A long history is handed over to a new run, which goes on from the order document: what is owed is derived from the state,
/// and done under the same keys.
async fn hand_over_if_long(ctx: &WorkflowContext<OrderWorkflow>) -> Result<(), WorkflowTermination> {
    if ctx.history_length() <= ctx.state(|s| s.input.history_max) && !ctx.continue_as_new_suggested() {
        return Ok(());
    }
    // A handler is answered only when what it did is recorded, so recording goes on until the last one has been.
    while !ctx.all_handlers_finished() {
        let draining = ctx.clone();
        wait(ctx, move |s| draining.all_handlers_finished() || s.must_record()).await?;
        record::record(ctx).await?;
    }
    let input = ctx.state(|s| OrderInput { resumes: true, opens_with: None, ..s.input.clone() });
    ctx.continue_as_new(input, ContinueAsNewOptions::default())?;
    Ok(())
}

fn cancel_asked(ctx: &WorkflowContext<OrderWorkflow>) -> Pending {
    let ctx = ctx.clone();
    Box::pin(async move {
        ctx.cancelled().await;
        Woken::CancelAsked
    })
}

/// Ends when there is something to record, or when the last handler has answered and the order may end.
fn changed(ctx: &WorkflowContext<OrderWorkflow>) -> Pending {
    let ctx = ctx.clone();
    Box::pin(async move {
        let handlers = ctx.clone();
        let ends = move |s: &OrderWorkflow| s.result().is_some() && handlers.all_handlers_finished();
        match wait(&ctx, move |s| s.must_record() || ends(s)).await {
            // A shielded wait is never cancelled; if it were, looking again would be the right thing too.
            Ok(()) | Err(_) => Woken::Changed,
        }
    })
}

/// The earliest deadline has a timer. One that rings too early is harmless, so timers are not moved, only added when an earlier one is needed.
fn set_alarm(
    ctx: &WorkflowContext<OrderWorkflow>,
    alarm: &mut Option<Timestamp>,
    pending: &mut Vec<Pending>,
) -> Result<(), WorkflowTermination> {
    let deadlines = ctx.state(|s| s.order.as_ref().map(Order::deadlines)).unwrap_or_default();
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

fn handle(ctx: &WorkflowContext<OrderWorkflow>, woken: Woken, alarm: &mut Option<Timestamp>) -> Result<(), WorkflowTermination> {
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

impl OrderWorkflow {
    /// The end, once the order is closed, everything is recorded and nothing is under way.
    fn result(&self) -> Option<OrderResult> {
        let order = self.order.as_ref().filter(|order| order.is_closed())?;
        let at_rest = self.recorded == order.version && self.in_flight.is_empty();
        at_rest.then_some(OrderResult { status: order.status, version: order.version })
    }

    /// Whoever started the run asked the rules before. If they say otherwise by now, nothing is done, and the caller sees that.
    fn open_with(&mut self, command: &Command, at: Timestamp) {
        match self.apply(command, at) {
            Ok(()) | Err(_) => {}
        }
    }

    /// "Request cancellation" in the Temporal UI is a cancellation like any other: answered unit by unit, with its undo.
    fn cancel_by_temporal(&mut self, at: Timestamp) {
        let Ok(cancellation_id) = CancellationId::parse("temporal") else { return };
        let request = Request::Cancel { cancellation_id, reason: "cancelled through Temporal".to_owned(), lines: None };
        if let Err(refusal) = self.apply(&Command::Request(request), at) {
            self.take(&Command::Answer(oms_domain::order::Answer::GaveUp { effect: "cancellation".into(), why: refusal.message }), at);
        }
    }
}
