//! Where events are sent, and what became of them there.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use jiff::Timestamp;
use oms_api::{
    endpoint::{
        DeadEventView, DeliveryView, EndpointBody, EndpointChangeBody, EndpointSecretBody, EndpointSecretView, EndpointTestBody,
        EndpointTestView, EndpointView, EventAtEndpointView, ReplayBody,
    },
    page::Page,
    problem::Problem,
    reader::choice,
};
use oms_domain::{
    endpoint::{EndpointFilter, EndpointOrdering, EndpointStatus},
    error::ErrorCode,
    ids::EndpointId,
    public_event::{PublicEvent, Subject, example},
};
use oms_outlets::{Delivery, Outcome, Secret, body};
use oms_store::{EndpointChange, EndpointState, NewEndpoint, Replay, position_key};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::paging::{after, cursor, last_of_full, limit, page};
use crate::{
    acting::Acting,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
    views::Shown,
};

#[utoipa::path(
    post, path = "/v1/endpoints", tag = "events", operation_id = "create_endpoint", request_body = EndpointBody,
    responses(
        (status = 201, description = "The endpoint, which is told what happens from now on, with its first secret: here and never again",
            body = EndpointView),
        (status = 409, description = "There are as many as there may be", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(Acting(state): Acting, request: JsonBody) -> Result<Response, Failure> {
    let request = request.read(EndpointBody::read)?;
    let url = sendable(&state, &request.url)?;
    let ordering = request.ordering.unwrap_or(EndpointOrdering::Order);
    let made = state.store.add_endpoint(&NewEndpoint { url, filter: request.filter(), name: request.name, ordering }).await?;
    let id = made.endpoint.endpoint_id.clone();
    let mut view = convert::endpoint(made);
    if let Some(first) = view.secrets.first_mut() {
        first.secret = Some(secret(&state, &id, &first.secret_id).text().expose_secret().to_owned());
    }
    let location = header::HeaderValue::try_from(format!("/v1/endpoints/{id}")).map_err(|_| ErrorCode::Internal)?;
    let mut response = Shown::Endpoint(id).answer(view);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// What something may be sent to.
fn sendable(state: &AppState, url: &str) -> Result<String, Failure> {
    match state.ways.check(url) {
        Ok(url) => Ok(url),
        Err(refused) => Err(Problem::field("/url", refused.to_string()).into()),
    }
}

fn secret(state: &AppState, id: &EndpointId, secret_id: &str) -> Secret {
    Secret::new(state.store.endpoint_secret(id, secret_id))
}

async fn known(state: &AppState, id: &EndpointId) -> Result<EndpointState, Failure> {
    state.store.endpoint(id).await?.ok_or_else(|| ErrorCode::EndpointNotFound.into())
}

#[utoipa::path(
    get, path = "/v1/endpoints", tag = "events", operation_id = "list_endpoints",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Endpoints with how they stand, the oldest first", body = Page<EndpointView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<EndpointView>>, Failure> {
    let (limit, cursor) = page(&params)?;
    let found = state.store.endpoints_page(cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::endpoint).collect(), found.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/endpoints/{endpoint_id}", tag = "events", operation_id = "get_endpoint", params(("endpoint_id" = String, Path)),
    responses((status = 200, description = "The endpoint with how it stands", body = EndpointView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<EndpointId>) -> Result<Json<EndpointView>, Failure> {
    Ok(Json(convert::endpoint(known(&state, &id).await?)))
}

#[utoipa::path(
    patch, path = "/v1/endpoints/{endpoint_id}", tag = "events", operation_id = "change_endpoint", params(("endpoint_id" = String, Path)),
    request_body = EndpointChangeBody,
    responses((status = 200, description = "The endpoint as it is now: what is said counts from the next event on", body = EndpointView))
)]
pub(crate) async fn change(Acting(state): Acting, InPath(id): InPath<EndpointId>, body: JsonBody) -> Result<Json<EndpointView>, Failure> {
    let EndpointChangeBody { name, url, told, ordering } = body.read(EndpointChangeBody::read)?;
    let url = url.map(|url| sendable(&state, &url)).transpose()?;
    let change = EndpointChange { name, url, filter: told.map(EndpointFilter::from), ordering, status: None };
    Ok(Json(convert::endpoint(state.store.change_endpoint(&id, &change).await?)))
}

#[utoipa::path(
    delete, path = "/v1/endpoints/{endpoint_id}", tag = "events", operation_id = "remove_endpoint", params(("endpoint_id" = String, Path)),
    responses((status = 204, description = "Nothing is sent there any more, and nothing of it is kept"))
)]
pub(crate) async fn remove(Acting(state): Acting, InPath(id): InPath<EndpointId>) -> Result<StatusCode, Failure> {
    state.store.remove_endpoint(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set(state: &AppState, id: &EndpointId, status: EndpointStatus) -> Result<Json<EndpointView>, Failure> {
    let change = EndpointChange { status: Some(status), ..EndpointChange::default() };
    Ok(Json(convert::endpoint(state.store.change_endpoint(id, &change).await?)))
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/pause", tag = "events", operation_id = "pause_endpoint", params(("endpoint_id" = String, Path)),
    responses((status = 200, description = "Nothing is sent until it goes on; then what has happened meanwhile is", body = EndpointView))
)]
pub(crate) async fn pause(Acting(state): Acting, InPath(id): InPath<EndpointId>) -> Result<Json<EndpointView>, Failure> {
    set(&state, &id, EndpointStatus::Paused).await
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/resume", tag = "events", operation_id = "resume_endpoint", params(("endpoint_id" = String, Path)),
    responses((status = 200, description = "It goes on where it was, also one that was disabled", body = EndpointView))
)]
pub(crate) async fn resume(Acting(state): Acting, InPath(id): InPath<EndpointId>) -> Result<Json<EndpointView>, Failure> {
    set(&state, &id, EndpointStatus::Active).await
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/secrets", tag = "events", operation_id = "rotate_endpoint_secret",
    params(("endpoint_id" = String, Path)), request_body = EndpointSecretBody,
    responses(
        (status = 201, description = "Another secret, shown here and never again. For `overlap_s` deliveries are signed with the one before, too",
            body = EndpointSecretView),
        (status = 409, description = "It has two: end one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rotate(Acting(state): Acting, InPath(id): InPath<EndpointId>, body: JsonBody) -> Result<Response, Failure> {
    let EndpointSecretBody { overlap_s } = body.read(EndpointSecretBody::read)?;
    let made = state.store.add_endpoint_secret(&id, overlap_s).await?;
    let text = secret(&state, &id, &made.secret_id).text().expose_secret().to_owned();
    let shown = Shown::EndpointSecret(id, made.secret_id.clone());
    let mut response = shown.answer(EndpointSecretView { secret: Some(text), ..convert::endpoint_secret(made) });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

#[utoipa::path(
    delete, path = "/v1/endpoints/{endpoint_id}/secrets/{secret_id}", tag = "events", operation_id = "end_endpoint_secret",
    params(("endpoint_id" = String, Path), ("secret_id" = String, Path)),
    responses((status = 204, description = "Nothing is signed with it any more; the only one stays"))
)]
pub(crate) async fn end_secret(
    Acting(state): Acting,
    InPath((id, secret_id)): InPath<(EndpointId, String)>,
) -> Result<StatusCode, Failure> {
    state.store.end_endpoint_secret(&id, &secret_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/test", tag = "events", operation_id = "test_endpoint", params(("endpoint_id" = String, Path)),
    request_body = EndpointTestBody,
    responses((status = 200, description = "What became of an example, which was sent at once: its id begins with `test-`", body = EndpointTestView))
)]
pub(crate) async fn test(
    State(state): State<AppState>,
    InPath(id): InPath<EndpointId>,
    request: JsonBody,
) -> Result<Json<EndpointTestView>, Failure> {
    let EndpointTestBody { kind } = request.read(EndpointTestBody::read)?;
    let found = known(&state, &id).await?;
    let data = example(kind)["data"].as_object().cloned().unwrap_or_default();
    let event_id = format!("test-{}", Uuid::now_v7());
    let event = PublicEvent { id: event_id.clone(), kind, subject: Subject::Events, sequence: 1, version: 1, at: Timestamp::now(), data };
    let secrets = found.secrets.iter().map(|known| secret(&state, &id, &known.secret_id)).collect();
    let receiver = state.ways.to(&found.endpoint.url, secrets);
    let outcome = receiver.send(&[Delivery { body: body(&event, &[]), event }]).await.into_iter().next().ok_or(ErrorCode::Internal)?;
    Ok(Json(tested(event_id, outcome)))
}

fn tested(event_id: String, outcome: Outcome) -> EndpointTestView {
    let (delivered, status, took, why, answer) = match outcome {
        Outcome::Delivered { status, took } => (true, status, took, None, None),
        Outcome::Gone { took } => (false, Some(410), took, Some("it wants nothing more".to_owned()), None),
        Outcome::Failed(failed) => (false, failed.status, failed.took, Some(failed.why), failed.answer),
    };
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    EndpointTestView { event_id, delivered, status, took_ms, why, answer }
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/replays", tag = "events", operation_id = "replay_events", params(("endpoint_id" = String, Path)),
    request_body = ReplayBody,
    responses((status = 202, description = "What was sent before is sent again, under the same ids, as far as events are kept: everything after \
        a position or since a time, and then what comes; or all of one order", body = EndpointView))
)]
pub(crate) async fn replay(
    Acting(state): Acting,
    InPath(id): InPath<EndpointId>,
    body: JsonBody,
) -> Result<(StatusCode, Json<EndpointView>), Failure> {
    let ReplayBody { position, from, order_id, types } = body.read(ReplayBody::read)?;
    let filter = EndpointFilter { types: types.unwrap_or_default(), ..EndpointFilter::default() };
    let replay = match (position, from, order_id) {
        (_, _, Some(order_id)) => Replay::Subject(Subject::Order(order_id).to_string()),
        (Some(position), ..) if position_key(&position).is_none() => {
            return Err(Problem::field("/position", "must be a position of the feed, as in 1-7421-38").into());
        }
        (Some(position), ..) => Replay::From { position, filter },
        (None, Some(from), None) => Replay::From { position: state.store.event_position_at(from).await?, filter },
        (None, None, None) => return Err(Problem::field("/position", "name one of position, from and order_id").into()),
    };
    state.store.replay_events(&id, &replay).await?;
    Ok((StatusCode::ACCEPTED, Json(convert::endpoint(known(&state, &id).await?))))
}

