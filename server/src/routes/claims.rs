//! Claims: opened by or for a customer, answered by a person.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use oms_api::{
    claim::{ClaimBody, ClaimView, read_claim_action},
    nothing::{NothingBody, ReasonBody},
    problem::Problem,
};
use oms_domain::{
    error::ErrorCode,
    ids::{ClaimId, OrderId},
    order::{Order, Request},
};

use super::actions::{Asked, actions};
use crate::{
    acting::Acting,
    caller::Caller,
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    state::AppState,
    views,
};

/// So many others may take the next number of an order's claims at the same time.
const NUMBERS_TRIED_MAX: u32 = 5;

#[utoipa::path(
    post, path = "/v1/claims", tag = "returns", operation_id = "open_claim", request_body = ClaimBody,
    responses(
        (status = 201, description = "Opened: a person answers it, or its deadline does", body = ClaimView),
        (status = 409, description = "Not for these units: the detail says why", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn open(
    Acting(state): Acting,
    caller: Caller,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ClaimView>), Failure> {
    let body = body.read(ClaimBody::read)?;
    caller.refuse_order(&state, &body.order_id).await?;
    let claim_id = match &body.claim_id {
        Some(claim_id) => {
            open_as(&state, &body, claim_id, id).await?;
            claim_id.clone()
        }
        None => open_next(&state, &body, &id).await?,
    };
    let view = find(&state, &body.order_id, &claim_id).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/claims/{claim_id}"))], Json(view)))
}

async fn open_as(state: &AppState, body: &ClaimBody, claim_id: &ClaimId, id: CommandId) -> Result<(), Failure> {
    let request = Request::OpenClaim { claim_id: claim_id.clone(), lines: body.lines.clone(), reason: body.reason.clone() };
    commands::run(state, &body.order_id, id, request).await.map(drop)
}

/// The next number; when somebody else was faster with it, the one after.
async fn open_next(state: &AppState, body: &ClaimBody, id: &CommandId) -> Result<ClaimId, Failure> {
    let mut last = Failure::from(ErrorCode::TooManyRequests);
    for _ in 0..NUMBERS_TRIED_MAX {
        let claims = views::existing(state, &body.order_id).await?.map_or(0, |order| order.claims.len());
        let number = u32::try_from(claims).unwrap_or(u32::MAX).saturating_add(1);
        let claim_id = ClaimId::of(&body.order_id, number);
        match open_as(state, body, &claim_id, id.part(number)).await {
            Ok(()) => return Ok(claim_id),
            Err(failure) if find(state, &body.order_id, &claim_id).await.is_ok() => last = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(last)
}

#[utoipa::path(
    get, path = "/v1/claims/{claim_id}", tag = "returns", operation_id = "get_claim", params(("claim_id" = String, Path)),
    responses((status = 200, description = "The claim, and what has become of it", body = ClaimView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<ClaimId>) -> Result<Json<ClaimView>, Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::ClaimNotFound)?;
    find(&state, &order_id, &id).await.map(Json)
}

actions! {
    answer, "returns", "/v1/claims", "claim_id": ClaimId => ClaimView, ToBoth;
    approve_claim "approve" DecideClaims NothingBody "Its exact share is paid back";
    decline_claim "decline" DecideClaims ReasonBody "Nothing is paid back";
}

async fn answer(asked: Asked<ClaimId>, word: &'static str) -> Result<Json<ClaimView>, Failure> {
    let Asked { state, id, command_id, body, .. } = asked;
    let request = body.read(read_claim_action(word, id.clone()).ok_or(ErrorCode::NotFound)?)?;
    let order_id = id.order_id().ok_or(ErrorCode::ClaimNotFound)?;
    match commands::run(&state, &order_id, command_id, request).await {
        Err(Failure(problem)) if problem.code == ErrorCode::OrderNotFound => Err(ErrorCode::ClaimNotFound.into()),
        Err(failure) => Err(failure),
        Ok(done) => view(&done.order(&state).await?, &id).map(Json),
    }
}

async fn find(state: &AppState, order_id: &OrderId, id: &ClaimId) -> Result<ClaimView, Failure> {
    view(&views::document(state, order_id).await?.ok_or(ErrorCode::ClaimNotFound)?, id)
}

fn view(order: &Order, id: &ClaimId) -> Result<ClaimView, Failure> {
    order.claim(id).map(|claim| ClaimView::of(order, claim)).ok_or_else(|| ErrorCode::ClaimNotFound.into())
}
