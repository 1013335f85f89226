//! Figures over a quarter of a year of orders: how fast they are counted, and how long a page of them takes.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use oms_insights::{Figure, Period, Step, cell_of, figure};

use super::{
    size::{Timed, timed},
    whole,
};
use crate::{
    error::StoreError,
    insights::{InsightsFilter, SplitBy},
    store::Store,
};

const DAYS: i64 = 90;
/// Orders that one statement makes.
const AT_ONCE: u64 = 20_000;

/// Ended orders again, under ids of their own and at times of their own in the last quarter of a year, as rows: number $1 to $2 of $3.
const COPIES: [&str; 3] = [
    "INSERT INTO order_cores (order_id, core, policy_id)
    SELECT o.order_id || '-' || n, replace(o.core::text, o.order_id, o.order_id || '-' || n)::jsonb
        || jsonb_build_object('placed_at', t.at, 'received_at', t.at), o.policy_id
    FROM generate_series($1::bigint, $2::bigint) AS n, LATERAL (SELECT now() - (1 - n::float / $3) * interval '90 days') AS t (at),
        LATERAL (SELECT c.* FROM insight_samples s JOIN order_cores c USING (order_id) WHERE s.number = n % (SELECT count(*) FROM insight_samples)) AS o",
    // Of transactions of a server before this one.
    "INSERT INTO order_events (epoch, xid, order_id, seq, kind, at, data, recorded_at)
    SELECT 0, (3 * n + o.seq / 4)::text::xid8, o.order_id || '-' || n, o.seq, o.kind, t.at + (o.at - o.first_at),
        replace(o.data::text, o.order_id, o.order_id || '-' || n)::jsonb, t.at + (o.at - o.first_at)
    FROM generate_series($1::bigint, $2::bigint) AS n, LATERAL (SELECT now() - (1 - n::float / $3) * interval '90 days') AS t (at),
        LATERAL (SELECT e.*, min(e.at) OVER () AS first_at FROM insight_samples s JOIN order_events e USING (order_id)
            WHERE s.number = n % (SELECT count(*) FROM insight_samples)) AS o",
    "INSERT INTO orders (order_id, version, status, channel, customer_id, currency, total_minor, placed_at, updated_at, needs_attention, hold_reasons)
    SELECT o.order_id || '-' || n, o.version, o.status, o.channel, o.customer_id, o.currency, o.total_minor, t.at, t.at, false, '{}'
    FROM generate_series($1::bigint, $2::bigint) AS n, LATERAL (SELECT now() - (1 - n::float / $3) * interval '90 days') AS t (at),
        LATERAL (SELECT c.* FROM insight_samples s JOIN orders c USING (order_id) WHERE s.number = n % (SELECT count(*) FROM insight_samples)) AS o",
];

const SAMPLES: &str = "CREATE TABLE insight_samples AS
    SELECT row_number() OVER (ORDER BY order_id) - 1 AS number, order_id FROM orders WHERE status = 'completed'";
const MONTHS: &str = "SELECT count(make_month('order_events', date_trunc('month', now() AT TIME ZONE 'UTC') - n * interval '1 month'))
    FROM generate_series(1, 4) AS n";

/// Copies the orders that have completed here until there are so many. The database is a scratch one.
pub async fn copy_orders(store: &Store, orders: u64) -> Result<(), StoreError> {
    for statement in [MONTHS, SAMPLES] {
        sqlx::query(statement).execute(&store.pool).await?;
    }
    for first in (1..=orders).step_by(usize::try_from(AT_ONCE).unwrap_or(usize::MAX)) {
        let last = (first + AT_ONCE - 1).min(orders);
        for statement in COPIES {
            sqlx::query(statement).bind(whole(first)).bind(whole(last)).bind(whole(orders)).execute(&store.pool).await?;
        }
    }
    sqlx::query("VACUUM ANALYZE").execute(&store.pool).await?;
    Ok(())
}

/// How long it takes to count everything anew, until that is what is read.
pub async fn count_anew(store: &Store) -> Result<Duration, StoreError> {
    store.rebuild_insights().await?;
    let begun = Instant::now();
    loop {
        store.count_insights().await?;
        if !store.insights_freshness().await?.is_rebuilding {
            return Ok(begun.elapsed());
        }
    }
}

/// Pages of figures by the days of a quarter of a year, and a page of orders.
pub async fn figure_pages(store: &Store) -> Result<Vec<Timed>, StoreError> {
    sqlx::query("VACUUM ANALYZE").execute(&store.pool).await?;
    let to = cell_of(Timestamp::now());
    let period = Period::new(to - SignedDuration::from_hours(24 * DAYS), to, TimeZone::UTC);
    let period = period.map_err(|_| StoreError::Internal { system: "the benchmark", code: "a period that is none".to_owned() })?;
    let (filter, mut pages) = (InsightsFilter { from: period.from, to: period.to, ..InsightsFilter::default() }, Vec::new());
    let cuts = period.cuts(Step::Day).unwrap_or_default();
    for id in ["orders", "unit_fill_rate", "shipped_value", "rejection_rate", "cycle_time"] {
        let measures: Vec<_> = figure(id).into_iter().flat_map(Figure::measures).collect();
        let ask = async |_| store.insight_sums(&measures, &filter, &cuts, SplitBy::Nothing).await.map(drop);
        pages.push(timed(&format!("{id}, 90 days by day"), ask).await?);
    }
    Ok(pages)
}
