//! What is asked of a figure: over which period, in whose days, and of what part of the house.

use std::str::FromStr;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use oms_api::reader::{Fields, choice, name, parsed};
use oms_domain::{ids::FacilityId, money::Currency};
use oms_insights::{BadPeriod, Figure, Measure, Period, Step, Theme, cell_of};
use oms_store::{InsightsFilter, SplitBy};

use crate::{
    caller::Caller,
    extract::Params,
    failure::Failure,
    routes::{paging_cursor, paging_limit},
};

/// Days that are shown unless others are asked for, today included.
const DAYS_UNLESS_SAID: i64 = 30;

/// What a figure is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Time(Step),
    Part(SplitBy),
}

/// As what it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Csv,
}

/// A figure over a period.
pub(crate) struct Question {
    pub(crate) period: Period,
    pub(crate) zone: String,
    pub(crate) by: Option<By>,
    pub(crate) form: Form,
    pub(crate) filter: InsightsFilter,
}

const BY: &[(&str, By)] = &[
    ("hour", By::Time(Step::Hour)),
    ("day", By::Time(Step::Day)),
    ("week", By::Time(Step::Week)),
    ("month", By::Time(Step::Month)),
    ("facility", By::Part(SplitBy::Facility)),
    ("channel", By::Part(SplitBy::Channel)),
    ("reason", By::Part(SplitBy::Reason)),
];

/// A day of the zone, or a moment.
#[derive(Clone, Copy)]
enum Edge {
    Day(Date),
    Moment(Timestamp),
}

impl FromStr for Edge {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = || text.parse::<Date>().ok().filter(|day| text.len() == 10 && (1970..2200).contains(&day.year())).map(Self::Day);
        let moment = || text.parse::<Timestamp>().ok().map(Self::Moment);
        day().or_else(moment).ok_or("must be a day between 1970 and 2200 such as 2026-03-01, or a time such as 2026-03-01T00:00:00Z")
    }
}

/// A time zone by its name.
struct Zone(String, TimeZone);

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TimeZone::get(text).map(|zone| Self(text.to_owned(), zone)).map_err(|_| "must be the name of a time zone, such as Europe/London")
    }
}

/// The figures of a theme over a period.
pub(crate) struct SummaryQuestion {
    pub(crate) theme: Theme,
    pub(crate) period: Period,
    pub(crate) zone: String,
    pub(crate) filter: InsightsFilter,
}

impl SummaryQuestion {
    /// Those that are told: of whole orders nothing, where some facilities alone are meant.
    pub(crate) fn figures(&self) -> Vec<&'static Figure> {
        let is_narrow = self.filter.facility_id.is_some() || !self.filter.scope.facilities.is_all();
        self.theme.figures().filter(|figure| !is_narrow || figure.is_by_facility()).collect()
    }
}

/// The question after a theme's figures. `now` is the end of what there is.
pub(crate) fn summary_question(params: &Params, caller: &Caller, now: Timestamp) -> Result<SummaryQuestion, Failure> {
    let mut asked = params.read(|node| node.object(|fields| read_summary(fields, now)))?;
    asked.filter.scope = caller.scope.clone();
    Ok(asked)
}

fn read_summary(fields: &Fields<'_>, now: Timestamp) -> Option<SummaryQuestion> {
    let (theme, days) = (fields.optional("theme", choice(Theme::NAMED)), read_days(fields, now));
    let (facility_id, channel) = (fields.optional("facility_id", parsed::<FacilityId>), fields.optional("channel", name));
    let (period, zone) = days?;
    let facility_id = facility_id?.map(|id| id.to_string());
    let filter = InsightsFilter { from: period.from, to: period.to, channel: channel?, facility_id, ..InsightsFilter::default() };
    Some(SummaryQuestion { theme: theme?.unwrap_or(Theme::Orders), period, zone, filter })
}

/// The question in these parameters, as far as whoever asks may put it. `now` is the end of what there is.
pub(crate) fn question(params: &Params, figure: &Figure, caller: &Caller, now: Timestamp) -> Result<Question, Failure> {
    let mut asked = params.read(|node| node.object(|fields| read(fields, figure, now)))?;
    refuse(figure, caller)?;
    asked.filter.scope = caller.scope.clone();
    Ok(asked)
}

/// A figure of orders as a whole says more than who knows of some facilities may hear.
fn refuse(figure: &Figure, caller: &Caller) -> Result<(), Failure> {
    caller.refuse_narrowed(!caller.scope.facilities.is_all() && !figure.is_by_facility(), "facilities")
}

