//! Operations on many orders: started, watched, paused.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oms_api::{
    bulk::{AskedBulk, BulkAnswer, BulkBody, BulkPreviewView, BulkResultView, BulkView, ForeseenView, OperationBody, read_bulk},
    nothing::NothingBody,
    page::Page,
    problem::Problem,
    reader::{Node, choice},
};
use oms_domain::{
    access::approval::BULK_UNAPPROVED_MAX,
    bulk::{BulkStatus, Operation, Outcome, Request, Task},
    error::ErrorCode,
    ids::BulkId,
    taken::body_hash,
};
use oms_starter::{BulkRequest, Placed, StarterError};
use oms_store::{BulkRow, OrderFilter};

use super::{
    actions::{Asked, actions},
    orders::filter,
    paging::{cursor, limit},
};
use crate::{
    acting::Acting,
    convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::{self, Failure},
    giving,
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/bulk", tag = "bulk", operation_id = "start_bulk", request_body = BulkBody,
    responses(
        (status = 201, description = "It asks each of its orders, which were chosen now", body = BulkAnswer, headers(("Location" = String, description = "Where it is watched"))),
        (status = 200, description = "It was started before, with this very body; or, dry, what it would be", body = BulkAnswer),
        (status = 409, description = "Another one has the id, or it would be about too many orders", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(Acting(state): Acting, id: CommandId, body: JsonBody) -> Result<Response, Failure> {
    let asked = body.read(|node| read_bulk::<OrderFilter>(node, &id.made_up().to_string(), filter))?;
    let AskedBulk { task, mut selection, dry_run, orders_per_second } = asked;
    if let Operation::ReleaseFor { reason } = &task.operation {
        selection.hold_reason.get_or_insert_with(|| reason.name().to_owned());
    }
    refuse_unknown_facilities(&state, &task.operation).await?;
    refuse_ended(&state, &task).await?;
    if dry_run {
        let found = state.starter.preview_bulk(&task, &selection).await?;
        let preview = BulkPreviewView {
            bulk_id: task.bulk_id.to_string(),
            operation: OperationBody::from(&task.operation),
            orders: found.orders,
            sample: found.sample.into_iter().map(|(order_id, foreseen)| ForeseenView::of(&order_id, foreseen)).collect(),
        };
        return Ok(Json(BulkAnswer::Preview(preview)).into_response());
    }
    refuse_unapproved(&state, &task, &selection).await?;
    let (row, placed) = state.starter.start_bulk(task, selection, orders_per_second).await?;
    let mut response = Json(BulkAnswer::Started(view(&state, &row))).into_response();
    *response.status_mut() = match placed {
        Placed::Created => StatusCode::CREATED,
        Placed::Existing => StatusCode::OK,
    };
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/bulk/{}", row.task.bulk_id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Many orders at once need a second person. One that was started is the same when it is told again.
async fn refuse_unapproved(state: &AppState, task: &Task, selection: &OrderFilter) -> Result<(), Failure> {
    if state.starter.bulk(&task.bulk_id).await?.is_some() {
        return Ok(());
    }
    let orders = state.store.preview_bulk(&task.operation, selection, 0).await?.orders;
    if orders <= BULK_UNAPPROVED_MAX {
        return Ok(());
    }
    // Whom it is about may be among what selects them: a hash tells selections apart, and nobody is named.
    let what = format!("{} {}", task.operation.name(), body_hash(&(&task.operation, selection)));
    let needed = state.store.use_approval_of_bulk(&what, orders).await?;
    needed.map_or(Ok(()), |approval| Err(giving::needed(&approval)))
}

/// As of one hold; an operation that began in time is the same when it is told again.
async fn refuse_ended(state: &AppState, task: &Task) -> Result<(), Failure> {
    let Operation::Hold { expires_at, .. } = &task.operation else { return Ok(()) };
    let Err(past) = state.refuse_past("/operation/expires_at", *expires_at) else { return Ok(()) };
    if state.starter.bulk(&task.bulk_id).await?.is_some() { Ok(()) } else { Err(past) }
}

#[utoipa::path(
    get, path = "/v1/bulk", tag = "bulk", operation_id = "list_bulks",
    params(
        ("status" = Option<String>, Query, description = "`running`, `paused`, `completed` or `cancelled`"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first", body = Page<BulkView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<BulkView>>, Failure> {
    let (status, cursor, limit) = params.read(|node| {
        node.object(|fields| {
            let (status, cursor, limit) = (fields.optional("status", status), cursor(fields), limit(fields));
            Some((status?, cursor?, limit?))
        })
    })?;
    let page = state.store.bulks_page(status, cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.iter().map(|row| view(&state, row)).collect(), page.next_cursor)))
}

fn status(node: &Node<'_>) -> Option<BulkStatus> {
    let known: Vec<(&str, BulkStatus)> = BulkStatus::ALL.iter().map(|status| (status.name(), *status)).collect();
    choice(&known)(node)
}

#[utoipa::path(
    get, path = "/v1/bulk/{bulk_id}", tag = "bulk", operation_id = "get_bulk", params(("bulk_id" = String, Path)),
    responses((status = 200, description = "How far it is, and what came of its orders", body = BulkView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<BulkId>) -> Result<Json<BulkView>, Failure> {
    Ok(Json(view(&state, &existing(&state, &id).await?)))
}

#[utoipa::path(
    get, path = "/v1/bulk/{bulk_id}/results", tag = "bulk", operation_id = "list_bulk_results",
    params(
        ("bulk_id" = String, Path),
        ("outcome" = Option<String>, Query, description = "`done`, `partly`, `requested`, `unchanged`, `refused` or `failed`"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "What came of the orders that were asked, by order id; kept for 30 days after the end", body = Page<BulkResultView>))
)]
pub(crate) async fn results(
    State(state): State<AppState>,
    InPath(id): InPath<BulkId>,
    params: Params,
) -> Result<Json<Page<BulkResultView>>, Failure> {
    let (outcome, cursor, limit) = params.read(|node| {
        node.object(|fields| {
            let (outcome, cursor, limit) = (fields.optional("outcome", outcome), cursor(fields), limit(fields));
            Some((outcome?, cursor?, limit?))
        })
    })?;
    existing(&state, &id).await?;
    let page = state.store.bulk_results_page(&id, outcome, cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::bulk_result).collect(), page.next_cursor)))
}

