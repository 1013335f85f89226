//! Whether histories are what this build's workflows would do.

use anyhow::Result;
use oms_workflows::{bulk::BulkWorkflow, maintenance::MaintenanceWorkflow, order::OrderWorkflow, returns::ReturnWorkflow};
use temporalio_client::WorkflowHistory;
use temporalio_common::data_converters::DataConverter;
use temporalio_sdk::workflow_replayer::{WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions};

/// Replays the histories, whose payloads the converter reads, against the workflows of this build: none where nothing would change, else what
/// would, in the order of the histories. All of them are in memory at once.
///
/// # Errors
/// When a history cannot be fetched, or nothing can be replayed at all.
pub async fn replay(
    histories: impl IntoIterator<Item = WorkflowHistory>,
    converter: DataConverter,
) -> Result<Vec<Option<WorkflowReplayFailure>>> {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<OrderWorkflow>()?
        .register_workflow::<ReturnWorkflow>()?
        .register_workflow::<MaintenanceWorkflow>()?
        .register_workflow::<BulkWorkflow>()?
        .data_converter(converter)
        .build();
    let results = WorkflowReplayer::new(options)?.replay_workflows(histories).await?;
    Ok(results.into_iter().map(|result| result.replay_failure).collect())
}
