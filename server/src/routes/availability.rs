//! What could be promised now.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use oms_api::availability::{AvailabilityBody, AvailabilityView, AvailableAtView, AvailableView};
use oms_domain::{error::ErrorCode, ids::Sku};
use oms_store::Available;

use crate::{
    caller::Caller,
    extract::JsonBody,
    failure::{self, Failure},
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/availability", tag = "stock", operation_id = "ask_availability", request_body = AvailabilityBody,
    responses((status = 200, description = "Units per SKU and facility, in the order of the question", body = AvailabilityView))
)]
pub(crate) async fn ask(State(state): State<AppState>, caller: Caller, body: JsonBody) -> Result<Json<AvailabilityView>, Failure> {
    let AvailabilityBody { skus, channel, .. } = body.read(AvailabilityBody::read)?;
    channel.iter().try_for_each(|channel| caller.refuse_channel(channel))?;
    refuse_unknown(&state, &skus).await?;
    let positions = state.store.availability(&skus).await?.positions;
    Ok(Json(AvailabilityView { items: skus.iter().map(|sku| available(sku, &positions)).collect() }))
}

/// A SKU that is not in the catalog is an error, not one without stock.
async fn refuse_unknown(state: &AppState, skus: &[Sku]) -> Result<(), Failure> {
    let products = state.store.catalog().products(skus).await?;
    let known: BTreeSet<&Sku> = products.iter().map(|product| &product.sku).collect();
    let mut unknown = skus.iter().enumerate().filter(|(_, sku)| !known.contains(sku)).map(|(index, _)| format!("/skus/{index}")).peekable();
    match unknown.peek() {
        None => Ok(()),
        Some(_) => Err(failure::unknown(ErrorCode::UnknownSku, unknown)),
    }
}

/// `positions` are sorted by SKU.
fn available(sku: &Sku, positions: &[Available]) -> AvailableView {
    let from = positions.partition_point(|position| position.sku < *sku);
    let here = positions[from..].iter().take_while(|position| position.sku == *sku);
    let at = |position: &Available| AvailableAtView { facility_id: position.facility_id.to_string(), available: position.available };
    let facilities: Vec<AvailableAtView> = here.map(at).collect();
    AvailableView { sku: sku.to_string(), available: facilities.iter().map(|at| at.available).sum(), facilities }
}
