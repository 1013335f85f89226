//! Returns: asked for, answered, received, judged.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use oms_api::{
    event::EventView,
    hold::{DeadlineView, ExtensionBody, parse_return_deadline_id},
    nothing::{NothingBody, ReasonBody},
    page::Page,
    problem::Problem,
    reader::{Fields, Node, boolean, choice, parsed},
    resolve_label::ResolveLabelBody,
    returns::{InspectBody, ReceiveBody, ReturnBody, ReturnSummary, ReturnView, read_return_action},
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, ReturnId, Sku},
    returns::{Request, Return, ReturnStatus},
};
use oms_starter::{OpenReturn, Placed, ReturnRequest, StarterError};
use oms_store::ReturnFilter;

use super::{
    actions::{Asked, actions},
    paging::{cursor, limit},
};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::{self, Failure},
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/returns", tag = "returns", operation_id = "open_return", request_body = ReturnBody,
    responses(
        (status = 201, description = "The units may come back, and no other return may name them", body = ReturnView),
        (status = 200, description = "The same return was opened before", body = ReturnView),
        (status = 409, description = "They may not: the detail says why, and what to do instead", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn open(
    Acting(state): Acting,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ReturnView>), Failure> {
    let body = body.read(ReturnBody::read)?;
    caller.refuse_order(&state, &body.order_id).await?;
    let lines = body.announced();
    let (opened, placed) =
        state.starter.open_return(OpenReturn { return_id: body.return_id, order_id: body.order_id, lines, credit: None }).await?;
    let status = match placed {
        Placed::Created => StatusCode::CREATED,
        Placed::Existing => StatusCode::OK,
    };
    Ok((status, [(header::LOCATION, format!("/v1/returns/{}", opened.core.return_id))], Json(ReturnView::from(&opened))))
}

#[utoipa::path(
    get, path = "/v1/returns", tag = "returns", operation_id = "list_returns",
    params(
        ("order_id" = Option<String>, Query), ("status" = Option<String>, Query), ("needs_attention" = Option<bool>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first", body = Page<ReturnSummary>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<ReturnSummary>>, Failure> {
    let (mut filter, cursor, limit) = params.read(|node| node.object(list_params))?;
    filter.scope = caller.scope.clone();
    let page = state.store.returns_page(&filter, cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::return_summary).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(ReturnFilter, Option<String>, u32)> {
    let order_id: Option<Option<OrderId>> = fields.optional("order_id", parsed);
    let (status, needs_attention) = (fields.optional("status", status), fields.optional("needs_attention", boolean));
    let (limit, cursor) = (limit(fields), cursor(fields));
    Some((
        ReturnFilter { order_id: order_id?, status: status?, needs_attention: needs_attention?, ..ReturnFilter::default() },
        cursor?,
        limit?,
    ))
}

fn status(node: &Node<'_>) -> Option<String> {
    let known: Vec<(&str, ReturnStatus)> = ReturnStatus::ALL.iter().map(|status| (status.name(), *status)).collect();
    choice(&known)(node).map(|status| status.name().to_owned())
}

#[utoipa::path(
    get, path = "/v1/returns/{return_id}", tag = "returns", operation_id = "get_return", params(("return_id" = String, Path)),
    responses((status = 200, description = "The return, and what has become of it", body = ReturnView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<ReturnId>) -> Result<Json<ReturnView>, Failure> {
    Ok(Json(ReturnView::from(&existing(&state, &id).await?)))
}

#[utoipa::path(
    get, path = "/v1/returns/{return_id}/events", tag = "returns", operation_id = "list_return_events", params(("return_id" = String, Path)),
    responses((status = 200, description = "Its timeline, from the beginning", body = Page<EventView>))
)]
pub(crate) async fn events(State(state): State<AppState>, InPath(id): InPath<ReturnId>) -> Result<Json<Page<EventView>>, Failure> {
    existing(&state, &id).await?;
    let items = state.store.return_events(&id).await?.into_iter().map(|event| convert::event(id.as_str(), event)).collect();
    Ok(Json(Page::whole(items)))
}

actions! {
    act, "returns", "/v1/returns", "return_id": ReturnId => ReturnView, ToBoth;
    approve_return "approve" DecideReturns NothingBody "The goods may come";
    decline_return "decline" DecideReturns ReasonBody "They may not";
    cancel_return "cancel" DecideReturns ReasonBody "Nothing comes back any more";
    receive_return "receive" ReceiveReturns ReceiveBody "The goods are here";
    inspect_return "inspect" ReceiveReturns InspectBody "They are judged; once all are, the order pays back their exact share";
    retry_return "retry" DecideReturns NothingBody "What gave up is tried again";
    resolve_return_label "resolve-label" DecideReturns ResolveLabelBody "What became of the label is known";
}

async fn act(asked: Asked<ReturnId>, word: &'static str) -> Result<Json<ReturnView>, Failure> {
    let Asked { state, caller, id, command_id, body } = asked;
    let made_up = command_id.made_up().to_string();
    let request = body.read(read_return_action(word, made_up).ok_or(ErrorCode::NotFound)?)?;
    refuse_unknown_goods(&state, &caller, &request).await?;
    command(&state, &id, command_id, request).await?;
    Ok(Json(ReturnView::from(&existing(&state, &id).await?)))
}

/// Asks it of the return. When this returns, what it did can be read.
async fn command(state: &AppState, id: &ReturnId, command_id: CommandId, request: Request) -> Result<(), Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::ReturnNotFound)?;
    let _passage = state.gates.enter(&order_id).await?;
    match state.starter.return_command(id, ReturnRequest::new(command_id.id, request)).await {
        Err(StarterError::NotFound) => Err(ErrorCode::ReturnNotFound.into()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

#[utoipa::path(
    get, path = "/v1/returns/{return_id}/deadlines", tag = "returns", operation_id = "list_return_deadlines",
    params(("return_id" = String, Path)),
    responses((status = 200, description = "What the return waits for, and what happens when it does not come", body = Page<DeadlineView>))
)]
pub(crate) async fn deadlines(State(state): State<AppState>, InPath(id): InPath<ReturnId>) -> Result<Json<Page<DeadlineView>>, Failure> {
    let deadlines = existing(&state, &id).await?.deadlines();
    Ok(Json(Page::whole(deadlines.iter().map(DeadlineView::from).collect())))
}

#[utoipa::path(
    patch, path = "/v1/returns/{return_id}/deadlines/{deadline_id}", tag = "returns", operation_id = "extend_return_deadline",
    request_body = ExtensionBody, params(("return_id" = String, Path), ("deadline_id" = String, Path)),
    responses((status = 200, description = "The wait has more time", body = DeadlineView))
)]
pub(crate) async fn extend(
    Acting(state): Acting,
    InPath((id, deadline_id)): InPath<(ReturnId, String)>,
    command_id: CommandId,
    body: JsonBody,
) -> Result<Json<DeadlineView>, Failure> {
    let ExtensionBody { until } = body.read(ExtensionBody::read)?;
    let unknown = || Problem::new(ErrorCode::NotFound).detail("the return has no such deadline: GET its deadlines for their ids");
    let (wait, subject) = parse_return_deadline_id(&deadline_id).ok_or_else(unknown)?;
    command(&state, &id, command_id, Request::ExtendDeadline { wait, subject: subject.to_owned(), until }).await?;
    let deadlines = existing(&state, &id).await?.deadlines();
    let extended = deadlines.iter().find(|known| known.wait == wait && known.subject == subject).ok_or_else(unknown)?;
    Ok(Json(DeadlineView::from(extended)))
}

