//! What breaks, and how it is put right again.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use oms_devstack::Postgres;
use secrecy::ExposeSecret;
use sqlx::{Connection as _, PgConnection};
use temporalio_client::NamespacedClient;
use temporalio_common::protos::temporal::api::{
    common::v1::{Payload, Payloads, WorkflowExecution, WorkflowType},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{ResetWorkflowExecutionRequest, StartWorkflowExecutionRequest, TerminateWorkflowExecutionRequest},
};
use tokio::time::{Instant, sleep};
use tonic::{Code, IntoRequest};

use crate::{
    ground::Ground,
    http_proxy::{HttpProxy, Mode, Trap},
    scenarios::Fault,
};

pub async fn all_workers_away(ground: &mut Ground, away: Duration) -> Result<()> {
    ground.workers.iter_mut().try_for_each(|worker| worker.kill())?;
    sleep(away).await;
    ground.workers.iter_mut().try_for_each(|worker| worker.start_again())
}

/// What a run was told, and has recorded, and what its caller waits for, are lost together.
pub async fn everything_away(ground: &mut Ground, away: Duration) -> Result<()> {
    ground.server.kill()?;
    all_workers_away(ground, away).await?;
    ground.server.start_again()
}

/// To whom a call goes.
pub enum Way {
    Gateway,
    Carrier,
    Fraud,
    DynamoDb,
}

impl Way {
    fn proxy<'a>(&self, ground: &'a Ground) -> &'a HttpProxy {
        match self {
            Self::Gateway => &ground.ways.gateway,
            Self::Carrier => &ground.ways.carrier,
            Self::Fraud => &ground.ways.fraud,
            Self::DynamoDb => &ground.ways.dynamodb,
        }
    }
}

/// The call may never come when all orders are done; then the fault has no time left.
const CALL_WITHIN: Duration = Duration::from_secs(30);

pub async fn killed_at(ground: &mut Ground, way: Way, trap: Trap) -> Result<()> {
    let proxy = way.proxy(ground);
    let caught = tokio::time::timeout(CALL_WITHIN, proxy.caught(trap.clone())).await;
    proxy.disarm();
    caught.with_context(|| format!("no call with {:?} came by", trap.in_call))?;
    all_workers_away(ground, Duration::from_secs(1)).await
}

/// As [`killed_at`], by the words of a statement of PostgreSQL's. Each connection says them once.
pub async fn killed_at_statement(ground: &mut Ground, trap: Trap) -> Result<()> {
    let proxy = &ground.ways.postgres;
    proxy.cut();
    sleep(Duration::from_millis(500)).await;
    proxy.arm(trap.clone());
    proxy.mend();
    let caught = tokio::time::timeout(CALL_WITHIN, proxy.sprung()).await;
    proxy.disarm();
    caught.with_context(|| format!("no statement with {:?} came by", trap.in_call))?;
    all_workers_away(ground, Duration::from_secs(1)).await
}

pub async fn frozen(ground: &mut Ground, fault: Fault, time: Duration) -> Result<()> {
    let mut random = fault.random;
    let worker = &ground.workers[random.below(ground.workers.len())];
    worker.freeze()?;
    sleep(time).await;
    worker.thaw()
}

pub async fn temporal_away(ground: &mut Ground, away: Duration) -> Result<()> {
    ground.temporal.kill().await?;
    sleep(away).await;
    Ok(ground.temporal.start_again().await?)
}

/// A server that was killed is taken to be alive for as long as nobody has asked what became of its process.
const DEAD_WITHIN: Duration = Duration::from_secs(10);

/// Starts it after it was killed.
pub async fn start_again(postgres: &mut Postgres) -> Result<()> {
    let until = Instant::now() + DEAD_WITHIN;
    loop {
        match postgres.start_again().await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(error.into()),
            Err(_) => sleep(Duration::from_millis(500)).await,
        }
    }
}

