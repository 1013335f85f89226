//! What checkout was told of deliveries, kept for the order that may name it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// A promise, 30 days long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub promise_id: String,
    /// The last delivery; None: nothing could be promised.
    pub delivery_date: Option<Date>,
}

impl Store {
    /// Keeps promises under ids that are new.
    pub async fn keep_promises(&self, promises: &[Promise]) -> Result<(), StoreError> {
        let keep = "INSERT INTO promises (promise_id, delivery_date)
            SELECT promise_id, delivery_date FROM jsonb_to_recordset($1) AS p (promise_id text, delivery_date date)";
        sqlx::query(keep).bind(Json(promises)).execute(&self.pool).await?;
        Ok(())
    }

    /// A promise, if it was made and is not too old.
    pub async fn promise(&self, promise_id: &str) -> Result<Option<Promise>, StoreError> {
        let query =
            "SELECT jsonb_build_object('promise_id', promise_id, 'delivery_date', delivery_date) FROM promises WHERE promise_id = $1";
        self.row(sqlx::query_scalar(query).bind(promise_id)).await
    }
}
