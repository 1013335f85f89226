//! What carriers report. Late, twice and out of order: kept once each, and handed to the order whose parcel it is.

use jiff::Timestamp;
use serde::Serialize;

use crate::{error::StoreError, store::Store};

/// A scan, as the carrier names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CarrierEvent {
    pub event_id: String,
    pub carrier: String,
    pub tracking_number: String,
    pub status: String,
    /// By the carrier's clock, which orders its events.
    pub occurred_at: Timestamp,
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

impl Store {
    /// Keeps a batch of events, each once however often it is sent. A result each, in order.
    pub async fn accept_carrier_events(&self, events: &[CarrierEvent]) -> Result<Vec<CarrierResult>, StoreError> {
        let mut results = Vec::with_capacity(events.len());
        for piece in events.chunks(EVENTS_AT_ONCE) {
            results.extend(self.accept_piece(piece).await?);
        }
        Ok(results)
    }

    async fn accept_piece(&self, events: &[CarrierEvent]) -> Result<Vec<CarrierResult>, StoreError> {
        let answers: Vec<(Vec<String>,)> = self.call("SELECT accept_carrier_events($1)", &events).await?;
        let results = answers.into_iter().flat_map(|(results,)| results);
        results
            .map(|result| match result.as_str() {
                "accepted" => Ok(CarrierResult::Accepted),
                "duplicate" => Ok(CarrierResult::Duplicate),
                "parked" => Ok(CarrierResult::Parked),
                _ => Err(StoreError::Corrupt { what: "the result of a carrier event" }),
            })
            .collect()
    }
}
