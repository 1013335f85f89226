//! Whatever runs looks at what is recorded, and hears once more what carriers have said: after a restore a run may know more than the books,
//! or less than it had been told, and none of them would say so.

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt};
use oms_starter::Starter;
use oms_workflows::names::{order_of_workflow_id, return_of_workflow_id};
use temporalio_client::{Client, WorkflowListOptions};

use super::SIDE_BY_SIDE;

const RUNNING: &str = "ExecutionStatus = 'Running' AND WorkflowType IN ('Order', 'Return')";

/// Tells all of them; how many there were.
pub(super) async fn look_again(temporal: &Client, starter: &Starter) -> Result<u64> {
    let listed = temporal.list_workflows(RUNNING, WorkflowListOptions::default());
    let told = listed.map_err(anyhow::Error::from).map(|execution| async move {
        let id = execution.context("Temporal's list of workflows")?.id().to_owned();
        tell(starter, &id).await
    });
    told.buffer_unordered(SIDE_BY_SIDE).try_fold(0, async |told, ran| Ok(told + u64::from(ran))).await
}

/// False: it has ended meanwhile.
async fn tell(starter: &Starter, workflow_id: &str) -> Result<bool> {
    Ok(match (order_of_workflow_id(workflow_id), return_of_workflow_id(workflow_id)) {
        (Some(order_id), _) => {
            starter.tell_scans_again(&order_id).await?;
            starter.tell_to_look_again(&order_id).await?
        }
        (None, Some(return_id)) => {
            starter.tell_return_scans_again(&return_id).await?;
            starter.tell_return_to_look_again(&return_id).await?
        }
        (None, None) => false,
    })
}
