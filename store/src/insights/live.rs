//! What waits now, and since when: counted from the working tables, each by an index of what is open alone.

use jiff::Timestamp;
use oms_domain::access::Scope;
use serde::Deserialize;

use crate::{error::StoreError, reach, store::Store};

/// What a facility has in one status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InWork {
    /// None: it is at none.
    pub facility_id: Option<String>,
    pub status: String,
    pub fulfillment_orders: u64,
    /// Since when the one that has not changed for longest has stood there.
    pub oldest_since: Timestamp,
}

/// Orders that are held for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Held {
    pub reason: String,
    pub orders: u64,
    /// When the first of them was placed.
    pub oldest_since: Timestamp,
}

/// So many, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Since {
    pub orders: u64,
    pub units: u64,
    pub oldest_since: Option<Timestamp>,
}

/// What waits now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct LiveFigures {
    pub in_work: Vec<InWork>,
    pub held: Vec<Held>,
    pub needing_attention: Since,
    pub waiting_for_stock: Since,
}

/// Orders that whoever asks knows of: $1 names channels, $2 facilities; NULL: all.
macro_rules! known {
    () => {
        "($1::text[] IS NULL OR o.channel = ANY ($1)) AND ($2::text[] IS NULL OR EXISTS (
            SELECT FROM fulfillment_orders k WHERE k.order_id = o.order_id AND k.facility_id = ANY ($2)))"
    };
}

const LIVE: &str = concat!(
    "SELECT jsonb_build_object(
    'in_work', (SELECT coalesce(jsonb_agg(to_jsonb(q) ORDER BY q.facility_id, q.status), '[]') FROM (
        SELECT f.facility_id, f.status, count(*) AS fulfillment_orders, min(f.updated_at) AS oldest_since FROM fulfillment_orders f
        WHERE f.status IN ('open', 'released', 'accepted', 'picking', 'packed', 'ready_for_pickup')
            AND ($2::text[] IS NULL OR f.facility_id = ANY ($2))
            AND ($1::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = f.order_id AND o.channel = ANY ($1)))
        GROUP BY f.facility_id, f.status) AS q),
    'held', (SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.reason), '[]') FROM (
        SELECT r.reason, count(*) AS orders, min(o.placed_at) AS oldest_since FROM orders o, unnest(o.hold_reasons) AS r (reason)
        WHERE (o.needs_attention OR o.hold_reasons <> '{}') AND o.hold_reasons <> '{}' AND ",
    known!(),
    " GROUP BY r.reason) AS h),
    'needing_attention', (SELECT jsonb_build_object('orders', count(*), 'units', 0, 'oldest_since', min(o.placed_at)) FROM orders o
        WHERE (o.needs_attention OR o.hold_reasons <> '{}') AND o.needs_attention AND ",
    known!(),
    "),
    'waiting_for_stock', (SELECT jsonb_build_object('orders', count(DISTINCT w.order_id), 'units', coalesce(sum(w.quantity), 0),
            'oldest_since', min(w.rank_at)) FROM waiting_units w
        WHERE ($1::text[] IS NULL AND $2::text[] IS NULL) OR EXISTS (SELECT FROM orders o WHERE o.order_id = w.order_id AND ",
    known!(),
    ")))"
);

impl Store {
    /// What waits now, of what whoever asks knows of.
    pub async fn live_figures(&self, scope: &Scope) -> Result<LiveFigures, StoreError> {
        let query = sqlx::query_scalar(LIVE).persistent(false).bind(reach::channels(scope)).bind(reach::facilities(scope));
        Ok(self.row(query).await?.unwrap_or_default())
    }
}
