//! Histories: fetched from the server, replayed against today's workflow code, and kept for the code of tomorrow.

use std::path::PathBuf;

use anyhow::{Context, Result};
use oms_domain::ids::{BulkId, OrderId, ReturnId};
use oms_worker::replay as replayed;
use oms_workflows::{
    bulk::BulkWorkflow,
    maintenance::MaintenanceWorkflow,
    names::{Queues, bulk_workflow_id, maintenance_id, order_workflow_id, return_workflow_id},
    order::OrderWorkflow,
    returns::ReturnWorkflow,
};
use serde_json::Value;
use temporalio_client::{NamespacedClient, UntypedWorkflow, WorkflowExecutionInfo, WorkflowHandle, WorkflowHistory};
use temporalio_common::{
    data_converters::DataConverter,
    protos::temporal::api::{history::v1::History, workflow::v1::PendingActivityInfo},
};

use super::{queues, system::System};

/// Set to keep the histories of the journeys that ask for it, in place of those in the repository.
pub const RECORD: &str = "OMS_RECORD_HISTORIES";

/// Events that say how a run came to where it is.
const LAST_NOTED: usize = 24;

/// Where histories are kept, one file each.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/histories")
}

/// The order's history as JSON, without the names of the machines that made it.
pub async fn history(system: &System, id: &OrderId) -> Result<Vec<u8>> {
    let handle = system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    scrubbed(handle.fetch_history(Default::default()).to_json().await?)
}

/// What the server last noted of the order's run, how often its task was tried, and what it waits for: why a run does not answer.
pub async fn last_noted(system: &System, id: &OrderId) -> Result<String> {
    let handle = system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    let described = handle.describe(Default::default()).await?;
    let task = described.raw().pending_workflow_task.as_ref().map(|task| format!("{task:?}"));
    let pending = |activity: &PendingActivityInfo| format!("{:?} {:?}", activity.activity_type, activity.last_failure);
    let pending: Vec<String> = described.raw().pending_activities.iter().map(pending).collect();
    let events = handle.fetch_history(Default::default()).into_events().await?;
    let skipped = events.len().saturating_sub(LAST_NOTED);
    let last: Vec<String> = events.iter().skip(skipped).map(|event| format!("{} {:?}", event.event_id, event.attributes)).collect();
    Ok(format!("pending task {task:?}, pending activities {pending:?}, last events:\n{}", last.join("\n")))
}

/// The return's history, likewise.
async fn return_history(system: &System, id: &ReturnId) -> Result<Vec<u8>> {
    let handle = system.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
    scrubbed(handle.fetch_history(Default::default()).to_json().await?)
}

/// The history of a bulk operation's last run, likewise.
async fn bulk_history(system: &System, id: &BulkId) -> Result<Vec<u8>> {
    let handle = system.temporal.get_workflow_handle::<BulkWorkflow>(bulk_workflow_id(id));
    scrubbed(handle.fetch_history(Default::default()).to_json().await?)
}

fn scrubbed(history: Vec<u8>) -> Result<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(&history)?;
    forget_machines(&mut json);
    Ok(serde_json::to_vec(&json)?)
}

/// The return's history replays against the workflow as it is now.
pub async fn return_replays(system: &System, id: &ReturnId) -> Result<()> {
    let json = return_history(system, id).await?;
    is_sound(system, &json).await.with_context(|| format!("the history of return {id}"))
}

/// The history of a bulk operation's last run replays against the workflow as it is now.
pub async fn bulk_replays(system: &System, id: &BulkId) -> Result<()> {
    let json = bulk_history(system, id).await?;
    is_sound(system, &json).await.with_context(|| format!("the history of bulk operation {id}"))
}

fn forget_machines(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "identity" => *field = "it".into(),
                    _ => forget_machines(field),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget_machines),
        // A worker's own queue is named after its process and host.
        Value::String(text) if text.contains('@') => *value = "it".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The order's history replays against the workflow as it is now.
pub async fn replays(system: &System, id: &OrderId) -> Result<()> {
    let json = history(system, id).await?;
    is_sound(system, &json).await.with_context(|| format!("the history of order {id}"))
}

async fn maintenance_history(system: &System, task: &str) -> Result<Vec<u8>> {
    let id = maintenance_id(&Queues::new(system.addresses.queue_prefix.clone()), task);
    let handle = system.temporal.get_workflow_handle::<MaintenanceWorkflow>(id);
    scrubbed(handle.fetch_history(Default::default()).to_json().await?)
}

/// The history of the last run of a maintenance replays against the workflow as it is now.
pub async fn maintenance_replays(system: &System, task: &str) -> Result<()> {
    let json = maintenance_history(system, task).await?;
    is_sound(system, &json).await.with_context(|| format!("the history of the maintenance {task}"))
}

/// Replays one history whose payloads are in clear.
pub async fn replay(json: &[u8]) -> Result<()> {
    replay_with(json, DataConverter::default()).await
}

/// The same, as the server has it.
pub async fn events(history: History) -> Result<()> {
    replay_history(history.into(), DataConverter::default()).await
}

/// It replays, and each of its activities runs on its own queue.
async fn is_sound(system: &System, json: &[u8]) -> Result<()> {
    queues::each_on_its_own(json, &Queues::new(system.addresses.queue_prefix.clone()))?;
    replay_with(json, system.converter.clone()).await.context("it does not replay")
}

async fn replay_with(json: &[u8], converter: DataConverter) -> Result<()> {
    replay_history(WorkflowHistory::from_json(json)?, converter).await
}

async fn replay_history(history: WorkflowHistory, converter: DataConverter) -> Result<()> {
    match replayed([history], converter).await?.pop().flatten() {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

/// Keeps the order's history under a name, if histories are being recorded.
pub async fn keep(system: &System, id: &OrderId, name: &str) -> Result<()> {
    if std::env::var_os(RECORD).is_none() {
        return Ok(());
    }
    write(&history(system, id).await?, name)
}

/// The same for one run of an order that was handed over.
pub async fn keep_run(system: &System, id: &OrderId, run_id: &str, name: &str) -> Result<()> {
    if std::env::var_os(RECORD).is_none() {
        return Ok(());
    }
    let client = system.temporal.clone();
    let run = WorkflowExecutionInfo::builder().namespace(client.namespace()).workflow_id(order_workflow_id(id)).run_id(run_id).build();
    let handle = WorkflowHandle::<_, UntypedWorkflow>::new(client, run);
    write(&scrubbed(handle.fetch_history(Default::default()).to_json().await?)?, name)
}

/// The same for the last run of a maintenance.
pub async fn keep_maintenance(system: &System, task: &str, name: &str) -> Result<()> {
    if std::env::var_os(RECORD).is_none() {
        return Ok(());
    }
    write(&maintenance_history(system, task).await?, name)
}

/// The same for a return's history.
pub async fn keep_return(system: &System, id: &ReturnId, name: &str) -> Result<()> {
    if std::env::var_os(RECORD).is_none() {
        return Ok(());
    }
    write(&return_history(system, id).await?, name)
}

/// The same for a bulk operation's history.
pub async fn keep_bulk(system: &System, id: &BulkId, name: &str) -> Result<()> {
    if std::env::var_os(RECORD).is_none() {
        return Ok(());
    }
    write(&bulk_history(system, id).await?, name)
}

fn write(history: &[u8], name: &str) -> Result<()> {
    let path = folder().join(format!("{name}.json"));
    std::fs::write(&path, history).with_context(|| path.display().to_string())
}