/// The question after the orders behind a figure, with the part that is meant, and the place and size of the page.
pub(crate) fn orders_question(
    params: &Params,
    figure: &Figure,
    caller: &Caller,
    now: Timestamp,
) -> Result<(Question, Measure, Option<String>, u32), Failure> {
    let (mut asked, measure, cursor, limit) = params.read(|node| {
        node.object(|fields| {
            let (asked, measure) = (read_period(fields, figure, now), part(fields, figure));
            let (cursor, limit) = (paging_cursor(fields), paging_limit(fields));
            Some((asked?, measure?, cursor?, limit?))
        })
    })?;
    refuse(figure, caller)?;
    asked.filter.scope = caller.scope.clone();
    Ok((asked, measure, cursor, limit))
}

/// Which of a figure's measures is meant: what it counts, unless said.
fn part(fields: &Fields<'_>, figure: &Figure) -> Option<Measure> {
    #[derive(Clone, Copy)]
    enum Part {
        Counted,
        DividedBy,
        LeftOut,
    }
    let parts = [("counted", Part::Counted), ("divided_by", Part::DividedBy), ("left_out", Part::LeftOut)];
    let measure = match fields.optional("part", choice(&parts))?.unwrap_or(Part::Counted) {
        Part::Counted => Some(figure.counted()),
        Part::DividedBy => figure.divisor(),
        Part::LeftOut => figure.left_out,
    };
    measure.or_else(|| fields.error("part", "is not a part of this figure"))
}

fn read(fields: &Fields<'_>, figure: &Figure, now: Timestamp) -> Option<Question> {
    let by = fields.optional("by", choice(BY));
    let form = fields.optional("format", choice(&[("json", Form::Json), ("csv", Form::Csv)]));
    let asked = read_period(fields, figure, now);
    let (by, mut asked) = (by?, asked?);
    match by {
        Some(By::Part(SplitBy::Facility)) if !figure.is_by_facility() => {
            return fields.error("by", "this figure is of whole orders: it has no facility");
        }
        Some(By::Part(SplitBy::Reason)) if !figure.has_reason() => return fields.error("by", "this figure has no reasons"),
        Some(By::Time(step)) => {
            if let Err(why) = asked.period.cuts(step) {
                return fields.error("by", why.to_string());
            }
        }
        Some(By::Part(_)) | None => {}
    }
    (asked.by, asked.form) = (by, form?.unwrap_or(Form::Json));
    Some(asked)
}

fn read_period(fields: &Fields<'_>, figure: &Figure, now: Timestamp) -> Option<Question> {
    let days = read_days(fields, now);
    let facility_id = fields.optional("facility_id", parsed::<FacilityId>);
    let channel = fields.optional("channel", name);
    let currency = fields.optional("currency", parsed::<Currency>);
    let reason = fields.optional("reason", name);
    let (period, zone) = days?;
    let (facility_id, currency, reason) = (facility_id?, currency?, reason?);
    if facility_id.is_some() && !figure.is_by_facility() {
        return fields.error("facility_id", "this figure is of whole orders: it has no facility");
    }
    if currency.is_some() && !figure.is_money() {
        return fields.error("currency", "this figure is no money");
    }
    if reason.is_some() && !figure.has_reason() {
        return fields.error("reason", "this figure has no reasons");
    }
    let filter = InsightsFilter {
        from: period.from,
        to: period.to,
        channel: channel?,
        facility_id: facility_id.map(|id| id.to_string()),
        currency,
        reason,
        ..InsightsFilter::default()
    };
    Some(Question { period, zone, by: None, form: Form::Json, filter })
}

/// The period, and the name of the zone whose days it has.
fn read_days(fields: &Fields<'_>, now: Timestamp) -> Option<(Period, String)> {
    let (from, to) = (fields.optional("from", parsed::<Edge>), fields.optional("to", parsed::<Edge>));
    let zone = fields.optional("zone", parsed::<Zone>);
    let Zone(zone, of_zone) = zone?.unwrap_or_else(|| Zone("UTC".to_owned(), TimeZone::UTC));
    match period(from?, to?, &of_zone, now) {
        Ok(period) => Some((period, zone)),
        Err(why) => fields.error("to", why.to_string()),
    }
}

/// A day as the last one is all of that day.
fn period(from: Option<Edge>, to: Option<Edge>, zone: &TimeZone, now: Timestamp) -> Result<Period, BadPeriod> {
    let midnight = |day: Date| Ok::<_, BadPeriod>(day.to_zoned(zone.clone())?.timestamp());
    let to = match to {
        Some(Edge::Moment(to)) => to,
        Some(Edge::Day(last)) => midnight(last.tomorrow()?)?,
        None => midnight(now.to_zoned(zone.clone()).date().tomorrow()?)?,
    };
    let from = match from {
        Some(Edge::Moment(from)) => from,
        Some(Edge::Day(first)) => midnight(first)?,
        None => {
            let first = to.to_zoned(zone.clone()).checked_sub(jiff::Span::new().days(DAYS_UNLESS_SAID))?.timestamp();
            cell_of(first)
        }
    };
    Period::new(from, to, zone.clone())
}
