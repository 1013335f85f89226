//! What is past its time goes. In a folder of this morning nothing is: its rows are dated back first.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sqlx::PgPool;
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::{
    common::v1::{Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::HistoryEventFilterType,
    history::v1::{HistoryEvent, history_event::Attributes},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{GetWorkflowExecutionHistoryRequest, StartWorkflowExecutionRequest},
};
use tonic::IntoRequest;

/// By how much the statements date back: more than anything is kept.
pub const DAYS: u32 = 60;
/// By which each table's rows are found to be past their time.
const DATE_BACK: [&str; 7] = [
    "UPDATE idempotency_keys SET begun_at = begun_at - interval '60 days'",
    "UPDATE carrier_events SET received_at = received_at - interval '60 days'",
    "UPDATE order_commands SET taken_at = taken_at - interval '60 days'",
    "UPDATE adjustments SET adjusted_at = adjusted_at - interval '60 days'",
    "UPDATE order_guards SET closed_at = closed_at - interval '60 days' WHERE closed_at IS NOT NULL",
    "UPDATE promises SET made_at = made_at - interval '60 days'",
    "UPDATE recent_demand SET noted_at = noted_at - interval '60 days'",
];
/// The schedule that does it every hour starts the same.
const WORKFLOW_ID: &str = "maintenance:prune";

/// Makes everything that is kept for a time only older than that; answers with how many rows there were.
pub async fn date_back(sql: &PgPool) -> Result<u64> {
    let mut rows = 0;
    for statement in DATE_BACK {
        rows += sqlx::query(statement).execute(sql).await?.rows_affected();
    }
    Ok(rows)
}

/// Deletes what is past its time, and waits for the end; answers with how many rows went.
pub async fn prune(client: &Client) -> Result<u64> {
    let json = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    let task = Payload { metadata: json, data: br#"{"task":"prune"}"#.to_vec(), ..Payload::default() };
    let request = StartWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_id: WORKFLOW_ID.to_owned(),
        workflow_type: Some(WorkflowType { name: "Maintenance".to_owned() }),
        task_queue: Some(TaskQueue { name: "orders".to_owned(), ..TaskQueue::default() }),
        input: Some(Payloads { payloads: vec![task] }),
        request_id: format!("prune at {}", jiff::Timestamp::now()),
        ..StartWorkflowExecutionRequest::default()
    };
    let started = client.connection().workflow_service().start_workflow_execution(request.into_request()).await?;
    let run = WorkflowExecution { workflow_id: WORKFLOW_ID.to_owned(), run_id: started.into_inner().run_id };
    let Some(Attributes::WorkflowExecutionCompletedEventAttributes(completed)) = end(client, run).await?.attributes else {
        bail!("{WORKFLOW_ID} did not end well");
    };
    let result = completed.result.and_then(|result| result.payloads.into_iter().next()).context("a result")?;
    let result: Value = serde_json::from_slice(&result.data)?;
    result["rows"].as_u64().with_context(|| format!("rows in {result}"))
}

/// The event that ends a run.
async fn end(client: &Client, run: WorkflowExecution) -> Result<HistoryEvent> {
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: client.namespace(),
        execution: Some(run),
        wait_new_event: true,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..GetWorkflowExecutionHistoryRequest::default()
    };
    loop {
        let page = client.connection().workflow_service().get_workflow_execution_history(request.clone().into_request()).await?;
        let page = page.into_inner();
        if let Some(end) = page.history.and_then(|history| history.events.into_iter().next_back()) {
            return Ok(end);
        }
        request.next_page_token = page.next_page_token;
    }
}
