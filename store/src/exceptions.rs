//! Orders that somebody may have to look at.

use oms_domain::{access::Scope, ids::OrderId};

use crate::{
    error::StoreError,
    reach::{channels, facilities},
    store::Store,
};

/// Each by its index, the oldest first: those that are held or need someone, and those that wait for stock.
const EXCEPTIONAL: &str = "SELECT to_jsonb(order_id) FROM (
        (SELECT o.order_id, o.placed_at FROM orders o
            WHERE (o.needs_attention OR o.hold_reasons <> '{}') AND ($2::text[] IS NULL OR o.channel = ANY ($2))
                AND ($3::text[] IS NULL OR EXISTS (SELECT FROM fulfillment_orders f WHERE f.order_id = o.order_id AND f.facility_id = ANY ($3)))
            ORDER BY o.placed_at LIMIT $1)
        UNION
        (SELECT f.order_id, f.placed_at FROM fulfillment_orders f
            WHERE f.status = 'backordered'
                AND ($2::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = f.order_id AND o.channel = ANY ($2)))
                AND ($3::text[] IS NULL OR EXISTS (SELECT FROM fulfillment_orders w WHERE w.order_id = f.order_id AND w.facility_id = ANY ($3)))
            ORDER BY coalesce(f.ship_by, 'infinity'), f.placed_at, f.fulfillment_order_id LIMIT $1)
    ) AS found ORDER BY placed_at, order_id";

impl Store {
    /// Orders that are held, need someone, or wait for stock: so many of each at most, the oldest first.
    pub async fn exceptional_orders(&self, scope: &Scope, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let query = sqlx::query_scalar(EXCEPTIONAL).persistent(false).bind(i64::from(limit));
        self.rows(query.bind(channels(scope)).bind(facilities(scope))).await
    }
}
