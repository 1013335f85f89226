//! What stands before every provider: whether it may be asked, how often, how many calls at once, and whether it answers at all. What is held
//! back here was not sent: it waits, is listed with since when, and is tried again.

mod breaker;
mod keeper;
mod ports;
mod rate;
mod spread;

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use oms_domain::{
    ids::ProviderId,
    provider::{Circuit, ProviderPort, ProviderStanding},
};
use temporalio_common::telemetry::metrics::{CoreMeter, HistogramDuration, MetricKeyValue, MetricParameters, NewAttributes};
use tokio::{sync::Semaphore, time::Instant};
use tracing::{Instrument, Span, field::Empty};

use self::{breaker::Breaker, rate::Rate};
pub use self::{keeper::keep, ports::Guarded};
use crate::ports::PortError;

/// How long a call may wait for its turn, with the activity's slot in hand.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// How many rests one that does not let the house in is left alone before one call finds out whether it does again.
const DENIED_RESTS: u32 = 8;
/// How often at most what waits for a provider that is not asked looks again, for all together in a second.
const LOOKS_PER_SECOND: u32 = 20;

/// How much of a provider a worker asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls a second on end; a second's worth at once.
    pub per_second: u32,
    /// The same while what waited during an outage is being done.
    pub pace_per_second: u32,
    /// Calls at a time.
    pub concurrency: u32,
    /// How long it is left alone once it has not answered some times in a row; twice as long each time, up to sixteen times. Eight times as
    /// long, once it does not let the house in.
    pub rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_second: 50, pace_per_second: 20, concurrency: 40, rest: Duration::from_secs(2) }
    }
}

/// How a call went, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Declined,
    Refused,
    Busy,
    Denied,
    Unexpected,
    Unreachable,
    /// It may have been done, and no answer came.
    Unknown,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Unexpected => "unexpected",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }

    fn of_error(error: &PortError) -> Self {
        match error {
            PortError::Unreachable(_) => Self::Unreachable,
            PortError::Busy { .. } => Self::Busy,
            PortError::Denied(_) => Self::Denied,
            PortError::Refused(_) => Self::Refused,
            PortError::Unexpected(_) => Self::Unexpected,
        }
    }

    /// Whether it answered; None: that says nothing of it.
    fn answers(self) -> Option<bool> {
        match self {
            Self::Done | Self::Declined | Self::Refused => Some(true),
            Self::Unreachable | Self::Unknown => Some(false),
            Self::Busy | Self::Denied | Self::Unexpected => None,
        }
    }
}

/// Before one provider, in one process. Cheap to clone.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    provider_id: ProviderId,
    port: ProviderPort,
    limits: Limits,
    breaker: Breaker,
    rate: Rate,
    room: Semaphore,
    in_flight: AtomicU32,
    /// As people, or the house, last said; and when one call was last let through to one that denies.
    standing: Mutex<(ProviderStanding, Option<Instant>)>,
    waits: AtomicU64,
    durations: Option<(Arc<dyn CoreMeter>, HistogramDuration)>,
    waiting: keeper::Waiting,
}

