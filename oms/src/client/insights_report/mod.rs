//! Figures as one page of HTML that opens without a server: tiles, trends, the funnel of stages, reasons by weight, each chart with its table.

mod chart;
mod page;

use anyhow::{Context, Result};
use oms_api::insights::{FigureView, InsightView};
use serde::Deserialize;
use serde_json::Value;

use super::Api;

/// What is asked for with every figure.
type Period = [(&'static str, Option<String>)];

/// Figures of which the trend is drawn, the stages in their order, and figures whose reasons are weighed.
const TRENDS: [&str; 6] = ["orders", "unit_fill_rate", "split_rate", "on_time_ship_rate", "cycle_time", "return_rate"];
const STAGES: [&str; 7] =
    ["orders", "stage_approved", "stage_sourced", "stage_released", "stage_packed", "stage_shipped", "stage_delivered"];
const REASONS: [&str; 3] = ["rejection_rate", "short_pick_rate", "cancellation_rate"];

/// Everything that the page shows.
struct Report {
    figures: Vec<InsightView>,
    trends: Vec<InsightView>,
    reasons: Vec<InsightView>,
}

/// The page over a period, its trends cut by `by`.
///
/// # Errors
/// When the API refuses.
pub async fn report(api: &Api, period: &Period, by: &str) -> Result<String> {
    let list = api.get(&["v1", "insights"], &[]).await?;
    let figures = Vec::<FigureView>::deserialize(&list["items"]).context("the list of figures")?;
    let mut report = Report { figures: Vec::new(), trends: Vec::new(), reasons: Vec::new() };
    for figure in &figures {
        report.figures.push(ask(api, &figure.figure, period, None).await?);
    }
    for figure in TRENDS {
        report.trends.push(ask(api, figure, period, Some(by)).await?);
    }
    for figure in REASONS {
        report.reasons.push(ask(api, figure, period, Some("reason")).await?);
    }
    Ok(page::page(&report))
}

async fn ask(api: &Api, figure: &str, period: &Period, by: Option<&str>) -> Result<InsightView> {
    let by = [("by", by.map(str::to_owned))];
    let query: Vec<_> = period.iter().cloned().chain(by).collect();
    let answer: Value = api.get(&["v1", "insights", figure], &query).await?;
    InsightView::deserialize(answer).with_context(|| format!("the figure {figure}"))
}

/// A text where HTML stands around it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use oms_api::insights::{FigurePiece, FigureValue, FreshnessView};
    use serde_json::Number;

    use super::*;

    fn value(value: f64, counted: i64) -> FigureValue {
        let value = Number::from_f64(value);
        FigureValue { currency: None, value, counted, divided_by: Some(10), p90_ms: None, p99_ms: None, left_out: Some(2) }
    }

    fn insight(figure: &str, parts: &[Option<&str>]) -> InsightView {
        let (from, to) = ("2026-03-01T00:00:00Z".parse().unwrap(), "2026-04-01T00:00:00Z".parse().unwrap());
        let piece = |(n, part): (u32, &Option<&str>)| FigurePiece {
            from,
            to,
            part: part.map(str::to_owned),
            value: value(f64::from(n) / 10.0, i64::from(n)),
        };
        InsightView {
            figure: FigureView {
                figure: figure.to_owned(),
                title: format!("{figure} <b>"),
                text: "What \"it\" says & means".to_owned(),
                theme: "orders".to_owned(),
                unit: "share".to_owned(),
                by_facility: false,
                by_currency: false,
                by_reason: true,
                counts: String::new(),
                divided_by: None,
                leaves_out: None,
            },
            from,
            to,
            zone: "UTC".to_owned(),
            total: vec![value(0.25, 3)],
            before: vec![value(0.5, 5)],
            items: (1..).zip(parts).map(piece).collect(),
            freshness: FreshnessView { counted_until: Some(to), lag_ms: 120, is_rebuilding: false, unread_orders: 0 },
        }
    }

    #[test]
    fn a_page_stands_by_itself_and_each_chart_has_its_table() {
        let report = Report {
            figures: STAGES.iter().map(|figure| insight(figure, &[])).collect(),
            trends: TRENDS.iter().map(|figure| insight(figure, &[None, None, None])).collect(),
            reasons: REASONS.iter().map(|figure| insight(figure, &[Some("not_in_stock"), Some("<script>")])).collect(),
        };
        let page = page::page(&report);
        assert!(page.starts_with("<!doctype html>") && page.contains("<html lang=\"en\">"));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script") && !page.contains("<b>"), "{page}");
        let charts = page.matches("<svg").count();
        assert_eq!((charts, page.matches("role=\"img\"").count()), (10, 10));
        assert_eq!(page.matches("<table").count(), charts + 1);
        assert!(page.contains("25.0 %") && page.contains("&lt;script&gt;") && page.contains("&quot;it&quot;"));
    }
}
