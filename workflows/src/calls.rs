//! How workflows call activities: the house's own data at once, what lies outside with patience.

use std::time::{Duration, SystemTime};

use futures_util::future::FusedFuture;
use oms_domain::error::ErrorCode;
use temporalio_workflow::{
    ActivityCloseTimeouts, ActivityExecutionError, ActivityOptions, LocalActivityOptions, RetryPolicy, TimerOptions,
    WorkflowCancellationToken, WorkflowContext,
    common::{
        ActivityDefinition,
        error::{IncomingError, RetryState, TimeoutType},
    },
};

use crate::names::{Queue, Queues};

/// A local activity holds up its workflow's updates, so it gets little time, and one attempt: the SDK (core 0.10.1) never stops the
/// clock of an attempt that failed, which then ends the next one early, or panics when the worker is gone by then. After that the same
/// runs on queue `data`.
const LOCAL_ATTEMPT: Duration = Duration::from_secs(2);
const LOCAL_IN_ALL: Duration = Duration::from_secs(6);
/// On queue `data` a database may take its time; it is asked until it answers.
const DATA_ATTEMPT: Duration = Duration::from_secs(30);
pub(crate) const OUTSIDE_ATTEMPT: Duration = Duration::from_secs(15);
/// How long a system outside that is down is tried before a person must look.
const OUTSIDE_IN_ALL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what is tried at once may wait for a worker of the orders that has a slot free.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// Nobody waited less for somebody to begin before there were tries at once.
const OLD_TRIES: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a database may be out of reach before a person should know.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Runs one of the house's own activities here, or, if that takes too long, on queue `data` until it answers; `late` is called when it has
/// not for minutes. What was refused for good is not asked again: what others have recorded meanwhile is no error, but an answer.
pub(crate) async fn own<W, A>(
    ctx: &WorkflowContext<W>,
    queues: &Queues,
    activity: impl Fn() -> A,
    input: A::Input,
    summary: &str,
    late: impl FnOnce(),
) -> Result<A::Output, ActivityExecutionError>
where
    A: ActivityDefinition,
    A::Input: Clone,
{
    let locally = LocalActivityOptions::builder()
        .start_to_close_timeout(LOCAL_ATTEMPT)
        .schedule_to_close_timeout(LOCAL_IN_ALL)
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(summary.to_owned())
        .build();
    match ctx.execute_local_activity(activity(), input.clone(), locally).await {
        Err(error) if !is_final(&error) => {}
        done => return done,
    }
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(30)).build();
    let slowly = ActivityOptions::with_start_to_close_timeout(DATA_ATTEMPT)
        .task_queue(queues.name(Queue::Data))
        .retry_policy(retry)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(format!("{summary} (slow)"))
        .build();
    within(ctx, PATIENCE, ctx.execute_activity(activity(), input, slowly), late).await
}

pub(crate) const OTHER_RULES: &str = "what was recorded then is not what the rules of this build come to";

/// The task fails, and is tried again for ever: visibly, and without moving anything. Whoever knows why ends the run, and the process goes
/// on from what is recorded.
pub(crate) async fn fail_task<W>(ctx: &WorkflowContext<W>, why: &str) {
    ctx.force_task_fail(why.to_owned());
    std::future::pending().await
}

/// Awaits it, and says so when it has taken so long.
async fn within<W, T>(ctx: &WorkflowContext<W>, patience: Duration, slow: impl FusedFuture<Output = T>, late: impl FnOnce()) -> T {
    let over = WorkflowCancellationToken::new();
    let options = TimerOptions::builder(patience).cancellation_token(over.clone()).summary("say that it takes long".to_owned()).build();
    let mut slow = std::pin::pin!(slow);
    let in_time = {
        let mut patience = std::pin::pin!(ctx.timer(options));
        temporalio_workflow::select! {
            done = slow => Some(done),
            _ = patience => None,
        }
    };
    if let Some(done) = in_time {
        over.cancel();
        return done;
    }
    late();
    slow.await
}

