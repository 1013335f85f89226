//! Tells the events URL how parcels get on, at least once and in order for each parcel.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::labels::{CARRIER, Entry, Stage};
use super::{Carrier, Listener};
use crate::outbound::client;

const MOST_IN_A_BATCH: usize = 100;
const POST_DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Batch {
    events: Vec<Event>,
}

/// The event's id is the same each time it is told.
#[derive(Serialize)]
struct Event {
    event_id: String,
    carrier: &'static str,
    tracking_number: String,
    status: Stage,
    occurred_at: Timestamp,
}

/// Posts what is due until it is told to stop. A batch that fails is tried again, ever more slowly.
pub(super) async fn tell(carrier: &Carrier, stop: CancellationToken) -> Result<(), String> {
    let client = client(POST_DEADLINE).map_err(|error| error.to_string())?;
    let mut pause = PAUSE;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let Some(listener) = carrier.listener() else {
            continue;
        };
        pause = match tell_due(carrier, &client, &listener).await {
            Ok(()) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "carrier events were not taken, trying again");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
    }
    Ok(())
}

async fn tell_due(carrier: &Carrier, client: &reqwest::Client, listener: &Listener) -> Result<(), String> {
    let events = due(carrier);
    if events.is_empty() {
        return Ok(());
    }
    let batch = Batch { events };
    let mut request = client.post(&*listener.url).json(&batch);
    if let Some(key) = &listener.key {
        request = request.bearer_auth(key.expose_secret());
    }
    let response = request.send().await;
    let status = response.map_err(|error| error.to_string())?.status();
    if !status.is_success() {
        return Err(format!("the events URL answered {status}"));
    }
    for event in batch.events {
        let told = Entry::Told { tracking_number: event.tracking_number, stage: event.status };
        carrier.books().remember(told).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The same each time it is told, or asked for.
pub(super) fn event_id(tracking_number: &str, stage: Stage) -> String {
    format!("{tracking_number}-{}", stage as u8 + 1)
}

fn due(carrier: &Carrier) -> Vec<Event> {
    let books = carrier.books();
    let due = books.labels.untold(Timestamp::now(), carrier.time_scale, MOST_IN_A_BATCH);
    due.into_iter()
        .map(|(parcel, stage, occurred_at)| {
            let number = &parcel.label.tracking_number;
            Event { event_id: event_id(number, stage), carrier: CARRIER, tracking_number: number.clone(), status: stage, occurred_at }
        })
        .collect()
}
