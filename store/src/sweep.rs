//! What has to be looked for, because nobody would come and say so: orders and bulk operations whose start was lost, and open orders
//! and returns whose run was. Whoever claims a row has it to itself for a while, and one that cannot be helped comes later and later: it
//! keeps nobody else.

use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::ids::{BulkId, OrderId, ReturnId};
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// An intake whose order has recorded nothing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PendingIntake {
    pub order_id: OrderId,
    /// When it was placed last.
    pub received_at: Timestamp,
    /// By the database's clock, which also set `received_at`.
    pub age_s: f64,
}

/// Each look puts off the next one: half a minute, one, two ... to a quarter of an hour.
macro_rules! later {
    () => {
        "leased_until = now() + make_interval(secs => least(30 * 2 ^ least(attempts, 5), 900)), attempts = attempts + 1"
    };
}

/// Rows of a table, by their id, of which nothing was heard when something should have been.
macro_rules! claim_overdue {
    ($table:literal, $id:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET look_again_at = $2 WHERE ",
            $id,
            " = ANY (ARRAY (SELECT ",
            $id,
            " FROM ",
            $table,
            " WHERE next_wait_at IS NOT NULL AND coalesce(look_again_at, next_wait_at) <= $1
                ORDER BY coalesce(look_again_at, next_wait_at) LIMIT $3 FOR UPDATE SKIP LOCKED))
            RETURNING to_jsonb(",
            $id,
            ")"
        )
    };
}

impl Store {
    /// Claims intakes older than this whose order has recorded nothing: to be started, which those that run survive.
    pub async fn claim_pending_intakes(&self, older_than: Duration, limit: u32) -> Result<Vec<PendingIntake>, StoreError> {
        let query = sqlx::query_scalar(concat!(
            "UPDATE pending_intakes u SET ",
            later!(),
            " WHERE order_id = ANY (ARRAY (
                SELECT p.order_id FROM pending_intakes p
                WHERE leased_until <= now() AND received_at <= now() - make_interval(secs => $1)
                    AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = p.order_id)
                ORDER BY leased_until, order_id LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING jsonb_build_object('order_id', order_id, 'received_at', received_at,
                'age_s', extract(epoch FROM now() - received_at)::double precision)"
        ));
        self.rows(query.bind(older_than.as_secs_f64()).bind(i64::from(limit))).await
    }

    /// Intakes of which nothing has been recorded, after that order.
    pub async fn pending_intakes(&self, after: Option<&OrderId>, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(p.order_id) FROM pending_intakes p WHERE order_id > $1
            AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = p.order_id) ORDER BY order_id LIMIT $2",
        );
        self.rows(query.bind(after.map_or("", OrderId::as_str)).bind(i64::from(limit))).await
    }

    /// Forgets what was announced and never came, unless it was announced again meanwhile.
    pub async fn forget_pending_intake(&self, ghost: &PendingIntake) -> Result<bool, StoreError> {
        let forget = sqlx::query(
            "WITH gone AS (DELETE FROM pending_intakes WHERE order_id = $1 AND received_at = $2 RETURNING order_id),
                names AS (DELETE FROM order_names n USING gone g WHERE n.order_id = g.order_id),
                lookups AS (DELETE FROM order_lookups l USING gone g WHERE l.order_id = g.order_id)
            SELECT FROM gone",
        );
        let forgotten = forget.bind(ghost.order_id.as_str()).bind(ghost.received_at.to_sqlx()).execute(&self.pool).await?;
        Ok(forgotten.rows_affected() > 0)
    }

    /// Claims bulk operations that were taken in longer ago than this and have not ended: they run, or their run was lost.
    pub async fn claim_open_bulks(&self, older_than: Duration, limit: u32) -> Result<Vec<BulkId>, StoreError> {
        let query = sqlx::query_scalar(concat!(
            "UPDATE bulks u SET ",
            later!(),
            " WHERE bulk_id = ANY (ARRAY (
                SELECT bulk_id FROM bulks
                WHERE ended_at IS NULL AND leased_until <= now() AND taken_at <= now() - make_interval(secs => $1)
                ORDER BY leased_until, bulk_id LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING to_jsonb(bulk_id)"
        ));
        self.rows(query.bind(older_than.as_secs_f64()).bind(i64::from(limit))).await
    }

    /// Claims orders whose next wait was over before `overdue`: whatever runs them should have been heard of. Unless they are heard of,
    /// they are overdue again once `again` has passed. Both in business time.
    pub async fn claim_overdue_orders(&self, overdue: Timestamp, again: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar(claim_overdue!("orders", "order_id"));
        self.rows(query.bind(overdue.to_sqlx()).bind(again.to_sqlx()).bind(i64::from(limit))).await
    }

    /// The same of returns.
    pub async fn claim_overdue_returns(&self, overdue: Timestamp, again: Timestamp, limit: u32) -> Result<Vec<ReturnId>, StoreError> {
        let query = sqlx::query_scalar(claim_overdue!("returns", "return_id"));
        self.rows(query.bind(overdue.to_sqlx()).bind(again.to_sqlx()).bind(i64::from(limit))).await
    }
}
