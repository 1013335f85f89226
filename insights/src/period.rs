//! From when to when, in whose days, and cut where.

use jiff::{Span, Timestamp, Zoned, civil, tz::TimeZone};

use crate::cell_of;

/// Most pieces that a period is cut into: a quarter of a year by the hour.
pub const PERIODS_MAX: usize = 2_500;

/// How a period is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Hour,
    Day,
    /// From Monday on.
    Week,
    Month,
}

impl Step {
    /// Every one by its name.
    pub const NAMED: &[(&str, Self)] = &[("hour", Self::Hour), ("day", Self::Day), ("week", Self::Week), ("month", Self::Month)];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Hour => Span::new().hours(1),
            Self::Day => Span::new().days(1),
            Self::Week => Span::new().weeks(1),
            Self::Month => Span::new().months(1),
        }
    }

    /// The first moment of the piece that a time is in.
    fn begin(self, at: &Zoned) -> Result<Zoned, jiff::Error> {
        let day = at.date();
        let first = match self {
            Self::Hour => return at.round(jiff::ZonedRound::new().smallest(jiff::Unit::Hour).mode(jiff::RoundMode::Floor)),
            Self::Day => day,
            Self::Week => day.checked_sub(Span::new().days(i64::from(day.weekday().to_monday_zero_offset())))?,
            Self::Month => day.first_of_month(),
        };
        first.to_zoned(at.time_zone().clone())
    }
}

/// A period, from its first moment to the first one after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
    pub zone: TimeZone,
}

/// Why a period is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    #[error("must be after from")]
    Empty,
    #[error("must be at a quarter of an hour: figures are kept by these")]
    BetweenCells,
    #[error("it would be cut into more than {PERIODS_MAX} pieces: ask for a shorter period, or longer pieces")]
    TooManyPieces,
    #[error("is out of range")]
    OutOfRange,
}

impl From<jiff::Error> for BadPeriod {
    fn from(_: jiff::Error) -> Self {
        Self::OutOfRange
    }
}

impl Period {
    /// # Errors
    /// When it is empty, or begins or ends within a cell.
    pub fn new(from: Timestamp, to: Timestamp, zone: TimeZone) -> Result<Self, BadPeriod> {
        if to <= from {
            return Err(BadPeriod::Empty);
        }
        if cell_of(from) != from || cell_of(to) != to {
            return Err(BadPeriod::BetweenCells);
        }
        Ok(Self { from, to, zone })
    }

    /// Whole days of the zone, the last one included.
    ///
    /// # Errors
    /// As [`Period::new`].
    pub fn days(first: civil::Date, last: civil::Date, zone: TimeZone) -> Result<Self, BadPeriod> {
        let midnight = |day: civil::Date| Ok::<_, BadPeriod>(day.to_zoned(zone.clone())?.timestamp());
        Self::new(midnight(first)?, midnight(last.tomorrow()?)?, zone.clone())
    }

    /// As long, and just before.
    ///
    /// # Errors
    /// When that is before all time.
    pub fn before(&self) -> Result<Self, BadPeriod> {
        let lasts = self.to.duration_since(self.from);
        Self::new(self.from.checked_sub(lasts)?, self.from, self.zone.clone())
    }

    /// Where it is cut: its beginning, the beginning of each piece after it, and its end. A day on which clocks change is as long as it is.
    ///
    /// # Errors
    /// When there are too many pieces.
    pub fn cuts(&self, step: Step) -> Result<Vec<Timestamp>, BadPeriod> {
        let begin = step.begin(&self.from.to_zoned(self.zone.clone()))?;
        let mut cuts = vec![self.from];
        for n in 1.. {
            let next = begin.checked_add(step.span().checked_mul(n)?)?.timestamp();
            if next >= self.to {
                break;
            }
            if cell_of(next) != next {
                return Err(BadPeriod::BetweenCells);
            }
            // Two hours that have the same name are one piece each.
            if next > self.from {
                cuts.push(next);
            }
            if cuts.len() > PERIODS_MAX {
                return Err(BadPeriod::TooManyPieces);
            }
        }
        cuts.push(self.to);
        Ok(cuts)
    }
}
