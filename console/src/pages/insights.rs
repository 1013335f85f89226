//! Figures on orders: by theme, one over time or by its parts, and the very orders that it counts.

use askama::Template;
use axum::extract::{Path, Query};
use jiff::tz::TimeZone;
use oms_api::insights::{CountedOrdersView, FigurePiece, FigureValue, InsightView, InsightsSummary, SummedFigure};
use serde::Deserialize;

use super::find::all_facilities;
use crate::{
    api::{at, with_query},
    chart::{Bars, Point, Trend},
    figures::days,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// In the order in which people look at them, as the API names them.
const THEMES: [&str; 5] = ["orders", "speed", "promises", "stock", "money"];
const TIMES: [&str; 4] = ["hour", "day", "week", "month"];
/// Figures that say how far orders have come.
const STAGE: &str = "stage_";
const PLACED: &str = "orders";
const BY_DAY: &str = "day";

/// What is looked at; what is empty narrows nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    theme: String,
    from: String,
    to: String,
    zone: String,
    facility_id: String,
    channel: String,
    reason: String,
    by: String,
    part: String,
    cursor: String,
}

impl Asked {
    /// Which orders are meant.
    fn period(&self) -> [(&str, &str); 6] {
        [
            ("from", self.from.trim()),
            ("to", self.to.trim()),
            ("zone", self.zone.trim()),
            ("facility_id", self.facility_id.trim()),
            ("channel", self.channel.trim()),
            ("reason", self.reason.trim()),
        ]
    }

    fn with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let pairs: Vec<(&str, &str)> = self.period().into_iter().chain(more.iter().copied()).collect();
        with_query(path, &pairs)
    }

    fn to_theme(&self, theme: &str) -> String {
        self.with("/console/insights", &[("theme", theme)])
    }

    fn to_figure(&self, figure: &str, by: &str) -> String {
        self.with(&format!("/console/insights/{figure}"), &[("by", by)])
    }

    fn to_orders(&self, figure: &str, part: &str) -> String {
        self.with(&format!("/console/insights/{figure}/orders"), &[("part", part)])
    }

    fn to_csv(&self, figure: &str) -> String {
        self.with(&at(&["insights", figure]), &[("by", self.by.as_str()), ("format", "csv")])
    }
}

#[derive(Template)]
#[template(path = "insights.html")]
struct Summary<'a> {
    f: &'a Frame,
    asked: Asked,
    view: Option<InsightsSummary>,
    stages: Option<Bars>,
    facilities: Vec<String>,
}

impl Summary<'_> {
    fn themes(&self) -> [&'static str; 5] {
        THEMES
    }
}

pub(crate) async fn summary(mut visitor: Visitor, Query(mut asked): Query<Asked>) -> Shown {
    asked.theme = THEMES.into_iter().find(|theme| *theme == asked.theme).unwrap_or(THEMES[0]).to_owned();
    asked.reason.clear();
    let path = asked.with(&at(&["insights", "summary"]), &[("theme", asked.theme.as_str())]);
    let view: Option<InsightsSummary> = match visitor.api.get(path).await {
        Ok(view) => Some(view),
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            None
        }
    };
    let mut stages = None;
    if let Some(view) = &view {
        visitor.frame.zone = in_days_of(&mut asked, &view.zone, view.from, view.to);
        stages = stages_of(&visitor.frame, &view.items);
    }
    let facilities = all_facilities(&visitor).await?.into_iter().map(|facility| facility.facility_id.to_string()).collect();
    visitor::page(&visitor, &Summary { f: &visitor.frame, asked, view, stages, facilities })
}

/// Fields of forms say what is shown, also where nobody has said so.
fn in_days_of(asked: &mut Asked, zone: &str, from: jiff::Timestamp, to: jiff::Timestamp) -> TimeZone {
    let of = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let (first, last) = days(from, to, &of);
    (asked.zone, asked.from, asked.to) = (zone.to_owned(), first.to_string(), last.to_string());
    of
}

/// How many orders came to each stage, of those that were placed.
fn stages_of(f: &Frame, figures: &[SummedFigure]) -> Option<Bars> {
    let stage = |one: &&SummedFigure| one.figure.figure == PLACED || one.figure.figure.starts_with(STAGE);
    let point = |one: &SummedFigure| {
        let counted = one.total.first().map_or(0, |value| value.counted);
        Point { name: one.figure.title.clone(), value: Some(counted as f64), shown: counted.to_string() }
    };
    let points: Vec<Point> = figures.iter().filter(stage).map(point).collect();
    (points.len() > 1).then(|| Bars::of(f.t("insights-stages"), points))
}

