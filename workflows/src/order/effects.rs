//! What the order does outside, each with its own limits.

use std::{convert::identity, time::Duration};

use futures_util::FutureExt;
use oms_domain::{
    money::Money,
    order::{Answer, Command, Effect, LabelRequest, Order, PaymentRequest, Request, ScreenRequest, SourceRequest},
    placed::PaymentMethod,
};
use temporalio_workflow::{ActivityExecutionError, TimerOptions, WorkflowCancellationError, WorkflowCancellationToken, WorkflowContext};

use super::OrderWorkflow;
use crate::{
    calls::{OUTSIDE_ATTEMPT, at_once, outside, outside_within, own, reason},
    contracts::{Data, Fraud, Orders, Payments, Shipping, SourceInput},
    driver::{Driven, wait},
    names::{Queue, Queues},
};

/// How long someone who ships waits for the carrier's label before being told that it is still pending.
const LABEL_ANSWER: Duration = Duration::from_secs(5);
/// However short the house's patience with the fraud check, it is asked.
const SCREENING_MIN_MS: u64 = 1_000;

/// Does it, and answers with what came of it.
pub(super) async fn perform(ctx: WorkflowContext<OrderWorkflow>, key: String, effect: Effect) -> Command {
    let attempt = ctx.state(|s| s.run.line.this().map_or(1, |order| order.attempt(&key)));
    let answer = match effect {
        Effect::Source(request) => source(&ctx, request).await,
        Effect::Pay(request) => pay(&ctx, &key, request).await,
        Effect::Screen(request) => screen(&ctx, request).await,
        Effect::BookLabel(request) => book_label(&ctx, request).await,
        Effect::VoidLabel(request) => void_label(&ctx, request).await,
    };
    Command::Answer(answer.unwrap_or_else(|error| Answer::GaveUp { effect: key, attempt, why: reason(&error) }))
}

fn queues(ctx: &WorkflowContext<OrderWorkflow>) -> Queues {
    ctx.state(|s| s.input.queues.clone())
}

async fn source(ctx: &WorkflowContext<OrderWorkflow>, request: SourceRequest) -> Result<Answer, ActivityExecutionError> {
    let summary = format!("source and reserve, round {}", request.round);
    // Business time of the round: the same on replay, and the same for a repeated attempt.
    let asked = |s: &OrderWorkflow| s.run.line.this().and_then(|order| order.sourcing.since).unwrap_or_default();
    let at = ctx.state(|s| s.business_time(ctx.workflow_time()).unwrap_or_else(|_| asked(s)));
    // Its own wait says when it takes too long.
    own(ctx, &queues(ctx), || Data::source, SourceInput { at, request }, &summary, || {}).await.map(Answer::Sourced)
}

async fn pay(ctx: &WorkflowContext<OrderWorkflow>, key: &str, request: PaymentRequest) -> Result<Answer, ActivityExecutionError> {
    let in_doubt = ctx.state(|s| s.in_doubt.contains(key));
    let real = |at| ctx.state(|s| s.input.clock.real(at));
    let request = PaymentRequest { ask_first: request.ask_first || in_doubt, asked_at: request.asked_at.map(real), ..request };
    if in_doubt {
        outlast_other_run(ctx).await;
        ctx.state_mut(|s| s.in_doubt.remove(key));
    }
    let amount = Money::new(request.amount_minor, request.currency);
    let asks = if request.ask_first { "ask about " } else { "" };
    let summary = format!("{asks}{} {amount}", request.kind.as_str());
    let (payment_id, number) = (request.payment_id.clone(), request.number);
    let by_credit = |order: &Order| order.payment(&request.payment_id).is_some_and(|known| known.method == PaymentMethod::Credit);
    if ctx.state(|s| s.run.line.this().is_some_and(by_credit)) {
        let options = outside(&queues(ctx), Queue::Relations, format!("{summary} of the credit"));
        let outcome = ctx.execute_activity(Orders::pay_by_credit, request, options).await?;
        return Ok(Answer::Payment { payment_id, number, outcome });
    }
    let (queues, ask) = (queues(ctx), |request| PaymentRequest { ask_first: true, ..request });
    let outcome = if request.ask_first {
        at_once(ctx, &queues, Queue::Payments, || Payments::ask_payment, request, summary, ask).await?
    } else {
        at_once(ctx, &queues, Queue::Payments, || Payments::pay, request, summary, ask).await?
    };
    Ok(Answer::Payment { payment_id, number, outcome })
}

/// An attempt that another run has begun is over by then: whoever asks after that asks about what will not change by itself.
async fn outlast_other_run(ctx: &WorkflowContext<OrderWorkflow>) {
    let options = TimerOptions::builder(OUTSIDE_ATTEMPT)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary("outlast what another run may have begun".to_owned())
        .build();
    ctx.timer(options).await;
}

async fn screen(ctx: &WorkflowContext<OrderWorkflow>, request: ScreenRequest) -> Result<Answer, ActivityExecutionError> {
    // After that a person decides, and nobody waits for the answer.
    let within_ms = ctx.state(|s| s.run.line.this().map(|order| order.policy.screening_ms)).unwrap_or_default();
    let within = Duration::from_millis(u64::try_from(within_ms).unwrap_or_default().max(SCREENING_MIN_MS));
    let options = outside_within(within, &queues(ctx), Queue::Fraud, "fraud check".to_owned());
    let verdict = ctx.execute_activity(Fraud::screen, request, options).await?;
    Ok(Answer::Screened { verdict })
}

async fn book_label(ctx: &WorkflowContext<OrderWorkflow>, request: LabelRequest) -> Result<Answer, ActivityExecutionError> {
    let (parcel_id, attempt) = (request.parcel_id.clone(), request.attempt);
    let summary = format!("label for {parcel_id}");
    let outcome = at_once(ctx, &queues(ctx), Queue::Shipping, || Shipping::book_label, request, summary, identity).await?;
    Ok(Answer::Label { parcel_id, attempt, outcome })
}

async fn void_label(ctx: &WorkflowContext<OrderWorkflow>, request: LabelRequest) -> Result<Answer, ActivityExecutionError> {
    let parcel_id = request.parcel_id.clone();
    let summary = format!("void the label of {parcel_id}");
    at_once(ctx, &queues(ctx), Queue::Shipping, || Shipping::void_label, request, summary, identity).await?;
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
        labelled = wait(ctx, |s: &OrderWorkflow| s.run.draining || !s.awaits_label(request)).fuse() => labelled,
        _ = patience => Ok(()),
    }
}
