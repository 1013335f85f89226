//! The yardstick: a workflow with one activity, as Temporal's own samples have it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use temporalio_client::{Client, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    activities::{ActivityContext, ActivityError},
    runtime::RuntimeOptions,
};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowResult};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::runtime::Temporal;

const QUEUE: &str = "bench-bare";
const NUMBER: u32 = 42;

struct Numbers;

#[activities]
impl Numbers {
    #[activity(name = "number")]
    async fn number(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        Ok(NUMBER)
    }
}

/// Calls the activity and returns what it says.
#[workflow]
#[derive(Default)]
struct Bare;

#[workflow_methods]
impl Bare {
    #[run(name = "Bare")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        Ok(ctx.execute_activity(Numbers::number, (), ActivityOptions::start_to_close_timeout(Duration::from_secs(10))).await?)
    }
}

/// A worker of its own for the yardstick, on a connection of its own, with the options that the orders' worker has.
pub struct BareWorker {
    client: Client,
    stop: CancellationToken,
    ended: oneshot::Receiver<Result<()>>,
}

impl BareWorker {
    /// Starts it.
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub async fn start(temporal: &Temporal) -> Result<Self> {
        let client = temporal.connect().await?;
        let (stop, (tell, ended)) = (CancellationToken::new(), oneshot::channel());
        let (handle, serving, stopped) = (Handle::current(), client.clone(), stop.clone());
        let work = move || {
            let served = handle.block_on(serve(serving, stopped));
            // Nobody listens any more when the benchmark has failed.
            drop(tell.send(served));
        };
        std::thread::Builder::new().name("bare-worker".to_owned()).spawn(work).context("start the yardstick's thread")?;
        Ok(Self { client, stop, ended })
    }

    /// Runs one workflow to its end.
    ///
    /// # Errors
    /// When it fails, or answers something else.
    pub async fn run_one(&self) -> Result<()> {
        let options = WorkflowStartOptions::new(QUEUE, format!("bare:{}", Uuid::now_v7())).build();
        let run = self.client.start_workflow(Bare::run, (), options).await?;
        let answer = run.get_result(Default::default()).await?;
        ensure!(answer == NUMBER, "the yardstick answered {answer}");
        Ok(())
    }

    /// Stops it.
    ///
    /// # Errors
    /// What it failed with.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.ended.await.context("the yardstick's thread panicked")?
    }
}

async fn serve(client: Client, stopped: CancellationToken) -> Result<()> {
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
    let options = WorkerOptions::new(QUEUE).register_workflow::<Bare>()?.register_activities(Numbers).build();
    let mut worker = Worker::new(&runtime, client, options).map_err(|error| anyhow!("{error}"))?;
    let shutdown = worker.shutdown_handle();
    let stopping = async {
        stopped.cancelled().await;
        shutdown();
        Ok(())
    };
    tokio::try_join!(async { worker.run().await.map_err(|error| anyhow!("{error}")) }, stopping).map(drop)
}
