//! The ledger of stock: whatever moves units has a row in it.

use jiff::Timestamp;
use oms_domain::{
    access::By,
    ids::{FacilityId, OrderId, Sku},
};
use serde::{Deserialize, Serialize};

use crate::{error::StoreError, store::Store};

/// A movement at a position, in units more or less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockMovement {
    /// Numbers rise; some are left out.
    pub movement_id: u64,
    pub on_hand: i64,
    pub reserved: i64,
    pub unavailable: i64,
    /// What moved it: `shipped`, `receipt`, `snapshot`, `theft`, ...
    pub cause: String,
    pub order_id: Option<OrderId>,
    /// What it goes back to: the id of an adjustment, a receipt, a feed, a return, ...
    pub reference: Option<String>,
    /// Business time.
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    /// False: it happened before the last count at the time, which has it in it. It is kept, and moved nothing.
    pub moved: bool,
    /// Whose doing it was; None: nobody said.
    pub by: Option<By>,
}

impl Store {
    /// Movements of a position, the last recorded first, from before the given one.
    pub async fn stock_movements(
        &self,
        facility_id: &FacilityId,
        sku: &Sku,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StockMovement>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(m) || jsonb_build_object('by', shown_by(actor_kind, actor_id, station_id, request_id)) FROM stock_movements m
            WHERE facility_id = $1 AND sku = $2 AND movement_id < $3
            ORDER BY movement_id DESC LIMIT $4",
        );
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        self.rows(query.bind(facility_id.as_str()).bind(sku.as_str()).bind(before).bind(i64::from(limit))).await
    }
}
