//! Stock held for checkouts.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use jiff::ToSpan;
use oms_api::{
    page::Page,
    problem::Problem,
    reader::parsed,
    reservation::{ExtendBody, ReservationBody, ReservationView},
};
use oms_domain::{
    error::ErrorCode,
    ids::{ReservationId, Sku},
    reservation::{HOLD_MAX_S, ReservationAction, ReservationStatus},
};
use oms_store::{CheckoutHold, Holding};

use super::paging::{cursor, limit};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::Failure,
    holding,
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/reservations", tag = "orders", operation_id = "hold_stock", request_body = ReservationBody,
    responses(
        (status = 201, description = "What is held, where and until when, and what could not be held", body = ReservationView),
        (status = 200, description = "It was asked for before: the first answer", body = ReservationView),
        (status = 409, description = "Another reservation has this id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn hold(
    Acting(state): Acting,
    caller: Caller,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ReservationView>), Failure> {
    let body = body.read(|node| ReservationBody::read(node, &id.made_up().to_string()))?;
    body.channel.iter().try_for_each(|channel| caller.refuse_channel(channel))?;
    let (status, hold) = match holding::hold(&state, &body).await? {
        Holding::New(hold) => (StatusCode::CREATED, hold),
        Holding::Same(hold) => (StatusCode::OK, hold),
        Holding::Other => return Err(ErrorCode::ReservationConflict.into()),
        Holding::Short => return Err(ErrorCode::InsufficientStock.into()),
    };
    Ok((status, [(header::LOCATION, format!("/v1/reservations/{}", hold.reservation_id))], Json(convert::reservation(hold))))
}

#[utoipa::path(
    get, path = "/v1/reservations", tag = "stock", operation_id = "list_reservations",
    params(
        ("sku" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "What is held for checkouts now, those that end soonest first", body = Page<ReservationView>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<ReservationView>>, Failure> {
    let (sku, after, limit) = params.read(|node| {
        node.object(|fields| {
            let (sku, after, limit) = (fields.optional("sku", parsed::<Sku>), cursor(fields), limit(fields));
            Some((sku?, after?, limit?))
        })
    })?;
    let page = state.store.held_page(sku.as_ref(), &caller.scope, after.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::reservation).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/reservations/{reservation_id}", tag = "orders", operation_id = "get_reservation",
    params(("reservation_id" = String, Path)),
    responses((status = 200, description = "The reservation as it stands; until 30 days after it was made", body = ReservationView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<ReservationId>) -> Result<Json<ReservationView>, Failure> {
    Ok(Json(convert::reservation(find(&state, &id).await?)))
}

#[utoipa::path(
    patch, path = "/v1/reservations/{reservation_id}", tag = "orders", operation_id = "extend_reservation",
    params(("reservation_id" = String, Path)), request_body = ExtendBody,
    responses(
        (status = 200, description = "Held until the new deadline", body = ReservationView),
        (status = 409, description = "It is not held any more", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn extend(
    Acting(state): Acting,
    InPath(id): InPath<ReservationId>,
    body: JsonBody,
) -> Result<Json<ReservationView>, Failure> {
    let body = body.read(ExtendBody::read)?;
    let extended = state.store.extend_hold(&id, body.hold_s, HOLD_MAX_S).await?;
    let hold = find(&state, &id).await?;
    if extended {
        return Ok(Json(convert::reservation(hold)));
    }
    hold.status.try_after(ReservationAction::Extend).map_err(|refusal| refusal.offering(&[]))?;
    let latest = hold.requested_at + i64::from(HOLD_MAX_S).seconds();
    Err(Problem::field("/hold_s", format!("would hold it for more than {HOLD_MAX_S} s in all: {latest} is the latest")).into())
}

#[utoipa::path(
    delete, path = "/v1/reservations/{reservation_id}", tag = "orders", operation_id = "release_reservation",
    params(("reservation_id" = String, Path)),
    responses(
        (status = 200, description = "Nothing is held any more: whoever waits for the units is served first", body = ReservationView),
        (status = 409, description = "An order has the units", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(Acting(state): Acting, InPath(id): InPath<ReservationId>) -> Result<Json<ReservationView>, Failure> {
    let hold = state.store.release_hold(&id).await?.ok_or(ErrorCode::ReservationNotFound)?;
    state.relay.nudge();
    match hold.status {
        ReservationStatus::Released | ReservationStatus::Expired | ReservationStatus::Denied => Ok(Json(convert::reservation(hold))),
        ReservationStatus::Requested
        | ReservationStatus::Held
        | ReservationStatus::Allocated
        | ReservationStatus::Moved
        | ReservationStatus::Shorted
        | ReservationStatus::Consumed
        | ReservationStatus::Restocked => Err(hold.status.refuse(ReservationAction::Release).offering(&[]).into()),
    }
}

async fn find(state: &AppState, id: &ReservationId) -> Result<CheckoutHold, Failure> {
    state.store.checkout_hold(id).await?.ok_or_else(|| ErrorCode::ReservationNotFound.into())
}
