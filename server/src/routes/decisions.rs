//! What somebody decides: the customer about units without stock, a person about a parcel that did not arrive.

use axum::{Json, response::Response};
use oms_api::{
    decision::{DecisionBody, DecisionView, ResolveBody, read_decision, read_resolution},
    fulfillment::FulfillmentOrderView,
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, ParcelId},
    order::Request,
};

use crate::{
    acting::Acting,
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    views::{self, Shown},
};

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/decisions/{decision_id}", tag = "orders", operation_id = "decide", request_body = DecisionBody,
    params(("order_id" = String, Path), ("decision_id" = String, Path)),
    responses((status = 200, description = "What the customer said; the same again is the same", body = DecisionView))
)]
pub(crate) async fn decide(
    Acting(state): Acting,
    InPath((order_id, decision_id)): InPath<(OrderId, String)>,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<DecisionView>, Failure> {
    let choice = body.read(read_decision)?;
    let done = commands::run(&state, &order_id, id, Request::Decide { decision_id: decision_id.clone(), choice }).await?;
    let order = done.order(&state).await?;
    let decision = order.decisions.iter().find(|known| known.decision_id == decision_id).ok_or(ErrorCode::Internal)?;
    Ok(Json(DecisionView::of(&order, decision)))
}

#[utoipa::path(
    post, path = "/v1/parcels/{parcel_id}/resolve", tag = "fulfillment", operation_id = "resolve_parcel", request_body = ResolveBody,
    params(("parcel_id" = String, Path)),
    responses((status = 200, description = "The parcel's fulfillment order, as it is now", body = FulfillmentOrderView))
)]
pub(crate) async fn resolve(
    Acting(state): Acting,
    InPath(parcel_id): InPath<ParcelId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    let resolution = body.read(read_resolution)?;
    let found = parcel_id.fulfillment_order_id().ok_or(ErrorCode::NotFound)?;
    let order_id = found.order_id().ok_or(ErrorCode::NotFound)?;
    commands::run(&state, &order_id, id, Request::ResolveParcel { parcel_id, resolution }).await?;
    views::show(&state, &Shown::FulfillmentOrder(found)).await
}
