//! What waits to be done, in one place: figures for monitoring, cheap enough to be read every few seconds, whatever waits.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// Rows that are counted; beyond, a figure says so many and no more.
const COUNTED_MAX: i64 = 10_000;

/// A queue, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueueFigures {
    pub queue: String,
    /// What waits in it, counted to 10,000.
    pub depth: u64,
    /// For how long the oldest of it has waited, by the database's clock.
    pub oldest_s: u64,
    /// What nobody tries any more, until a person says so.
    pub dead: u64,
}

/// Figures of PostgreSQL, in one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Backlog {
    pub queues: Vec<QueueFigures>,
    pub orders_needing_attention: u64,
    pub orders_on_hold: u64,
    /// Units that wait for stock.
    pub waiting_units: u64,
    /// Units reserved beyond what is there because of facts.
    pub deficit_units: u64,
    /// Events that readers of the outbox may not see yet, and for how long the oldest of them has been there.
    pub outbox_unseen: u64,
    pub outbox_lag_s: u64,
    /// Waiting lines that had stock beside them which they could have had, at the last look: should be 0.
    pub waiting_beside_stock: u64,
    /// Orders that have left three offers of stock in a row unanswered, and get none for an hour.
    pub orders_without_offers: u64,
    /// How far figures are behind.
    pub insights_lag_s: u64,
    /// Orders that are in no figure, since their events cannot be read: should be 0.
    pub insights_unread: u64,
}

/// Depth, age of the oldest and dead letters of rows with `since` and `dead`.
macro_rules! queue {
    ($queue:literal, $rows:literal) => {
        concat!(
            "(SELECT jsonb_build_object('queue', '",
            $queue,
            "', 'depth', count(*) FILTER (WHERE NOT dead),
                'oldest_s', coalesce(greatest(0, extract(epoch FROM now() - min(since) FILTER (WHERE NOT dead)))::bigint, 0),
                'dead', count(*) FILTER (WHERE dead)) FROM (",
            $rows,
            " LIMIT $2) AS r)"
        )
    };
}

const FIGURES: &str = concat!(
    "SELECT jsonb_build_object('queues', jsonb_build_array(",
    queue!("messages_to_orders", "SELECT created_at AS since, dead_at IS NOT NULL AS dead FROM order_inbox ORDER BY message_id"),
    ",",
    queue!("orders_to_start", "SELECT received_at AS since, false AS dead FROM pending_intakes"),
    ",",
    queue!("bulks_to_start", "SELECT taken_at AS since, false AS dead FROM bulks WHERE ended_at IS NULL AND doc IS NULL"),
    ",",
    // In business time, which is real time wherever figures matter.
    queue!(
        "orders_overdue",
        "SELECT now() - ($1 - next_wait_at) AS since, false AS dead FROM orders
        WHERE next_wait_at IS NOT NULL AND coalesce(look_again_at, next_wait_at) <= $1"
    ),
    ",",
    queue!(
        "returns_overdue",
        "SELECT now() - ($1 - next_wait_at) AS since, false AS dead FROM returns
        WHERE next_wait_at IS NOT NULL AND coalesce(look_again_at, next_wait_at) <= $1"
    ),
    ",",
    queue!(
        "holds_to_expire",
        "SELECT expires_at AS since, false AS dead FROM checkout_holds WHERE status = 'held' AND expires_at <= now()"
    ),
    ",",
    queue!("places_to_serve", "SELECT queued_at AS since, false AS dead FROM serve_queue WHERE due <= now()"),
    ",",
    queue!(
        "offers_to_answer",
        "SELECT offered_until - interval '60 seconds' AS since, false AS dead FROM stock_grants
        WHERE offered_until IS NOT NULL AND NOT gathered"
    ),
    ",",
    queue!(
        "inlet_messages",
        "SELECT received_at AS since, status = 'refused' AS dead FROM inlet_messages WHERE status IN ('taken', 'refused')"
    ),
    ",",
    queue!("snapshots_to_apply", "SELECT worked_at AS since, false AS dead FROM feeds WHERE status = 'applying'"),
    "),
    'orders_needing_attention', (SELECT count(*) FROM (SELECT FROM orders
        WHERE (needs_attention OR hold_reasons <> '{}') AND needs_attention LIMIT $2) AS r),
    'orders_on_hold', (SELECT count(*) FROM (SELECT FROM orders
        WHERE (needs_attention OR hold_reasons <> '{}') AND hold_reasons <> '{}' LIMIT $2) AS r),
    'waiting_units', (SELECT coalesce(sum(quantity), 0) FROM (SELECT quantity FROM waiting_units LIMIT $2) AS r),
    'deficit_units', (SELECT coalesce(sum(deficit), 0) FROM (SELECT deficit FROM stock WHERE deficit > 0 LIMIT $2) AS r),
    'waiting_beside_stock', (SELECT lines_beside_stock FROM waiting_sweep),
    'orders_without_offers', (SELECT count(*) FROM order_guards WHERE no_offers_until > now() AND offers_missed >= 3),
    'insights_lag_s', (SELECT (fresh ->> 'lag_ms')::bigint / 1000 FROM insights_freshness() AS fresh),
    'insights_unread', (SELECT count(*) FROM (SELECT FROM insight_unread WHERE generation = live_insights() LIMIT $2) AS r))
    || (SELECT jsonb_build_object('outbox_unseen', count(*),
            'outbox_lag_s', coalesce(extract(epoch FROM now() - min(recorded_at))::bigint, 0))
        FROM (SELECT recorded_at FROM order_events WHERE epoch = (SELECT outbox_epoch())
            AND xid >= (SELECT pg_snapshot_xmin(pg_current_snapshot())) ORDER BY epoch, xid LIMIT $2) AS r)"
);

impl Store {
    /// Counts. `overdue`, in business time: orders and returns that should have been heard of by then are.
    pub async fn backlog(&self, overdue: Timestamp) -> Result<Backlog, StoreError> {
        let query = sqlx::query_scalar(FIGURES).bind(overdue.to_sqlx()).bind(COUNTED_MAX);
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the backlog" })
    }
}
