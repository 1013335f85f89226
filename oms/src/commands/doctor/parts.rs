//! A look at each part, all at once; a part that hangs is not healthy.

use std::{future::Future, time::Duration};

use anyhow::{Result, bail};
use oms_store::{Guard, QueueFigures};
use oms_workflows::names::Queue;
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType, taskqueue::v1::TaskQueue, workflowservice::v1::DescribeTaskQueueRequest,
};
use tonic::IntoRequest;

use super::Finding;
use crate::{
    client::Api,
    commands::setup::guards_text,
    config::{AdapterLayer, ApiLayer, DatabaseLayer, ProviderConfig, TemporalLayer},
    runtime::{Temporal, missing_search_attributes, open_store},
};

/// A part that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the parts are.
pub(super) struct Layers {
    pub(super) api: ApiLayer,
    pub(super) database: DatabaseLayer,
    pub(super) temporal: TemporalLayer,
    pub(super) adapters: AdapterLayer,
}

/// Looks at every part.
pub(super) async fn look(layers: Layers) -> Vec<Finding> {
    let Layers { api, database, temporal, adapters } = layers;
    let queues = temporal.queues();
    let (gateway, carrier, fraud) = (adapters.payment_gateway_url, adapters.carrier_url, adapters.fraud_url);
    let (url, guarded) = (api.url(), database.clone());
    let (databases, guards, api, attributes, workers, gateway, carrier, fraud) = tokio::join!(
        finding("databases", databases(database), "start them, see DATABASE_URL and the AWS variables, then run `oms setup`"),
        finding("order store guards", guards(guarded), "`oms setup` turns them on; see docs/operating.md"),
        finding("api", ready(&url), "start it with `oms server`, or everything with `oms dev`; see OMS_API"),
        finding("temporal", search_attributes(), "see TEMPORAL_ADDRESS; `oms setup` registers what is missing"),
        finding("workers", pollers(&queues), "start some with `oms worker`"),
        finding(
            "payment gateway",
            named_or(adapters.payment, answers(gateway)),
            "see OMS_PAYMENT_GATEWAY_URL, or the adapters in the file"
        ),
        finding("carrier", named_or(adapters.carrier, answers(carrier)), "see OMS_CARRIER_URL, or the adapters in the file"),
        finding("fraud check", named_or(adapters.fraud, screens(fraud)), "see OMS_FRAUD_URL"),
    );
    vec![databases, guards, api, attributes, workers, gateway, carrier, fraud]
}

async fn finding(part: &str, look: impl Future<Output = Result<String>>, advice: &str) -> Finding {
    let looked = tokio::time::timeout(PATIENCE, look).await;
    let (healthy, found) = match looked {
        Ok(Ok(found)) => (true, found),
        Ok(Err(error)) => (false, format!("{error:#}")),
        Err(_) => (false, format!("no answer within {} s", PATIENCE.as_secs())),
    };
    Finding { part: part.to_owned(), healthy, found, advice: (!healthy).then(|| advice.to_owned()) }
}

/// Those that the file names, each at its own address; else the one at the URL.
async fn named_or(named: Option<Vec<ProviderConfig>>, alone: impl Future<Output = Result<String>>) -> Result<String> {
    let Some(named) = named.filter(|named| !named.is_empty()) else { return alone.await };
    let http = reqwest::Client::new();
    let mut found = Vec::new();
    for config in &named {
        // Whatever it answers without a key, it answers.
        let asked = http.get(config.base_url()?).send().await;
        asked.map_err(|error| anyhow::anyhow!("{} does not answer: {}", config.name, error.without_url()))?;
        found.push(format!("{} answers", config.name));
    }
    Ok(found.join(", "))
}

/// Both databases answer, and PostgreSQL has this version's tables.
async fn databases(layer: DatabaseLayer) -> Result<String> {
    let store = open_store(&layer.settings()?).await?;
    store.ping().await?;
    let waiting = store.backlog(jiff::Timestamp::now()).await?;
    store.close().await;
    let queues: Vec<String> = waiting.queues.iter().filter(|queue| queue.depth + queue.dead > 0).map(queue_text).collect();
    let queues = if queues.is_empty() { "nothing waits".to_owned() } else { queues.join(", ") };
    Ok(format!("both answer; {queues}"))
}

fn queue_text(queue: &QueueFigures) -> String {
    let name = queue.queue.replace('_', " ");
    let dead = if queue.dead > 0 { format!(", {} given up (`oms inbox list`)", queue.dead) } else { String::new() };
    format!("{} {name}, the oldest for {} s{dead}", queue.depth, queue.oldest_s)
}

/// Whether the order store would survive a mistake.
async fn guards(layer: DatabaseLayer) -> Result<String> {
    let store = open_store(&layer.settings()?).await?;
    let protection = store.protection().await?;
    store.close().await;
    let text = guards_text(&protection);
    if protection.guards().iter().any(|(_, guard)| *guard == Guard::Off) {
        bail!("{text}");
    }
    Ok(text)
}

async fn ready(url: &str) -> Result<String> {
    Api::new(url)?.get(&["readyz"], &[]).await?;
    Ok(format!("ready at {url}"))
}

async fn search_attributes() -> Result<String> {
    let temporal = Temporal::from_environment()?;
    let client = temporal.connect().await?;
    let missing = missing_search_attributes(&client).await?;
    if !missing.is_empty() {
        bail!("the namespace {} lacks the search attributes {}", temporal.namespace(), missing.join(", "));
    }
    Ok(format!("{} answers, namespace {} has the search attributes", temporal.address(), temporal.namespace()))
}

/// Every queue is served by somebody.
async fn pollers(queues: &oms_workflows::names::Queues) -> Result<String> {
    let client = Temporal::from_environment()?.connect().await?;
    let mut unserved = Vec::new();
    for queue in Queue::ALL {
        let kind = match queue {
            Queue::Orders => TaskQueueType::Workflow,
            Queue::Data | Queue::Relations | Queue::Payments | Queue::Fraud | Queue::Shipping | Queue::Bulk => TaskQueueType::Activity,
        };
        if poller_count(&client, queues.name(*queue), kind).await? == 0 {
            unserved.push(queues.name(*queue));
        }
    }
    if !unserved.is_empty() {
        bail!("nobody serves the task queues {}", unserved.join(", "));
    }
    Ok("every task queue is served".to_owned())
}

async fn poller_count(client: &Client, name: String, kind: TaskQueueType) -> Result<usize> {
    let task_queue = Some(TaskQueue { name, ..TaskQueue::default() });
    let request = DescribeTaskQueueRequest {
        namespace: client.namespace(),
        task_queue,
        task_queue_type: kind as i32,
        ..DescribeTaskQueueRequest::default()
    };
    let answer = client.connection().workflow_service().describe_task_queue(request.into_request()).await?;
    Ok(answer.into_inner().pollers.len())
}

/// A house may do without one.
async fn screens(url: Option<String>) -> Result<String> {
    match url {
        Some(url) => answers(Some(url)).await,
        None => Ok("none is configured; orders that are to be screened wait for a person".to_owned()),
    }
}

/// Systems outside are only asked whether they are there.
async fn answers(url: Option<String>) -> Result<String> {
    let Some(url) = url else { bail!("no URL is configured") };
    let answer = reqwest::Client::new().get(format!("{url}/healthz")).timeout(PATIENCE).send().await;
    let status = answer.map_err(reqwest::Error::without_url)?.status();
    Ok(format!("{url} answers ({status})"))
}
