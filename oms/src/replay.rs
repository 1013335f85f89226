//! `oms replay`: whether orders would go another way with this build than they went.

use anyhow::Result;
use clap::{Args, ValueEnum};
use futures_util::TryStreamExt;
use oms_domain::{error::ErrorCode, ids::OrderId};
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde::{Deserialize, Serialize};
use serde_json::json;
use temporalio_client::{
    Client, NamespacedClient, UntypedWorkflow, WorkflowExecutionInfo, WorkflowHistory, WorkflowListOptions,
    errors::WorkflowInteractionError,
};
use temporalio_common::data_converters::DataConverter;

use crate::{
    config::{ConfigFile, TemporalLayer},
    deploy::of_build,
    exit::Coded,
    output::{self, Format, table},
};

/// Histories in memory at once.
const BATCH: usize = 16;
/// The workflows that live long enough to meet another build.
const TYPES: [&str; 4] = ["Order", "Return", "Bulk", "Maintenance"];

/// `oms replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Runs to replay of each type and status, spread evenly over those there are.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    sample: u64,
    /// Replay the last run of these orders alone; may be given more than once.
    #[arg(long, value_name = "ORDER", conflicts_with_all = ["sample", "status", "build"])]
    order: Vec<OrderId>,
    /// Only runs that go on, or only those that have ended.
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<RunStatus>,
    /// Only runs of this build.
    #[arg(long, value_name = "ID")]
    build: Option<String>,
    /// The deployment of that build.
    #[arg(long, env = "OMS_DEPLOYMENT_NAME", default_value = "oms", value_name = "NAME")]
    deployment_name: String,
    #[command(flatten)]
    temporal: TemporalLayer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunStatus {
    Running,
    Ended,
}

/// What became of a run's replay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replayed {
    pub workflow_id: String,
    pub run_id: String,
    pub workflow_type: String,
    /// `running` or `ended`.
    pub status: String,
    /// What this build would do otherwise; none: nothing.
    pub would_change: Option<String>,
}

impl ReplayArgs {
    /// Does it.
    ///
    /// # Errors
    /// `refused_by_rule` when a run would go another way; `not_found` when an order has no run, or nothing was replayed; `unavailable` when
    /// Temporal does not answer.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let temporal = self.temporal.clone().over(file.temporal).connection()?;
        let (client, converter) = (temporal.connect().await?, temporal.converter());
        let mut replayed = Vec::new();
        if self.order.is_empty() {
            for (workflow_type, status) in self.groups() {
                let runs = self.sample(&client, workflow_type, status).await?;
                replay_all(&client, &converter, runs, &mut replayed).await?;
            }
        } else {
            let mut runs = Vec::new();
            for order in &self.order {
                runs.push(last_run(&client, order).await?);
            }
            replay_all(&client, &converter, runs, &mut replayed).await?;
        }
        output::list::<Replayed>(format, &replayed.iter().map(|run| json!(run)).collect::<Vec<_>>(), None, text)?;
        verdict(&replayed)
    }

    fn groups(&self) -> impl Iterator<Item = (&'static str, RunStatus)> {
        let wanted = self.status;
        let statuses =
            [RunStatus::Running, RunStatus::Ended].into_iter().filter(move |status| wanted.is_none_or(|wanted| wanted == *status));
        statuses.flat_map(|status| TYPES.map(|workflow_type| (workflow_type, status)))
    }

    /// Every n-th run of a type and status.
    async fn sample(&self, client: &Client, workflow_type: &str, status: RunStatus) -> Result<Vec<Replayed>> {
        let comparison = match status {
            RunStatus::Running => "=",
            RunStatus::Ended => "!=",
        };
        let mut query = format!("WorkflowType = '{workflow_type}' AND ExecutionStatus {comparison} 'Running'");
        if let Some(build) = &self.build {
            query.push_str(&format!(" AND {}", of_build(&self.deployment_name, build)));
        }
        let there_are = client.count_workflows(&query, Default::default()).await.map_err(|error| silent("count the runs", &error))?.count();
        let step = there_are.div_ceil(self.sample as usize).max(1);
        let (mut listed, mut seen, mut runs) = (client.list_workflows(&query, WorkflowListOptions::default()), 0, Vec::new());
        while let Some(run) = listed.try_next().await.map_err(|error| silent("list the runs", &error))? {
            if seen % step == 0 {
                runs.push(view(run.id(), run.run_id(), workflow_type, status));
            }
            seen += 1;
        }
        Ok(runs)
    }
}

fn view(workflow_id: &str, run_id: &str, workflow_type: &str, status: RunStatus) -> Replayed {
    let status = match status {
        RunStatus::Running => "running",
        RunStatus::Ended => "ended",
    };
    Replayed {
        workflow_id: workflow_id.to_owned(),
        run_id: run_id.to_owned(),
        workflow_type: workflow_type.to_owned(),
        status: status.to_owned(),
        would_change: None,
    }
}

