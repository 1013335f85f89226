//! The months of what grows for as long as the shop is open: events, and movements of stock. Each stands in a partition of its own, made
//! ahead of time; what has been kept for long enough goes as a whole.

use crate::{error::StoreError, store::Store};

/// Months made beyond this one: so long nobody may run anything before the default partition is written to.
const AHEAD: i64 = 3;

/// The tables.
const TABLES: [&str; 2] = ["order_events", "stock_movements"];

/// What stays of a dropped month in the default partition goes once its orders are over.
const DROP_LEFT_OVER: &str = "DELETE FROM order_events_default WHERE ctid = ANY (ARRAY (
    SELECT e.ctid FROM order_events_default e
    WHERE e.recorded_at < date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - $1 * interval '1 month'
        AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = e.order_id AND o.next_wait_at IS NOT NULL)
    LIMIT $2))";

impl Store {
    /// Sees that this month and those to come are there; how many were made. Without them nothing is refused: see the default partitions.
    ///
    /// # Errors
    /// When others use the tables for longer than this may keep them waiting, among others: it may be asked again at any time.
    pub async fn make_months(&self) -> Result<u64, StoreError> {
        let made: i64 = sqlx::query_scalar("SELECT make_months($1)").bind(AHEAD).fetch_one(&self.pool).await?;
        u64::try_from(made).map_err(|_| StoreError::Corrupt { what: "the number of months made" })
    }

    /// Drops the oldest month of each table that has been kept for long enough, and some of what stayed of earlier ones; how much went.
    pub(crate) async fn drop_months(&self, kept_months: u32, limit: u32) -> Result<u64, StoreError> {
        let kept_months = i64::from(kept_months);
        let mut dropped = 0;
        for table in TABLES {
            let mut transaction = self.pool.begin().await?;
            // To read a month takes as long as it takes; nobody waits for it meanwhile.
            sqlx::query("SET LOCAL statement_timeout = '15min'").execute(&mut *transaction).await?;
            let part = sqlx::query_scalar("SELECT drop_month($1, $2)").bind(table).bind(kept_months);
            let part: Option<String> = part.fetch_one(&mut *transaction).await?;
            transaction.commit().await?;
            if let Some(part) = part {
                tracing::info!(db.table = part, "a month that was kept for long enough is dropped");
                dropped += 1;
            }
        }
        let left_over = sqlx::query(DROP_LEFT_OVER).bind(kept_months).bind(i64::from(limit)).execute(&self.pool).await?;
        Ok(dropped + left_over.rows_affected())
    }
}