/// Whether trying again cannot help.
fn is_final(error: &ActivityExecutionError) -> bool {
    matches!(error.reason(), Some(IncomingError::Application(failure)) if failure.is_non_retryable())
}

/// At a system outside. The first try is on queue `orders`: the worker that has the order's task in hand begins it together with that task's
/// answer, and the server hands nothing over. What comes to nothing there, or is not even begun since that system is away, goes to the
/// system's own queue, asking first what became of the try: `again` makes that of the input.
pub(crate) async fn at_once<W, A>(
    ctx: &WorkflowContext<W>,
    queues: &Queues,
    queue: Queue,
    activity: impl Fn() -> A,
    input: A::Input,
    summary: String,
    again: impl FnOnce(A::Input) -> A::Input,
) -> Result<A::Output, ActivityExecutionError>
where
    A: ActivityDefinition,
    A::Input: Clone,
{
    let once = ActivityOptions::with_start_to_close_timeout(OUTSIDE_ATTEMPT)
        .schedule_to_start_timeout(BEGUN_WITHIN)
        .task_queue(queues.name(Queue::Orders))
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .cancellation_token(WorkflowCancellationToken::new())
        .summary(summary.clone())
        .build();
    let asked_at = ctx.workflow_time();
    match ctx.execute_activity(activity(), input.clone(), once).await {
        Err(error) if came_to_nothing(&error, since(asked_at, ctx.workflow_time())) => leave_alone(ctx, &error).await,
        done => return done,
    }
    ctx.execute_activity(activity(), again(input), outside(queues, queue, summary)).await
}

/// A first try that another may follow, after so long. Runs from before there were such tries never meet it: they have tried for a day, and
/// waited as long for somebody to begin.
fn came_to_nothing(error: &ActivityExecutionError, after: Duration) -> bool {
    let tried_once =
        matches!(error, ActivityExecutionError::Failed(failure) if failure.retry_state() == RetryState::MaximumAttemptsReached);
    let not_begun = error.as_timeout().is_some_and(|timeout| timeout.timeout_type() == TimeoutType::ScheduleToStart);
    tried_once || not_begun && after < OLD_TRIES
}

/// Time of the workflow's own clock, which is the same on replay.
fn since(then: Option<SystemTime>, now: Option<SystemTime>) -> Duration {
    then.zip(now).and_then(|(then, now)| now.duration_since(then).ok()).unwrap_or_default()
}

/// For as long as the system has said.
async fn leave_alone<W>(ctx: &WorkflowContext<W>, error: &ActivityExecutionError) {
    let Some(IncomingError::Application(failure)) = error.reason() else { return };
    let Some(delay) = failure.next_retry_delay() else { return };
    let options = TimerOptions::builder(delay)
        .cancellation_token(WorkflowCancellationToken::new())
        .summary("leave it alone for so long".to_owned())
        .build();
    ctx.timer(options).await;
}

/// At a system outside, or at another workflow: its own queue, its own time, and tried for a day. The workflow's own cancellation does
/// not reach it: what was begun is seen through.
pub(crate) fn outside(queues: &Queues, queue: Queue, summary: String) -> ActivityOptions {
    outside_within(OUTSIDE_IN_ALL, queues, queue, summary)
}

/// The same, tried for so long.
pub(crate) fn outside_within(in_all: Duration, queues: &Queues, queue: Queue, summary: String) -> ActivityOptions {
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(60)).build();
    ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: in_all,
        start_to_close: OUTSIDE_ATTEMPT.min(in_all),
    })
    .task_queue(queues.name(queue))
    .retry_policy(retry)
    .cancellation_token(WorkflowCancellationToken::new())
    .summary(summary)
    .build()
}

/// The row of the error table that the activity failed with.
pub(crate) fn code(error: &ActivityExecutionError) -> Option<ErrorCode> {
    match error.reason() {
        Some(IncomingError::Application(failure)) => failure.type_name().and_then(ErrorCode::from_code),
        _ => None,
    }
}

/// The error's own message; the outer ones only say that an activity failed.
pub(crate) fn reason(error: &ActivityExecutionError) -> String {
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
