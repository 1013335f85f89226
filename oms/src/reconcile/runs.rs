//! What Temporal knows of the orders' workflows.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use oms_domain::ids::OrderId;
use oms_workflows::{
    names::{order_of_workflow_id, order_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::{Client, WorkflowExecutionStatus, WorkflowListOptions, errors::WorkflowInteractionError};

/// All runs of one order, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Whether the last one goes on.
    pub running: bool,
    /// Whether it ended by itself, as against failed, terminated or cancelled by force.
    pub completed: bool,
    /// Over all of them, as Temporal counts. Known once they have ended.
    pub state_transitions: i64,
    pub history_events: i64,
}

/// The runs by order.
#[derive(Debug, Default)]
pub struct Runs(BTreeMap<OrderId, Run>);

impl Runs {
    /// Every order's runs, from Temporal's visibility store. What has just begun may be missing there: see [`Runs::describe`].
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub async fn list(temporal: &Client) -> Result<Self> {
        let mut runs = BTreeMap::new();
        let mut listed = temporal.list_workflows("WorkflowType = 'Order'", WorkflowListOptions::default());
        while let Some(execution) = listed.try_next().await.context("Temporal's list of workflows")? {
            let Some(order_id) = order_of_workflow_id(execution.id()) else { continue };
            let status = execution.status();
            let raw = execution.into_raw();
            let run = runs.entry(order_id).or_insert(Run { running: false, completed: false, state_transitions: 0, history_events: 0 });
            run.running |= status == WorkflowExecutionStatus::Running;
            run.completed |= status == WorkflowExecutionStatus::Completed;
            run.state_transitions += raw.state_transition_count;
            run.history_events += raw.history_length;
        }
        Ok(Self(runs))
    }

    /// The orders that have runs.
    pub fn orders(&self) -> impl Iterator<Item = &OrderId> {
        self.0.keys()
    }

    /// The order's runs.
    pub fn of(&self, order_id: &OrderId) -> Option<Run> {
        self.0.get(order_id).copied()
    }

    /// The order's last run, asked for itself: not a moment behind.
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub async fn describe(temporal: &Client, order_id: &OrderId) -> Result<Option<Run>> {
        let handle = temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        let described = match handle.describe(Default::default()).await {
            Ok(described) => described,
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error).context("Temporal's description of a workflow"),
        };
        let info = described.raw_description.workflow_execution_info.as_ref();
        Ok(Some(Run {
            running: described.status() == WorkflowExecutionStatus::Running,
            completed: described.status() == WorkflowExecutionStatus::Completed,
            state_transitions: info.map_or(0, |info| info.state_transition_count),
            history_events: info.map_or(0, |info| info.history_length),
        }))
    }
}
