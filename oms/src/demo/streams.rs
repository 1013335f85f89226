//! The demo's other way in and out: files through S3, orders through SQS, and what happened off a queue that EventBridge sends everything to.
//! All of it is made for one demo and removed after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use bytes::Bytes;
use oms_outlets::Cloud;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::client::Api;

/// A file, an order or the last event that has not arrived by then never will.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The one rule and the one target of a bus that is the demo's own.
const EVERYTHING: &str = "everything";
const EVENTS_AT_ONCE: i32 = 10;

/// What was made for the demo.
pub struct Streams {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    events: aws_sdk_eventbridge::Client,
    /// Of the bucket and the bus; queues' begin with it.
    name: String,
    orders: Queue,
    told: Queue,
    bus: String,
    cloud: Cloud,
}

struct Queue {
    url: String,
    arn: String,
}

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub events: usize,
    pub orders: usize,
    /// Events of orders that the API has and the bus's target has not.
    pub missing: usize,
    /// Came more than once, under one id.
    pub repeated: usize,
    /// Came more than once, and differed.
    pub corrected: usize,
}

impl Told {
    /// Everything was told, in one way.
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.corrected == 0
    }
}

impl Streams {
    /// Makes a bucket, two queues and a bus, by Amazon's own settings (`AWS_*`).
    ///
    /// # Errors
    /// What could not be made.
    pub async fn build() -> Result<Self> {
        let reached = Cloud::default();
        let config = reached.settings().await;
        let (s3, sqs) = (aws_sdk_s3::Client::new(config), aws_sdk_sqs::Client::new(config));
        let events = aws_sdk_eventbridge::Client::new(config);
        let name = format!("oms-demo-{}", Uuid::new_v4().simple());
        bucket(&s3, config, &name)
            .await
            .context("no bucket in S3: AWS_ENDPOINT_URL and the other settings of AWS_* say where it would be")?;
        let (orders, told) = (queue(&sqs, &format!("{name}-orders")).await?, queue(&sqs, &format!("{name}-told")).await?);
        let bus = events.create_event_bus().name(&name).send().await.context("no bus in EventBridge")?;
        let bus = bus.event_bus_arn.context("a bus without a name")?;
        let names = format!("{},{bus},s3://{name}/*", orders.arn);
        let streams = Self { s3, sqs, events, name, orders, told, bus, cloud: Cloud::new(names.parse()?) };
        streams.send_everything().await?;
        Ok(streams)
    }

    /// What the system reaches all of it by.
    pub fn cloud(&self) -> Cloud {
        self.cloud.clone()
    }

    async fn send_everything(&self) -> Result<()> {
        let account = self.told.arn.split(':').nth(4).context("an account")?;
        let pattern = json!({"account": [account]}).to_string();
        let rule = self.events.put_rule().name(EVERYTHING).event_bus_name(&self.name).event_pattern(pattern);
        let rule = rule.send().await?.rule_arn.context("a rule without a name")?;
        let may = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": self.told.arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}]});
        let policy = self.sqs.set_queue_attributes().queue_url(&self.told.url).attributes(QueueAttributeName::Policy, may.to_string());
        policy.send().await?;
        let target = Target::builder().id(EVERYTHING).arn(&self.told.arn).build()?;
        self.events.put_targets().rule(EVERYTHING).event_bus_name(&self.name).targets(target).send().await?;
        Ok(())
    }

    /// Has files of these kinds fetched, and orders.
    pub async fn open(&self, api: &Api) -> Result<()> {
        for kind in ["facilities", "products", "stock"] {
            let source = format!("s3://{}/{kind}/", self.name);
            api.post(&["v1", "inlets"], &json!({"name": kind, "kind": kind, "source": source})).await?;
        }
        api.post(&["v1", "inlets"], &json!({"name": "orders", "kind": "orders", "source": self.orders.arn})).await?;
        Ok(())
    }

    /// Has whatever happens from now on sent to the bus.
    pub async fn tell(&self, api: &Api) -> Result<()> {
        api.post(&["v1", "endpoints"], &json!({"name": "bus", "url": self.bus})).await.map(drop)
    }

