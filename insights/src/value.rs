//! What a figure comes to, of sums.

use std::collections::BTreeMap;

use crate::{Figure, How, Measure, Part, Sums, percentile};

/// A figure's value, with what it was made of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Value {
    /// None: there is nothing to divide by, or nothing was counted of which a percentile could be told. Of a duration: the median.
    pub value: Option<f64>,
    /// The upper part of a quotient, or the total.
    pub numerator: i64,
    pub denominator: Option<i64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    /// How many counts were left out.
    pub left_out: Option<i64>,
}

/// The sums of each measure, by the bucket of durations; others have bucket -1.
pub type BySums = BTreeMap<(Measure, i16), Sums>;

/// The figure over these sums.
pub fn value(figure: &Figure, sums: &BySums) -> Value {
    let of = |measure: Measure| {
        sums.range((measure, i16::MIN)..=(measure, i16::MAX))
            .fold(Sums::default(), |all, (_, one)| Sums { n: all.n + one.n, sum: all.sum + one.sum })
    };
    let part = |part: Part| match part {
        Part::Number(measure) => of(measure).n,
        Part::Sum(measure) => of(measure).sum,
    };
    let left_out = figure.left_out.map(|measure| of(measure).n);
    match figure.how {
        How::Total(total) => {
            let numerator = part(total);
            Value { value: Some(as_f64(numerator)), numerator, left_out, ..Value::default() }
        }
        How::Quotient { of, by } => {
            let (numerator, denominator) = (part(of), part(by));
            let value = (denominator != 0).then(|| as_f64(numerator) / as_f64(denominator));
            Value { value, numerator, denominator: Some(denominator), left_out, ..Value::default() }
        }
        How::Times(measure) => {
            let buckets: BTreeMap<i16, i64> =
                sums.range((measure, i16::MIN)..=(measure, i16::MAX)).map(|((_, bucket), one)| (*bucket, one.n)).collect();
            let [value, p90, p99] = [50, 90, 99].map(|percent| percentile(&buckets, percent));
            Value { value, numerator: of(measure).n, denominator: None, p90, p99, left_out }
        }
    }
}

fn as_f64(number: i64) -> f64 {
    number as f64
}
