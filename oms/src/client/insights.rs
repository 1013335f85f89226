//! `oms insights`: figures on orders, and which orders they count.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use oms_api::insights::{CountedOrderView, FigurePiece, FigureValue, FigureView, FreshnessView, InsightView, LiveView};
use serde_json::{Value, json};

use super::{
    Api,
    insights_report::report,
    order_text::{money, seconds},
    paging::Paging,
};
use crate::{
    output::{self, Format, or_dash, table},
    style,
};

/// What can be done with figures.
#[derive(Debug, Subcommand)]
pub enum InsightsCommand {
    /// List the figures, and what each says.
    #[command(after_help = "Example:\n  oms insights list")]
    List,
    /// Show what waits now, and for how long: queues of facilities, held orders, units without stock.
    #[command(after_help = "Example:\n  oms insights live")]
    Live,
    /// Show what a figure comes to over a period, beside as long a time before.
    #[command(after_help = "Example:\n  oms insights get split_rate --from 2010-12-01 --to 2010-12-31 --zone Europe/London --by week")]
    Get {
        figure: String,
        #[command(flatten)]
        period: PeriodArgs,
        /// Cut into pieces of time, or told apart by these.
        #[arg(long, value_parser = ["hour", "day", "week", "month", "facility", "channel", "reason"])]
        by: Option<String>,
    },
    /// List the very orders that a figure counts.
    #[command(after_help = "Example:\n  oms insights orders split_rate --from 2010-12-01 --to 2010-12-31 --all -o jsonl")]
    Orders {
        figure: String,
        #[command(flatten)]
        period: PeriodArgs,
        /// Which of what it is made of [default: counted].
        #[arg(long, value_parser = ["counted", "divided_by", "left_out"])]
        part: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Write figures as one page of HTML that opens without a server: tiles, trends, stages, reasons.
    #[command(
        after_help = "Example:\n  oms insights report insights.html --from 2010-12-01 --to 2010-12-31 --zone Europe/London --by week"
    )]
    Report {
        file: PathBuf,
        #[command(flatten)]
        period: PeriodArgs,
        /// How trends are cut.
        #[arg(long, default_value = "day", value_parser = ["hour", "day", "week", "month"])]
        by: String,
    },
    /// Have all figures counted anew, beside those that are shown until that is done.
    #[command(after_help = "Example:\n  oms insights rebuild")]
    Rebuild,
}

/// Which orders are meant.
#[derive(Debug, Args)]
pub struct PeriodArgs {
    /// A day, or a time at a quarter of an hour [default: 30 days before the end].
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day, or the first moment that does not count [default: today].
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Whose days these are, such as Europe/London [default: UTC].
    #[arg(long)]
    zone: Option<String>,
    #[arg(long = "facility", value_name = "FACILITY_ID")]
    facility_id: Option<String>,
    #[arg(long)]
    channel: Option<String>,
    #[arg(long)]
    currency: Option<String>,
    #[arg(long)]
    reason: Option<String>,
}

impl PeriodArgs {
    fn query(self) -> Vec<(&'static str, Option<String>)> {
        let places = [("facility_id", self.facility_id), ("channel", self.channel), ("currency", self.currency), ("reason", self.reason)];
        [("from", self.from), ("to", self.to), ("zone", self.zone)].into_iter().chain(places).collect()
    }
}

impl InsightsCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List => {
                let answer = api.get(&["v1", "insights"], &[]).await?;
                let items = answer["items"].as_array().context("the server's answer is no list")?;
                output::list::<FigureView>(format, items, None, catalogue)
            }
            Self::Live => {
                let answer = api.get(&["v1", "insights", "live"], &[]).await?;
                output::show::<LiveView>(format, &answer, live)
            }
            Self::Get { figure, period, by } => {
                let mut query = period.query();
                query.push(("by", by));
                let answer = api.get(&["v1", "insights", &figure], &query).await?;
                output::show::<InsightView>(format, &answer, insight)
            }
            Self::Orders { figure, period, part, page } => {
                let mut query = period.query();
                query.push(("part", part));
                let (found, next) = api.pages(&["v1", "insights", &figure, "orders"], &query, page.at_most()).await?;
                output::list::<CountedOrderView>(format, &found, next.as_deref(), orders)
            }
            Self::Report { file, period, by } => {
                let page = report(api, &period.query(), &by).await?;
                tokio::fs::write(&file, page).await.with_context(|| format!("{} cannot be written", file.display()))?;
                output::line(&file.display().to_string())
            }
            Self::Rebuild => {
                let answer: Value = api.post(&["v1", "insights", "rebuild"], &json!({})).await?;
                output::show::<FreshnessView>(format, &answer, |_| {
                    "figures are being counted anew; those before are shown meanwhile".to_owned()
                })
            }
        }
    }
}

