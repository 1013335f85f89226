//! Messages to running orders. A relay claims them, signals the order, and says that it is done: at least once.

use std::time::Duration;

use oms_domain::ids::OrderId;
use serde::Deserialize;
use serde_json::Value;

use crate::{error::StoreError, store::Store};

/// Something an order must hear of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InboxMessage {
    #[serde(rename = "message_id")]
    pub id: i64,
    pub order_id: OrderId,
    /// `stock_arrived` or `carrier_event`.
    pub kind: String,
    pub payload: Value,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
}

impl Store {
    /// Takes the oldest free messages, which nobody else gets until the lease ends.
    pub async fn inbox_claim(&self, limit: u32, lease: Duration) -> Result<Vec<InboxMessage>, StoreError> {
        let query = sqlx::query_scalar(
            "WITH free AS (
                SELECT message_id FROM order_inbox WHERE leased_until < now() ORDER BY message_id LIMIT $1 FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE order_inbox m SET leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
                FROM free WHERE m.message_id = free.message_id
                RETURNING m.*
            )
            SELECT to_jsonb(c) FROM claimed c ORDER BY message_id",
        );
        self.rows(query.bind(i64::from(limit)).bind(lease.as_secs_f64())).await
    }

    /// The orders have heard of these.
    pub async fn inbox_done(&self, ids: &[i64]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM order_inbox WHERE message_id = ANY ($1)").bind(ids).execute(&self.pool).await?;
        Ok(())
    }

    /// Could not be delivered now: free for the next who asks.
    pub async fn inbox_release(&self, ids: &[i64]) -> Result<(), StoreError> {
        sqlx::query("UPDATE order_inbox SET leased_until = '-infinity' WHERE message_id = ANY ($1)").bind(ids).execute(&self.pool).await?;
        Ok(())
    }
}
