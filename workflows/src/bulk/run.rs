//! The main loop: record, then ask a batch, or wait.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::future::select_all;
use jiff::Timestamp;
use oms_domain::bulk::{BulkStatus, Command, Request, Wait};
use temporalio_workflow::{
    ActivityOptions, ContinueAsNewOptions, ContinueAsNewVersioningBehavior, RetryPolicy, TimerOptions, WaitConditionOptions,
    WorkflowCancellationError, WorkflowCancellationToken, WorkflowContext, WorkflowResult, WorkflowTermination,
    common::error::ApplicationFailure,
};

use super::{
    BulkWorkflow,
    contracts::{BatchInput, BulkInput, BulkProgress, BulkResult, Bulks},
};
use crate::{
    calls::{OTHER_RULES, fail_task, own, reason},
    names::{NEEDS_ATTENTION, Queue},
};

/// A batch takes seconds; it may take so long when each of its orders keeps it waiting. It is asked until it answers.
const BATCH: Duration = Duration::from_secs(30 * 60);
/// A worker that says nothing for so long is gone, and another one goes on with the batch.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The server's timers are no finer than this.
const SHORTEST_TIMER: Duration = Duration::from_secs(1);

/// Something that ends a pause.
type Awaited<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Waits whatever the workflow's own cancellation says.
pub(super) async fn wait(
    ctx: &WorkflowContext<BulkWorkflow>,
    condition: impl FnMut(&BulkWorkflow) -> bool,
) -> Result<(), WorkflowCancellationError> {
    let options = WaitConditionOptions::builder().cancellation_token(WorkflowCancellationToken::new()).build();
    ctx.wait_condition_with_options(condition, options).await
}

fn now(ctx: &WorkflowContext<BulkWorkflow>) -> Result<Timestamp, WorkflowTermination> {
    let now = ctx.state(|s| s.business_time(ctx.workflow_time()));
    now.map_err(|error| ApplicationFailure::builder(error.to_string()).type_name("internal".into()).build().into())
}

pub(super) async fn run(ctx: &mut WorkflowContext<BulkWorkflow>) -> WorkflowResult<BulkResult> {
    loop {
        record(ctx).await?;
        heed_temporal(ctx)?;
        if ctx.state(BulkWorkflow::must_record) {
            continue;
        }
        show(ctx);
        hand_over_if_due(ctx).await?;
        match ctx.state(|s| s.this.status) {
            BulkStatus::Running => ask_batch(ctx).await?,
            BulkStatus::Paused => pause(ctx).await?,
            BulkStatus::Completed | BulkStatus::Cancelled => {
                // Whoever has asked is answered first.
                let handlers = ctx.clone();
                wait(ctx, move |s| handlers.all_handlers_finished() || s.must_record()).await?;
                if let Some(result) = ctx.state(BulkWorkflow::result) {
                    return Ok(result);
                }
            }
        }
    }
}

/// Records until nothing is left.
async fn record(ctx: &WorkflowContext<BulkWorkflow>) -> Result<(), WorkflowTermination> {
    while ctx.state(BulkWorkflow::must_record) {
        let (bulk, queues, at) = (ctx.state(|s| s.this.clone()), ctx.state(|s| s.input.queues.clone()), now(ctx)?);
        let (version, digest) = (bulk.version, bulk.digest());
        let progress = BulkProgress { bulk, at };
        let answer = own(ctx, &queues, || Bulks::record_bulk, progress, &format!("record to {version}"), || late(ctx)).await?;
        if answer.is_some_and(|recorded| recorded.digest != digest) {
            fail_task(ctx, OTHER_RULES).await;
        }
        ctx.state_mut(|s| s.recorded = version);
    }
    Ok(())
}

/// It has not been able to record for minutes; what is shown next takes this back.
fn late(ctx: &WorkflowContext<BulkWorkflow>) {
    ctx.upsert_search_attributes([NEEDS_ATTENTION.value_set(true)]);
    ctx.state_mut(|s| s.attention_shown = true);
}

/// "Request cancellation" in the Temporal UI is a cancellation like any other.
fn heed_temporal(ctx: &WorkflowContext<BulkWorkflow>) -> Result<(), WorkflowTermination> {
    if ctx.cancellation_token().is_cancelled() {
        let at = now(ctx)?;
        // Refused after the end, which is what was wanted.
        drop(ctx.state_mut(|s| s.apply(&Command::Request(Request::Cancel), at)));
    }
    Ok(())
}