/// The id of a run that goes on: of the first order that has one.
async fn first_open(ground: &Ground, fault: &Fault) -> Result<String> {
    let client = ground.temporal_client().await?;
    for _ in 0..100 {
        let ids = fault.driver.orders.iter().map(|order| format!("'order:{}'", order.order_id)).collect::<Vec<_>>().join(", ");
        let mut listed = client.list_workflows(format!("WorkflowId IN ({ids}) AND ExecutionStatus = 'Running'"), Default::default());
        if let Some(run) = listed.next().await {
            return Ok(run?.id().to_owned());
        }
        sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("no order was open")
}

pub async fn run_reset(ground: &Ground, fault: &Fault) -> Result<()> {
    let (workflow_id, client) = (first_open(ground, fault).await?, ground.temporal_client().await?);
    let request = ResetWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(WorkflowExecution { workflow_id, run_id: String::new() }),
        reason: "a fault".to_owned(),
        // The end of its first task.
        workflow_task_finish_event_id: 4,
        request_id: format!("reset-{}", fault.random.clone().next()),
        ..Default::default()
    };
    let mut service = client.connection().workflow_service();
    let until = Instant::now() + FIRST_TASK_WITHIN;
    loop {
        match service.reset_workflow_execution(request.clone().into_request()).await {
            // Its first task is not over yet: there is nothing to reset to.
            Err(status) if status.code() == Code::InvalidArgument && Instant::now() < until => sleep(Duration::from_millis(200)).await,
            reset => return Ok(reset.map(drop)?),
        }
    }
}

const FIRST_TASK_WITHIN: Duration = Duration::from_secs(20);

pub async fn run_terminated(ground: &Ground, fault: &Fault) -> Result<()> {
    let (workflow_id, client) = (first_open(ground, fault).await?, ground.temporal_client().await?);
    let request = TerminateWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(WorkflowExecution { workflow_id, run_id: String::new() }),
        reason: "a fault".to_owned(),
        ..Default::default()
    };
    client.connection().workflow_service().terminate_workflow_execution(request.into_request()).await?;
    Ok(())
}

/// An order's run that is begun with what no build can read.
pub async fn poison(ground: &Ground) -> Result<()> {
    let client = ground.temporal_client().await?;
    let mut service = client.connection().workflow_service();
    let garbage = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: b"\"not an order\"".to_vec(),
        ..Default::default()
    };
    let request = StartWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_id: "order:poison".to_owned(),
        workflow_type: Some(WorkflowType { name: "Order".to_owned() }),
        task_queue: Some(TaskQueue { name: "orders".to_owned(), ..Default::default() }),
        input: Some(Payloads { payloads: vec![garbage] }),
        request_id: "poison".to_owned(),
        ..Default::default()
    };
    service.start_workflow_execution(request.into_request()).await?;
    sleep(Duration::from_secs(20)).await;
    let request = TerminateWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(WorkflowExecution { workflow_id: "order:poison".to_owned(), run_id: String::new() }),
        ..Default::default()
    };
    // It may have failed by itself, which is as good.
    drop(service.terminate_workflow_execution(request.into_request()).await);
    Ok(())
}

pub async fn read_only(ground: &Ground, yes: bool) -> Result<()> {
    let mut connection = PgConnection::connect(ground.postgres.url().expose_secret()).await?;
    sqlx::query("SET default_transaction_read_only = off").execute(&mut connection).await?;
    let setting =
        if yes { "ALTER SYSTEM SET default_transaction_read_only = on" } else { "ALTER SYSTEM RESET default_transaction_read_only" };
    sqlx::query(setting).execute(&mut connection).await?;
    sqlx::query("SELECT pg_reload_conf()").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

pub async fn connections_used_up(ground: &Ground) -> Result<()> {
    let mut others = Vec::new();
    // As many as there are; three are kept for superusers, as whom everybody comes here.
    while let Ok(connection) = PgConnection::connect(ground.postgres.url().expose_secret()).await {
        others.push(connection);
    }
    sleep(Duration::from_secs(15)).await;
    for connection in others {
        connection.close().await?;
    }
    Ok(())
}

/// Calls go through in this way for so long.
pub async fn degraded(ground: &Ground, way: Way, mode: Mode, time: Duration) -> Result<()> {
    let proxy = way.proxy(ground);
    proxy.set(mode);
    sleep(time).await;
    proxy.set(Mode::Pass);
    Ok(())
}

pub fn answers(status: u16, body: &'static str) -> Mode {
    Mode::Answer { status, content_type: "application/json", body }
}

pub fn page() -> Mode {
    Mode::Answer { status: 200, content_type: "text/html", body: "<html><body>We will be back soon</body></html>" }
}
