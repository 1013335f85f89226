//! Cancelling: a record each, answered per unit.

use axum::{Json, extract::State};
use oms_api::{
    cancellation::{CancellationBody, CancellationView, read_cancellation},
    problem::Problem,
};
use oms_domain::{
    error::ErrorCode,
    ids::{CancellationId, OrderId},
};

use crate::{
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    state::AppState,
    views,
};

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/cancellations", tag = "orders", operation_id = "cancel_order", params(("order_id" = String, Path)), request_body = CancellationBody,
    responses((status = 200, description = "What became of each unit; the same id again gets the same answer", body = CancellationView))
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<CancellationView>, Failure> {
    let (cancellation_id, request) = body.read(read_cancellation)?;
    commands::run(&state, &order_id, id, request).await?;
    find(&state, &order_id, &cancellation_id).await.map(Json)
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/cancellations/{cancellation_id}", tag = "orders", operation_id = "get_cancellation",
    params(("order_id" = String, Path), ("cancellation_id" = String, Path)),
    responses((status = 200, description = "What became of each unit", body = CancellationView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    InPath((order_id, cancellation_id)): InPath<(OrderId, CancellationId)>,
) -> Result<Json<CancellationView>, Failure> {
    find(&state, &order_id, &cancellation_id).await.map(Json)
}

async fn find(state: &AppState, order_id: &OrderId, id: &CancellationId) -> Result<CancellationView, Failure> {
    let order = views::existing(state, order_id).await?;
    let found = order.as_ref().and_then(|order| order.cancellations.iter().find(|known| known.cancellation_id == *id));
    let missing = || Problem::new(ErrorCode::NotFound).detail("this order has no cancellation with this id");
    Ok(CancellationView::of(order_id, found.ok_or_else(missing)?))
}
