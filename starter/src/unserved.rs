//! An order whose build nobody serves answers nobody until workers of that build are started: somebody must hear of it.

use oms_domain::ids::OrderId;
use oms_workflows::{
    names::{Queue, order_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::NamespacedClient;
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType, taskqueue::v1::TaskQueue, workflowservice::v1::DescribeTaskQueueRequest,
};
use tonic::IntoRequest;

use crate::Starter;

impl Starter {
    /// Says so in the log when an order that has not answered is of a build without workers. Asked where somebody has waited in vain, so
    /// that it costs nothing else; what Temporal does not tell is left alone, for the caller has been told already.
    pub(crate) async fn alarm_if_unserved(&self, order_id: &OrderId) {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(order_id));
        let Ok(described) = handle.describe(Default::default()).await else { return };
        let info = described.raw_description.workflow_execution_info;
        let Some(build) = info.and_then(|info| info.versioning_info).and_then(|versioning| versioning.deployment_version) else { return };
        let request = DescribeTaskQueueRequest {
            namespace: self.temporal.namespace(),
            task_queue: Some(TaskQueue { name: self.config.queues.name(Queue::Orders), ..TaskQueue::default() }),
            task_queue_type: TaskQueueType::Workflow as i32,
            ..DescribeTaskQueueRequest::default()
        };
        let Ok(queue) = self.temporal.connection().workflow_service().describe_task_queue(request.into_request()).await else { return };
        let mut builds = queue.into_inner().pollers.into_iter().filter_map(|poller| poller.deployment_options);
        if !builds.any(|served| served.build_id == build.build_id && served.deployment_name == build.deployment_name) {
            tracing::error!(
                order.id = %order_id, deployment.name = build.deployment_name, deployment.build = build.build_id,
                "nobody serves the build of this order: start workers of it"
            );
        }
    }
}
