//! The builds of a deployment, as Temporal knows them.

use anyhow::{Context, Result};
use oms_domain::error::ErrorCode;
use oms_workflows::names::{Queue, Queues};
use serde::{Deserialize, Serialize};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::{
    enums::v1::{TaskQueueType, WorkerDeploymentVersionStatus},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        DescribeTaskQueueRequest, DescribeWorkerDeploymentRequest, SetWorkerDeploymentCurrentVersionRequest,
        SetWorkerDeploymentRampingVersionRequest,
    },
};
use tonic::{Code, IntoRequest, Status};

use crate::exit::Coded;

/// A build of the workflows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildView {
    pub build_id: String,
    /// `current`, `ramping`, `draining`, `drained`, `inactive`.
    pub status: String,
    /// Share of the new orders that begin with it, while it is ramping.
    pub ramp_percent: f32,
    pub open_runs: usize,
    /// Workers that have asked for its tasks within five minutes.
    pub workers: usize,
}

/// Builds that work beside each other.
pub(super) struct Deployment {
    client: Client,
    name: String,
    queue: String,
}

impl Deployment {
    pub(super) fn new(client: Client, name: String, queues: &Queues) -> Self {
        Self { client, name, queue: queues.name(Queue::Orders) }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// All of them, the newest last. None before the first has had workers.
    ///
    /// # Errors
    /// When Temporal does not answer.
    pub(super) async fn builds(&self) -> Result<Vec<BuildView>> {
        let request = DescribeWorkerDeploymentRequest { namespace: self.client.namespace(), deployment_name: self.name.clone() };
        let described = match self.client.connection().workflow_service().describe_worker_deployment(request.into_request()).await {
            Ok(described) => described.into_inner().worker_deployment_info.unwrap_or_default(),
            Err(status) if status.code() == Code::NotFound => return Ok(Vec::new()),
            Err(status) => return Err(self.refused(status)),
        };
        let routing = described.routing_config.unwrap_or_default();
        let ramping = routing.ramping_deployment_version.map(|version| version.build_id);
        let pollers = self.pollers().await?;
        let mut versions = described.version_summaries;
        versions.sort_by_key(|version| version.create_time.map(|time| (time.seconds, time.nanos)));
        let mut builds = Vec::new();
        for version in versions {
            let status = word(version.status()).to_owned();
            let build_id = version.deployment_version.unwrap_or_default().build_id;
            let ramp_percent = if ramping.as_ref() == Some(&build_id) { routing.ramping_version_percentage } else { 0.0 };
            let open_runs =
                self.client.count_workflows(self.open_runs(&build_id), Default::default()).await.context("count the open runs")?;
            let workers = pollers.iter().filter(|poller| **poller == build_id).count();
            builds.push(BuildView { build_id, status, ramp_percent, open_runs: open_runs.count(), workers });
        }
        Ok(builds)
    }

    /// What lists the open runs of a build.
    pub(super) fn open_runs(&self, build_id: &str) -> String {
        format!("ExecutionStatus = 'Running' AND {}", of_build(&self.name, build_id))
    }

    /// Begins new runs with the build.
    ///
    /// # Errors
    /// `refused_by_rule` when it has no workers.
    pub(super) async fn set_current(&self, build_id: &str) -> Result<()> {
        let request = SetWorkerDeploymentCurrentVersionRequest {
            namespace: self.client.namespace(),
            deployment_name: self.name.clone(),
            build_id: build_id.to_owned(),
            ..Default::default()
        };
        let set = self.client.connection().workflow_service().set_worker_deployment_current_version(request.into_request()).await;
        set.map(drop).map_err(|status| self.refused(status))
    }

    /// Begins a share of the new runs with the build.
    ///
    /// # Errors
    /// `refused_by_rule` when it has no workers.
    pub(super) async fn ramp(&self, build_id: &str, percent: u8) -> Result<()> {
        let request = SetWorkerDeploymentRampingVersionRequest {
            namespace: self.client.namespace(),
            deployment_name: self.name.clone(),
            build_id: if percent == 0 { String::new() } else { build_id.to_owned() },
            percentage: f32::from(percent),
            ..Default::default()
        };
        let set = self.client.connection().workflow_service().set_worker_deployment_ramping_version(request.into_request()).await;
        set.map(drop).map_err(|status| self.refused(status))
    }

    /// The build of each worker that serves the orders' queue.
    async fn pollers(&self) -> Result<Vec<String>> {
        let request = DescribeTaskQueueRequest {
            namespace: self.client.namespace(),
            task_queue: Some(TaskQueue { name: self.queue.clone(), ..TaskQueue::default() }),
            task_queue_type: TaskQueueType::Workflow as i32,
            ..DescribeTaskQueueRequest::default()
        };
        let described = self.client.connection().workflow_service().describe_task_queue(request.into_request()).await;
        let pollers = described.map_err(|status| self.refused(status))?.into_inner().pollers.into_iter();
        let ours = pollers.filter_map(|poller| poller.deployment_options).filter(|options| options.deployment_name == self.name);
        Ok(ours.map(|options| options.build_id).collect())
    }

    fn refused(&self, status: Status) -> anyhow::Error {
        let (code, hint) = match status.code() {
            Code::NotFound => (ErrorCode::NotFound, "a build is known once it has had workers: `oms worker --deployment-name`"),
            Code::FailedPrecondition | Code::InvalidArgument => {
                (ErrorCode::RefusedByRule, "start workers of the build first, and see `oms deploy status`")
            }
            Code::Unimplemented => (ErrorCode::RefusedByRule, "builds beside each other need a Temporal server of version 1.30 or newer"),
            _ => (ErrorCode::Unavailable, "see TEMPORAL_ADDRESS"),
        };
        Coded::new(code, format!("deployment {}: {}", self.name, status.message())).hint(hint).into()
    }
}

/// What finds the runs of a build.
pub(crate) fn of_build(deployment_name: &str, build_id: &str) -> String {
    format!("TemporalWorkerDeploymentVersion = '{}:{}'", quoted(deployment_name), quoted(build_id))
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

fn word(status: WorkerDeploymentVersionStatus) -> &'static str {
    match status {
        WorkerDeploymentVersionStatus::Current => "current",
        WorkerDeploymentVersionStatus::Ramping => "ramping",
        WorkerDeploymentVersionStatus::Draining => "draining",
        WorkerDeploymentVersionStatus::Drained => "drained",
        WorkerDeploymentVersionStatus::Inactive | WorkerDeploymentVersionStatus::Created | WorkerDeploymentVersionStatus::Unspecified => {
            "inactive"
        }
    }
}
