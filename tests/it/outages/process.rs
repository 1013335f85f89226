//! A worker in a process of its own, so that it can be killed.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result};
use futures_util::FutureExt;
use nix::{
    sys::signal::{Signal, kill, raise},
    unistd::Pid,
};
use oms_activities::DataActivities;
use oms_allocation::Rules;
use oms_store::Store;
use oms_workflows::{
    names::{Queue, Queues},
    order::OrderWorkflow,
};
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next},
    runtime::{
        RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};

use crate::support::{ground::Addresses, run, runtime::until, stack::temporal, worker::WorkerThread};

/// Where the house is, as JSON.
const ADDRESSES: &str = "OMS_TESTS_WORKER_ADDRESSES";
/// Set: the activity after whose first run the process is gone, before anybody hears of it.
const DIES_AFTER: &str = "OMS_TESTS_WORKER_DIES_AFTER";
/// Set as well: it is stopped before that run, until somebody lets it go on.
const FREEZES: &str = "OMS_TESTS_WORKER_FREEZES";

/// A running worker process. It ends with the test, whatever happens.
pub struct WorkerProcess(Child);

impl WorkerProcess {
    pub fn start(addresses: &Addresses) -> Result<Self> {
        Self::start_with(addresses, &[])
    }

    /// One that dies as soon as an activity has run, before Temporal hears of it.
    pub fn start_to_die_after(addresses: &Addresses, activity: &str) -> Result<Self> {
        Self::start_with(addresses, &[(DIES_AFTER, activity)])
    }

    /// One that is stopped when it is about to run an activity; let go on, it runs it and dies, before Temporal hears of it.
    pub fn start_to_freeze_before(addresses: &Addresses, activity: &str) -> Result<Self> {
        Self::start_with(addresses, &[(DIES_AFTER, activity), (FREEZES, "1")])
    }

    /// Waits until it is stopped.
    pub async fn frozen(&self) -> Result<()> {
        let stat = format!("/proc/{}/stat", self.0.id());
        let stopped =
            async || Ok(std::fs::read_to_string(&stat)?.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T")).then_some(()));
        until("the worker process to be stopped", stopped).await
    }

    /// Lets it go on, and waits until it has died.
    pub async fn thaw(self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGCONT)?;
        self.ended().await
    }

    fn start_with(addresses: &Addresses, environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "outages::process::worker_process", "--ignored", "--nocapture"]);
        command.env(ADDRESSES, serde_json::to_string(addresses)?).envs(environment.iter().copied());
        // Its standard input is a pipe from here: it ends when that does.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        Ok(Self(child))
    }

    /// SIGKILL: it gets to finish nothing.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> Result<()> {
        until("the worker process to die", async || Ok(self.0.try_wait()?.map(drop))).await
    }
}

#[test]
#[ignore = "a worker; the tests that kill one start it"]
fn worker_process() -> Result<()> {
    let addresses = std::env::var(ADDRESSES).context("the tests that need this process start it")?;
    let addresses: Addresses = serde_json::from_str(&addresses)?;
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        drop(std::io::stdin().read_to_end(&mut nothing));
        std::process::exit(0);
    });
    run(async {
        let store = Store::connect(&addresses.store_config()).await?;
        match std::env::var(DIES_AFTER) {
            Ok(activity) => serve_until(activity, store, &addresses).await,
            Err(_) => {
                let worker = WorkerThread::start(temporal(&addresses.temporal).await?, store, &addresses)?;
                std::future::pending::<()>().await;
                worker.stop().await
            }
        }
    })
}

/// Serves orders until an activity has run.
async fn serve_until(activity: String, store: Store, addresses: &Addresses) -> Result<()> {
    let queue = Queues::new(addresses.queue_prefix.clone()).name(Queue::Orders);
    let data = DataActivities::new(store, Rules::built_in().into());
    let options = WorkerOptions::new(queue).register_workflow::<OrderWorkflow>()?.register_activities(data);
    let options = options.tuner(one_at_a_time()).activity_inbound_interceptor(DiesAfter(activity.into())).build();
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
    let mut worker = Worker::new(&runtime, temporal(&addresses.temporal).await?, options).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(worker.run().await?)
}

/// It polls for no more than it has in hand: what the server gives to a process that is stopped is lost for a while.
fn one_at_a_time() -> TunerHolder {
    let slots = || FixedSizeSlotSupplier::new(2);
    TunerHolder::builder()
        .workflow_task_slot_supplier(slots())
        .local_activity_task_slot_supplier(slots())
        .activity_task_slot_supplier(slots())
        .nexus_task_slot_supplier(slots())
        .build()
}

/// Ends the process after an activity, before its result is heard of.
struct DiesAfter(Arc<str>);

impl ActivityInboundInterceptor for DiesAfter {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let dies = input.activity_info().activity_type == *self.0;
        let freezes = dies && std::env::var_os(FREEZES).is_some();
        async move {
            if freezes {
                raise(Signal::SIGSTOP).expect("a process may stop itself");
            }
            let result = next.run(input).await;
            if dies {
                std::process::abort();
            }
            result
        }
        .boxed()
    }
}
