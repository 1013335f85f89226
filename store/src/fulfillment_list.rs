//! The associate's queue.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::Scope,
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId, OrderId, Sku},
    placed::DeliveryMethod,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    reach::{channels, facilities},
    store::Store,
};

/// Which fulfillment orders to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FulfillmentFilter {
    pub facility_id: Option<FacilityId>,
    /// Those in one of these states; none: in any.
    pub statuses: Vec<String>,
    /// Those that must ship before this time.
    pub ship_before: Option<Timestamp>,
    /// Those of orders that have this.
    pub sku: Option<Sku>,
    /// Those on picklists of theirs.
    pub picker: Option<String>,
    /// What whoever asks knows of.
    pub scope: Scope,
}

/// What a list shows of a fulfillment order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfillmentSummary {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub order_id: OrderId,
    pub facility_id: Option<FacilityId>,
    pub status: String,
    pub delivery_method: DeliveryMethod,
    pub ship_by: Option<Timestamp>,
    /// When the order was placed.
    pub placed_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How many are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueueCount {
    pub status: String,
    pub count: u64,
    /// Those that should have shipped by now.
    pub late: u64,
    pub next_ship_by: Option<Timestamp>,
}

/// Of those that must ship by one time the order that was placed first; what has no time comes last. A page of each state, which an index
/// has in that order, and the first of them all: a facility's whole history is never sorted. See `orders_where` for the conditions.
const FULFILLMENT_ORDERS_PAGE: &str = "SELECT to_jsonb(f) FROM unnest($2::text[]) AS state (name), LATERAL (
        SELECT f.* FROM fulfillment_orders f
        WHERE f.status = state.name AND ($1::text IS NULL OR f.facility_id = $1)
            AND ($7::text[] IS NULL OR f.facility_id = ANY ($7))
            AND ($9::timestamptz IS NULL OR f.ship_by < $9)
            AND ($10::text IS NULL OR EXISTS (SELECT FROM order_skus s WHERE s.sku = $10 AND s.order_id = f.order_id))
            AND ($11::text IS NULL OR f.fulfillment_order_id = ANY (ARRAY (
                SELECT unnest(l.fulfillment_order_ids) FROM picklists l WHERE l.picker = $11)))
            AND ($8::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = f.order_id AND o.channel = ANY ($8)))
            AND ($5::text IS NULL
                OR (coalesce(f.ship_by, 'infinity'), f.placed_at, f.fulfillment_order_id) > (coalesce($3, 'infinity'), $4, $5))
        ORDER BY coalesce(f.ship_by, 'infinity'), f.placed_at, f.fulfillment_order_id LIMIT $6
    ) AS f
    ORDER BY coalesce(f.ship_by, 'infinity'), f.placed_at, f.fulfillment_order_id LIMIT $6";

/// What lists show of one whose parcels have all arrived, in place of its state.
const DELIVERED: &str = "delivered";

/// The states to look at: all that lists show, unless one is asked for.
fn states(filter: &FulfillmentFilter) -> Vec<&str> {
    match filter.statuses.is_empty() {
        false => filter.statuses.iter().map(String::as_str).collect(),
        true => FulfillmentStatus::ALL.iter().map(|status| status.name()).chain([DELIVERED]).collect(),
    }
}

/// A place in the queue: by when it must ship, when its order was placed, and which it is.
fn place_in_queue(text: &str) -> Result<(Option<Timestamp>, Option<Timestamp>, &str), StoreError> {
    let (ship_by, rest) = parse_cursor(text)?;
    let (placed_at, id) = parse_cursor(rest)?;
    Ok((ship_by, placed_at, id))
}

impl Store {
    /// Fulfillment orders, those that must ship soonest first.
    pub async fn fulfillment_orders_page(
        &self,
        filter: &FulfillmentFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<FulfillmentSummary>, StoreError> {
        let after = after.map(place_in_queue).transpose()?;
        let (ship_by, placed_at, id) = after.map_or((None, None, None), |(ship_by, placed_at, id)| (ship_by, placed_at, Some(id)));
        let query = sqlx::query_scalar(FULFILLMENT_ORDERS_PAGE)
            .persistent(false)
            .bind(filter.facility_id.as_ref().map(FacilityId::as_str))
            .bind(states(filter))
            .bind(ship_by.map(ToSqlx::to_sqlx))
            .bind(placed_at.map(ToSqlx::to_sqlx))
            .bind(id)
            .bind(i64::from(limit) + 1)
            .bind(facilities(&filter.scope))
            .bind(channels(&filter.scope))
            .bind(filter.ship_before.map(ToSqlx::to_sqlx))
            .bind(filter.sku.as_ref().map(Sku::as_str))
            .bind(&filter.picker);
        let rows: Vec<FulfillmentSummary> = self.rows(query).await?;
        let place = |last: &FulfillmentSummary| cursor(last.ship_by, &cursor(Some(last.placed_at), last.fulfillment_order_id.as_str()));
        Ok(Page::cut(rows, limit, place))
    }

    /// How many a facility has in each of these states, and how many of them should have shipped by now.
    pub async fn queue_counts(
        &self,
        facility_id: &FacilityId,
        statuses: &[&str],
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Vec<QueueCount>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('status', f.status, 'count', count(*), 'late', count(*) FILTER (WHERE f.ship_by < $4),
                'next_ship_by', min(f.ship_by))
            FROM fulfillment_orders f
            WHERE f.facility_id = $1 AND f.status = ANY ($2)
                AND ($3::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = f.order_id AND o.channel = ANY ($3)))
            GROUP BY f.status",
        );
        let query = query.persistent(false).bind(facility_id.as_str()).bind(statuses).bind(channels(scope));
        self.rows(query.bind(now.to_sqlx())).await
    }

    /// One fulfillment order.
    pub async fn fulfillment_order(&self, id: &FulfillmentOrderId) -> Result<Option<FulfillmentSummary>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(f) FROM fulfillment_orders f WHERE fulfillment_order_id = $1");
        self.row(query.bind(id.as_str())).await
    }
}