fn catalogue(figures: &[FigureView]) -> String {
    table(["FIGURE", "UNIT", "SAYS"], figures.iter().map(|figure| [figure.figure.clone(), figure.unit.clone(), figure.text.clone()]))
}

fn insight(view: &InsightView) -> String {
    let unit = view.figure.unit.as_str();
    let mut text = format!("{}\n{}\n\n", style::strong(&view.figure.title), view.figure.text);
    let whole = |name: &str, value: &FigureValue| row(name.to_owned(), String::new(), value, unit);
    let totals = view.total.iter().map(|value| whole("the period", value));
    let before = view.before.iter().map(|value| whole("as long before", value));
    let pieces = view.items.iter().map(|piece: &FigurePiece| {
        let from =
            if piece.part.is_none() { piece.from.to_zoned(zone(&view.zone)).strftime("%Y-%m-%d %H:%M").to_string() } else { String::new() };
        row(from, piece.part.clone().unwrap_or_default(), &piece.value, unit)
    });
    text += &table(["FROM", "PART", "CURRENCY", "VALUE", "P90", "P99", "COUNTED", "OF", "LEFT OUT"], totals.chain(before).chain(pieces));
    text + &format!("\n\n{}", freshness(&view.freshness))
}

fn zone(name: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
}

fn row(from: String, part: String, value: &FigureValue, unit: &str) -> [String; 9] {
    let shown = value.value.as_ref().and_then(serde_json::Number::as_f64).map(|number| worded(number, unit, value.currency.as_deref()));
    let lasts = |ms: Option<i64>| or_dash(ms.map(|ms| worded(ms as f64, unit, None)));
    [
        from,
        part,
        value.currency.clone().unwrap_or_default(),
        or_dash(shown),
        lasts(value.p90_ms),
        lasts(value.p99_ms),
        value.counted.to_string(),
        or_dash(value.divided_by),
        or_dash(value.left_out),
    ]
}

/// As people read it.
pub(super) fn worded(number: f64, unit: &str, currency: Option<&str>) -> String {
    match (unit, currency) {
        ("share", _) => format!("{:.1} %", number * 100.0),
        ("ratio", _) => format!("{number:.2}"),
        ("ms", _) if number < 60_000.0 => format!("{:.1} s", number / 1_000.0),
        ("ms", _) if number < 3_600_000.0 => format!("{:.1} min", number / 60_000.0),
        ("ms", _) if number < 172_800_000.0 => format!("{:.1} h", number / 3_600_000.0),
        ("ms", _) => format!("{:.1} d", number / 86_400_000.0),
        (_, Some(currency)) => money(number as i64, currency),
        (_, None) => format!("{number}"),
    }
}

fn freshness(fresh: &FreshnessView) -> String {
    let counted = match fresh.counted_until {
        Some(until) => format!("counted until {}, {:.1} s ago", seconds(until), fresh.lag_ms as f64 / 1_000.0),
        None => "nothing is counted yet".to_owned(),
    };
    let rebuilding = if fresh.is_rebuilding { "; being counted anew" } else { "" };
    style::faint(&format!("{counted}{rebuilding}"))
}

fn orders(found: &[CountedOrderView]) -> String {
    let row = |order: &CountedOrderView| {
        [
            order.order_id.to_string(),
            seconds(order.counted_at),
            order.n.to_string(),
            order.sum.to_string(),
            order.currency.to_string(),
            order.status.clone(),
            order.channel.clone(),
            seconds(order.placed_at),
            order.facility_ids.join(", "),
        ]
    };
    table(["ORDER", "COUNTED AT", "N", "SUM", "CURRENCY", "STATUS", "CHANNEL", "PLACED", "FACILITIES"], found.iter().map(row))
}

fn live(view: &LiveView) -> String {
    let age = |ms: i64| worded(ms as f64, "ms", None);
    let in_work = view.in_work.iter().map(|one| {
        let place = one.facility_id.clone().unwrap_or_else(|| "-".to_owned());
        [format!("{} fulfillment orders", one.status), place, one.fulfillment_orders.to_string(), age(one.oldest_age_ms)]
    });
    let held = view.held.iter().map(|one| [format!("held: {}", one.reason), String::new(), one.orders.to_string(), age(one.oldest_age_ms)]);
    let (attention, waiting) = (&view.needing_attention, &view.waiting_for_stock);
    let rest = [
        ["orders needing someone".to_owned(), String::new(), attention.orders.to_string(), or_dash(attention.oldest_age_ms.map(age))],
        ["units waiting for stock".to_owned(), String::new(), waiting.units.to_string(), or_dash(waiting.oldest_age_ms.map(age))],
    ];
    table(["WAITS", "FACILITY", "HOW MANY", "OLDEST"], in_work.chain(held).chain(rest))
}
