//! Labels of which the carrier does not speak.

use axum::response::Response;
use oms_api::{
    fulfillment::FulfillmentOrderView,
    resolve_label::{ResolveLabelBody, read_resolve_label},
};
use oms_domain::{error::ErrorCode, ids::ParcelId, order::Request};

use crate::{
    acting::Acting,
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    views::{self, Shown},
};

#[utoipa::path(
    post, path = "/v1/parcels/{parcel_id}/label/resolve", tag = "fulfillment", operation_id = "resolve_label", request_body = ResolveLabelBody,
    params(("parcel_id" = String, Path)),
    responses((status = 200, description = "What became of it is known: the carrier is not asked to void it any more. The same again is the same", body = FulfillmentOrderView))
)]
pub(crate) async fn resolve(
    Acting(state): Acting,
    InPath(parcel_id): InPath<ParcelId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    let (outcome, reason) = body.read(read_resolve_label)?;
    let found = parcel_id.fulfillment_order_id().ok_or(ErrorCode::NotFound)?;
    let order_id = found.order_id().ok_or(ErrorCode::NotFound)?;
    commands::run(&state, &order_id, id, Request::ResolveLabel { parcel_id, outcome, reason }).await?;
    views::show(&state, &Shown::FulfillmentOrder(found)).await
}
