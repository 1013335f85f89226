//! Placing an order, from a request or out of a feed: what it names must be there, then the starter takes it in.

use oms_api::order::DEFAULT_NAME;
use oms_domain::{
    error::ErrorCode,
    placed::{DeliveryGroup, Destination, PlacedOrder},
};
use oms_starter::Placed;
use oms_store::PlacingKey;

use crate::{
    failure::{self, Failure},
    state::AppState,
};

/// Takes the order in, once for ever. Errors: `unknown_sku` and `unknown_facility` name each line and group; `order_conflict`.
pub(crate) async fn place(state: &AppState, order: PlacedOrder) -> Result<Placed, Failure> {
    refuse_unknown_stores(state, &order.delivery_groups).await?;
    Ok(state.starter.place(order).await?)
}

/// The same under a key; and whether the key has come before.
pub(crate) async fn place_under(state: &AppState, key: PlacingKey<'_>, order: PlacedOrder) -> Result<(Placed, bool), Failure> {
    refuse_unknown_stores(state, &order.delivery_groups).await?;
    Ok(state.starter.place_under(key, order).await?)
}

async fn refuse_unknown_stores(state: &AppState, groups: &[DeliveryGroup]) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        match &group.destination {
            Destination::Address(_) => {}
            Destination::Pickup { facility_id, .. } => {
                if state.store.catalog().facility(facility_id).await?.is_none() {
                    unknown.push(pointer(index, group));
                }
            }
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(failure::unknown(ErrorCode::UnknownFacility, unknown.into_iter())) }
}

/// Where the body names the store: beside the shipping of a group, or within that of the whole order.
fn pointer(index: usize, group: &DeliveryGroup) -> String {
    if group.delivery_group == DEFAULT_NAME {
        return "/shipping/pickup_facility_id".to_owned();
    }
    format!("/delivery_groups/{index}/pickup_facility_id")
}
