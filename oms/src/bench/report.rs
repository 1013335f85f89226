//! Figures beside their bounds.

use serde::Serialize;

use crate::{
    demo::figures::rounded,
    output::{or_dash, table},
    style::{error, faint, good},
};

/// Everything that was measured, and on what.
#[derive(Debug, Serialize)]
pub struct Report {
    pub topology: &'static str,
    /// `debug` or `release`; the bounds are for the latter.
    pub profile: &'static str,
    pub cores: usize,
    pub pairs: u32,
    pub measurements: Vec<Measurement>,
    pub met: bool,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost(f64),
    /// Of the ratio to the yardstick.
    RatioAtLeast(f64),
    /// Of the ratio to the yardstick, where less is better.
    RatioAtMost(f64),
    /// It is told, and no more.
    Any,
}

/// A figure, a median unless its name says otherwise.
#[derive(Debug, Serialize)]
pub struct Measurement {
    pub what: String,
    pub figure: f64,
    pub unit: &'static str,
    /// The same of the yardstick.
    pub yardstick: Option<f64>,
    /// The median of the pairs' own ratios.
    pub ratio: Option<f64>,
    pub bound: Bound,
    pub met: bool,
}

impl Measurement {
    /// A figure that must not be over the bound.
    pub fn at_most(what: impl Into<String>, figures: &[f64], unit: &'static str, bound: f64) -> Self {
        let figure = median(figures);
        Self {
            what: what.into(),
            figure: rounded(figure),
            unit,
            yardstick: None,
            ratio: None,
            bound: Bound::AtMost(bound),
            met: figure <= bound,
        }
    }

    /// A figure that another one is made up of.
    pub fn told(what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self { what: what.into(), figure: rounded(figure), unit, yardstick: None, ratio: None, bound: Bound::Any, met: true }
    }

    /// A rate beside its yardstick's, pair by pair: (yardstick, system).
    pub fn ratio(what: impl Into<String>, pairs: &[(f64, f64)], unit: &'static str, bound: f64) -> Self {
        Self::paired(what, pairs, unit, Bound::RatioAtLeast(bound), |ratio| ratio >= bound)
    }

    /// A time beside its yardstick's.
    pub fn times(what: impl Into<String>, pairs: &[(f64, f64)], unit: &'static str, bound: f64) -> Self {
        Self::paired(what, pairs, unit, Bound::RatioAtMost(bound), |ratio| ratio <= bound)
    }

    fn paired(what: impl Into<String>, pairs: &[(f64, f64)], unit: &'static str, bound: Bound, meets: impl Fn(f64) -> bool) -> Self {
        let of = |value: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(value).collect::<Vec<_>>());
        let ratio = of(|(yardstick, figure)| figure / yardstick);
        Self {
            what: what.into(),
            figure: rounded(of(|(_, figure)| *figure)),
            unit,
            yardstick: Some(rounded(of(|(yardstick, _)| *yardstick))),
            ratio: Some(rounded(ratio)),
            bound,
            met: meets(ratio),
        }
    }
}

impl Report {
    pub fn new(pairs: u32, measurements: Vec<Measurement>) -> Self {
        Self {
            topology: "one machine; in one process: API, worker, gateway and carrier simulators, embedded DynamoDB; \
                       beside it: PostgreSQL, Temporal (on SQLite)",
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            pairs,
            met: measurements.iter().all(|measurement| measurement.met),
            measurements,
        }
    }

    pub fn text(&self) -> String {
        let row = |m: &Measurement| {
            let bound = match m.bound {
                Bound::AtMost(bound) => format!("<= {bound} {}", m.unit),
                Bound::RatioAtLeast(bound) => format!("ratio >= {bound}"),
                Bound::RatioAtMost(bound) => format!("ratio <= {bound}"),
                Bound::Any => String::new(),
            };
            let met = match m.bound {
                Bound::Any => String::new(),
                _ if m.met => good("met"),
                _ => error("MISSED"),
            };
            [m.what.clone(), format!("{} {}", m.figure, m.unit), or_dash(m.yardstick), or_dash(m.ratio), bound, met]
        };
        let rows = table(["MEASURED", "FIGURE", "YARDSTICK", "RATIO", "BOUND", ""], self.measurements.iter().map(row));
        let on = format!("{} build, {} cores, medians of {} pairs; {}", self.profile, self.cores, self.pairs, self.topology);
        let hint = if self.profile == "debug" { "\nThe bounds are for release builds: cargo run --release -- bench" } else { "" };
        format!("{rows}\n{}{hint}", faint(&on))
    }
}

/// The middle value; of an even number, the lower one of the two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_pair_decides_and_nothing_measured_meets_nothing() {
        let measured = Measurement::ratio("x", &[(10.0, 5.0), (100.0, 10.0), (10.0, 4.0)], "1/s", 0.4);
        assert_eq!((measured.ratio, measured.met), (Some(0.4), true));
        assert!(!Measurement::at_most("x", &[1.0, 9.0, 5.0], "s", 4.9).met);
        assert!(!Measurement::at_most("x", &[], "s", 4.9).met && !Measurement::ratio("x", &[], "s", 0.1).met);
    }
}
