//! Asks the open runs of a build to hand over, and waits until there are none.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use oms_domain::error::ErrorCode;
use oms_workflows::names::{HAND_OVER, HANDED_OVER};
use temporalio_client::{
    NamespacedClient, UntypedSignal, UntypedWorkflow, WorkflowExecutionInfo, WorkflowListOptions, WorkflowSignalOptions,
    errors::WorkflowInteractionError,
};
use temporalio_common::data_converters::RawValue;
use tokio::time::{Instant, interval, sleep, timeout_at};

use super::builds::Deployment;
use crate::exit::Coded;

/// How often it is looked how many are left.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// When those that are left are asked again: a run that has been asked remembers it, and most hand over at once.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// Drains the builds.
///
/// # Errors
/// `timed_out` when runs are still open after the time.
pub(super) async fn drain(deployment: &Deployment, builds: &[String], per_second: u32, timeout: Duration) -> Result<()> {
    let until = Instant::now() + timeout;
    for build_id in builds {
        while let left @ 1.. = open_runs(deployment, build_id).await? {
            if Instant::now() >= until {
                let message = format!("{left} runs of build {build_id} are still open after {} s", timeout.as_secs());
                bail!(
                    Coded::new(ErrorCode::TimedOut, message)
                        .hint("they go on with their build; drain again later, and leave it its workers")
                );
            }
            tracing::info!(deployment.build = build_id, runs = left, "asking runs to hand over");
            at_most_until(until, ask(deployment, build_id, per_second)).await?;
            until_none_is_left(deployment, build_id, until.min(Instant::now() + ASK_EVERY)).await?;
        }
    }
    Ok(())
}

/// Those that can hand over. A maintenance ends within minutes by itself.
fn runs(deployment: &Deployment, build_id: &str) -> String {
    let types: Vec<String> = HANDED_OVER.iter().map(|name| format!("'{name}'")).collect();
    format!("{} AND WorkflowType IN ({})", deployment.open_runs(build_id), types.join(", "))
}

async fn open_runs(deployment: &Deployment, build_id: &str) -> Result<usize> {
    let counted = deployment.client().count_workflows(runs(deployment, build_id), Default::default()).await;
    Ok(counted.context("count the open runs")?.count())
}

/// Goes on with it until then: whom it has not come to is asked another time.
async fn at_most_until(until: Instant, asking: impl Future<Output = Result<()>>) -> Result<()> {
    timeout_at(until, asking).await.unwrap_or(Ok(()))
}

/// Asks each by its run: the next run is on the next build, and is not meant.
async fn ask(deployment: &Deployment, build_id: &str, per_second: u32) -> Result<()> {
    let client = deployment.client();
    let mut pace = interval(Duration::from_secs(1) / per_second);
    let mut listed = client.list_workflows(runs(deployment, build_id), WorkflowListOptions::default());
    while let Some(run) = listed.try_next().await.context("list the open runs")? {
        pace.tick().await;
        let info = WorkflowExecutionInfo::builder().namespace(client.namespace()).workflow_id(run.id()).run_id(run.run_id()).build();
        let signal = UntypedSignal::<UntypedWorkflow>::new(HAND_OVER);
        match info.bind_untyped(client.clone()).signal(signal, nothing(), WorkflowSignalOptions::default()).await {
            // One that has ended, or handed over, since it was listed.
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => {}
            Err(error) => return Err(error).with_context(|| format!("ask {} to hand over", run.id())),
        }
    }
    Ok(())
}

/// No argument at all. `RawValue::empty()` is one without an encoding: a run that was sent it could not read it, and failed its task for ever.
fn nothing() -> RawValue {
    RawValue::new(Vec::new())
}

async fn until_none_is_left(deployment: &Deployment, build_id: &str, until: Instant) -> Result<()> {
    while Instant::now() < until && open_runs(deployment, build_id).await? > 0 {
        sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use temporalio_common::data_converters::{GenericPayloadConverter, PayloadConverter, SerializationContext, SerializationContextData};

    use super::*;

    /// What a run's handler of the signal makes of it, which takes nothing.
    fn read(sent: &RawValue) -> bool {
        let (data, converter) = (SerializationContextData::None, PayloadConverter::default());
        let context = SerializationContext::new(&data, &converter);
        converter.to_payloads(&context, sent).and_then(|payloads| converter.from_payloads::<()>(&context, payloads)).is_ok()
    }

    #[test]
    fn a_run_can_read_what_it_is_asked_with() {
        assert!(read(&nothing()));
        assert!(!read(&RawValue::empty()), "what it was asked with once");
    }

    #[tokio::test]
    async fn asking_ends_when_the_time_is_over() {
        at_most_until(Instant::now(), std::future::pending()).await.unwrap();
        let failed = at_most_until(Instant::now() + ASK_EVERY, async { bail!("no answer") }).await;
        assert_eq!(failed.unwrap_err().to_string(), "no answer");
    }
}