#[utoipa::path(
    get, path = "/v1/endpoints/{endpoint_id}/deliveries", tag = "events", operation_id = "list_deliveries",
    params(
        ("endpoint_id" = String, Path),
        ("outcome" = Option<String>, Query, description = "`failed`: those that were not taken alone"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Tries of the last seven days, the newest first", body = Page<DeliveryView>))
)]
pub(crate) async fn deliveries(
    State(state): State<AppState>,
    InPath(id): InPath<EndpointId>,
    params: Params,
) -> Result<Json<Page<DeliveryView>>, Failure> {
    let (limit, cursor, failed) = params.read(|node| {
        node.object(|fields| {
            let (limit, cursor) = (limit(fields), cursor(fields));
            Some((limit?, cursor?, fields.optional("outcome", choice(&[("failed", ())]))?.is_some()))
        })
    })?;
    let not_ours = || Failure::from(Problem::field("?cursor", "must be the next_cursor of the page before"));
    let before = cursor.map(|cursor| cursor.parse().map_err(|_| not_ours())).transpose()?;
    known(&state, &id).await?;
    let found = state.store.deliveries_page(&id, failed, before, limit).await?;
    let next = last_of_full(&found, limit).map(|last| last.delivery_id.to_string());
    Ok(Json(Page::new(found.into_iter().map(convert::delivery).collect(), next)))
}

