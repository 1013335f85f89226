//! Figures that say whether the books are right. Read by the reconciler.

use serde::{Deserialize, Serialize};

use crate::{error::StoreError, store::Store};

/// What the reconciler asks PostgreSQL. In a sound store the first four are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariants {
    /// Units reserved beyond what is there that no recorded deficit explains.
    pub oversold_units: u64,
    /// Units held by closed orders or for checkouts that have ended or are a minute overdue, and by how much counters differ from the
    /// rows they count.
    pub leaked_reservations: u64,
    pub waiting_of_closed_orders: u64,
    /// Waiting lines beside stock that they could have, and that nobody is about to give them.
    pub waiting_beside_stock: u64,
    /// Units reserved beyond what is there because of facts.
    pub deficit_units: u64,
    /// Granted units whose order has not taken notice yet.
    pub unseen_grants: u64,
    pub pending_messages: u64,
    pub pending_intakes: u64,
}

impl Store {
    /// Counts, in one snapshot of PostgreSQL.
    pub async fn invariants(&self) -> Result<Invariants, StoreError> {
        let query = sqlx::query_scalar(
            "WITH held AS (
                SELECT facility_id, sku, order_id, allocated AS units FROM reservations WHERE allocated > 0
                UNION ALL
                SELECT facility_id, sku, order_id, quantity FROM stock_grants
                UNION ALL
                SELECT facility_id, sku, NULL, quantity FROM checkout_hold_units
            ), abandoned AS (
                SELECT u.quantity FROM checkout_hold_units u JOIN checkout_holds h USING (reservation_id)
                WHERE h.status <> 'held' OR h.expires_at < now() - interval '1 minute'
            ), per_position AS (
                SELECT facility_id, sku, sum(units) AS units FROM held GROUP BY facility_id, sku
            ), closed AS (
                SELECT order_id FROM order_guards WHERE closed_at IS NOT NULL
            )
            SELECT jsonb_build_object(
                'oversold_units', (SELECT coalesce(sum(greatest(0, missing_units(reserved, on_hand, unavailable, oversell_limit) - deficit)),
                    0) FROM stock),
                'leaked_reservations',
                    (SELECT coalesce(sum(units), 0) FROM held JOIN closed USING (order_id))
                    + (SELECT coalesce(sum(quantity), 0) FROM abandoned)
                    + (SELECT coalesce(sum(abs(coalesce(s.reserved, 0) - coalesce(p.units, 0))), 0)
                        FROM stock s FULL JOIN per_position p USING (facility_id, sku)),
                'waiting_of_closed_orders', (SELECT coalesce(sum(quantity), 0) FROM waiting_units JOIN closed USING (order_id)),
                'waiting_beside_stock', (SELECT count(DISTINCT (order_id, line_id)) FROM waiting_beside()),
                'deficit_units', (SELECT coalesce(sum(deficit), 0) FROM stock),
                'unseen_grants', (SELECT coalesce(sum(quantity), 0) FROM stock_grants),
                'pending_messages', (SELECT count(*) FROM order_inbox),
                'pending_intakes', (SELECT count(*) FROM pending_intakes))",
        );
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the figures" })
    }

    /// Positions of which the ledger does not add up to what is there. Reads the whole ledger.
    #[doc(hidden)]
    pub async fn unexplained_positions(&self) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(s.facility_id || '/' || s.sku) FROM stock s LEFT JOIN stock_movements m
                ON (m.facility_id, m.sku) = (s.facility_id, s.sku) AND m.moved
            GROUP BY s.facility_id, s.sku HAVING (s.on_hand, s.reserved, s.unavailable)
                <> (coalesce(sum(m.on_hand), 0), coalesce(sum(m.reserved), 0), coalesce(sum(m.unavailable), 0))",
        );
        self.rows(query).await
    }
}
