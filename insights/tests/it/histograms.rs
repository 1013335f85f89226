//! Buckets of durations: how far off they are, and that they add.

use std::collections::BTreeMap;

use oms_insights::{RELATIVE_ERROR, bucket_of, percentile, value_of};
use proptest::prelude::*;

fn histogram(values: &[i64]) -> BTreeMap<i16, i64> {
    let mut buckets = BTreeMap::new();
    values.iter().for_each(|value| *buckets.entry(bucket_of(*value)).or_default() += 1);
    buckets
}

/// The value that so much of a hundred are no greater than.
fn exact(values: &[i64], percent: u8) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * usize::from(percent)).div_ceil(100).max(1);
    sorted[rank - 1]
}

proptest! {
    #[test]
    fn a_duration_is_told_to_one_in_a_hundred(ms in prop_oneof![0..10_000_i64, 0..100_000_000_000_i64, Just(i64::MAX)]) {
        let told = value_of(bucket_of(ms));
        prop_assert!((told - ms as f64).abs() <= ms as f64 * (RELATIVE_ERROR + 1e-9), "{ms}: {told}");
    }

    #[test]
    fn percentiles_of_merged_histograms_are_those_of_all_values(
        one in proptest::collection::vec(0..9_000_000_000_i64, 1..200),
        other in proptest::collection::vec(0..9_000_i64, 0..200),
        percent in 1..=100_u8,
    ) {
        let mut merged = histogram(&one);
        histogram(&other).into_iter().for_each(|(bucket, n)| *merged.entry(bucket).or_default() += n);
        let all = [one, other].concat();
        prop_assert_eq!(&merged, &histogram(&all));
        let (told, plain) = (percentile(&merged, percent).unwrap(), exact(&all, percent) as f64);
        prop_assert!((told - plain).abs() <= plain * (RELATIVE_ERROR + 1e-9), "{told} {plain}");
    }

    #[test]
    fn a_longer_duration_has_no_lower_bucket(one in 0..i64::MAX, other in 0..i64::MAX) {
        let (shorter, longer) = (one.min(other), one.max(other));
        prop_assert!(bucket_of(shorter) <= bucket_of(longer));
    }
}

#[test]
fn nothing_counted_has_no_percentile() {
    assert_eq!(percentile(&BTreeMap::new(), 50), None);
    assert_eq!(percentile(&BTreeMap::from([(7, 0)]), 50), None);
}
