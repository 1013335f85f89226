//! What Temporal knows of the workflows of orders and returns.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_domain::ids::{OrderId, ReturnId};
use oms_workflows::{
    names::{order_of_workflow_id, order_workflow_id, return_of_workflow_id, return_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::{Client, WorkflowExecutionStatus, WorkflowListOptions, errors::WorkflowInteractionError};

/// Ids in one question to Temporal's list, and descriptions asked for side by side.
const IDS_AT_ONCE: usize = 50;
const AT_ONCE: usize = 16;

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
    /// Every order's runs, from Temporal's visibility store. What has just begun may be missing there.
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
}

/// How the runs of some are found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// From Temporal's list, many at a time: what has happened in the last moments may be missing.
    Listed,
    /// One by one, and not a moment behind.
    Described,
}

/// The runs of these orders; those without are left out.
pub(super) async fn of_orders(temporal: &Client, ids: &[OrderId], look: Look) -> Result<BTreeMap<OrderId, Run>> {
    of(temporal, ids, look, order_workflow_id, order_of_workflow_id).await
}

/// The runs of these returns.
pub(super) async fn of_returns(temporal: &Client, ids: &[ReturnId], look: Look) -> Result<BTreeMap<ReturnId, Run>> {
    of(temporal, ids, look, return_workflow_id, return_of_workflow_id).await
}

/// Shows everything that runs, some at a time: ids of orders.
pub(super) async fn running(temporal: &Client, mut some: impl AsyncFnMut(Vec<OrderId>) -> Result<()>) -> Result<()> {
    let mut listed = temporal.list_workflows("WorkflowType = 'Order' AND ExecutionStatus = 'Running'", WorkflowListOptions::default());
    let mut ids = Vec::new();
    while let Some(execution) = listed.try_next().await.context("Temporal's list of workflows")? {
        ids.extend(order_of_workflow_id(execution.id()));
        if ids.len() >= IDS_AT_ONCE {
            some(std::mem::take(&mut ids)).await?;
        }
    }
    some(ids).await
}

async fn of<K: Ord + Clone>(
    temporal: &Client,
    ids: &[K],
    look: Look,
    name: fn(&K) -> String,
    parse: fn(&str) -> Option<K>,
) -> Result<BTreeMap<K, Run>> {
    let mut runs = BTreeMap::new();
    match look {
        Look::Listed => {
            for ids in ids.chunks(IDS_AT_ONCE) {
                // Ids have neither quotes nor backslashes.
                let names: Vec<String> = ids.iter().map(|id| format!("'{}'", name(id))).collect();
                runs.extend(list(temporal, &format!("WorkflowId IN ({})", names.join(", ")), parse).await?);
            }
        }
        Look::Described => {
            let described = ids.iter().map(|id| async move { Ok::<_, anyhow::Error>((id.clone(), describe(temporal, name(id)).await?)) });
            let described: Vec<Result<(K, Option<Run>)>> = stream::iter(described).buffer_unordered(AT_ONCE).collect().await;
            for found in described {
                let (id, run) = found?;
                runs.extend(run.map(|run| (id, run)));
            }
        }
    }
    Ok(runs)
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
