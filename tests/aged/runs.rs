//! Temporal, as its operators see it: runs are listed, deleted, set back and terminated.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, NamespacedClient, Url};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::EventType,
    workflowservice::v1::{
        DeleteWorkflowExecutionRequest, DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
        GetWorkflowExecutionHistoryRequest, ResetWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
    },
};
use tonic::{Code, IntoRequest};

use crate::{bar::Bar, until::until};

const AT_ONCE: usize = 16;
/// Temporal deletes in its own time.
const DELETED_WITHIN: Duration = Duration::from_secs(60);
const ALL_DELETED_WITHIN: Duration = Duration::from_secs(600);
const AT_REST_WITHIN: Duration = Duration::from_secs(60);

/// A client that knows nothing of the product's payloads.
pub async fn connect(address: &str) -> Result<Client> {
    let connection = Connection::connect(ConnectionOptions::new(Url::parse(&format!("http://{address}"))?).build()).await?;
    Ok(Client::new(connection, ClientOptions::new("default").build())?)
}

/// Orders that have a run, or of which a return has one.
pub async fn of_open_orders(client: &Client) -> Result<BTreeSet<String>> {
    let order = |run: WorkflowExecution| match run.workflow_id.split_once(':')? {
        ("order", id) => Some(id.to_owned()),
        ("return", id) => Some(id.rsplit_once("-R")?.0.to_owned()),
        _ => None,
    };
    Ok(list(client, "ExecutionStatus = 'Running'").await?.into_iter().filter_map(order).collect())
}

async fn list(client: &Client, query: &str) -> Result<Vec<WorkflowExecution>> {
    let listed: Vec<_> = client.list_workflows(query, Default::default()).try_collect().await?;
    Ok(listed.into_iter().filter_map(|run| run.into_raw().execution).collect())
}

/// Deletes every run that has ended, until there is none; answers with how many there were.
pub async fn delete_closed(client: &Client) -> Result<usize> {
    let mut deleted = BTreeSet::new();
    until("every run that has ended to be gone", ALL_DELETED_WITHIN, async || {
        let closed = list(client, "ExecutionStatus != 'Running'").await?;
        let (none, bar) = (closed.is_empty(), Bar::of(closed.len(), "runs deleted"));
        let mut deleting = stream::iter(closed).map(|run| delete(client, run)).buffer_unordered(AT_ONCE);
        while let Some(run_id) = deleting.try_next().await? {
            deleted.insert(run_id);
            bar.step();
        }
        Ok(none.then_some(()))
    })
    .await?;
    Ok(deleted.len())
}

async fn delete(client: &Client, run: WorkflowExecution) -> Result<String> {
    let request = DeleteWorkflowExecutionRequest { namespace: client.namespace(), workflow_execution: Some(run.clone()) };
    match client.connection().workflow_service().delete_workflow_execution(request.into_request()).await {
        Ok(_) => {}
        // The list is a moment behind.
        Err(status) if status.code() == Code::NotFound => {}
        Err(status) => return Err(status).with_context(|| format!("delete {}", run.workflow_id)),
    }
    let gone = async || Ok(describe(client, &run).await?.is_none().then_some(()));
    until("a run to be forgotten", DELETED_WITHIN, gone).await.with_context(|| run.workflow_id.clone())?;
    Ok(run.run_id)
}

/// None: there is no such run.
async fn describe(client: &Client, run: &WorkflowExecution) -> Result<Option<DescribeWorkflowExecutionResponse>> {
    let request = DescribeWorkflowExecutionRequest { namespace: client.namespace(), execution: Some(run.clone()) };
    match client.connection().workflow_service().describe_workflow_execution(request.into_request()).await {
        Ok(described) => Ok(Some(described.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// The last run of an order.
fn of_order(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: format!("order:{id}"), run_id: String::new() }
}

/// Sets an order's run back to the end of its first task, and waits until the new one has caught up.
pub async fn reset(client: &Client, id: &str) -> Result<()> {
    let request = ResetWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(of_order(id)),
        reason: "to see that it goes on".to_owned(),
        workflow_task_finish_event_id: first_task(client, id).await?,
        request_id: format!("reset {id} at {}", jiff::Timestamp::now()),
        ..ResetWorkflowExecutionRequest::default()
    };
    client.connection().workflow_service().reset_workflow_execution(request.into_request()).await?;
    let at_rest = async || {
        let described = describe(client, &of_order(id)).await?.context("the run that was set back is gone")?;
        Ok(described.pending_workflow_task.is_none().then_some(()))
    };
    until("a run that was set back to catch up", AT_REST_WITHIN, at_rest).await
}

async fn first_task(client: &Client, id: &str) -> Result<i64> {
    let request = GetWorkflowExecutionHistoryRequest { namespace: client.namespace(), execution: Some(of_order(id)), ..Default::default() };
    let page = client.connection().workflow_service().get_workflow_execution_history(request.into_request()).await?.into_inner();
    let events = page.history.context("a history")?.events;
    let completed = events.iter().find(|event| event.event_type() == EventType::WorkflowTaskCompleted);
    Ok(completed.context("no task was completed")?.event_id)
}

/// Ends an order's run without a word to it.
pub async fn terminate(client: &Client, id: &str) -> Result<()> {
    let request = TerminateWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(of_order(id)),
        reason: "to see that the order outlives it".to_owned(),
        ..TerminateWorkflowExecutionRequest::default()
    };
    client.connection().workflow_service().terminate_workflow_execution(request.into_request()).await?;
    Ok(())
}
