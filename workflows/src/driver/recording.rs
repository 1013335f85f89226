//! Makes what happened durable, before anyone is answered and before anything is done because of it; and goes on from what others have
//! recorded, where they were first.

use std::time::Duration;

use futures_util::FutureExt;
use oms_domain::error::ErrorCode;
use temporalio_workflow::{
    ActivityExecutionError, TimerOptions, WorkflowCancellationToken, WorkflowContext, WorkflowTermination, common::ActivityDefinition,
};

use super::{Driven, Found, Process, now, show_attention, wait};
use crate::{
    calls::{OTHER_RULES, code, fail_task, own, reason},
    contracts::RecordOutcome,
};

/// What the store will not take is given to it again after so long, and then less and less often: only a person can have changed it.
const REFUSED_FIRST: Duration = Duration::from_secs(60);
const REFUSED_MOST: Duration = Duration::from_secs(60 * 60);

/// Records until nothing is left: events may come in while a record is under way.
pub(super) async fn record<W: Driven>(ctx: &WorkflowContext<W>) -> Result<(), WorkflowTermination> {
    if ctx.state(|s| s.run_state().look_again) {
        ctx.state_mut(|s| s.run_state_mut().look_again = false);
        adopt(ctx, |recorded, found| found > recorded).await?;
    }
    while let Some(unrecorded) = ctx.state(|s| s.run_state().line.to_record().filter(|_| s.must_record())) {
        let version = unrecorded.this.version();
        let answer = W::record(ctx, &unrecorded).await?;
        if answer.as_ref().is_some_and(|answer| answer.digest != unrecorded.digest()) {
            fail_task(ctx, OTHER_RULES).await;
        }
        match answer.map(|answer| (answer.outcome, answer.version)) {
            None | Some((RecordOutcome::Appended, _)) => ctx.state_mut(|s| s.run_state_mut().line.settle(&unrecorded)),
            Some((RecordOutcome::Same, stored)) if stored <= version => {
                let at = now(ctx)?;
                ctx.state_mut(|s| s.run_state_mut().line.settle_found(&unrecorded, at));
            }
            Some((RecordOutcome::Same | RecordOutcome::Other, _)) => adopt(ctx, |_, _| true).await?,
            Some((RecordOutcome::Behind, stored)) => {
                let at = now(ctx)?;
                ctx.state_mut(|s| s.run_state_mut().line.restore(stored, at));
            }
        }
    }
    Ok(())
}

/// Reads the process as others have recorded it, and goes on from there; what PostgreSQL has lost of it is recorded again.
async fn adopt<W: Driven>(ctx: &WorkflowContext<W>, is_wanted: impl FnOnce(u64, u64) -> bool) -> Result<(), WorkflowTermination> {
    let found = W::admit(ctx).await;
    let at = now(ctx)?;
    ctx.state_mut(|s| {
        // Where the books have lost it altogether, this run is all that is left of it.
        let Ok(Found { this, stored, .. }) = found else { return s.run_state_mut().line.restore_if_behind(0, at) };
        if is_wanted(s.run_state().line.recorded(), this.version()) {
            s.run_state_mut().line.adopt(this, at);
            s.went_on();
        }
        s.run_state_mut().line.restore_if_behind(stored, at);
    });
    Ok(())
}

/// Runs one of the house's own activities until it has an answer, whatever the store says: a run that ended because of it would leave
/// stock and money to nobody. Its one error is that nothing was ever taken in. One that has to wait for long says so, where people look.
pub(crate) async fn insist<W, A>(
    ctx: &WorkflowContext<W>,
    activity: impl Fn() -> A,
    input: A::Input,
    summary: &str,
) -> Result<A::Output, ActivityExecutionError>
where
    W: Driven,
    A: ActivityDefinition,
    A::Input: Clone,
{
    let queues = ctx.state(|s| s.queues().clone());
    let mut pause = REFUSED_FIRST;
    loop {
        let late = || stuck(ctx, "neither read nor recorded for minutes");
        match own(ctx, &queues, &activity, input.clone(), summary, late).await {
            Ok(output) => {
                ctx.state_mut(|s| s.run_state_mut().stuck = false);
                return Ok(output);
            }
            // Nothing was ever taken in under this id.
            Err(error) if code(&error) == Some(ErrorCode::OrderNotFound) => return Err(error),
            Err(error) => stuck(ctx, &reason(&error)),
        }
        look_again_after(ctx, pause).await;
        pause = (pause * 2).min(REFUSED_MOST);
    }
}

fn stuck<W: Driven>(ctx: &WorkflowContext<W>, why: &str) {
    ctx.state_mut(|s| s.run_state_mut().stuck = true);
    ctx.set_current_details(format!("⚠ stuck: {why}"));
    show_attention(ctx);
}

/// After a while, or as soon as somebody says so.
async fn look_again_after<W: Driven>(ctx: &WorkflowContext<W>, pause: Duration) {
    let over = WorkflowCancellationToken::new();
    let options = TimerOptions::builder(pause).cancellation_token(over.clone()).summary("try to record again".to_owned()).build();
    {
        let mut pause = std::pin::pin!(ctx.timer(options));
        let mut told = std::pin::pin!(wait(ctx, |s: &W| s.run_state().look_again).fuse());
        temporalio_workflow::select! {
            _ = told => {}
            _ = pause => {}
        }
    }
    over.cancel();
    ctx.state_mut(|s| s.run_state_mut().look_again = false);
}