#[derive(Template)]
#[template(path = "insight.html")]
struct Figure<'a> {
    f: &'a Frame,
    asked: Asked,
    view: InsightView,
    trends: Vec<Trend>,
    bars: Vec<Bars>,
}

impl Figure<'_> {
    /// By what else it can be told.
    fn bys(&self) -> Vec<&'static str> {
        let figure = &self.view.figure;
        let parts = [("facility", figure.by_facility), ("channel", true), ("reason", figure.by_reason)];
        TIMES.into_iter().chain(parts.into_iter().filter(|(_, can)| *can).map(|(by, _)| by)).collect()
    }
}

pub(crate) async fn figure(mut visitor: Visitor, Path(figure): Path<String>, Query(mut asked): Query<Asked>) -> Shown {
    if asked.by.is_empty() {
        asked.by = BY_DAY.to_owned();
    }
    let view: InsightView = visitor.need(asked.with(&at(&["insights", &figure]), &[("by", asked.by.as_str())])).await?;
    visitor.frame.zone = in_days_of(&mut asked, &view.zone, view.from, view.to);
    let (mut trends, mut bars) = (Vec::new(), Vec::new());
    for total in &view.total {
        let title = total.currency.as_ref().map_or_else(|| view.figure.title.clone(), |code| format!("{}, {code}", view.figure.title));
        let pieces = view.items.iter().filter(|piece| piece.value.currency == total.currency);
        if TIMES.contains(&asked.by.as_str()) {
            trends.push(Trend::of(title, pieces.map(|piece| moment(&visitor.frame, &asked, &view, piece)).collect()));
        } else {
            bars.push(Bars::of(title, by_weight(&visitor.frame, &view, pieces.collect())));
        }
    }
    visitor::page(&visitor, &Figure { f: &visitor.frame, asked, view, trends, bars })
}

fn moment(f: &Frame, asked: &Asked, view: &InsightView, piece: &FigurePiece) -> Point {
    let name = if asked.by == TIMES[0] { f.time(&piece.from) } else { f.day(&piece.from) };
    Point { name, value: number(&piece.value), shown: f.figure(&piece.value, &view.figure.unit) }
}

/// Heaviest first, with what they come to together so far.
fn by_weight(f: &Frame, view: &InsightView, mut pieces: Vec<&FigurePiece>) -> Vec<Point> {
    pieces.sort_by_key(|piece| -piece.value.counted);
    let all: i64 = pieces.iter().map(|piece| piece.value.counted).sum();
    let mut so_far = 0;
    let point = |piece: &FigurePiece| {
        so_far += piece.value.counted;
        let share = if all > 0 { format!("{} %", so_far * 100 / all) } else { String::new() };
        let shown = f.figure(&piece.value, &view.figure.unit);
        let shown = format!("{} ({shown}), {}", piece.value.counted, f.t1("insights-so-far", share));
        Point { name: piece.part.clone().unwrap_or_default().replace('_', " "), value: Some(piece.value.counted as f64), shown }
    };
    pieces.into_iter().map(point).collect()
}

fn number(value: &FigureValue) -> Option<f64> {
    value.value.as_ref().and_then(serde_json::Number::as_f64)
}

#[derive(Template)]
#[template(path = "insight_orders.html")]
struct Orders<'a> {
    f: &'a Frame,
    asked: Asked,
    view: InsightView,
    found: CountedOrdersView,
    unit: String,
    next: Option<String>,
}

impl Orders<'_> {
    /// Where all of them have one: no two are ever added.
    fn currency(&self) -> &str {
        self.found.items.first().map_or("", |order| order.currency.code())
    }
}

pub(crate) async fn orders(mut visitor: Visitor, Path(figure): Path<String>, Query(mut asked): Query<Asked>) -> Shown {
    let more = [("part", asked.part.as_str()), ("cursor", asked.cursor.as_str())];
    let found: CountedOrdersView = visitor.need(asked.with(&at(&["insights", &figure, "orders"]), &more)).await?;
    let view: InsightView = visitor.need(asked.with(&at(&["insights", &figure]), &[])).await?;
    let next = found.next_cursor.clone().map(|cursor| {
        asked.with(&format!("/console/insights/{figure}/orders"), &[("part", asked.part.as_str()), ("cursor", cursor.as_str())])
    });
    visitor.frame.zone = in_days_of(&mut asked, &view.zone, view.from, view.to);
    // Of money and durations each order's share is such a one; of all else it is a number.
    let unit = match (view.figure.unit.as_str(), view.figure.by_currency) {
        ("ms", _) => "ms",
        (_, true) => "minor",
        (_, false) => "units",
    };
    visitor::page(&visitor, &Orders { f: &visitor.frame, asked, unit: unit.to_owned(), view, found, next })
}
