//! What the order does outside, each with its own limits. The loop never waits for one of these: they come back as commands.

use std::time::Duration;

use futures_util::FutureExt;
use oms_domain::{
    money::Money,
    order::{Answer, Command, Effect, LabelRequest, PaymentRequest, Request, SourceRequest},
};
use temporalio_workflow::{
    ActivityCloseTimeouts, ActivityExecutionError, ActivityOptions, LocalActivityOptions, RetryPolicy, TimerOptions,
    WorkflowCancellationError, WorkflowCancellationToken, WorkflowContext,
    common::{ActivityDefinition, error::IncomingError},
};

use super::{
    OrderWorkflow, run,
    run::{Pending, Woken},
};
use crate::{
    contracts::{AdmitRequest, Admitted, Data, Payments, RecordInput, Shipping, SourceInput},
    names::Queue,
};

/// A local activity holds up the order's updates, so it gets little time; after that the same runs on queue `data`.
const LOCAL_ATTEMPT: Duration = Duration::from_secs(2);
const LOCAL_IN_ALL: Duration = Duration::from_secs(6);
const LOCAL_ATTEMPTS: u32 = 3;
/// On queue `data` a database may take its time; it is asked until it answers.
const DATA_ATTEMPT: Duration = Duration::from_secs(30);
const GATEWAY_ATTEMPT: Duration = Duration::from_secs(15);
/// How long a gateway or carrier that is down is tried before a person must look.
const OUTSIDE_IN_ALL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long someone who ships waits for the carrier's label before being told that it is still pending.
const LABEL_ANSWER: Duration = Duration::from_secs(5);

/// Starts every effect that is owed and not under way.
pub(super) fn start_owed(ctx: &WorkflowContext<OrderWorkflow>) -> Vec<Pending> {
    let owed = ctx.state(|s| {
        let effects = s.order.as_ref().map(|order| order.pending_effects()).unwrap_or_default();
        let waits = |effect: &Effect| effect.after().is_some_and(|before| s.in_flight.contains(&before));
        effects.into_iter().filter(|effect| !s.in_flight.contains(&effect.key()) && !waits(effect)).collect::<Vec<_>>()
    });
    owed.into_iter().map(|effect| start(ctx.clone(), effect)).collect()
}

fn start(ctx: WorkflowContext<OrderWorkflow>, effect: Effect) -> Pending {
    let key = effect.key();
    ctx.state_mut(|s| s.in_flight.push(key.clone()));
    Box::pin(async move {
        let answer = match effect {
            Effect::Source(request) => source(&ctx, request).await,
            Effect::Pay(request) => pay(&ctx, request).await,
            Effect::BookLabel(request) => book_label(&ctx, request).await,
            Effect::VoidLabel(request) => void_label(&ctx, request).await,
        };
        let answer = answer.unwrap_or_else(|error| Answer::GaveUp { effect: key.clone(), why: reason(&error) });
        Woken::Effect(key, Box::new(Command::Answer(answer)))
    })
}

/// The error's own message; the outer ones only say that an activity failed.
fn reason(error: &ActivityExecutionError) -> String {
    let mut cause = error.reason();
    let mut message = error.to_string();
    while let Some(inner) = cause {
        if let IncomingError::Application(failure) = inner {
            message = failure.to_string();
        }
        cause = inner.cause();
    }
    message
}

/// Runs one of the house's own activities here, or, if that takes too long, on queue `data` until it answers.
async fn own<A>(
    ctx: &WorkflowContext<OrderWorkflow>,
    here: A,
    there: A,
    input: A::Input,
    summary: &str,
) -> Result<A::Output, ActivityExecutionError>
where
    A: ActivityDefinition,
    A::Input: Clone,
{
    let locally = LocalActivityOptions::builder()
        .start_to_close_timeout(LOCAL_ATTEMPT)
        .schedule_to_close_timeout(LOCAL_IN_ALL)
        .retry_policy(RetryPolicy::builder().initial_interval(Duration::from_millis(100)).maximum_attempts(LOCAL_ATTEMPTS).build())
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(summary.to_owned())
        .build();
    if let Ok(output) = ctx.execute_local_activity(here, input.clone(), locally).await {
        return Ok(output);
    }
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(30)).build();
    let slowly = ActivityOptions::with_start_to_close_timeout(DATA_ATTEMPT)
        .task_queue(ctx.state(|s| s.input.queues.name(Queue::Data)))
        .retry_policy(retry)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(format!("{summary} (slow)"))
        .build();
    ctx.execute_activity(there, input, slowly).await
}

