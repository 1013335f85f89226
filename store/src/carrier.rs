//! What carriers report. Late, twice and out of order: kept once each, and handed to the order whose parcel it is.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::access::By;
use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use crate::{error::StoreError, inbox::InboxMessage, store::Store};

/// A scan, as the carrier names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CarrierEvent {
    pub event_id: String,
    pub carrier: String,
    pub tracking_number: String,
    pub status: String,
    /// By the carrier's clock, which orders its events.
    pub occurred_at: Timestamp,
    /// Who told of it.
    pub by: Option<By>,
}

/// What became of a [`CarrierEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarrierResult {
    /// Its order will hear of it.
    Accepted,
    /// It was here before.
    Duplicate,
    /// Nobody knows the number yet; it is delivered if a parcel gets it within 30 days.
    Parked,
}

/// Events that are kept at once: few enough that most numbers are free for those who ship meanwhile. See `tracking_lock`.
const EVENTS_AT_ONCE: usize = 100;

/// What became of each event, and what is to be told to orders: by whoever has got this, until the lease ends.
type Accepted = (Vec<CarrierResult>, Vec<InboxMessage>);

/// The answer of `accept_and_claim`.
type Claimed = (Vec<String>, Json<Vec<InboxMessage>>);

impl Store {
    /// Keeps a batch of events, each once however often it is sent. A result each, in order.
    pub async fn accept_carrier_events(&self, events: &[CarrierEvent]) -> Result<Vec<CarrierResult>, StoreError> {
        let mut accepted = Vec::with_capacity(events.len());
        for piece in events.chunks(EVENTS_AT_ONCE) {
            let answers: Vec<(Vec<String>,)> = self.call("SELECT accept_carrier_events($1)", &piece).await?;
            accepted.extend(results(answers.into_iter().flat_map(|(results,)| results))?);
        }
        Ok(accepted)
    }

    /// The same, and takes messages that are due to orders, those about the events among them: one transaction for both.
    pub async fn accept_and_claim(&self, events: &[CarrierEvent], most: u32, lease: Duration) -> Result<Accepted, StoreError> {
        let (mut accepted, mut messages) = (Vec::with_capacity(events.len()), Vec::new());
        for piece in events.chunks(EVENTS_AT_ONCE) {
            let asked = json!({"events": piece, "most": most, "lease_s": lease.as_secs_f64()});
            let answers: Vec<Claimed> = self.call("SELECT results, messages FROM accept_and_claim($1)", &asked).await?;
            for (result, Json(claimed)) in answers {
                accepted.extend(results(result.into_iter())?);
                messages.extend(claimed);
            }
        }
        Ok((accepted, messages))
    }
}

fn results(results: impl Iterator<Item = String>) -> Result<Vec<CarrierResult>, StoreError> {
    let read = |result: String| match result.as_str() {
        "accepted" => Ok(CarrierResult::Accepted),
        "duplicate" => Ok(CarrierResult::Duplicate),
        "parked" => Ok(CarrierResult::Parked),
        _ => Err(StoreError::Corrupt { what: "the result of a carrier event" }),
    };
    results.map(read).collect()
}
