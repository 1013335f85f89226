//! When a facility ships: working days, cutoff, time zone and daily capacity.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use crate::sourcing::Facility;

/// The days of the week a facility works, written `Mon-Fri`, `Mon-Sat`, `Sat-Tue` or `Mon,Wed,Fri-Sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkingDays([bool; 7]);

const DAY_NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A text that names no working days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no working days: write them like Mon-Fri or Mon,Wed,Sat")]
pub struct InvalidWorkingDays(String);

impl WorkingDays {
    /// Monday to Friday.
    pub const MON_FRI: Self = Self([true, true, true, true, true, false, false]);

    pub fn contains(self, day: Weekday) -> bool {
        self.0[day.to_monday_zero_offset().unsigned_abs() as usize]
    }
}

impl FromStr for WorkingDays {
    type Err = InvalidWorkingDays;

    fn from_str(text: &str) -> Result<Self, InvalidWorkingDays> {
        let day = |name: &str| {
            let place = DAY_NAMES.iter().position(|day| *day == name.trim());
            place.ok_or_else(|| InvalidWorkingDays(text.to_owned()))
        };
        let mut days = [false; 7];
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (day(first)?, day(last)?);
            // A range may run over the end of the week.
            (0..=(last + 7 - first) % 7).for_each(|step| days[(first + step) % 7] = true);
        }
        Ok(Self(days))
    }
}

impl fmt::Display for WorkingDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = DAY_NAMES.iter().zip(self.0).filter(|(_, works)| *works).map(|(name, _)| *name).collect();
        f.write_str(&names.join(","))
    }
}

impl TryFrom<String> for WorkingDays {
    type Error = InvalidWorkingDays;
    fn try_from(text: String) -> Result<Self, InvalidWorkingDays> {
        text.parse()
    }
}

impl From<WorkingDays> for String {
    fn from(days: WorkingDays) -> Self {
        days.to_string()
    }
}

/// The day a consignment leaves, and how many more may leave with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShipDay {
    pub(crate) date: Date,
    /// None: no limit.
    pub(crate) capacity_left: Option<i64>,
}

/// The first working day with capacity, of the next `horizon_days` working days.
/// None: no capacity within the horizon, or no working day at all.
pub(crate) fn ship_day(facility: &Facility, local: &Zoned, horizon_days: usize) -> Option<ShipDay> {
    working_days_from(facility, local, horizon_days)?
        .map(|date| ShipDay { date, capacity_left: capacity_left(facility.daily_order_capacity, &facility.capacity_taken, date) })
        .find(|day| day.capacity_left != Some(0))
}

/// The working days on which a facility could ship what comes at `now`, soonest first; at most so many. Empty where there is no such
/// time zone.
pub fn ship_days(facility: &Facility, now: Timestamp, at_most: usize) -> Vec<Date> {
    let Some(local) = local_time(&facility.timezone, now) else { return Vec::new() };
    working_days_from(facility, &local, at_most).into_iter().flatten().collect()
}

/// When what a plan lets leave on a day must have left: at the cutoff of the last working day from which it still arrives in time, or of
/// that very day, where no date is wanted or none can be kept. None: there is no such time zone.
pub fn ship_by(facility: &Facility, (ship_date, delivery_date): (Date, Date), wanted_by: Option<Date>) -> Option<Timestamp> {
    let spare_days = wanted_by.map_or(0, |wanted| (wanted - delivery_date).get_days()).clamp(0, SPARE_DAYS_MAX);
    let days = ship_date.series(1.day()).take(1 + spare_days.unsigned_abs() as usize);
    let last = days.filter(|day| facility.working_days.contains(day.weekday())).last().unwrap_or(ship_date);
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(&facility.timezone).ok()?;
    Some(last.to_datetime(facility.cutoff).to_zoned(zone).ok()?.timestamp())
}

/// A year: whoever asks for a date beyond it is not picked for before then.
const SPARE_DAYS_MAX: i32 = 366;

/// An order that comes at the cutoff or after it has missed the day.
fn working_days_from(facility: &Facility, local: &Zoned, at_most: usize) -> Option<impl Iterator<Item = Date>> {
    let today = local.date();
    let first = if local.time() < facility.cutoff { today } else { today.checked_add(1.day()).ok()? };
    let working_days = facility.working_days;
    // A week with a single working day has `at_most` of them in as many weeks.
    Some(first.series(1.day()).take(7 * at_most).filter(move |day| working_days.contains(day.weekday())).take(at_most))
}

