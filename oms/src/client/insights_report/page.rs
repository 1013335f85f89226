//! The page around the charts.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use oms_api::insights::{FigurePiece, FigureValue, InsightView};

use super::{
    super::insights::worded,
    Report, STAGES,
    chart::{self, Point},
    escaped,
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:70rem;margin:2rem auto;padding:0 1rem}\
h1,h2,h3{line-height:1.2}.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}\
.tile{border:1px solid #c8c8c8;border-radius:.5rem;padding:.75rem 1rem}.tile h3{font-size:1rem;margin:0}.tile strong{font-size:1.6rem;display:block}\
.tile small,figcaption{color:#555}figure{margin:1.5rem 0;border-top:1px solid #c8c8c8;padding-top:1rem;break-inside:avoid}\
svg{width:100%;height:auto;max-width:52rem}svg text{font-size:12px;fill:#1b1b1b}.line{fill:none;stroke:#0b5cad;stroke-width:2}circle,.bar{fill:#0b5cad}\
.axis{stroke:#8a8a8a}table{border-collapse:collapse}th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #e2e2e2}\
td.n{text-align:right;font-variant-numeric:tabular-nums}@media print{details{display:block}}";

/// All of it.
pub fn page(report: &Report) -> String {
    let period = report.figures.first().map(period).unwrap_or_default();
    let mut body = format!("<h1>Figures on orders</h1><p>{period}</p><h2>At a glance</h2><div class=\"tiles\">");
    report.figures.iter().for_each(|view| body.push_str(&tile(view)));
    body.push_str("</div><h2>How far orders have come</h2>");
    body.push_str(&funnel(&report.figures));
    body.push_str("<h2>Over time</h2>");
    report.trends.iter().for_each(|view| body.push_str(&trend(view)));
    body.push_str("<h2>Why</h2>");
    report.reasons.iter().for_each(|view| body.push_str(&pareto(view)));
    body.push_str("<h2>What each figure says</h2>");
    body.push_str(&glossary(&report.figures));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Figures on orders</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
}

fn zone(view: &InsightView) -> TimeZone {
    TimeZone::get(&view.zone).unwrap_or(TimeZone::UTC)
}

fn period(view: &InsightView) -> String {
    let day = |at: jiff::Timestamp| at.to_zoned(zone(view)).strftime("%-d %b %Y %H:%M").to_string();
    let until = view.freshness.counted_until.map(|until| format!(", counted until {}", day(until))).unwrap_or_default();
    escaped(&format!("{} to {}, {}{until}.", day(view.from), day(view.to), view.zone))
}

fn shown(view: &InsightView, value: &FigureValue) -> String {
    let number = value.value.as_ref().and_then(serde_json::Number::as_f64);
    number.map_or_else(|| "–".to_owned(), |number| worded(number, &view.figure.unit, value.currency.as_deref()))
}

fn tile(view: &InsightView) -> String {
    let values = |values: &[FigureValue]| values.iter().map(|value| escaped(&shown(view, value))).collect::<Vec<_>>().join(", ");
    let total = if view.total.is_empty() { "–".to_owned() } else { values(&view.total) };
    let of = view.total.first().and_then(|value| value.divided_by.map(|all| format!("{} of {all}; ", value.counted))).unwrap_or_default();
    let left_out =
        view.total.first().and_then(|value| value.left_out.filter(|n| *n > 0)).map(|n| format!("; {n} left out")).unwrap_or_default();
    format!(
        "<section class=\"tile\" title=\"{}\"><h3>{}</h3><strong>{total}</strong><small>{of}before: {}{left_out}</small></section>",
        escaped(&view.figure.text),
        escaped(&view.figure.title),
        if view.before.is_empty() { "–".to_owned() } else { values(&view.before) }
    )
}

/// A chart with its words and the table behind it.
fn figure(title: &str, text: &str, svg: &str, points: &[Point]) -> String {
    let rows = points.iter().fold(String::new(), |mut rows, point| {
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>", escaped(&point.name), escaped(&point.shown));
        rows
    });
    format!(
        "<figure><h3>{0}</h3>{svg}<figcaption>{1}</figcaption><details><summary>As a table</summary><table><caption>{0}</caption><tbody>{rows}</tbody></table>\
         </details></figure>",
        escaped(title),
        escaped(text)
    )
}

/// How many orders came to each stage.
fn funnel(figures: &[InsightView]) -> String {
    let stage = |id: &&str| figures.iter().find(|view| view.figure.figure == **id);
    let point = |view: &InsightView| {
        let counted = view.total.first().map_or(0, |value| value.counted);
        Point { name: view.figure.title.clone(), value: Some(counted as f64), shown: counted.to_string() }
    };
    let points: Vec<Point> = STAGES.iter().filter_map(stage).map(point).collect();
    figure("Stages", "Orders placed in the period that came to each stage.", &chart::funnel("Orders by stage", &points), &points)
}

fn trend(view: &InsightView) -> String {
    let point = |piece: &FigurePiece| Point {
        name: piece.from.to_zoned(zone(view)).strftime("%-d %b %Y").to_string(),
        value: piece.value.value.as_ref().and_then(serde_json::Number::as_f64),
        shown: shown(view, &piece.value),
    };
    let points: Vec<Point> = view.items.iter().map(point).collect();
    figure(&view.figure.title, &view.figure.text, &chart::trend(&view.figure.title, &points), &points)
}

fn pareto(view: &InsightView) -> String {
    let mut pieces: Vec<&FigurePiece> = view.items.iter().collect();
    pieces.sort_by_key(|piece| -piece.value.counted);
    let point = |piece: &&FigurePiece| Point {
        name: piece.part.clone().unwrap_or_default(),
        value: Some(piece.value.counted as f64),
        shown: format!("{}, {}", piece.value.counted, shown(view, &piece.value)),
    };
    let points: Vec<Point> = pieces.iter().map(point).collect();
    figure(&format!("{} by reason", view.figure.title), &view.figure.text, &chart::pareto(&view.figure.title, &points), &points)
}

fn glossary(figures: &[InsightView]) -> String {
    let rows = figures.iter().fold(String::new(), |mut rows, view| {
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(&view.figure.title), escaped(&view.figure.text));
        rows
    });
    format!("<table><tbody>{rows}</tbody></table>")
}
