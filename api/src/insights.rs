//! Figures on orders.

use jiff::Timestamp;
use oms_domain::{ids::OrderId, money::Currency};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

/// A figure: what it says, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FigureView {
    #[schema(examples("split_rate"))]
    pub figure: String,
    pub title: String,
    pub text: String,
    /// What it is about: `orders`, `speed`, `promises`, `stock` or `money`.
    #[schema(examples("promises"))]
    pub theme: String,
    /// `orders`, `lines`, `units`, `minor` (of a currency), `share` (of 1), `ratio` or `ms`.
    #[schema(examples("share"))]
    pub unit: String,
    /// It can be told for each facility, and to those who know of some alone.
    pub by_facility: bool,
    /// It is told for each currency.
    pub by_currency: bool,
    /// It can be told for each reason.
    pub by_reason: bool,
    /// What is counted, and when.
    pub counts: String,
    /// Of a share or ratio: what it is divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divided_by: Option<String>,
    /// What is not in it, and counted beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_out: Option<String>,
}

/// What a figure comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FigureValue {
    /// Of money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("GBP"))]
    pub currency: Option<String>,
    /// A whole number of a count or of money, the quotient of a share or ratio, the median of durations. Null: nothing was counted that it
    /// could be told of.
    #[schema(value_type = Option<f64>)]
    pub value: Option<Number>,
    /// How much was counted: the upper part of a share or ratio.
    pub counted: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divided_by: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<i64>,
}

/// A figure in a piece of the period, or of a facility, channel or reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FigurePiece {
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The first moment that is not in it.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// Which facility, channel or reason; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    #[serde(flatten)]
    pub value: FigureValue,
}

/// A figure over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightView {
    #[serde(flatten)]
    pub figure: FigureView,
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The first moment that is not in it.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// Whose days these are.
    #[schema(examples("Europe/London"))]
    pub zone: String,
    /// All of it: one value, or one for each currency.
    pub total: Vec<FigureValue>,
    /// The same of as long a time just before.
    pub before: Vec<FigureValue>,
    /// What `by` asks for, oldest first.
    pub items: Vec<FigurePiece>,
    #[serde(flatten)]
    pub freshness: FreshnessView,
}

/// A figure among others, over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummedFigure {
    #[serde(flatten)]
    pub figure: FigureView,
    /// All of it: one value, or one for each currency.
    pub total: Vec<FigureValue>,
    /// The same of as long a time just before.
    pub before: Vec<FigureValue>,
}

/// Figures of one theme over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightsSummary {
    #[schema(examples("promises"))]
    pub theme: String,
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The first moment that is not in it.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// Whose days these are.
    #[schema(examples("Europe/London"))]
    pub zone: String,
    /// Those that whoever asks may be told of; where a facility was asked for, those that have facilities.
    pub items: Vec<SummedFigure>,
    #[serde(flatten)]
    pub freshness: FreshnessView,
}

/// How far figures have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreshnessView {
    /// What was recorded before that is counted; null: nothing is yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub counted_until: Option<Timestamp>,
    /// How long ago that was.
    pub lag_ms: i64,
    /// Figures are being counted anew; until that is done the ones before are shown.
    pub is_rebuilding: bool,
    /// Orders that are in no figure, since their events cannot be read: should be 0.
    pub unread_orders: u64,
}

/// An order that a figure counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedOrderView {
    #[schema(value_type = String)]
    pub order_id: OrderId,
    /// The quarter of an hour in which it is counted: an order that is counted in several stands there for each.
    #[schema(value_type = String, format = DateTime)]
    pub counted_at: Timestamp,
    /// How many were counted of it then, and what they come to: units, minor units of its currency, milliseconds.
    pub n: i64,
    pub sum: i64,
    pub channel: String,
    /// The order's: of money, its minor unit is what `sum` is in.
    #[schema(value_type = String, examples("GBP"))]
    pub currency: Currency,
    pub status: String,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    /// Where; empty: it is a figure of whole orders.
    pub facility_ids: Vec<String>,
}

/// A page of the orders that a figure counts, newest first, and what all of them come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedOrdersView {
    pub items: Vec<CountedOrderView>,
    /// For `?cursor=`; null on the last page.
    pub next_cursor: Option<String>,
    pub has_more: bool,
    /// Different orders over all pages.
    pub orders: i64,
    /// Over all pages: what the figure has counted.
    pub n: i64,
    /// Null where it would be of several currencies, which are never added.
    pub sum: Option<i64>,
}

/// What waits now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveView {
    /// By facility and status.
    pub in_work: Vec<InWorkView>,
    pub held: Vec<HeldView>,
    pub needing_attention: SinceView,
    pub waiting_for_stock: WaitingView,
}

/// Fulfillment orders of a facility in one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InWorkView {
    /// Null: at none yet.
    pub facility_id: Option<String>,
    #[schema(examples("released"))]
    pub status: String,
    pub fulfillment_orders: u64,
    /// For how long the one that has not changed for longest has stood there.
    pub oldest_age_ms: i64,
}

/// Orders that are held for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldView {
    #[schema(examples("awaiting_payment"))]
    pub reason: String,
    pub orders: u64,
    /// Since the first of them was placed.
    pub oldest_age_ms: i64,
}

/// So many orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SinceView {
    pub orders: u64,
    /// Since the first of them was placed; null: there are none.
    pub oldest_age_ms: Option<i64>,
}

/// So many units of so many orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingView {
    pub orders: u64,
    pub units: u64,
    /// Since the first of them began to wait, less its channel's head start; null: there are none.
    pub oldest_age_ms: Option<i64>,
}

/// A text as a cell of CSV. What a spreadsheet would take for a formula begins with an apostrophe.
pub fn csv_cell(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) || guarded.len() != text.len() {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_text_and_no_formula() {
        let cells = ["plain", "a,b", "say \"hi\"", "=1+1", "-1", "@x", "+x", ""].map(csv_cell);
        assert_eq!(cells, ["plain", "\"a,b\"", "\"say \"\"hi\"\"\"", "\"'=1+1\"", "\"'-1\"", "\"'@x\"", "\"'+x\"", ""]);
    }
}
