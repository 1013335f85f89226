//! How often a provider is asked: a token bucket, a smaller one while what waited is being done, and not at all for as long as it has said.

use std::{
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Rate {
    usual: DefaultDirectRateLimiter,
    paced: DefaultDirectRateLimiter,
    is_paced: AtomicBool,
    closed_until: Mutex<Option<Instant>>,
}

impl Rate {
    pub(super) fn new(per_second: u32, pace_per_second: u32) -> Self {
        let bucket = |per_second: u32| RateLimiter::direct(Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN)));
        Self {
            usual: bucket(per_second),
            paced: bucket(pace_per_second.min(per_second)),
            is_paced: AtomicBool::new(false),
            closed_until: Mutex::new(None),
        }
    }

    /// A call may be made; or how long it takes until one may.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let closed_for = self.closed_for();
        if !closed_for.is_zero() {
            return Err(closed_for);
        }
        let wait = |full: governor::NotUntil<_>| full.wait_time_from(DefaultClock::default().now());
        self.usual.check().map_err(wait)?;
        if self.is_paced.load(Ordering::Relaxed) { self.paced.check().map_err(wait) } else { Ok(()) }
    }

    /// Whether something waits that was held up: it goes out at its own pace.
    pub(super) fn pace(&self, is_paced: bool) {
        self.is_paced.store(is_paced, Ordering::Relaxed);
    }

    /// It has asked to be left alone.
    pub(super) fn close_for(&self, after: Duration) {
        let until = Instant::now() + after;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |known| known.max(until)));
    }

    pub(super) fn closed_for(&self) -> Duration {
        let closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        closed.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_at_once_and_then_as_it_fills_again() {
        let rate = Rate::new(10, 2);
        let taken = (0..20).filter(|_| rate.take().is_ok()).count();
        assert!((10..=11).contains(&taken), "{taken}");
        assert!(rate.take().is_err_and(|wait| wait <= Duration::from_millis(100)));
        let rate = Rate::new(10, 2);
        rate.pace(true);
        let taken = (0..20).filter(|_| rate.take().is_ok()).count();
        assert!((2..=3).contains(&taken), "{taken}");
    }

    #[test]
    fn it_is_left_alone_for_as_long_as_it_has_said() {
        let rate = Rate::new(10, 2);
        rate.close_for(Duration::from_secs(60));
        rate.close_for(Duration::from_secs(1));
        assert!(rate.take().is_err_and(|wait| wait > Duration::from_secs(50)));
    }
}
