//! Orders that no facility knows of yet.

use jiff::civil::Date;
use oms_domain::ids::OrderId;
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// An order that is allocated and not yet released.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unreleased {
    pub order_id: OrderId,
    /// The last delivery of its first plan; None: that had none.
    pub promised: Option<Date>,
}

impl Store {
    /// Orders of which everything that has a facility is still unknown to it, the last placed first: those that wait for something else,
    /// such as their payment, must not fill the pool for good.
    pub async fn unreleased(&self, limit: u32) -> Result<Vec<Unreleased>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('order_id', o.order_id, 'promised', (
                SELECT max(package #>> '{outlook,delivery_date}')
                FROM decisions d, jsonb_array_elements(d.decision) AS part, jsonb_array_elements(part -> 'packages') AS package
                WHERE d.order_id = o.order_id AND d.round = 1))
            FROM orders o
            WHERE o.order_id IN (SELECT order_id FROM fulfillment_orders WHERE status = 'open') AND NOT EXISTS (
                SELECT FROM fulfillment_orders f
                WHERE f.order_id = o.order_id AND f.status NOT IN ('open', 'backordered', 'cancelled'))
            ORDER BY o.placed_at DESC, o.order_id DESC LIMIT $1",
        );
        self.rows(query.bind(i64::from(limit))).await
    }
}
