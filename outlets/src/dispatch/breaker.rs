//! A receiver at which nothing arrives is tried less and less often, one event at a time, until something does.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row after which a receiver counts as down.
const OPENS_AFTER: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failed: u32,
    /// Nothing is sent before.
    closed_until: Option<Instant>,
}

impl Breaker {
    /// How long nothing is to be sent; None: something may be.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.pause_at(Instant::now())
    }

    /// Something has failed; the receiver may have asked to be left alone.
    pub(super) fn failed(&self, leave_alone: Option<Duration>) {
        self.failed_at(Instant::now(), leave_alone);
    }

    /// It has failed so often that one event alone is tried.
    pub(super) fn is_probing(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed >= OPENS_AFTER
    }

    pub(super) fn arrived(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    fn pause_at(&self, now: Instant) -> Option<Duration> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until.and_then(|until| until.checked_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    fn failed_at(&self, now: Instant, leave_alone: Option<Duration>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = state.failed.saturating_add(1);
        let pause = state.failed.checked_sub(OPENS_AFTER).map(|more| FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(more)).min(PAUSE_MAX));
        if let Some(pause) = pause.into_iter().chain(leave_alone).max() {
            state.closed_until = state.closed_until.into_iter().chain([now + pause]).max();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_after_some_failures_in_a_row_for_longer_each_time_and_opens_with_the_first_that_arrives() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.failed_at(now, None);
        }
        assert_eq!((breaker.pause_at(now), breaker.is_probing()), (None, false));
        breaker.failed_at(now, None);
        assert_eq!((breaker.pause_at(now), breaker.is_probing()), (Some(Duration::from_secs(2)), true));
        let later = now + Duration::from_secs(3);
        assert_eq!(breaker.pause_at(later), None);
        breaker.failed_at(later, None);
        assert_eq!(breaker.pause_at(later), Some(Duration::from_secs(4)));
        for _ in 0..40 {
            breaker.failed_at(later, None);
        }
        assert_eq!(breaker.pause_at(later), Some(Duration::from_secs(300)));
        breaker.arrived();
        assert_eq!((breaker.pause_at(later), breaker.is_probing()), (None, false));
    }

    #[test]
    fn whoever_asks_to_be_left_alone_is() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.failed_at(now, Some(Duration::from_secs(90)));
        assert_eq!((breaker.pause_at(now), breaker.is_probing()), (Some(Duration::from_secs(90)), false));
    }
}
