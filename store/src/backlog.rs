//! What waits to be done: figures for monitoring, cheap enough to be read every few seconds.

use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// Counts of PostgreSQL, in one snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Backlog {
    /// Messages that the relay has not delivered yet.
    pub messages_to_orders: u64,
    /// Orders that were taken in and have no record of a run yet.
    pub orders_to_start: u64,
    pub orders_needing_attention: u64,
    pub orders_on_hold: u64,
    /// Units that wait for stock.
    pub waiting_units: u64,
    /// Units reserved beyond what is there because of facts.
    pub deficit_units: u64,
}

impl Store {
    /// Counts.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object(
                'messages_to_orders', (SELECT count(*) FROM order_inbox),
                'orders_to_start', (SELECT count(*) FROM pending_intakes),
                'orders_needing_attention', (SELECT count(*) FROM orders WHERE needs_attention),
                'orders_on_hold', (SELECT count(*) FROM orders WHERE hold_reasons <> '{}'),
                'waiting_units', (SELECT coalesce(sum(quantity), 0) FROM waiting_units),
                'deficit_units', (SELECT coalesce(sum(deficit), 0) FROM stock WHERE deficit > 0))",
        );
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "the backlog" })
    }
}
