//! What whoever asks knows of: lists are narrowed where they are read, and one order is looked at before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use oms_domain::{
    access::Scope,
    ids::{FacilityId, OrderId},
};
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// Where an order belongs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderReach {
    pub channel: String,
    /// Those that have a part of it.
    pub facilities: BTreeSet<FacilityId>,
}

impl OrderReach {
    /// Whether it is within the scope.
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.sees_order(&self.channel, &self.facilities)
    }
}

/// The scope's channels as a parameter; NULL: all.
pub(crate) fn channels(scope: &Scope) -> Option<Vec<&str>> {
    scope.channels.only().map(|channels| channels.iter().map(String::as_str).collect())
}

/// The scope's facilities as a parameter; NULL: all.
pub(crate) fn facilities(scope: &Scope) -> Option<Vec<&str>> {
    scope.facilities.only().map(|ids| ids.iter().map(FacilityId::as_str).collect())
}

/// One of several.
#[derive(Deserialize)]
struct Named {
    order_id: OrderId,
    #[serde(flatten)]
    reach: OrderReach,
}

impl Store {
    /// Where these orders belong, in one question; those that nothing is recorded of yet are left out.
    pub async fn order_reaches(&self, ids: &[&str]) -> Result<BTreeMap<OrderId, OrderReach>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('order_id', o.order_id, 'channel', o.channel, 'facilities', coalesce((
                SELECT jsonb_agg(DISTINCT f.facility_id) FROM fulfillment_orders f
                WHERE f.order_id = o.order_id AND f.facility_id IS NOT NULL), '[]'))
            FROM orders o WHERE o.order_id = ANY ($1)",
        );
        let found: Vec<Named> = self.rows(query.bind(ids)).await?;
        Ok(found.into_iter().map(|named| (named.order_id, named.reach)).collect())
    }

    /// Where the order belongs, also when it was only just taken in; None: there is no such order.
    pub async fn order_reach(&self, id: &OrderId) -> Result<Option<OrderReach>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('channel', o.channel, 'facilities', coalesce((
                SELECT jsonb_agg(DISTINCT f.facility_id) FROM fulfillment_orders f
                WHERE f.order_id = o.order_id AND f.facility_id IS NOT NULL), '[]'))
            FROM orders o WHERE o.order_id = $1",
        );
        if let Some(recorded) = self.row(query.bind(id.as_str())).await? {
            return Ok(Some(recorded));
        }
        let intake = self.intake(id).await?;
        Ok(intake.map(|intake| OrderReach { channel: intake.order.channel, facilities: BTreeSet::new() }))
    }
}
