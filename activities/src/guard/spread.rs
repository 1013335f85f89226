//! When those that wait come again: each at a time of its own, so that they do not all come at once.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Nobody waits longer than this to look again.
const LOOK_WITHIN_S: u64 = 60;
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Within so many seconds, a minute at most; the same key at the same time.
pub(super) fn over(key: &str, window_s: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let window_ms = window_s.clamp(1, LOOK_WITHIN_S) * 1_000;
    LOOK_AFTER + Duration::from_millis(hasher.finish() % window_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_spread_over_the_window_and_few_come_soon() {
        assert!(over("a", 0) <= Duration::from_secs(2));
        let times: Vec<Duration> = (0..1_000).map(|n| over(&format!("k-{n}"), 3_600)).collect();
        assert!(times.iter().all(|after| (1..=61).contains(&after.as_secs())));
        let early = times.iter().filter(|after| after.as_secs() < 31).count();
        assert!((400..600).contains(&early), "{early}");
    }
}
