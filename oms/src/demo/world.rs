//! What everybody who plays shares: the API, the clock, and the tally.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use oms_domain::{clock::BusinessClock, error::ErrorCode};

use super::streams::Streams;
use crate::{client::Api, exit::exit_code};

/// A call that met a passing fault is made again after these.
const RETRY_AFTER: [Duration; 4] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)];

/// Where customers, associates and the carrier meet.
pub struct World {
    pub api: Api,
    pub clock: BusinessClock,
    /// What orders are sent through, if not through the API.
    pub streams: Option<Arc<Streams>>,
    tally: Mutex<Tally>,
}

/// What was done, counted by those who did it.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub orders_placed: usize,
    /// What the API would not take, and why.
    pub refused: Vec<String>,
    /// One for each order: how long its POST took, in milliseconds.
    pub placement_ms: Vec<f64>,
    /// How far behind its time the latest order was placed, at most.
    pub lag_max: SignedDuration,
    pub deliveries: usize,
    pub received_units: u64,
    pub cancellations: usize,
    pub units_cancelled: u64,
    pub units_cancel_requested: u64,
    pub units_too_late: u64,
    pub returns: usize,
    /// Of units the customer never had: cancelled meanwhile, or still waiting for stock.
    pub returns_refused: usize,
    pub units_returned: u64,
    pub refunded_minor: i64,
    /// Fulfillment orders that their facility gave back, or in which a unit was not found.
    pub rejected: usize,
    pub short_picked: usize,
    pub parcels: usize,
    /// Of those, never seen again.
    pub lost: usize,
    pub carrier_events: usize,
    /// Calls made again after a passing fault.
    pub retries: usize,
}

impl World {
    pub fn new(api: Api, clock: BusinessClock, streams: Option<Arc<Streams>>) -> Self {
        Self { api, clock, streams, tally: Mutex::default() }
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.clock.business(Timestamp::now())
    }

    /// Sleeps until that business time.
    pub async fn until(&self, at: Timestamp) {
        tokio::time::sleep(self.clock.real_wait(self.now(), at)).await;
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call that may be repeated, again and again while something is unavailable.
    ///
    /// # Errors
    /// A refusal, or the last of the passing faults.
    pub async fn persistently<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        for pause in RETRY_AFTER {
            match call().await {
                Err(error) if is_passing(&error) => {
                    self.tally().retries += 1;
                    tracing::warn!(error = %format!("{error:#}"), "a call is made again");
                    tokio::time::sleep(pause).await;
                }
                answered => return answered,
            }
        }
        call().await
    }
}

fn is_passing(error: &anyhow::Error) -> bool {
    [ErrorCode::Unavailable, ErrorCode::TimedOut].iter().any(|code| code.exit_code() == exit_code(error))
}