/// A batch that is begun is seen through; what is asked meanwhile counts after it.
async fn ask_batch(ctx: &WorkflowContext<BulkWorkflow>) -> Result<(), WorkflowTermination> {
    let (input, queue) = ctx.state(|s| {
        let core = &s.this.core;
        let (bulk_id, orders_per_second) = (core.bulk_id.clone(), core.orders_per_second);
        let batch = BatchInput { bulk_id, after: s.this.cursor.clone(), at_most: core.batch_size(), orders_per_second };
        (batch, s.input.queues.name(Queue::Bulk))
    });
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(30)).build();
    let summary = input.after.as_ref().map_or_else(|| "ask the first orders".to_owned(), |after| format!("ask the orders after {after}"));
    let options = ActivityOptions::with_start_to_close_timeout(BATCH)
        .heartbeat_timeout(HEARTBEAT)
        .task_queue(queue)
        .retry_policy(retry)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(summary)
        .build();
    let answer = ctx.execute_activity(Bulks::ask_batch, input, options).await;
    let command = answer.map_or_else(|error| Command::GaveUp { why: reason(&error) }, Command::Batch);
    let at = now(ctx)?;
    ctx.state_mut(|s| s.take(&command, at));
    Ok(())
}

/// Until somebody asks for something, or the wait is over.
async fn pause(ctx: &WorkflowContext<BulkWorkflow>) -> Result<(), WorkflowTermination> {
    let Some(due) = ctx.state(|s| s.this.deadline()) else { return Ok(()) };
    let remaining = ctx.state(|s| s.input.clock).real_wait(now(ctx)?, due).max(SHORTEST_TIMER);
    let done = WorkflowCancellationToken::new();
    let options =
        TimerOptions::builder(remaining).cancellation_token(done.clone()).summary(format!("deadline: {}", Wait::Pause.key())).build();
    let alarm: Awaited<'_> = Box::pin(async {
        ctx.timer(options).await;
    });
    let asked: Awaited<'_> = Box::pin(async { drop(wait(ctx, |s| s.must_record() || s.hand_over_asked).await) });
    let cancelled: Awaited<'_> = Box::pin(async { drop(ctx.cancelled().await) });
    drop(select_all([alarm, asked, cancelled]).await);
    done.cancel();
    let at = now(ctx)?;
    ctx.state_mut(|s| s.take(&Command::Tick, at));
    Ok(())
}

/// What the Temporal UI shows of it.
fn show(ctx: &WorkflowContext<BulkWorkflow>) {
    let details = ctx.state(|s| {
        let (this, selected) = (&s.this, s.this.core.selected);
        let counts: Vec<String> = this.counts.iter().map(|(outcome, orders)| format!("{orders} {}", outcome.name())).collect();
        let why = this.why.as_ref().map(|why| format!("\n\n⚠ {why}")).unwrap_or_default();
        format!("**{}**: {} of {selected} orders asked\n\n{}{why}", this.status, this.asked(), counts.join(", "))
    });
    ctx.set_current_details(details);
    // One that paused by itself waits for a person.
    let (needs_attention, shown) = ctx.state(|s| (s.this.why.is_some(), s.attention_shown));
    if needs_attention != shown {
        ctx.upsert_search_attributes([NEEDS_ATTENTION.value_set(needs_attention)]);
        ctx.state_mut(|s| s.attention_shown = needs_attention);
    }
}

/// A long history is handed over to a new run, which goes on from here.
async fn hand_over_if_due(ctx: &WorkflowContext<BulkWorkflow>) -> Result<(), WorkflowTermination> {
    let ended = ctx.state(|s| s.this.status.is_final());
    let long = ctx.history_length() > ctx.state(|s| s.input.history_max) || ctx.continue_as_new_suggested();
    if ended || !(long || ctx.state(|s| s.hand_over_asked)) {
        return Ok(());
    }
    // A handler is answered only when what it did is recorded, so recording goes on until the last one has been.
    while !ctx.all_handlers_finished() {
        let draining = ctx.clone();
        wait(ctx, move |s| draining.all_handlers_finished() || s.must_record()).await?;
        record(ctx).await?;
    }
    let input = ctx.state(|s| BulkInput { bulk: s.this.clone(), recorded: s.recorded, ..s.input.clone() });
    let current = ContinueAsNewVersioningBehavior::AutoUpgrade;
    ctx.continue_as_new(input, ContinueAsNewOptions::builder().initial_versioning_behavior(current).build())?;
    Ok(())
}
