//! Sums of what was counted, and the orders behind them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{access::Scope, ids::OrderId, money::Currency};
use oms_insights::{Measure, Sums};
use serde::Deserialize;

use crate::{
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    reach,
    store::Store,
};

/// Which counts are summed up: those for which everything given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsightsFilter {
    pub from: Timestamp,
    pub to: Timestamp,
    pub channel: Option<String>,
    pub facility_id: Option<String>,
    pub currency: Option<Currency>,
    pub reason: Option<String>,
    /// What whoever asks knows of.
    pub scope: Scope,
}

/// What sums are told apart by, beside time and currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SplitBy {
    #[default]
    Nothing,
    Facility,
    Channel,
    Reason,
}

impl SplitBy {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Facility => "facility",
            Self::Channel => "channel",
            Self::Reason => "reason",
        }
    }
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InsightSums {
    /// Which piece of the period it is in, from 0.
    pub piece: usize,
    /// The facility, channel or reason; empty: of none.
    pub part: String,
    /// Empty: it is no money.
    pub currency: String,
    pub measure: Measure,
    /// Of a duration; else -1.
    pub bucket: i16,
    pub n: i64,
    pub sum: i64,
}

/// How far the figures have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Freshness {
    /// What was recorded before that is counted. None: nothing is yet.
    pub counted_until: Option<Timestamp>,
    pub lag_ms: i64,
    /// They are being counted anew.
    pub is_rebuilding: bool,
    /// Orders whose events nobody can read, which are in no figure.
    pub unread_orders: u64,
}

/// What was counted of an order in a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CountedOrder {
    pub order_id: OrderId,
    pub at: Timestamp,
    pub n: i64,
    pub sum: i64,
    pub channel: String,
    pub currency: Currency,
    pub status: String,
    pub placed_at: Timestamp,
    pub facilities: Vec<String>,
}

/// All that a list of orders comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct CountedTotal {
    pub orders: i64,
    pub n: i64,
    /// None: it would be of several currencies.
    pub sum: Option<i64>,
}

/// Some of the orders behind a figure, with what all of them come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPage {
    pub page: Page<CountedOrder>,
    pub total: CountedTotal,
}

/// Conditions 1 to 9 on cells or counts.
macro_rules! counted_where {
    () => {
        counted_where!("c.measure = ANY ($1::text[])")
    };
    // So that rows can be read in the order of an index, which needs one measure.
    (of_one) => {
        counted_where!("c.measure = ($1::text[])[1]")
    };
    ($measure:literal) => {
        concat!(
            "c.generation = live_insights() AND ",
            $measure,
            " AND c.cell >= $2 AND c.cell < $3
        AND ($4::text IS NULL OR c.channel = $4) AND ($5::text IS NULL OR c.facility_id = $5)
        AND ($6::text IS NULL OR c.currency IN ('', $6)) AND ($7::text IS NULL OR c.reason IN ('', $7))
        AND ($8::text[] IS NULL OR c.channel = ANY ($8)) AND ($9::text[] IS NULL OR c.facility_id = ANY ($9))"
        )
    };
}

macro_rules! bind_counted {
    ($query:expr, $measures:expr, $filter:expr) => {
        $query
            .persistent(false)
            .bind($measures)
            .bind($filter.from.to_sqlx())
            .bind($filter.to.to_sqlx())
            .bind(&$filter.channel)
            .bind(&$filter.facility_id)
            .bind($filter.currency.map(Currency::code))
            .bind(&$filter.reason)
            .bind(reach::channels(&$filter.scope))
            .bind(reach::facilities(&$filter.scope))
    };
}

const SUMS: &str = concat!(
    "SELECT jsonb_build_object('piece', width_bucket(c.cell, $10::timestamptz[]) - 1, 'part', part, 'currency', c.currency,
        'measure', c.measure, 'bucket', c.bucket, 'n', sum(c.n), 'sum', sum(c.sum))
    FROM insight_cells c,
        LATERAL (SELECT CASE $11 WHEN 'facility' THEN c.facility_id WHEN 'channel' THEN c.channel WHEN 'reason' THEN c.reason ELSE '' END)
            AS p (part)
    WHERE ",
    counted_where!(),
    " GROUP BY width_bucket(c.cell, $10::timestamptz[]), part, c.currency, c.measure, c.bucket HAVING sum(c.n) <> 0 OR sum(c.sum) <> 0"
);