    /// Puts a file where it is fetched, and waits until that is done; how many rows it had.
    pub async fn file(&self, api: &Api, kind: &str, content: Vec<u8>) -> Result<u64> {
        let put = self.s3.put_object().bucket(&self.name).key(format!("{kind}/{kind}.csv")).body(Bytes::from(content).into());
        put.send().await?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let runs = api.get(&["v1", "feeds"], &[("limit", Some("50".to_owned()))]).await?;
            let run = runs["items"].as_array().into_iter().flatten().find(|run| run["kind"] == kind && !run["finished_at"].is_null());
            if let Some(run) = run {
                ensure!(run["rejected"] == 0 && run["failure"].is_null(), "the {kind} were not taken whole: {run}");
                return run["rows_read"].as_u64().context("rows");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("the {kind} were not fetched within {} s", PATIENCE.as_secs())
    }

    /// Sends an order, and waits until it is there.
    pub async fn order(&self, api: &Api, order_id: &str, body: &Value) -> Result<()> {
        self.sqs.send_message().queue_url(&self.orders.url).message_body(body.to_string()).send().await?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if api.get(&["v1", "orders", order_id], &[]).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("order {order_id} was not taken in within {} s", PATIENCE.as_secs())
    }

    /// Reads back what happened to orders until nothing lacks of what the API has, or nothing comes for long.
    pub async fn read(&self, api: &Api) -> Result<Told> {
        let expected = ids_of_orders(api).await?;
        let mut seen = Seen::default();
        let mut came_at = Instant::now();
        while expected.iter().any(|id| !seen.bodies.contains_key(id)) && came_at.elapsed() < PATIENCE {
            let asked = self.sqs.receive_message().queue_url(&self.told.url).max_number_of_messages(EVENTS_AT_ONCE).wait_time_seconds(1);
            for message in asked.send().await?.messages.unwrap_or_default() {
                seen.note(message.body.as_deref().unwrap_or_default())?;
                let receipt = message.receipt_handle.context("a receipt")?;
                self.sqs.delete_message().queue_url(&self.told.url).receipt_handle(receipt).send().await?;
                came_at = Instant::now();
            }
        }
        let missing = expected.iter().filter(|id| !seen.bodies.contains_key(*id)).count();
        let orders = seen.subjects.len();
        Ok(Told { events: seen.bodies.len(), orders, missing, repeated: seen.repeated, corrected: seen.corrected })
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// What could not be removed, and stays.
    pub async fn remove(self) -> Result<()> {
        self.events.remove_targets().rule(EVERYTHING).event_bus_name(&self.name).ids(EVERYTHING).send().await?;
        self.events.delete_rule().name(EVERYTHING).event_bus_name(&self.name).send().await?;
        self.events.delete_event_bus().name(&self.name).send().await?;
        for queue in [&self.orders, &self.told] {
            self.sqs.delete_queue().queue_url(&queue.url).send().await?;
        }
        for object in self.s3.list_objects_v2().bucket(&self.name).send().await?.contents.unwrap_or_default() {
            self.s3.delete_object().bucket(&self.name).key(object.key.context("a key")?).send().await?;
        }
        self.s3.delete_bucket().bucket(&self.name).send().await.context("the bucket stays").map(drop)
    }
}

async fn bucket(s3: &aws_sdk_s3::Client, config: &aws_config::SdkConfig, name: &str) -> Result<()> {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
    // Of the oldest region a bucket must not say so.
    let elsewhere = config.region().filter(|region| region.as_ref() != "us-east-1");
    let place = elsewhere.map(|region| BucketLocationConstraint::from(region.as_ref()));
    let place = place.map(|place| CreateBucketConfiguration::builder().location_constraint(place).build());
    s3.create_bucket().bucket(name).set_create_bucket_configuration(place).send().await?;
    Ok(())
}

async fn queue(sqs: &aws_sdk_sqs::Client, name: &str) -> Result<Queue> {
    let url = sqs.create_queue().queue_name(name).send().await.context("no queue in SQS")?.queue_url.context("a queue without a URL")?;
    let asked = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let mut attributes = asked.send().await?.attributes.unwrap_or_default();
    let arn = attributes.remove(&QueueAttributeName::QueueArn).context("a queue without a name")?;
    Ok(Queue { url, arn })
}

/// Ids of the events of orders that the API has.
async fn ids_of_orders(api: &Api) -> Result<BTreeSet<String>> {
    let (mut ids, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = api.get(&["v1", "events"], &[("limit", Some("500".to_owned())), ("cursor", cursor)]).await?;
        let of_orders = page["items"].as_array().into_iter().flatten().filter(|event| is_of_order(event));
        ids.extend(of_orders.filter_map(|event| event["id"].as_str()).map(str::to_owned));
        if page["has_more"] != true {
            return Ok(ids);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
}

fn is_of_order(event: &Value) -> bool {
    event["subject"].as_str().is_some_and(|subject| subject.starts_with("order/"))
}

/// Events as they came, by id.
#[derive(Default)]
struct Seen {
    bodies: BTreeMap<String, Value>,
    subjects: BTreeSet<String>,
    repeated: usize,
    corrected: usize,
}

impl Seen {
    fn note(&mut self, envelope: &str) -> Result<()> {
        let mut envelope: Value = serde_json::from_str(envelope).context("what the bus has sent")?;
        let event = envelope["detail"].take();
        if !is_of_order(&event) {
            return Ok(());
        }
        let id = event["id"].as_str().context("an event without an id")?.to_owned();
        self.subjects.extend(event["subject"].as_str().map(str::to_owned));
        match self.bodies.insert(id, event.clone()) {
            Some(before) if before == event => self.repeated += 1,
            Some(_) => self.corrected += 1,
            None => {}
        }
        Ok(())
    }
}
