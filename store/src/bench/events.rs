//! Events to be delivered, many at once.

use crate::{error::StoreError, store::Store};

const HAPPEN: &str = "INSERT INTO order_events (order_id, subject, seq, sequence, kind, at, data)
    SELECT '', 'stock/BENCH/' || $1 || '-' || n, 1, 1, 'stock.changed', clock_timestamp(),
        '{\"on_hand\": 12, \"reserved\": 3, \"unavailable\": 0, \"safety_stock\": 1, \"available\": 8}' FROM generate_series(1, $2) AS n";

impl Store {
    /// So many events happen now, each of another subject, under a name of this run.
    pub async fn bench_events(&self, run: &str, count: u32) -> Result<(), StoreError> {
        sqlx::query(HAPPEN).bind(run).bind(i64::from(count)).execute(&self.pool).await?;
        Ok(())
    }
}
