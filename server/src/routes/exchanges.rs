//! Exchanges: started for a customer, then an order and a return like others.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use oms_api::{
    exchange::{ExchangeAsked, ExchangeBody, ExchangeView},
    problem::Problem,
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, ReturnId},
    order::Lines,
    returns::AnnouncedLine,
};
use oms_starter::{Placed, StartExchange};

use crate::{
    acting::Acting,
    caller::Caller,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    giving::{self, Counted},
    state::AppState,
    views,
};

#[utoipa::path(
    post, path = "/v1/exchanges", tag = "returns", operation_id = "start_exchange", request_body = ExchangeBody,
    responses(
        (status = 201, description = "The units may come back, and an order is held for them; it is paid by their worth", body = ExchangeView),
        (status = 200, description = "The same exchange was started before", body = ExchangeView),
        (status = 409, description = "Not for these units, or an amount is missing: the detail says which", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(
    Acting(state): Acting,
    caller: Caller,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ExchangeView>), Failure> {
    let ExchangeAsked { exchange_id, order_id, returned, lines, ship_to, payment } = body.read(ExchangeAsked::read)?;
    caller.refuse_order(&state, &order_id).await?;
    payment.iter().try_for_each(|means| caller.refuse_method(means.method))?;
    let counted = count_advance(&state, exchange_id.as_ref(), &order_id, &returned, &id).await?;
    let started = state.starter.exchange(StartExchange { exchange_id, order_id, returned, lines, ship_to, payment }).await;
    if let Some(counted) = counted {
        counted.settle(&state, &started).await?;
    }
    let (exchange_id, placed) = started?;
    let status = match placed {
        Placed::Created => StatusCode::CREATED,
        Placed::Existing => StatusCode::OK,
    };
    let view = find(&state, &exchange_id).await?;
    Ok((status, [(header::LOCATION, format!("/v1/exchanges/{exchange_id}"))], Json(view)))
}

/// Goods that go out in advance are given away until others have come back. None: they wait for those, or went out before.
async fn count_advance(
    state: &AppState,
    exchange_id: Option<&OrderId>,
    order_id: &OrderId,
    returned: &[AnnouncedLine],
    id: &CommandId,
) -> Result<Option<Counted>, Failure> {
    let known = match exchange_id {
        Some(exchange_id) => state.store.intake(exchange_id).await?.is_some(),
        None => false,
    };
    if known || !state.starter.exchanges_in_advance() {
        return Ok(None);
    }
    let Some(order) = state.starter.order(order_id).await? else { return Ok(None) };
    let lines: Lines = returned.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
    match order.given_in_advance(&lines) {
        Some(giving) => giving::count_giving(state, &order, &giving, &id.id).await.map(Some),
        None => Ok(None),
    }
}

#[utoipa::path(
    get, path = "/v1/exchanges/{exchange_id}", tag = "returns", operation_id = "get_exchange", params(("exchange_id" = String, Path)),
    responses((status = 200, description = "Both ends of it: the new order, and the return that pays for it", body = ExchangeView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<OrderId>) -> Result<Json<ExchangeView>, Failure> {
    find(&state, &id).await.map(Json)
}

async fn find(state: &AppState, id: &OrderId) -> Result<ExchangeView, Failure> {
    let none = || Problem::new(ErrorCode::NotFound).detail(format!("there is no exchange {id}"));
    let (placed, order) = match views::order_parts(state, id).await {
        Err(Failure(problem)) if problem.code == ErrorCode::OrderNotFound => Err(none())?,
        parts => parts?,
    };
    let return_id: Option<&ReturnId> = placed.exchange.as_ref().map(|exchange| &exchange.return_id);
    let found = match return_id {
        Some(return_id) => state.starter.return_of(return_id).await?,
        None => None,
    };
    // A return of that number may be another one: then this exchange was refused.
    let its_own = found.filter(|found| found.core.credit.as_ref().is_some_and(|credit| credit.order_id == *id));
    let return_status = its_own.map(|found| found.status.name().to_owned());
    Ok(ExchangeView::of(&placed, order.as_ref(), return_status).ok_or_else(none)?)
}
