//! How figures are written for people.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use oms_api::insights::FigureValue;
use serde_json::Number;

use crate::{
    frame::{Amount, Frame},
    words::Language,
};

const SECOND_MS: f64 = 1_000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;
/// What there is nothing to tell of.
const NOTHING: &str = "–";

impl Frame {
    /// A figure's value.
    pub(crate) fn figure(&self, value: &FigureValue, unit: &str) -> String {
        value.value.as_ref().and_then(Number::as_f64).map_or_else(|| NOTHING.to_owned(), |number| self.measured(number, unit, value))
    }

    /// All values of one: of each currency its own.
    pub(crate) fn figures(&self, values: &[FigureValue], unit: &str) -> String {
        if values.is_empty() {
            return NOTHING.to_owned();
        }
        values.iter().map(|value| self.figure(value, unit)).collect::<Vec<_>>().join(", ")
    }

    /// What stands beside a value: what it was made of, what takes longer, what it leaves out.
    pub(crate) fn beside(&self, value: &FigureValue) -> Vec<String> {
        let of = value.divided_by.map(|all| self.t2("insights-of", value.counted, all));
        let longer = [
            value.p90_ms.map(|ms| self.t1("insights-p90", self.lasts(ms))),
            value.p99_ms.map(|ms| self.t1("insights-p99", self.lasts(ms))),
        ];
        let left_out = value.left_out.filter(|n| *n > 0).map(|n| self.tn("insights-left-out", n));
        [of].into_iter().chain(longer).chain([left_out]).flatten().collect()
    }

    fn measured(&self, number: f64, unit: &str, value: &FigureValue) -> String {
        match (unit, &value.currency) {
            ("share", _) => format!("{} %", self.decimal(number * 100.0, 1)),
            ("ratio", _) => self.decimal(number, 2),
            ("ms", _) => self.lasting(number),
            (_, Some(currency)) => self.money(number as i64, currency),
            (_, None) => number.to_string(),
        }
    }

    /// So many milliseconds.
    pub(crate) fn lasts(&self, ms: impl Amount) -> String {
        self.lasting(ms.minor() as f64)
    }

    /// A duration, in the largest unit of which there are some.
    fn lasting(&self, ms: f64) -> String {
        let units = [(DAY_MS * 2.0, DAY_MS, "d"), (HOUR_MS, HOUR_MS, "h"), (MINUTE_MS, MINUTE_MS, "min")];
        let (each, name) = units.into_iter().find(|(from, ..)| ms >= *from).map_or((SECOND_MS, "s"), |(_, each, name)| (each, name));
        format!("{} {name}", self.decimal(ms / each, 1))
    }

    /// What the list of orders has of one: `sum` in the figure's unit.
    pub(crate) fn summed(&self, sum: impl Amount, unit: &str, currency: &str) -> String {
        match unit {
            "minor" => self.money(sum, currency),
            "ms" => self.lasts(sum),
            _ => sum.minor().to_string(),
        }
    }

    fn decimal(&self, number: f64, places: usize) -> String {
        let text = format!("{number:.places$}");
        match self.language {
            Language::German => text.replace('.', ","),
            Language::English | Language::Mirrored => text,
        }
    }
}

/// The days of a period, the last one included, as fields of forms have them.
pub(crate) fn days(from: Timestamp, to: Timestamp, zone: &TimeZone) -> (Date, Date) {
    let last = to.checked_sub(1.nanosecond()).unwrap_or(to);
    (from.to_zoned(zone.clone()).date(), last.to_zoned(zone.clone()).date())
}
