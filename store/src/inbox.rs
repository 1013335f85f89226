//! Messages to running orders. A relay claims them, signals the order, and says that it is done: at least once. One that fails is put
//! off, longer each time; one that keeps failing by itself becomes a dead letter, and keeps nobody else.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::ids::OrderId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;

use crate::{error::StoreError, order_list::Page, store::Store};

/// Something an order must hear of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InboxMessage {
    #[serde(rename = "message_id")]
    pub id: i64,
    pub order_id: OrderId,
    /// `stock_arrived`, `stock_shorted` or `carrier_event`.
    pub kind: String,
    pub payload: Value,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
}

/// A message that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undelivered {
    pub message_id: i64,
    /// No personal data.
    pub why: String,
    /// Something else is down: it is tried again soon and for ever, since the message is not to blame.
    pub passing: bool,
}

/// A message that nobody tries to deliver any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetter {
    pub message_id: i64,
    pub order_id: OrderId,
    pub kind: String,
    pub payload: Value,
    pub created_at: Timestamp,
    pub dead_at: Timestamp,
    pub attempts: u32,
    pub failure: String,
}

/// A message is put off for 2, 4, 8 ... seconds: to an hour at most, or half a minute where it is not to blame.
const FAILED: &str = "UPDATE order_inbox m SET failure = f.why,
        leased_until = now() + make_interval(secs => least(2 ^ least(m.attempts, 12), CASE WHEN f.passing THEN 30 ELSE 3600 END)),
        attempts = CASE WHEN f.passing THEN least(m.attempts, 5) ELSE m.attempts END,
        dead_at = CASE WHEN NOT f.passing AND m.attempts >= $2 THEN now() END
    FROM jsonb_to_recordset($1) AS f (message_id bigint, why text, passing boolean)
    WHERE m.message_id = f.message_id
    RETURNING m.dead_at IS NOT NULL";

impl Store {
    /// Takes messages that are due, the longest due first. Nobody else gets them until the lease ends.
    pub async fn inbox_claim(&self, limit: u32, lease: Duration) -> Result<Vec<InboxMessage>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(c) FROM claim_inbox($1, $2) AS c ORDER BY message_id");
        self.rows(query.bind(i64::from(limit)).bind(lease.as_secs_f64())).await
    }

    /// The orders have heard of these.
    pub async fn inbox_done(&self, ids: &[i64]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM order_inbox WHERE message_id = ANY ($1)").bind(ids).execute(&self.pool).await?;
        Ok(())
    }

    /// Could not be delivered now: put off, or dead after so many attempts. How many have died.
    pub async fn inbox_failed(&self, undelivered: &[Undelivered], attempts_max: u32) -> Result<usize, StoreError> {
        let query = sqlx::query_scalar(FAILED).bind(Json(undelivered)).bind(i64::from(attempts_max));
        let died: Vec<bool> = query.fetch_all(&self.pool).await?;
        Ok(died.into_iter().filter(|died| *died).count())
    }

    /// Dead letters, the oldest first, after that message.
    pub async fn dead_letters(&self, after: Option<i64>, limit: u32) -> Result<Page<DeadLetter>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(m) FROM order_inbox m WHERE dead_at IS NOT NULL AND message_id > $1 ORDER BY message_id LIMIT $2",
        );
        let rows: Vec<DeadLetter> = self.rows(query.bind(after.unwrap_or(0)).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows, limit, |last| last.message_id.to_string()))
    }

    /// Has a dead letter tried again from the beginning. False: there is none with this number.
    pub async fn retry_dead_letter(&self, message_id: i64) -> Result<bool, StoreError> {
        let retry =
            "UPDATE order_inbox SET dead_at = NULL, attempts = 0, leased_until = now() WHERE message_id = $1 AND dead_at IS NOT NULL";
        Ok(sqlx::query(retry).bind(message_id).execute(&self.pool).await?.rows_affected() > 0)
    }
}