/// Goods are put away at facilities, and under SKUs, that the catalogue knows, and whoever asks.
async fn refuse_unknown_goods(state: &AppState, caller: &Caller, request: &Request) -> Result<(), Failure> {
    let Request::Receive { facility_id, goods, .. } = request else { return Ok(()) };
    if !caller.sees_facility(facility_id) || state.store.catalog().facility(facility_id).await?.is_none() {
        return Err(failure::unknown(ErrorCode::UnknownFacility, std::iter::once("/facility_id".to_owned())));
    }
    let named: BTreeSet<Sku> = goods.iter().filter_map(|came| came.sku.clone()).collect();
    let named: Vec<Sku> = named.into_iter().collect();
    let known: BTreeSet<Sku> = state.store.catalog().products(&named).await?.into_iter().map(|product| product.sku).collect();
    let is_unknown = |sku: &Option<Sku>| sku.as_ref().is_some_and(|sku| !known.contains(sku));
    let unknown: Vec<String> =
        goods.iter().zip(0_usize..).filter(|(came, _)| is_unknown(&came.sku)).map(|(_, n)| format!("/lines/{n}/sku")).collect();
    if unknown.is_empty() { Ok(()) } else { Err(failure::unknown(ErrorCode::UnknownSku, unknown.into_iter())) }
}

async fn existing(state: &AppState, id: &ReturnId) -> Result<Return, Failure> {
    Ok(state.starter.return_of(id).await?.ok_or(ErrorCode::ReturnNotFound)?)
}