#[utoipa::path(
    get, path = "/v1/endpoints/{endpoint_id}/dead-letters", tag = "events", operation_id = "list_dead_events",
    params(
        ("endpoint_id" = String, Path), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Events that were given up after ten tries, by id", body = Page<DeadEventView>))
)]
pub(crate) async fn dead_letters(
    State(state): State<AppState>,
    InPath(id): InPath<EndpointId>,
    params: Params,
) -> Result<Json<Page<DeadEventView>>, Failure> {
    let (limit, after) = after::<Uuid>(&params)?;
    known(&state, &id).await?;
    let found = state.store.dead_events_page(&id, after, limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::dead_event).collect(), found.next_cursor)))
}

#[utoipa::path(
    post, path = "/v1/endpoints/{endpoint_id}/dead-letters/{event_id}/resend", tag = "events", operation_id = "resend_event",
    params(("endpoint_id" = String, Path), ("event_id" = String, Path)),
    responses((status = 202, description = "It is sent again, by itself; once it is taken it is no dead letter any more"))
)]
pub(crate) async fn resend(Acting(state): Acting, InPath((id, event_id)): InPath<(EndpointId, Uuid)>) -> Result<StatusCode, Failure> {
    state.store.resend_event(&id, event_id).await?;
    Ok(StatusCode::ACCEPTED)
}

#[utoipa::path(
    get, path = "/v1/endpoints/{endpoint_id}/events/{event_id}", tag = "events", operation_id = "explain_event",
    params(
        ("endpoint_id" = String, Path), ("event_id" = String, Path),
        ("subject" = String, Query, description = "What the event is about, as in `order/536365`")
    ),
    responses((status = 200, description = "What became of an event there: why it was not sent, or has not arrived", body = EventAtEndpointView))
)]
pub(crate) async fn explain(
    State(state): State<AppState>,
    InPath((id, event_id)): InPath<(EndpointId, Uuid)>,
    params: Params,
) -> Result<Json<EventAtEndpointView>, Failure> {
    let subject = params.read(|node| node.object(|fields| fields.required("subject", oms_api::reader::text(200))))?;
    let found = known(&state, &id).await?;
    let subject = Subject::parse(&subject).ok_or_else(|| Problem::field("?subject", "must be a subject, as in order/536365"))?;
    let event = state.store.public_event(&subject.to_string(), event_id).await?.ok_or(ErrorCode::NotFound)?;
    let deliveries = state.store.deliveries_of(&id, event_id).await?;
    let why = match (found.endpoint.filter.why_not(&event.event), deliveries.first()) {
        (_, Some(last)) if last.delivered => "delivered".to_owned(),
        (_, Some(last)) => format!("attempt {} failed: {}", last.attempt, last.answer.as_deref().unwrap_or("no answer")),
        (Some(why), None) => why.to_owned(),
        (None, None) if found.endpoint.status != EndpointStatus::Active => format!("the endpoint is {}", found.endpoint.status.name()),
        (None, None) if event.recorded_at < found.endpoint.created_at => "it happened before the endpoint was made: replay it".to_owned(),
        (None, None) => "not tried within the last seven days: it waits behind another of its subject, or for its turn".to_owned(),
    };
    let deliveries = deliveries.into_iter().map(convert::delivery).collect();
    Ok(Json(EventAtEndpointView { event_id: event_id.to_string(), why, deliveries }))
}