fn capacity_left(daily: Option<i64>, taken: &BTreeMap<Date, i64>, date: Date) -> Option<i64> {
    daily.map(|daily| (daily - taken.get(&date).copied().unwrap_or(0)).max(0))
}

/// The instant where the facility is, by the bundled time zone database. None: there is no zone of that name.
pub(crate) fn local_time(timezone: &str, now: Timestamp) -> Option<Zoned> {
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    Some(now.to_zoned(zones.get(timezone).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_are_read_as_people_write_them() {
        for (text, days) in [
            ("Mon-Fri", "Mon,Tue,Wed,Thu,Fri"),
            ("Mon,Wed, Fri-Sun", "Mon,Wed,Fri,Sat,Sun"),
            ("Sat-Tue", "Mon,Tue,Sat,Sun"),
            ("Sun", "Sun"),
        ] {
            assert_eq!(text.parse::<WorkingDays>().map(|days| days.to_string()), Ok(days.to_owned()));
        }
        for text in ["", "Mon-", "Monday", "Mon;Tue", "1-5"] {
            assert_eq!(text.parse::<WorkingDays>(), Err(InvalidWorkingDays(text.to_owned())));
        }
    }

    /// Friday 3 December 2010, 16:59 in London.
    const FRIDAY: &str = "2010-12-03T16:59:00Z";

    fn ships(facility: &Facility, now: &str) -> Option<(String, Option<i64>)> {
        let local = local_time(&facility.timezone, now.parse().expect("a timestamp")).expect("a zone");
        ship_day(facility, &local, 5).map(|day| (day.date.to_string(), day.capacity_left))
    }

    #[test]
    fn the_cutoff_decides_the_day() {
        let facility = Facility::example("WH");
        assert_eq!(ships(&facility, FRIDAY), Some(("2010-12-03".into(), None)));
        assert_eq!(ships(&facility, "2010-12-03T17:00:00Z"), Some(("2010-12-06".into(), None)));
        assert_eq!(ships(&facility, "2010-12-04T09:00:00Z"), Some(("2010-12-06".into(), None)));
        // 16:30 UTC is 17:30 in Berlin, after the cutoff there.
        let berlin = Facility { timezone: "Europe/Berlin".into(), ..facility };
        assert_eq!(ships(&berlin, "2010-12-02T16:30:00Z"), Some(("2010-12-03".into(), None)));
    }

    #[test]
    fn what_is_wanted_later_need_not_leave_before_the_last_day_that_keeps_the_date() {
        let facility = Facility::example("WH");
        let date = |text: &str| text.parse::<Date>().expect("a date");
        // It could leave on Friday, and be there on Saturday.
        let by = |wanted: Option<&str>| {
            ship_by(&facility, (date("2010-12-03"), date("2010-12-04")), wanted.map(date)).expect("a zone").to_string()
        };
        assert_eq!(by(None), "2010-12-03T17:00:00Z");
        assert_eq!(by(Some("2010-12-01")), "2010-12-03T17:00:00Z", "late anyway");
        assert_eq!(by(Some("2010-12-06")), "2010-12-03T17:00:00Z", "nobody works on the days between");
        assert_eq!(by(Some("2010-12-08")), "2010-12-07T17:00:00Z");
    }

    #[test]
    fn a_full_day_moves_the_date_and_a_full_horizon_excludes() {
        let full = |days: &[&str]| -> BTreeMap<Date, i64> { days.iter().map(|day| (day.parse().expect("a date"), 12)).collect() };
        let mut store = Facility { daily_order_capacity: Some(12), ..Facility::example("ST") };
        store.capacity_taken = full(&["2010-12-03", "2010-12-06"]);
        store.capacity_taken.insert("2010-12-07".parse().expect("a date"), 11);
        assert_eq!(ships(&store, FRIDAY), Some(("2010-12-07".into(), Some(1))));
        store.capacity_taken = full(&["2010-12-03", "2010-12-06", "2010-12-07", "2010-12-08", "2010-12-09"]);
        assert_eq!(ships(&store, FRIDAY), None);
    }
}