impl Guard {
    /// One that lets through so much; `meter` has the durations of its calls.
    pub fn new(provider_id: ProviderId, port: ProviderPort, limits: Limits, meter: Option<Arc<dyn CoreMeter>>) -> Self {
        let durations = |meter: Arc<dyn CoreMeter>| {
            let about = MetricParameters::builder()
                .name("oms_provider_call_duration")
                .description("Time from a call of a provider to its answer")
                .build();
            let histogram = meter.histogram_duration(about);
            (meter, histogram)
        };
        Self(Arc::new(Inner {
            provider_id,
            port,
            limits,
            breaker: Breaker::new(limits.rest),
            rate: Rate::new(limits.per_second, limits.pace_per_second),
            room: Semaphore::new(usize::try_from(limits.concurrency).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)),
            in_flight: AtomicU32::new(0),
            standing: Mutex::new((ProviderStanding::Running, None)),
            waits: AtomicU64::new(0),
            durations: meter.map(durations),
            waiting: keeper::Waiting::default(),
        }))
    }

    pub fn provider_id(&self) -> &ProviderId {
        &self.0.provider_id
    }

    /// Calls a second that it lets through.
    pub fn per_second(&self) -> u32 {
        self.0.limits.per_second
    }

    /// What this process makes of it.
    pub fn circuit(&self) -> Circuit {
        self.0.breaker.state(Instant::now()).0
    }

    /// Whether it is given anything new.
    pub fn takes_new(&self) -> bool {
        self.standing() != ProviderStanding::Draining
    }

    pub fn standing(&self) -> ProviderStanding {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// What is to be gone by from now on.
    pub(crate) fn go_by(&self, standing: ProviderStanding, waits: u64) {
        let mut known = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != standing {
            *known = (standing, Some(Instant::now()));
        }
        self.0.waits.store(waits, Ordering::Relaxed);
        self.0.rate.pace(waits > 0);
    }

    /// Does a call, if it may be done now; `key` is what is asked about, `reference` what that is of.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        key: &str,
        reference: &str,
        call: impl Future<Output = Result<T, PortError>>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Result<T, PortError> {
        let (result, outcome) = match self.turn(key).await {
            Ok(_place) => self.made(operation, call, outcome).await,
            Err(held) => (Err(held), Outcome::Busy),
        };
        self.note(operation, key, reference, outcome, result.as_ref().err());
        result
    }

    /// A place among the calls under way, once it may be done.
    async fn turn(&self, key: &str) -> Result<Place<'_>, PortError> {
        let inner = &*self.0;
        self.may_be_asked(key)?;
        let now = Instant::now();
        if let Err(after) = inner.breaker.admits(now) {
            return Err(self.held(after.max(self.look_again(key)), "it does not answer"));
        }
        let turn = tokio::time::timeout(TURN_WITHIN, async {
            let permit = inner.room.acquire().await.ok()?;
            loop {
                let wait = match inner.rate.take() {
                    Ok(()) => return Some(permit),
                    Err(wait) if wait > TURN_WITHIN => return None,
                    Err(wait) => wait,
                };
                tokio::time::sleep(wait).await;
            }
        });
        match turn.await {
            Ok(Some(permit)) => {
                inner.in_flight.fetch_add(1, Ordering::Relaxed);
                Ok(Place { in_flight: &inner.in_flight, _permit: permit })
            }
            Ok(None) | Err(_) => {
                // Its try has not been made: another may be.
                inner.breaker.not_tried();
                let window = inner.waits.load(Ordering::Relaxed) / u64::from(inner.limits.pace_per_second.max(1));
                Err(self.held(inner.rate.closed_for().max(spread::over(key, window)), "others are asked first"))
            }
        }
    }

    fn may_be_asked(&self, key: &str) -> Result<(), PortError> {
        let mut standing = self.0.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *standing {
            (ProviderStanding::Running | ProviderStanding::Draining, _) => Ok(()),
            (ProviderStanding::Paused, _) => Err(self.held(self.look_again(key), "it is paused")),
            (ProviderStanding::Denied, tried) => {
                let now = Instant::now();
                if tried.is_some_and(|tried| now < tried + self.0.limits.rest * DENIED_RESTS) {
                    return Err(self.held(self.look_again(key), "it does not let us in"));
                }
                *tried = Some(now);
                Ok(())
            }
        }
    }

    /// When what waits looks again: all of it together not too often.
    fn look_again(&self, key: &str) -> Duration {
        spread::over(key, self.0.waits.load(Ordering::Relaxed) / u64::from(LOOKS_PER_SECOND))
    }

    fn held(&self, after: Duration, why: &str) -> PortError {
        PortError::Busy { after: Some(after), why: format!("{} is not asked now: {why}", self.0.provider_id) }
    }

    async fn made<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, PortError>>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> (Result<T, PortError>, Outcome) {
        let provider = self.0.provider_id.as_str();
        let span = tracing::info_span!("provider_call", provider.id = provider, provider.operation = operation, provider.outcome = Empty);
        let began = Instant::now();
        let result = call.instrument(span.clone()).await;
        let outcome = result.as_ref().map_or_else(Outcome::of_error, outcome);
        self.ended(operation, outcome, began, &span);
        if let Err(PortError::Busy { after: Some(after), .. }) = &result {
            // Whoever else asks would be told the same.
            self.0.rate.close_for(*after);
        }
        (result, outcome)
    }

    fn ended(&self, operation: &'static str, outcome: Outcome, began: Instant, span: &Span) {
        span.record("provider.outcome", outcome.name());
        tracing::debug!(parent: span, provider.took_ms = began.elapsed().as_millis(), "a provider answered, or did not");
        match outcome.answers() {
            Some(true) => self.0.breaker.succeeded(),
            Some(false) => self.0.breaker.failed(Instant::now()),
            None => self.0.breaker.not_tried(),
        }
        if let Some((meter, histogram)) = &self.0.durations {
            let labels = [("provider", self.0.provider_id.as_str()), ("operation", operation), ("outcome", outcome.name())];
            let labels: Vec<MetricKeyValue> = labels.iter().map(|(key, value)| MetricKeyValue::new(*key, (*value).to_owned())).collect();
            histogram.record(began.elapsed(), &meter.new_attributes(NewAttributes::new(labels)));
        }
    }
}

/// One of the calls under way.
struct Place<'a> {
    in_flight: &'a AtomicU32,
    _permit: tokio::sync::SemaphorePermit<'a>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