pub(super) async fn admit(ctx: &WorkflowContext<OrderWorkflow>, request: AdmitRequest) -> Result<Admitted, ActivityExecutionError> {
    own(ctx, Data::admit, Data::admit, request, "read the order").await
}

pub(super) async fn record(ctx: &WorkflowContext<OrderWorkflow>, input: RecordInput) -> Result<(), ActivityExecutionError> {
    let summary = format!("record {} to {}", input.since + 1, input.order.version);
    own(ctx, Data::record, Data::record, input, &summary).await
}

async fn source(ctx: &WorkflowContext<OrderWorkflow>, request: SourceRequest) -> Result<Answer, ActivityExecutionError> {
    let summary = format!("source and reserve, round {}", request.round);
    // Business time of the round: the same on replay, and the same for a repeated attempt.
    let at = ctx.state(|s| s.business_time(ctx.workflow_time())).unwrap_or_default();
    own(ctx, Data::source, Data::source, SourceInput { at, request }, &summary).await.map(Answer::Sourced)
}

/// At the system outside: its own queue, its own time, and tried for a day.
fn outside(ctx: &WorkflowContext<OrderWorkflow>, queue: Queue, summary: String) -> ActivityOptions {
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(60)).build();
    ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: OUTSIDE_IN_ALL,
        start_to_close: GATEWAY_ATTEMPT,
    })
    .task_queue(ctx.state(|s| s.input.queues.name(queue)))
    .retry_policy(retry)
    .cancellation_token(WorkflowCancellationToken::new())
    .summary(summary)
    .build()
}

async fn pay(ctx: &WorkflowContext<OrderWorkflow>, request: PaymentRequest) -> Result<Answer, ActivityExecutionError> {
    let amount = Money::new(request.amount_minor, request.currency);
    let asks = if request.ask_first { "ask about " } else { "" };
    let options = outside(ctx, Queue::Payments, format!("{asks}{} {amount}", request.kind.as_str()));
    let (payment_id, number) = (request.payment_id.clone(), request.number);
    let outcome = if request.ask_first {
        ctx.execute_activity(Payments::ask_payment, request, options).await?
    } else {
        ctx.execute_activity(Payments::pay, request, options).await?
    };
    Ok(Answer::Payment { payment_id, number, outcome })
}

async fn book_label(ctx: &WorkflowContext<OrderWorkflow>, request: LabelRequest) -> Result<Answer, ActivityExecutionError> {
    let parcel_id = request.parcel_id.clone();
    let options = outside(ctx, Queue::Shipping, format!("label for {parcel_id}"));
    let outcome = ctx.execute_activity(Shipping::book_label, request, options).await?;
    Ok(Answer::Label { parcel_id, outcome })
}

async fn void_label(ctx: &WorkflowContext<OrderWorkflow>, request: LabelRequest) -> Result<Answer, ActivityExecutionError> {
    let parcel_id = request.parcel_id.clone();
    let options = outside(ctx, Queue::Shipping, format!("void the label of {parcel_id}"));
    ctx.execute_activity(Shipping::void_label, request, options).await?;
    Ok(Answer::LabelVoided { parcel_id })
}

/// Someone who ships is told that it has shipped, if the carrier answers soon; else that the label is pending.
pub(super) async fn await_labels(ctx: &WorkflowContext<OrderWorkflow>, request: &Request) -> Result<(), WorkflowCancellationError> {
    if !ctx.state(|s| s.awaits_label(request)) {
        return Ok(());
    }
    let options = TimerOptions::builder(LABEL_ANSWER)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary("answer without the label".to_owned())
        .build();
    let mut patience = std::pin::pin!(ctx.timer(options));
    temporalio_workflow::select! {
        labelled = run::wait(ctx, |s: &OrderWorkflow| !s.awaits_label(request)).fuse() => labelled,
        _ = patience => Ok(()),
    }
}
