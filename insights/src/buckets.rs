//! Buckets of durations that grow by two hundredths each: whatever falls into one is told from its middle by 1 % at most, and the counts of two
//! histograms add without any further error.

use std::collections::BTreeMap;

/// The most by which a percentile is off.
pub const RELATIVE_ERROR: f64 = 0.01;

/// Each bucket ends so many times later than the one before.
const GAMMA: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// The bucket of a duration: 0 of none at all.
pub fn bucket_of(ms: i64) -> i16 {
    if ms < 1 {
        return 0;
    }
    // Of the longest there is: 2,184.
    1 + ((ms as f64).ln() / GAMMA.ln()).ceil() as i16
}

/// The duration in milliseconds that stands for a bucket.
pub fn value_of(bucket: i16) -> f64 {
    if bucket < 1 { 0.0 } else { 2.0 * GAMMA.powi(i32::from(bucket) - 1) / (GAMMA + 1.0) }
}

/// The duration that so much of a hundred takes no longer than; None: nothing was counted.
pub fn percentile(buckets: &BTreeMap<i16, i64>, percent: u8) -> Option<f64> {
    let all: i64 = buckets.values().sum();
    let rank = (all * i64::from(percent) + 99) / 100;
    let mut below = 0;
    for (bucket, n) in buckets {
        below += n;
        if *n > 0 && below >= rank.max(1) {
            return Some(value_of(*bucket));
        }
    }
    None
}