const ORDERS: &str = concat!(
    "SELECT jsonb_build_object('order_id', r.order_id, 'at', r.cell, 'n', r.n, 'sum', r.sum, 'facilities', r.facilities,
        'channel', f.channel, 'currency', f.currency, 'status', f.status, 'placed_at', f.placed_at)
    FROM (SELECT c.cell, c.order_id, sum(c.n) AS n, sum(c.sum) AS sum,
            coalesce(jsonb_agg(DISTINCT c.facility_id) FILTER (WHERE c.facility_id <> ''), '[]') AS facilities
        FROM insight_counts c WHERE ",
    counted_where!(of_one),
    " AND ($10::timestamptz IS NULL OR (c.cell, c.order_id) < ($10, $11))
        GROUP BY c.cell, c.order_id ORDER BY c.cell DESC, c.order_id DESC LIMIT $12) AS r
    JOIN fact_orders f ON f.generation = live_insights() AND f.order_id = r.order_id ORDER BY r.cell DESC, r.order_id DESC"
);

const TOTAL: &str = concat!(
    "SELECT jsonb_build_object('orders', count(DISTINCT c.order_id), 'n', coalesce(sum(c.n), 0),
        'sum', CASE WHEN count(DISTINCT c.currency) < 2 THEN coalesce(sum(c.sum), 0) END)
    FROM insight_counts c WHERE ",
    counted_where!(of_one)
);

impl Store {
    /// Sums of these measures, cut at these times: the first is the beginning, and the last the end.
    pub async fn insight_sums(
        &self,
        measures: &[Measure],
        filter: &InsightsFilter,
        cuts: &[Timestamp],
        split: SplitBy,
    ) -> Result<Vec<InsightSums>, StoreError> {
        let names: Vec<&str> = measures.iter().map(|measure| measure.name()).collect();
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.to_sqlx()).collect();
        let query = bind_counted!(sqlx::query_scalar(SUMS), names, filter).bind(cuts).bind(split.name());
        self.rows(query).await
    }

    /// The orders that are counted in a measure, newest first. One that is counted at several times stands there for each.
    pub async fn counted_orders(
        &self,
        measure: Measure,
        filter: &InsightsFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<CountedPage, StoreError> {
        let (cell, order_id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let names = vec![measure.name()];
        let query = bind_counted!(sqlx::query_scalar(ORDERS), &names, filter);
        let query = query.bind(cell.map(ToSqlx::to_sqlx)).bind(order_id).bind(i64::from(limit) + 1);
        let rows: Vec<CountedOrder> = self.rows(query).await?;
        let total = self.row(bind_counted!(sqlx::query_scalar(TOTAL), &names, filter)).await?.unwrap_or_default();
        Ok(CountedPage { page: Page::cut(rows, limit, |last| cursor(Some(last.at), last.order_id.as_str())), total })
    }

    /// How far the figures have come.
    pub async fn insights_freshness(&self) -> Result<Freshness, StoreError> {
        Ok(self.row(sqlx::query_scalar("SELECT insights_freshness()")).await?.unwrap_or_default())
    }
}

/// Sums of one piece and part by measure and bucket.
impl InsightSums {
    /// All of them, by what tells them apart.
    pub fn grouped(all: Vec<Self>) -> BTreeMap<(usize, String, String), oms_insights::BySums> {
        let mut grouped: BTreeMap<(usize, String, String), oms_insights::BySums> = BTreeMap::new();
        for one in all {
            let sums = grouped.entry((one.piece, one.part, one.currency)).or_default();
            let known: &mut Sums = sums.entry((one.measure, one.bucket)).or_default();
            (known.n, known.sum) = (known.n + one.n, known.sum + one.sum);
        }
        grouped
    }
}
