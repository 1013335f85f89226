//! Cancelling: a record each, answered per unit.

use axum::{Json, extract::State};
use oms_api::{
    cancellation::{CancellationBody, CancellationView, read_cancellation},
    problem::Problem,
};
use oms_domain::{
    error::ErrorCode,
    ids::{CancellationId, OrderId},
    order::Order,
};

use crate::{
    acting::Acting,
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
    Acting(state): Acting,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<CancellationView>, Failure> {
    let (cancellation_id, request) = body.read(|node| read_cancellation(node, &id.made_up().to_string()))?;
    let order = commands::run(&state, &order_id, id, request).await?.order(&state).await?;
    view(&order_id, Some(&order), &cancellation_id).map(Json)
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
    view(&order_id, views::existing(&state, &order_id).await?.as_ref(), &cancellation_id).map(Json)
}

fn view(order_id: &OrderId, order: Option<&Order>, id: &CancellationId) -> Result<CancellationView, Failure> {
    let found = order.and_then(|order| order.cancellations.iter().find(|known| known.cancellation_id == *id));
    let missing = || Problem::new(ErrorCode::NotFound).detail("this order has no cancellation with this id");
    Ok(CancellationView::of(order_id, found.ok_or_else(missing)?))
}
