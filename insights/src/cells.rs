//! Sums by quarters of an hour, of which the days of any time zone are made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::money::Currency;

use crate::{Count, Measure};

/// A cell lasts so long. No zone in use is off UTC by anything else than a multiple of it.
pub const CELL_MINUTES: i64 = 15;

const CELL_SECONDS: i64 = CELL_MINUTES * 60;

/// The beginning of the cell that a time is in.
pub fn cell_of(at: Timestamp) -> Timestamp {
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(second.div_euclid(CELL_SECONDS) * CELL_SECONDS).unwrap_or(Timestamp::MIN)
}

/// What a sum is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellKey {
    pub measure: Measure,
    pub cell: Timestamp,
    pub channel: String,
    /// Empty: of none.
    pub facility_id: String,
    pub currency: Option<Currency>,
    /// Empty: none.
    pub reason: String,
    /// Of a duration.
    pub bucket: Option<i16>,
}

/// How many counts, and what they come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub n: i64,
    pub sum: i64,
}

/// The sums of many orders, as a database would keep them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells(pub BTreeMap<CellKey, Sums>);

impl Cells {
    /// An order of the channel has gone on: what was counted of it before is taken off, and what is counted now is added.
    pub fn replace(&mut self, channel: &str, before: &[Count], now: &[Count]) {
        let signed = before.iter().map(|count| (count, -1)).chain(now.iter().map(|count| (count, 1)));
        for (count, sign) in signed {
            let key = count.key(channel);
            let sums = self.0.entry(key.clone()).or_default();
            sums.n += sign * count.n;
            sums.sum += sign * count.sum;
            if *sums == Sums::default() {
                self.0.remove(&key);
            }
        }
    }
}
