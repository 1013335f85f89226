//! What Temporal knows of the workflows of orders and returns.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use oms_domain::ids::{OrderId, ReturnId};
use oms_workflows::{
    names::{order_of_workflow_id, order_workflow_id, return_of_workflow_id, return_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::{Client, WorkflowExecutionStatus, WorkflowListOptions, errors::WorkflowInteractionError};

/// All runs of one order, or return, one after the other.
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

impl Run {
    const NONE: Self = Self { running: false, completed: false, state_transitions: 0, history_events: 0 };
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
        list(temporal, "WorkflowType = 'Order'", order_of_workflow_id).await.map(Self)
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
        describe(temporal, order_workflow_id(order_id)).await
    }
}

/// The runs of returns, likewise.
pub(super) async fn of_returns(temporal: &Client) -> Result<BTreeMap<ReturnId, Run>> {
    list(temporal, "WorkflowType = 'Return'", return_of_workflow_id).await
}

/// The return's last run, asked for itself.
pub(super) async fn of_return(temporal: &Client, return_id: &ReturnId) -> Result<Option<Run>> {
    describe(temporal, return_workflow_id(return_id)).await
}

async fn list<K: Ord>(temporal: &Client, query: &str, parse: fn(&str) -> Option<K>) -> Result<BTreeMap<K, Run>> {
    let mut runs = BTreeMap::new();
    let mut listed = temporal.list_workflows(query, WorkflowListOptions::default());
    while let Some(execution) = listed.try_next().await.context("Temporal's list of workflows")? {
        let Some(id) = parse(execution.id()) else { continue };
        let status = execution.status();
        let raw = execution.into_raw();
        let run = runs.entry(id).or_insert(Run::NONE);
        run.running |= status == WorkflowExecutionStatus::Running;
        run.completed |= status == WorkflowExecutionStatus::Completed;
        run.state_transitions += raw.state_transition_count;
        run.history_events += raw.history_length;
    }
    Ok(runs)
}

/// Whatever its type: a description is of any workflow.
async fn describe(temporal: &Client, workflow_id: String) -> Result<Option<Run>> {
    let described = match temporal.get_workflow_handle::<OrderWorkflow>(workflow_id).describe(Default::default()).await {
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
