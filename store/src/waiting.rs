//! Those who wait for stock: served in the order of their rank, by whatever makes something possible.

use jiff::Timestamp;
use oms_domain::ids::OrderId;
use serde::{Serialize, Serializer};
use serde_json::json;
use sqlx::FromRow;

use crate::{error::StoreError, holds::HeldUnits, store::Store};

/// Positions that are served in one transaction.
const PIECE: u32 = 50;

/// Facilities by their number: a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacilitySet(Vec<u8>);

impl FacilitySet {
    pub fn insert(&mut self, number: usize) {
        let byte = number / 8;
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << (number % 8);
    }
}

impl FromIterator<usize> for FacilitySet {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

impl Serialize for FacilitySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&format!("\\x{hex}"))
    }
}

/// What a look at the queue came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct SweptWaiting {
    /// Waiting lines that had stock beside them which they could have had. They are served now; there should have been none.
    pub lines_beside_stock: i64,
}

impl Store {
    /// Units that an order is offered, or has gathered, and has not planned with yet.
    pub async fn offered_units(&self, order_id: &OrderId) -> Result<Vec<HeldUnits>, StoreError> {
        let query =
            "SELECT to_jsonb(g) FROM stock_grants g WHERE order_id = $1 AND offered_until IS NOT NULL ORDER BY line_id, facility_id";
        self.rows(sqlx::query_scalar(query).bind(order_id.as_str())).await
    }

    /// Serves the next piece of what has become possible otherwise than by stock coming in; `at` is business time. False: nothing has.
    pub async fn serve_due(&self, at: Timestamp) -> Result<bool, StoreError> {
        let due = json!({"at": at, "most": PIECE});
        let served: Vec<(bool,)> = self.call("SELECT serve_due(($1 ->> 'at')::timestamptz, ($1 ->> 'most')::bigint)", &due).await?;
        Ok(served.first().is_some_and(|(served,)| *served))
    }

    /// Ends offers that were not answered in time, of at most so many orders; how many.
    pub async fn expire_offers(&self, limit: u32) -> Result<u32, StoreError> {
        let ended: Vec<(i64,)> = self.call("SELECT expire_offers(($1 ->> 'most')::bigint)", &json!({"most": limit})).await?;
        Ok(ended.first().and_then(|(ended,)| u32::try_from(*ended).ok()).unwrap_or_default())
    }

    /// Looks whether anybody waits beside what they could have, notes how many do, and has them served.
    pub async fn sweep_waiting(&self) -> Result<SweptWaiting, StoreError> {
        let query = sqlx::query_as("SELECT sweep_waiting() AS lines_beside_stock");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Says by which allocation rules plans are made from now on. If they are others, what waits by the old ones is planned again.
    pub async fn rules_in_force(&self, version: &str) -> Result<bool, StoreError> {
        let changed: Vec<(bool,)> = self.call("SELECT rules_changed($1 ->> 'version')", &json!({"version": version})).await?;
        Ok(changed.first().is_some_and(|(changed,)| *changed))
    }

    /// Lets time pass for offers, and for orders that they pass by.
    #[doc(hidden)]
    pub async fn hurry_offers(&self, by: std::time::Duration) -> Result<(), StoreError> {
        let sooner = "WITH offers AS (
                UPDATE stock_grants SET offered_until = offered_until - make_interval(secs => $1)
                WHERE offered_until IS NOT NULL AND NOT gathered
            )
            UPDATE order_guards SET no_offers_until = no_offers_until - make_interval(secs => $1) WHERE no_offers_until IS NOT NULL";
        sqlx::query(sooner).bind(by.as_secs_f64()).execute(&self.pool).await?;
        Ok(())
    }
}
