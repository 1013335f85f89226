//! Stock that is held for an order: for its checkout, or since it waited and some came. Sourcing counts it as there, and takes it over.

use std::collections::BTreeSet;

use oms_domain::{ids::Sku, order::SourceRequest, placed::PlacedOrder};
use oms_store::{Available, HeldUnits};
use temporalio_sdk::activities::ActivityError;

use super::DataActivities;
use crate::failure::store_failure;

impl DataActivities {
    /// What is still held for the order, of these SKUs. A hold that nobody knows, or that has ended, holds nothing.
    pub(super) async fn held(&self, order: &PlacedOrder, request: &SourceRequest, skus: &[Sku]) -> Result<Vec<HeldUnits>, ActivityError> {
        let Some(reservation_id) = order.reservation_id.as_ref().filter(|_| request.round <= 1) else { return Ok(Vec::new()) };
        let mut held = self.store.held_units(reservation_id).await.map_err(|error| store_failure(&error))?;
        held.retain(|units| skus.contains(&units.sku));
        Ok(held)
    }

    /// What is held for the order since it is its turn. Nobody is offered anything before having waited.
    pub(super) async fn offered(&self, request: &SourceRequest, skus: &[Sku]) -> Result<Vec<HeldUnits>, ActivityError> {
        if request.round <= 1 {
            return Ok(Vec::new());
        }
        let mut offered = self.store.offered_units(&request.order_id).await.map_err(|error| store_failure(&error))?;
        offered.retain(|units| skus.contains(&units.sku));
        Ok(offered)
    }
}

/// The SKUs of which some units are held.
pub(super) fn skus_of(held: &[HeldUnits]) -> BTreeSet<Sku> {
    held.iter().map(|units| units.sku.clone()).collect()
}

/// What is available to everybody, and what is held for this order alone.
pub(super) fn with_held(mut positions: Vec<Available>, held: Vec<HeldUnits>) -> Vec<Available> {
    for HeldUnits { facility_id, sku, quantity, .. } in held {
        let available = i64::from(quantity);
        match positions.iter_mut().find(|position| (&position.facility_id, &position.sku) == (&facility_id, &sku)) {
            Some(position) => position.available += available,
            None => positions.push(Available { facility_id, sku, available, stock_price_milli: 0 }),
        }
    }
    positions.sort_by(|a, b| (&a.sku, &a.facility_id).cmp(&(&b.sku, &b.facility_id)));
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_units_are_there_beside_those_that_everybody_may_have() {
        let position = |facility_id: &str, available| Available {
            facility_id: facility_id.parse().unwrap(),
            sku: "A".parse().unwrap(),
            available,
            stock_price_milli: 7,
        };
        let units = |line_id: &str, facility_id: &str| HeldUnits {
            line_id: line_id.parse().unwrap(),
            facility_id: facility_id.parse().unwrap(),
            sku: "A".parse().unwrap(),
            quantity: 2,
        };
        let found = with_held(vec![position("LEEDS", 1)], vec![units("1", "LEEDS"), units("2", "LEEDS"), units("1", "BATH")]);
        let found: Vec<_> =
            found.iter().map(|position| (position.facility_id.as_str(), position.available, position.stock_price_milli)).collect();
        assert_eq!(found, [("BATH", 2, 0), ("LEEDS", 5, 7)]);
    }
}
