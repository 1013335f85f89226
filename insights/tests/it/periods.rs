//! Days are those of their zone, on days when clocks change, too.

use jiff::{Timestamp, civil::date, tz::TimeZone};
use oms_insights::{BadPeriod, Period, Step, cell_of};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn hours(cuts: &[Timestamp]) -> Vec<i64> {
    cuts.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs() / 3_600).collect()
}

#[test]
fn a_day_is_as_long_as_its_zone_has_it() {
    let cut = |name: &str, from, to| Period::days(from, to, zone(name)).unwrap().cuts(Step::Day).unwrap();
    assert_eq!(hours(&cut("Europe/London", date(2026, 3, 28), date(2026, 3, 30))), [24, 23, 24]);
    assert_eq!(hours(&cut("America/New_York", date(2026, 3, 7), date(2026, 3, 9))), [24, 23, 24]);
    assert_eq!(hours(&cut("Europe/Berlin", date(2026, 10, 24), date(2026, 10, 26))), [24, 25, 24]);
    let nepal = cut("Asia/Kathmandu", date(2026, 3, 1), date(2026, 3, 2));
    assert_eq!(nepal[0], "2026-02-28T18:15:00Z".parse().unwrap());
}

#[test]
fn hours_of_a_day_on_which_clocks_change_are_all_there() {
    let day = |day| Period::days(day, day, zone("Europe/London")).unwrap().cuts(Step::Hour).unwrap();
    assert_eq!(day(date(2026, 3, 29)).len(), 24);
    assert_eq!(day(date(2026, 10, 25)).len(), 26);
    assert!(hours(&day(date(2026, 10, 25))).iter().all(|lasts| *lasts == 1));
}

#[test]
fn weeks_begin_on_monday_and_pieces_at_the_edges_are_cut() {
    let march = Period::days(date(2026, 3, 4), date(2026, 4, 2), zone("Europe/London")).unwrap();
    let weeks = march.cuts(Step::Week).unwrap();
    assert_eq!((weeks[0], weeks[weeks.len() - 1]), (march.from, march.to));
    assert_eq!(weeks[1], "2026-03-09T00:00:00Z".parse().unwrap());
    assert_eq!(march.cuts(Step::Month).unwrap().len(), 3);
    let before = march.before().unwrap();
    assert_eq!((before.to, before.to.duration_since(before.from)), (march.from, march.to.duration_since(march.from)));
}

#[test]
fn what_is_no_period_is_refused() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (one, two) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
    assert_eq!(Period::new(two, one, TimeZone::UTC), Err(BadPeriod::Empty));
    assert_eq!(Period::new(one, at("2026-03-02T00:07:00Z"), TimeZone::UTC), Err(BadPeriod::BetweenCells));
    let long = Period::new(one, at("2027-03-02T00:00:00Z"), TimeZone::UTC).unwrap();
    assert_eq!(long.cuts(Step::Hour), Err(BadPeriod::TooManyPieces));
    assert_eq!(Period::days(date(9999, 12, 30), date(9999, 12, 31), TimeZone::UTC), Err(BadPeriod::OutOfRange));
    assert_eq!(cell_of(at("1969-12-31T23:59:59.5Z")), at("1969-12-31T23:45:00Z"));
}
