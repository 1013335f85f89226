//! Temporal asked over its own protocol: whether it is up, and to know our search attributes.

use std::collections::HashMap;
use std::time::Duration;

use temporalio_client::{Connection, ConnectionOptions, Url};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, DescribeWorkflowExecutionRequest, RegisterNamespaceRequest,
};
use tonic::{Code, IntoRequest};

/// The development server makes it by itself.
const NAMESPACE: &str = "default";
/// How long an ended run can be looked at.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Whether all the server's services work, not only the frontend that answers first: history says that it knows no such
/// workflow, matching describes a queue. Makes the namespace when there is none.
pub(super) async fn answers(address: &str) -> Result<(), String> {
    let mut service = connect(address).await?.workflow_service();
    let namespace = RegisterNamespaceRequest {
        namespace: NAMESPACE.into(),
        workflow_execution_retention_period: RETENTION.try_into().ok(),
        ..RegisterNamespaceRequest::default()
    };
    if let Err(status) = service.register_namespace(namespace.into_request()).await {
        let there = status.code() == Code::AlreadyExists;
        there.then_some(()).ok_or_else(|| status.to_string())?;
    }
    let execution = WorkflowExecution { workflow_id: "readiness".into(), run_id: String::new() };
    let no_such_workflow = DescribeWorkflowExecutionRequest { namespace: NAMESPACE.into(), execution: Some(execution) };
    if let Err(status) = service.describe_workflow_execution(no_such_workflow.into_request()).await {
        // A namespace that is not there yet is not found either.
        let known = status.code() == Code::NotFound && !status.message().to_lowercase().contains("namespace");
        known.then_some(()).ok_or_else(|| status.to_string())?;
    }
    let task_queue = TaskQueue { name: "readiness".into(), ..TaskQueue::default() };
    let any_queue =
        DescribeTaskQueueRequest { namespace: NAMESPACE.into(), task_queue: Some(task_queue), ..DescribeTaskQueueRequest::default() };
    service.describe_task_queue(any_queue.into_request()).await.map(drop).map_err(|status| status.to_string())
}

/// Registers the search attributes that a kept database lacks: the server's own option works on its first start alone.
pub(super) async fn register(address: &str, wanted: &[(String, String)]) -> Result<(), String> {
    let mut service = connect(address).await?.operator_service();
    let list = ListSearchAttributesRequest { namespace: NAMESPACE.into() };
    let listed = service.list_search_attributes(list.into_request()).await.map_err(|status| status.to_string())?;
    let known = listed.into_inner().custom_attributes;
    let missing = wanted.iter().filter(|(name, _)| !known.contains_key(name));
    let missing: HashMap<_, _> = missing.map(|(name, kind)| Ok((name.clone(), kind_of(kind)? as i32))).collect::<Result<_, String>>()?;
    if missing.is_empty() {
        return Ok(());
    }
    let add = AddSearchAttributesRequest { search_attributes: missing, namespace: NAMESPACE.into() };
    service.add_search_attributes(add.into_request()).await.map(drop).map_err(|status| status.to_string())
}

async fn connect(address: &str) -> Result<Connection, String> {
    let target = Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?;
    let options = ConnectionOptions::new(target).connect_timeout(CONNECT_DEADLINE).build();
    Connection::connect(options).await.map_err(|error| error.to_string())
}

/// The type with the name that the command line gives it.
fn kind_of(name: &str) -> Result<IndexedValueType, String> {
    Ok(match name {
        "Bool" => IndexedValueType::Bool,
        "Datetime" => IndexedValueType::Datetime,
        "Double" => IndexedValueType::Double,
        "Int" => IndexedValueType::Int,
        "Keyword" => IndexedValueType::Keyword,
        "KeywordList" => IndexedValueType::KeywordList,
        "Text" => IndexedValueType::Text,
        other => return Err(format!("there is no search attribute type {other}")),
    })
}
