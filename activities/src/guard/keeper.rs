//! Keeps guards and the database of one mind: what people have said of providers, what this process makes of them, and what waits.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    mem,
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use oms_domain::provider::{Circuit, ProviderStanding};
use oms_store::{ProviderReport, Store, StoreError};
use tokio::time::Instant;

use super::{Guard, Outcome};
use crate::ports::PortError;

/// How soon a change is known.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What has not changed is said again after so long.
const TELL_EVERY: Duration = Duration::from_secs(15);
/// More than this is not remembered between two looks: it is noted when it is tried again.
const NOTED_MAX: usize = 10_000;

/// What is to be noted at the next look: of each key the last that was seen.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<BTreeMap<String, Seen>>);

#[derive(Debug)]
enum Seen {
    Waits {
        reference: String,
        operation: &'static str,
        why: String,
    },
    Ended,
    /// The provider does not let us in.
    Denied {
        why: String,
    },
    LetsIn,
}

/// The one entry that is about the provider, and no key of its.
const PROVIDER: &str = "";

impl Guard {
    /// Notes what a call came to.
    pub(super) fn note(&self, operation: &'static str, key: &str, reference: &str, outcome: Outcome, error: Option<&PortError>) {
        let (standing, waits) = (self.standing(), self.0.waits.load(Ordering::Relaxed));
        let why = || error.map_or_else(|| "no answer came".to_owned(), ToString::to_string);
        let mut noted = self.0.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (may_wait, is_full) = (waits > 0 || noted.contains_key(key), noted.len() >= NOTED_MAX && !noted.contains_key(key));
        match outcome {
            Outcome::Done | Outcome::Declined | Outcome::Refused if may_wait => drop(noted.insert(key.to_owned(), Seen::Ended)),
            Outcome::Done | Outcome::Declined | Outcome::Refused => {}
            Outcome::Busy | Outcome::Denied | Outcome::Unexpected | Outcome::Unreachable | Outcome::Unknown if is_full => {}
            Outcome::Busy | Outcome::Denied | Outcome::Unexpected | Outcome::Unreachable | Outcome::Unknown => {
                noted.insert(key.to_owned(), Seen::Waits { reference: reference.to_owned(), operation, why: why() });
            }
        }
        if outcome == Outcome::Denied {
            noted.insert(PROVIDER.to_owned(), Seen::Denied { why: why() });
        } else if standing == ProviderStanding::Denied && outcome.answers() == Some(true) {
            noted.insert(PROVIDER.to_owned(), Seen::LetsIn);
        }
        drop(noted);
        if outcome == Outcome::Denied && standing == ProviderStanding::Running {
            // Not only once the database has been told.
            self.go_by(ProviderStanding::Denied, waits);
        }
    }

    async fn tell(&self, store: &Store) -> Result<(), StoreError> {
        let noted = mem::take(&mut *self.0.waiting.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut noted = noted.into_iter();
        while let Some((key, seen)) = noted.next() {
            if let Err(error) = self.tell_one(store, &key, &seen).await {
                // Said again at the next look, unless something newer was seen.
                let mut waiting = self.0.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, seen) in std::iter::once((key, seen)).chain(noted) {
                    waiting.entry(key).or_insert(seen);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn tell_one(&self, store: &Store, key: &str, seen: &Seen) -> Result<(), StoreError> {
        let id = self.provider_id();
        let (running, denied) = (ProviderStanding::Running, ProviderStanding::Denied);
        match seen {
            Seen::Waits { reference, operation, why } => store.note_provider_wait(id, key, reference, operation, why).await,
            Seen::Ended => store.end_provider_wait(id, key).await,
            Seen::Denied { why } => {
                if store.turn_provider(id, running, denied, why).await? {
                    tracing::error!(provider.id = id.as_str(), why, "a provider does not let us in: what is for it waits until it does");
                }
                Ok(())
            }
            Seen::LetsIn => {
                if store.turn_provider(id, denied, running, "it lets us in again").await? {
                    tracing::info!(provider.id = id.as_str(), "a provider lets us in again");
                }
                Ok(())
            }
        }
    }

    fn report(&self, worker_id: &str) -> ProviderReport {
        let (circuit, circuit_since) = self.0.breaker.state(Instant::now());
        ProviderReport {
            provider_id: self.provider_id().clone(),
            port: self.0.port,
            worker_id: worker_id.to_owned(),
            circuit,
            circuit_since,
            in_flight: self.0.in_flight.load(Ordering::Relaxed),
        }
    }
}

/// Goes by what the database says of these providers, and tells it, until it is dropped.
pub async fn keep(store: Store, guards: Vec<Guard>, worker_id: String) -> Infallible {
    let mut told: BTreeMap<String, (Circuit, Timestamp, Instant)> = BTreeMap::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if guards.is_empty() {
            continue;
        }
        if let Err(error) = look_once(&store, &guards, &worker_id, &mut told).await {
            tracing::warn!(%error, "what is said of providers could not be read or told; it will be tried again");
        }
    }
}

async fn look_once(
    store: &Store,
    guards: &[Guard],
    worker_id: &str,
    told: &mut BTreeMap<String, (Circuit, Timestamp, Instant)>,
) -> Result<(), StoreError> {
    for guard in guards {
        guard.tell(store).await?;
    }
    let is_news = |report: &ProviderReport| {
        let known = told.get(report.provider_id.as_str());
        known.is_none_or(|(circuit, since, at)| (*circuit, *since) != (report.circuit, report.circuit_since) || at.elapsed() > TELL_EVERY)
    };
    let reports: Vec<ProviderReport> = guards.iter().map(|guard| guard.report(worker_id)).filter(is_news).collect();
    let orders = store.tell_providers(&reports).await?;
    for report in reports {
        told.insert(report.provider_id.to_string(), (report.circuit, report.circuit_since, Instant::now()));
    }
    for order in orders {
        if let Some(guard) = guards.iter().find(|guard| *guard.provider_id() == order.provider_id) {
            guard.go_by(order.standing, order.waits);
        }
    }
    Ok(())
}
