//! A customer, by what the house knows of them: their orders, their returns, and what they ordered for.

use oms_domain::{access::Scope, ids::CustomerId, money::Currency, order::OrderStatus};
use serde::Deserialize;

use crate::{
    error::StoreError,
    order_list::OrderSummary,
    reach::{channels, facilities},
    returns::ReturnSummary,
    store::Store,
};

/// Newest orders of a customer that are looked at: a shop's guests may be one customer.
const ORDERS_MAX: u32 = 1_000;
/// Of these, orders that are shown one by one; and returns.
const SHOWN: i64 = 50;

/// What whoever asks may know of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// Newest first.
    pub orders: Vec<OrderSummary>,
    /// Of the orders looked at, newest first.
    pub returns: Vec<ReturnSummary>,
    /// Of the orders looked at.
    pub ordered: Vec<Ordered>,
    pub orders_looked_at: u32,
}

/// What a customer ordered in one currency, but for orders that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ordered {
    pub currency: Currency,
    pub orders: u32,
    pub total_minor: i64,
}

impl Store {
    /// None: whoever asks knows of no order of theirs.
    pub async fn customer(&self, id: &CustomerId, scope: &Scope) -> Result<Option<Customer>, StoreError> {
        let query = sqlx::query_scalar(
            "WITH theirs AS MATERIALIZED (
                SELECT o.* FROM (
                    SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC, order_id DESC LIMIT $4
                ) AS o
                WHERE ($2::text[] IS NULL OR o.channel = ANY ($2))
                    AND ($3::text[] IS NULL
                        OR EXISTS (SELECT FROM fulfillment_orders f WHERE f.order_id = o.order_id AND f.facility_id = ANY ($3)))
            ), newest AS (
                SELECT * FROM theirs t ORDER BY t.placed_at DESC, t.order_id DESC LIMIT $5
            ), sent_back AS (
                SELECT r.* FROM returns r WHERE r.order_id = ANY (ARRAY (SELECT t.order_id FROM theirs t))
                ORDER BY r.opened_at DESC, r.return_id DESC LIMIT $5
            ), ordered AS (
                SELECT t.currency, count(*) AS orders, sum(t.total_minor) AS total_minor FROM theirs t
                WHERE t.status <> ALL ($6) GROUP BY t.currency
            )
            SELECT jsonb_build_object(
                'orders', (SELECT jsonb_agg(to_jsonb(n) - 'customer_email_hash' ORDER BY n.placed_at DESC, n.order_id DESC) FROM newest n),
                'returns', coalesce((SELECT jsonb_agg(to_jsonb(s) - 'doc' ORDER BY s.opened_at DESC, s.return_id DESC) FROM sent_back s), '[]'),
                'ordered', coalesce((SELECT jsonb_agg(to_jsonb(a) ORDER BY a.currency) FROM ordered a), '[]'),
                'orders_looked_at', count(*))
            FROM theirs HAVING count(*) > 0",
        );
        let nothing = OrderStatus::ALL.iter().filter(|status| status.came_to_nothing()).map(|status| status.name());
        let query = query.persistent(false).bind(id.as_str()).bind(channels(scope)).bind(facilities(scope));
        self.row(query.bind(i64::from(ORDERS_MAX)).bind(SHOWN).bind(nothing.collect::<Vec<_>>())).await
    }
}
