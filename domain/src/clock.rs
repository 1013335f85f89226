//! Business time: rules take it, timers convert it back. So orders of 2010 replay in minutes, and a Sunday does not stop a test.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Business time = `epoch` + (real time − `real_epoch`) · `scale`. The default is real time itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BusinessClock {
    pub epoch: Timestamp,
    pub real_epoch: Timestamp,
    /// Business seconds per real second, at least 1.
    pub scale: u32,
}

impl Default for BusinessClock {
    fn default() -> Self {
        Self { epoch: Timestamp::UNIX_EPOCH, real_epoch: Timestamp::UNIX_EPOCH, scale: 1 }
    }
}

impl BusinessClock {
    /// A clock that shows `epoch` at the real time `real_epoch` and runs `scale` times as fast.
    pub fn new(epoch: Timestamp, real_epoch: Timestamp, scale: u32) -> Self {
        Self { epoch, real_epoch, scale: scale.max(1) }
    }

    /// The business time at a real time; saturates at the ends of the calendar.
    pub fn business(&self, real: Timestamp) -> Timestamp {
        let elapsed = real.duration_since(self.real_epoch).saturating_mul(i32::try_from(self.scale.max(1)).unwrap_or(i32::MAX));
        self.epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The real time at a business time; saturates at the ends of the calendar.
    pub fn real(&self, business: Timestamp) -> Timestamp {
        let elapsed = business.duration_since(self.epoch) / i32::try_from(self.scale.max(1)).unwrap_or(i32::MAX);
        self.real_epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// How long to wait, in real time, until business time reaches `due`. Zero if it has; never under what reaches it.
    pub fn real_wait(&self, now_business: Timestamp, due: Timestamp) -> std::time::Duration {
        let wait = due.duration_since(now_business);
        if wait <= SignedDuration::ZERO {
            return std::time::Duration::ZERO;
        }
        let nanos = wait.as_nanos().unsigned_abs().div_ceil(u128::from(self.scale.max(1)));
        std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_business_passes_in_a_scaled_day() {
        let epoch: Timestamp = "2010-12-01T00:00:00Z".parse().unwrap();
        let real: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = BusinessClock::new(epoch, real, 86_400);
        let tomorrow: Timestamp = "2010-12-02T00:00:00Z".parse().unwrap();
        assert_eq!(clock.business(real + SignedDuration::from_secs(1)), tomorrow);
        assert_eq!(clock.real(tomorrow), real + SignedDuration::from_secs(1));
        assert_eq!(clock.real_wait(epoch, tomorrow), std::time::Duration::from_secs(1));
        assert_eq!(clock.real_wait(tomorrow, epoch), std::time::Duration::ZERO);
    }

    #[test]
    fn a_clock_that_was_read_with_scale_zero_runs_in_real_time() {
        let zero = BusinessClock { scale: 0, ..BusinessClock::default() };
        let (now, due) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(5));
        assert_eq!((zero.business(due), zero.real_wait(now, due)), (due, std::time::Duration::from_secs(5)));
    }

    #[test]
    fn the_default_clock_is_real_time() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(BusinessClock::default().business(now), now);
    }
}