async fn last_run(client: &Client, order: &OrderId) -> Result<Replayed> {
    let described = client.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order)).describe(Default::default()).await;
    let described = described.map_err(|error| not_described(order, error))?;
    let running = described.status() == temporalio_client::WorkflowExecutionStatus::Running;
    Ok(view(described.id(), described.run_id(), "Order", if running { RunStatus::Running } else { RunStatus::Ended }))
}

fn not_described(order: &OrderId, error: WorkflowInteractionError) -> Coded {
    match error {
        WorkflowInteractionError::NotFound(_) => Coded::new(ErrorCode::NotFound, format!("order {order} has no run at Temporal")),
        other => silent(&format!("describe the run of order {order}"), &other),
    }
}

fn silent(asked: &str, error: &dyn std::error::Error) -> Coded {
    Coded::new(ErrorCode::Unavailable, format!("Temporal was asked to {asked}: {error}")).hint("see TEMPORAL_ADDRESS")
}

/// A sample of none proves nothing: whoever rolls out by it has narrowed it too far, or asks another Temporal.
fn verdict(replayed: &[Replayed]) -> Result<()> {
    if replayed.is_empty() {
        let hint = "see --status, --build and --deployment-name, and TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE";
        return Err(Coded::new(ErrorCode::NotFound, "nothing was replayed: no run is like that").hint(hint).into());
    }
    match replayed.iter().filter(|run| run.would_change.is_some()).count() {
        0 => Ok(()),
        changed => {
            let message = format!("{changed} of {} runs would go another way with this build", replayed.len());
            Err(Coded::new(ErrorCode::RefusedByRule, message).hint("do not roll it out to them: leave them their build").into())
        }
    }
}

async fn replay_all(client: &Client, converter: &DataConverter, runs: Vec<Replayed>, replayed: &mut Vec<Replayed>) -> Result<()> {
    for batch in runs.chunks(BATCH) {
        let histories: Vec<WorkflowHistory> = batch.iter().map(|run| history(client, run)).collect();
        let failures = oms_worker::replay(histories, converter.clone()).await?;
        for (run, failure) in batch.iter().zip(failures) {
            replayed.push(Replayed { would_change: failure.map(|failure| sentence(&failure.to_string())), ..run.clone() });
        }
        tracing::info!(runs = replayed.len(), "replayed");
    }
    Ok(())
}

/// What a task failed with, out of the SDK's account of it, which has it among much else; or all of that.
fn sentence(account: &str) -> String {
    let quoted = account.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"'));
    quoted.map_or(account, |(message, _)| message).to_owned()
}

fn history(client: &Client, run: &Replayed) -> WorkflowHistory {
    let info = WorkflowExecutionInfo::builder().namespace(client.namespace()).workflow_id(&run.workflow_id).run_id(&run.run_id).build();
    temporalio_client::WorkflowHandle::<_, UntypedWorkflow>::new(client.clone(), info).fetch_history(Default::default())
}

fn text(runs: &[Replayed]) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for run in runs {
        let changed = usize::from(run.would_change.is_some());
        match rows.iter_mut().find(|row| row[0] == run.workflow_type && row[1] == run.status) {
            Some(row) => {
                row[2] = (row[2].parse::<usize>().unwrap_or(0) + 1).to_string();
                row[3] = (row[3].parse::<usize>().unwrap_or(0) + changed).to_string();
            }
            None => rows.push([run.workflow_type.clone(), run.status.clone(), "1".to_owned(), changed.to_string()]),
        }
    }
    let mut text = table(["TYPE", "STATUS", "REPLAYED", "WOULD CHANGE"], rows);
    for run in runs {
        if let Some(change) = &run.would_change {
            text.push_str(&format!("\n{} (run {}): {change}", run.workflow_id, run.run_id));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::exit_code;

    #[test]
    fn only_runs_that_were_replayed_and_went_the_same_way_are_a_success() {
        let same = view("order:A", "r-1", "Order", RunStatus::Running);
        let other = Replayed { would_change: Some("another activity".to_owned()), ..same.clone() };
        let code = |replayed: &[Replayed]| verdict(replayed).map_or_else(|error| exit_code(&error), |()| 0);
        assert_eq!(code(&[]), ErrorCode::NotFound.exit_code());
        assert_eq!(code(std::slice::from_ref(&same)), 0);
        assert_eq!(code(&[same, other]), ErrorCode::RefusedByRule.exit_code());
    }

    #[test]
    fn of_a_failed_task_what_it_says_is_shown() {
        let account = r#"replay: Failure { failure: Some(Failure { message: "other rules", source: "" }) }"#;
        assert_eq!((sentence(account), sentence("an event is missing")), ("other rules".to_owned(), "an event is missing".to_owned()));
    }

    #[test]
    fn an_order_without_a_run_is_another_thing_than_a_temporal_that_does_not_answer() {
        let order = "A".parse().unwrap();
        let code = |error| exit_code(&not_described(&order, error).into());
        assert_eq!(code(WorkflowInteractionError::NotFound(tonic::Status::not_found("gone"))), ErrorCode::NotFound.exit_code());
        assert_eq!(code(WorkflowInteractionError::Rpc(tonic::Status::unavailable("down"))), ErrorCode::Unavailable.exit_code());
    }
}
