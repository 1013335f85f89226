//! EventBridge as a receiver: an event's type is its detail type, and its body the detail. What fails of a request is sent again alone.

use std::time::{Duration, Instant};

use aws_sdk_eventbridge::{
    Client,
    config::{Builder, Region, retry::RetryConfig},
    operation::put_events::PutEventsOutput,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use futures_util::future::BoxFuture;
use oms_domain::public_event::SOURCE;

use super::{Cloud, name::Arn, why};
use crate::outlet::{Delivery, Failed, Outcome, Outlet};

/// As many as EventBridge takes at once; ten of the largest events are shorter than its longest request.
const EVENTS_AT_ONCE: usize = 10;
/// Of a service that has too much to do.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// What it says then.
const BUSY: [&str; 3] = ["ThrottlingException", "ThrottledException", "InternalFailure"];

/// An event bus.
pub(crate) struct EventBridge {
    cloud: Cloud,
    /// As it was named.
    bus: String,
}

impl Cloud {
    async fn event_bridge(&self, bus: &Arn) -> Client {
        // Attempts are counted and told: none is made behind our backs.
        let config = Builder::from(self.settings().await).retry_config(RetryConfig::disabled());
        Client::from_conf(config.region(Region::new(bus.region.clone())).build())
    }
}

impl EventBridge {
    pub(crate) fn new(cloud: Cloud, bus: &str) -> Self {
        Self { cloud, bus: bus.to_owned() }
    }

    async fn put(&self, batch: &[Delivery]) -> Vec<Outcome> {
        let began = Instant::now();
        // What the operator allows may have changed since it was named.
        let bus = match self.cloud.bus(&self.bus) {
            Ok(bus) => bus,
            Err(refused) => return all_failed(batch, began, &format!("the bus {refused}"), None),
        };
        let entries = batch.iter().map(|delivery| self.entry(delivery)).collect();
        match self.cloud.event_bridge(&bus).await.put_events().set_entries(Some(entries)).send().await {
            Ok(answer) => outcomes(batch, began, &answer),
            Err(error) => {
                let why = why(&error);
                let leave_alone = BUSY.iter().any(|code| why.starts_with(code)).then_some(BUSY_FOR);
                all_failed(batch, began, &why, leave_alone)
            }
        }
    }

    fn entry(&self, Delivery { event, body }: &Delivery) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(event.kind.name())
            .detail(body)
            .resources(event.subject.to_string())
            .time(DateTime::from_secs(event.at.as_second()))
            .build()
    }
}

impl Outlet for EventBridge {
    fn send<'a>(&'a self, batch: &'a [Delivery]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.put(batch))
    }

    fn batch_max(&self) -> usize {
        EVENTS_AT_ONCE
    }
}

/// An answer has an entry for each that was asked, in order.
fn outcomes(batch: &[Delivery], began: Instant, answer: &PutEventsOutput) -> Vec<Outcome> {
    let took = began.elapsed();
    let outcome = |n: usize| match answer.entries().get(n) {
        Some(entry) => entry_outcome(entry, took),
        None => Outcome::Failed(failed(took, "EventBridge has not said what became of it".to_owned(), None)),
    };
    (0..batch.len()).map(outcome).collect()
}

fn entry_outcome(entry: &PutEventsResultEntry, took: Duration) -> Outcome {
    let Some(code) = entry.error_code() else { return Outcome::Delivered { status: None, took } };
    let why = entry.error_message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    Outcome::Failed(failed(took, why, BUSY.contains(&code).then_some(BUSY_FOR)))
}

fn all_failed(batch: &[Delivery], began: Instant, why: &str, leave_alone: Option<Duration>) -> Vec<Outcome> {
    let took = began.elapsed();
    batch.iter().map(|_| Outcome::Failed(failed(took, why.to_owned(), leave_alone))).collect()
}

fn failed(took: Duration, why: String, leave_alone: Option<Duration>) -> Failed {
    Failed { status: None, took, why, answer: None, leave_alone }
}
