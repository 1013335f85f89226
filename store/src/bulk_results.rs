//! The orders of a bulk operation: read page by page, and what came of each.

use jiff::Timestamp;
use oms_domain::{
    bulk::{Counts, Outcome},
    error::ErrorCode,
    ids::{BulkId, OrderId},
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    store::Store,
};

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkResult {
    pub order_id: OrderId,
    pub outcome: Outcome,
    pub code: Option<ErrorCode>,
    pub why: Option<String>,
    /// Business time.
    pub at: Timestamp,
}

impl Store {
    /// The next orders of a bulk operation, each with whether it has been asked already.
    pub async fn bulk_batch(&self, id: &BulkId, after: Option<&OrderId>, limit: u32) -> Result<Vec<(OrderId, bool)>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_array(order_id, outcome IS NOT NULL) FROM bulk_orders
            WHERE bulk_id = $1 AND order_id > coalesce($2, '') ORDER BY order_id LIMIT $3",
        );
        self.rows(query.bind(id.as_str()).bind(after.map(OrderId::as_str)).bind(i64::from(limit))).await
    }

    /// Keeps what came of orders, in one statement; what is known already stays.
    pub async fn put_bulk_results(&self, id: &BulkId, results: &[BulkResult]) -> Result<(), StoreError> {
        let put = "UPDATE bulk_orders o SET outcome = r.outcome, code = r.code, why = r.why, at = r.at
            FROM jsonb_to_recordset($2) AS r (order_id text, outcome text, code text, why text, at timestamptz)
            WHERE o.bulk_id = $1 AND o.order_id = r.order_id AND o.outcome IS NULL";
        sqlx::query(put).bind(id.as_str()).bind(Json(results)).execute(&self.pool).await?;
        Ok(())
    }

    /// Orders by outcome, of those after one and up to another.
    pub async fn bulk_counts(&self, id: &BulkId, after: Option<&OrderId>, last: &OrderId) -> Result<Counts, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT coalesce(jsonb_object_agg(outcome, orders), '{}') FROM (
                SELECT outcome, count(*) AS orders FROM bulk_orders
                WHERE bulk_id = $1 AND order_id > coalesce($2, '') AND order_id <= $3 AND outcome IS NOT NULL GROUP BY outcome) c",
        );
        let query = query.bind(id.as_str()).bind(after.map(OrderId::as_str)).bind(last.as_str());
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the counts of a bulk operation" })
    }

    /// What came of the orders that have been asked, by order id.
    pub async fn bulk_results_page(
        &self,
        id: &BulkId,
        outcome: Option<Outcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<BulkResult>, StoreError> {
        let after = after.map(parse_cursor).transpose()?.map(|(_, order_id)| order_id);
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(o) - 'bulk_id' FROM bulk_orders o
            WHERE bulk_id = $1 AND order_id > coalesce($2, '') AND outcome IS NOT NULL AND ($3::text IS NULL OR outcome = $3)
            ORDER BY order_id LIMIT $4",
        );
        let query = query.persistent(false).bind(id.as_str()).bind(after).bind(outcome.map(Outcome::name)).bind(i64::from(limit) + 1);
        let rows: Vec<BulkResult> = self.rows(query).await?;
        Ok(Page::cut(rows, limit, |last| cursor(None, last.order_id.as_str())))
    }
}
