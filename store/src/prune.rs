//! What is past its time (30 days, unless said) goes, a bounded number of rows at a time.

use serde::{Deserialize, Serialize};

use crate::{error::StoreError, store::Store};

/// Rows that went, by table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    pub idempotency_keys: u64,
    pub carrier_events: u64,
    pub adjustments: u64,
    pub reservation_steps: u64,
    pub record_undos: u64,
    /// Intakes that another start, or a record, has long made good.
    pub pending_intakes: u64,
    pub promises: u64,
    /// Demand too old to foretell anything.
    pub recent_demand: u64,
    /// What came of the orders of bulk operations that have long ended.
    pub bulk_orders: u64,
    /// Holds for checkouts that have ended.
    pub checkout_holds: u64,
    /// Of closed orders: what a count asks, it asks of the last days.
    pub picks: u64,
}

impl Pruned {
    /// All of them.
    pub fn rows(&self) -> u64 {
        let kept = [self.idempotency_keys, self.carrier_events, self.adjustments, self.reservation_steps, self.record_undos];
        kept.iter().sum::<u64>()
            + self.pending_intakes
            + self.promises
            + self.recent_demand
            + self.bulk_orders
            + self.checkout_holds
            + self.picks
    }
}

const PRUNE: &str = "WITH keys AS (
        DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM idempotency_keys WHERE begun_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), carriers AS (
        DELETE FROM carrier_events WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM carrier_events WHERE received_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), adjusted AS (
        DELETE FROM adjustments WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM adjustments WHERE adjusted_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), steps AS (
        DELETE FROM reservation_steps WHERE ctid = ANY (ARRAY (
            SELECT s.ctid FROM order_guards g JOIN reservation_steps s USING (order_id)
            WHERE g.closed_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), undos AS (
        DELETE FROM record_undos WHERE ctid = ANY (ARRAY (
            SELECT u.ctid FROM order_guards g JOIN record_undos u USING (order_id)
            WHERE g.closed_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), intakes AS (
        DELETE FROM pending_intakes WHERE ctid = ANY (ARRAY (
            SELECT p.ctid FROM pending_intakes p JOIN orders USING (order_id) LIMIT $1)) RETURNING 1
    ), promised AS (
        DELETE FROM promises WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM promises WHERE made_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), demand AS (
        DELETE FROM recent_demand WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM recent_demand WHERE noted_at < now() - interval '35 days' LIMIT $1)) RETURNING 1
    ), bulk AS (
        DELETE FROM bulk_orders WHERE ctid = ANY (ARRAY (
            SELECT o.ctid FROM bulks b JOIN bulk_orders o USING (bulk_id)
            WHERE b.ended_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), holds AS (
        DELETE FROM checkout_holds WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM checkout_holds WHERE status <> 'held' AND requested_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    ), picked AS (
        DELETE FROM picks WHERE ctid = ANY (ARRAY (
            SELECT p.ctid FROM order_guards g JOIN picks p USING (order_id)
            WHERE g.closed_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
    )
    SELECT jsonb_build_object('idempotency_keys', (SELECT count(*) FROM keys), 'carrier_events', (SELECT count(*) FROM carriers),
        'adjustments', (SELECT count(*) FROM adjusted), 'reservation_steps', (SELECT count(*) FROM steps),
        'record_undos', (SELECT count(*) FROM undos), 'pending_intakes', (SELECT count(*) FROM intakes),
        'promises', (SELECT count(*) FROM promised), 'recent_demand', (SELECT count(*) FROM demand),
        'bulk_orders', (SELECT count(*) FROM bulk), 'checkout_holds', (SELECT count(*) FROM holds),
        'picks', (SELECT count(*) FROM picked))";

impl Store {
    /// Deletes at most `limit` rows of each kind; a schedule calls it until all counts are below the limit.
    pub async fn prune(&self, limit: u32) -> Result<Pruned, StoreError> {
        let query = sqlx::query_scalar(PRUNE).bind(i64::from(limit));
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the number of pruned rows" })
    }
}