fn outcome(node: &Node<'_>) -> Option<Outcome> {
    let known: Vec<(&str, Outcome)> = Outcome::ALL.iter().map(|outcome| (outcome.name(), *outcome)).collect();
    choice(&known)(node)
}

actions! {
    act, "bulk", "/v1/bulk", "bulk_id": BulkId => BulkView, Refused;
    pause_bulk "pause" RunBulk NothingBody "It asks no further order; the batch that was in hand is done";
    resume_bulk "resume" RunBulk NothingBody "It goes on";
    cancel_bulk "cancel" RunBulk NothingBody "It asks no further order, for good; the batch that was in hand is done";
}

async fn act(asked: Asked<BulkId>, word: &'static str) -> Result<Json<BulkView>, Failure> {
    let Asked { state, id, command_id, body, .. } = asked;
    body.read(NothingBody::read)?;
    let request = Request::of(word).ok_or(ErrorCode::NotFound)?;
    match state.starter.bulk_command(&id, BulkRequest { command_id: command_id.id, request }).await {
        Err(StarterError::NotFound) => Err(ErrorCode::BulkNotFound.into()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Json(view(&state, &existing(&state, &id).await?))),
    }
}

fn view(state: &AppState, row: &BulkRow) -> BulkView {
    BulkView::of(&row.task, &state.starter.bulk_of(row), row.updated_at)
}

async fn existing(state: &AppState, id: &BulkId) -> Result<BulkRow, Failure> {
    Ok(state.starter.bulk(id).await?.ok_or(ErrorCode::BulkNotFound)?)
}

/// Units are moved between facilities that the catalogue knows.
async fn refuse_unknown_facilities(state: &AppState, operation: &Operation) -> Result<(), Failure> {
    let Operation::Move { from, to, .. } = operation else { return Ok(()) };
    let mut unknown = Vec::new();
    for (field, facility_id) in [("facility_id", Some(from)), ("to_facility_id", to.as_ref())] {
        let Some(facility_id) = facility_id else { continue };
        if state.store.catalog().facility(facility_id).await?.is_none() {
            unknown.push(format!("/operation/{field}"));
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(failure::unknown(ErrorCode::UnknownFacility, unknown.into_iter())) }
}
