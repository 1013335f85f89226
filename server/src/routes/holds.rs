//! Holds and deadlines: what keeps an order, and for how long.

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oms_api::{
    hold::{DeadlineView, ExtensionBody, HoldBody, HoldView, parse_deadline_id},
    page::Page,
    problem::Problem,
};
use oms_domain::{
    error::ErrorCode,
    ids::{HoldId, OrderId},
    order::Request,
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
    post, path = "/v1/orders/{order_id}/holds", tag = "orders", operation_id = "hold_order", params(("order_id" = String, Path)), request_body = HoldBody,
    responses((status = 201, description = "The order is held", body = HoldView))
)]
pub(crate) async fn place(
    Acting(state): Acting,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, Json<HoldView>), Failure> {
    let HoldBody { hold_id, reason, expires_at } = body.read(HoldBody::read)?;
    refuse_ended(&state, &order_id, &id, expires_at).await?;
    let made_up = || HoldId::parse(id.made_up().to_string()).map_err(|_| Failure::from(ErrorCode::Internal));
    let hold_id = hold_id.map_or_else(made_up, Ok)?;
    let done = commands::run(&state, &order_id, id, Request::PlaceHold { hold_id: hold_id.clone(), reason, expires_at }).await?;
    let order = done.order(&state).await?;
    let hold = order.holds.iter().find(|hold| hold.hold_id == hold_id);
    let gone = || Problem::new(ErrorCode::NotFound).detail("the hold has been lifted since");
    Ok((StatusCode::CREATED, Json(HoldView::from(hold.ok_or_else(gone)?))))
}

/// A hold that would be lifted at once is a mistake, unless it is one that was placed in time and is told again.
async fn refuse_ended(state: &AppState, order_id: &OrderId, id: &CommandId, expires_at: Option<Timestamp>) -> Result<(), Failure> {
    let Err(past) = state.refuse_past("/expires_at", expires_at) else { return Ok(()) };
    if id.is_new {
        return Err(past);
    }
    let order = views::existing(state, order_id).await?;
    if order.is_some_and(|order| order.commands.find(&id.id).is_some()) { Ok(()) } else { Err(past) }
}

#[utoipa::path(
    delete, path = "/v1/orders/{order_id}/holds/{hold_id}", tag = "orders", operation_id = "release_hold",
    params(("order_id" = String, Path), ("hold_id" = String, Path)),
    responses((status = 204, description = "The hold is lifted"))
)]
pub(crate) async fn release(
    Acting(state): Acting,
    InPath((order_id, hold_id)): InPath<(OrderId, HoldId)>,
    id: CommandId,
) -> Result<StatusCode, Failure> {
    commands::run(&state, &order_id, id, Request::ReleaseHold { hold_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/deadlines", tag = "orders", operation_id = "list_deadlines", params(("order_id" = String, Path)),
    responses((status = 200, description = "What the order waits for, and what happens when it does not come", body = Page<DeadlineView>))
)]
pub(crate) async fn deadlines(
    State(state): State<AppState>,
    InPath(order_id): InPath<OrderId>,
) -> Result<Json<Page<DeadlineView>>, Failure> {
    let order = views::existing(&state, &order_id).await?;
    let deadlines = order.map(|order| order.deadlines()).unwrap_or_default();
    Ok(Json(Page::whole(deadlines.iter().map(DeadlineView::from).collect())))
}

#[utoipa::path(
    patch, path = "/v1/orders/{order_id}/deadlines/{deadline_id}", tag = "orders", operation_id = "extend_deadline", request_body = ExtensionBody,
    params(("order_id" = String, Path), ("deadline_id" = String, Path)),
    responses((status = 200, description = "The wait has more time", body = DeadlineView))
)]
pub(crate) async fn extend(
    Acting(state): Acting,
    InPath((order_id, deadline_id)): InPath<(OrderId, String)>,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<DeadlineView>, Failure> {
    let ExtensionBody { until } = body.read(ExtensionBody::read)?;
    let unknown = || Problem::new(ErrorCode::NotFound).detail("the order has no such deadline: GET its deadlines for their ids");
    let (wait, subject) = parse_deadline_id(&deadline_id).ok_or_else(unknown)?;
    let done = commands::run(&state, &order_id, id, Request::ExtendDeadline { wait, subject: subject.to_owned(), until }).await?;
    let deadlines = done.order(&state).await?.deadlines();
    let extended = deadlines.iter().find(|known| known.wait == wait && known.subject == subject).ok_or_else(unknown)?;
    Ok(Json(DeadlineView::from(extended)))
}
