//! Where others send messages to, and what became of those.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use oms_api::{
    endpoint::{EndpointSecretBody, EndpointSecretView},
    inlet::{InletBody, InletMappingBody, InletMessageView, InletView},
    nothing::NothingBody,
    page::Page,
    problem::Problem,
    reader::choice,
};
use oms_domain::{error::ErrorCode, ids::InletId};
use oms_outlets::Secret;
use oms_store::{Arrived, FeedKind, Inlet, MessageSaid, NewInlet, NewMessage};
use secrecy::ExposeSecret;

use super::paging::{cursor, limit, page};
use crate::{
    acting::Acting,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    inlets,
    state::AppState,
    views::Shown,
};

/// Longest id of a message.
const MESSAGE_ID_MAX_CHARS: usize = 100;

#[utoipa::path(
    post, path = "/v1/inlets", tag = "feeds", operation_id = "create_inlet", request_body = InletBody,
    responses((status = 201, description = "The inlet, with the secret that its messages are signed with: here and never again", body = InletView))
)]
pub(crate) async fn create(Acting(state): Acting, body: JsonBody) -> Result<Response, Failure> {
    let InletBody { name, kind, mapping, source } = body.read(InletBody::read)?;
    let kind: FeedKind = serde_json::from_value(kind.into()).map_err(|_| ErrorCode::Internal)?;
    if let Some(Err(refused)) = source.as_deref().map(|source| state.ways.cloud().source(source)) {
        return Err(Problem::field("/source", refused.to_string()).into());
    }
    let made = state.store.add_inlet(&NewInlet { name, kind, mapping, source }).await?;
    let id = made.inlet_id.clone();
    let mut view = convert::inlet(made);
    if let Some(first) = view.secrets.first_mut() {
        first.secret = Some(secret(&state, &id, &first.secret_id));
    }
    let mut response = Shown::Inlet(id).answer(view);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

fn secret(state: &AppState, id: &InletId, secret_id: &str) -> String {
    Secret::new(state.store.inlet_secret(id, secret_id)).text().expose_secret().to_owned()
}

async fn known(state: &AppState, id: &InletId) -> Result<Inlet, Failure> {
    state.store.inlet(id).await?.ok_or_else(|| ErrorCode::InletNotFound.into())
}

#[utoipa::path(
    get, path = "/v1/inlets", tag = "feeds", operation_id = "list_inlets",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Inlets, the oldest first", body = Page<InletView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<InletView>>, Failure> {
    let (limit, cursor) = page(&params)?;
    let found = state.store.inlets_page(cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::inlet).collect(), found.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/inlets/{inlet_id}", tag = "feeds", operation_id = "get_inlet", params(("inlet_id" = String, Path)),
    responses((status = 200, description = "The inlet", body = InletView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<InletId>) -> Result<Json<InletView>, Failure> {
    Ok(Json(convert::inlet(known(&state, &id).await?)))
}

#[utoipa::path(
    delete, path = "/v1/inlets/{inlet_id}", tag = "feeds", operation_id = "remove_inlet", params(("inlet_id" = String, Path)),
    responses((status = 204, description = "Nothing is taken there any more"))
)]
pub(crate) async fn remove(Acting(state): Acting, InPath(id): InPath<InletId>) -> Result<StatusCode, Failure> {
    state.store.remove_inlet(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    put, path = "/v1/inlets/{inlet_id}/mapping", tag = "feeds", operation_id = "put_inlet_mapping", params(("inlet_id" = String, Path)),
    request_body = InletMappingBody,
    responses((status = 200, description = "Messages are read by this table of columns from now on, those that are dealt with again, too",
        body = InletView))
)]
pub(crate) async fn put_mapping(Acting(state): Acting, InPath(id): InPath<InletId>, body: JsonBody) -> Result<Json<InletView>, Failure> {
    let InletMappingBody { mapping } = body.read(InletMappingBody::read)?;
    let inlet = known(&state, &id).await?;
    let is_of = oms_api::mapping::Mapping::parse(&mapping).is_ok_and(|mapping| mapping.kind().name() == convert::feed_kind(inlet.kind));
    if !is_of {
        return Err(Problem::field("/mapping", format!("must be of kind {}, as the inlet is", convert::feed_kind(inlet.kind))).into());
    }
    Ok(Json(convert::inlet(state.store.remap_inlet(&id, Some(&mapping)).await?)))
}

#[utoipa::path(
    post, path = "/v1/inlets/{inlet_id}/secrets", tag = "feeds", operation_id = "rotate_inlet_secret", params(("inlet_id" = String, Path)),
    request_body = EndpointSecretBody,
    responses(
        (status = 201, description = "Another secret, shown here and never again. For `overlap_s` the one before is good, too", body = EndpointSecretView),
        (status = 409, description = "It has two", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rotate(Acting(state): Acting, InPath(id): InPath<InletId>, body: JsonBody) -> Result<Response, Failure> {
    let EndpointSecretBody { overlap_s } = body.read(EndpointSecretBody::read)?;
    let made = state.store.add_inlet_secret(&id, overlap_s).await?;
    let text = secret(&state, &id, &made.secret_id);
    let shown = Shown::InletSecret(id, made.secret_id.clone());
    let mut response = shown.answer(EndpointSecretView { secret: Some(text), ..convert::inlet_secret(made) });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

#[utoipa::path(
    post, path = "/v1/inlets/{inlet_id}/messages", tag = "feeds", operation_id = "send_message",
    params(
        ("inlet_id" = String, Path),
        ("webhook-id" = String, Header, description = "The message's own id: it counts once"),
        ("webhook-timestamp" = String, Header, description = "Seconds since 1970; at most five minutes ago"),
        ("webhook-signature" = String, Header, description = "As Standard Webhooks says, over the raw bytes")
    ),
    request_body(content((String = "text/csv"), (String = "application/json")),
        description = "What a feed of the inlet's kind is: CSV with a header or JSON lines, or whatever its table of columns makes that of"),
    responses(
        (status = 202, description = "It is kept, and what became of it. Some rows, or all, may have been refused", body = InletMessageView),
        (status = 401, description = "Nobody who knows a secret has signed it", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another message has the id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn send(
    State(state): State<AppState>,
    InPath(id): InPath<InletId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<InletMessageView>), Failure> {
    if body.len() > inlets::MESSAGE_MAX_BYTES {
        return Err(ErrorCode::BodyTooLarge.into());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (message_id, timestamp, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    // Who cannot sign is not told which inlets there are.
    let inlet = state.store.inlet(&id).await?.filter(|inlet| inlets::is_signed(&state, inlet, message_id, timestamp, signatures, &body));
    let inlet = inlet.ok_or(ErrorCode::Unauthenticated)?;
    if message_id.is_empty() || message_id.chars().count() > MESSAGE_ID_MAX_CHARS {
        return Err(Problem::field("webhook-id", format!("must be 1 to {MESSAGE_ID_MAX_CHARS} characters")).into());
    }
    let body_sha256 = inlets::digest(&body);
    let new = NewMessage { message_id, body_sha256: &body_sha256, sent_at: None, said: MessageSaid::Here(&body) };
    let message = match state.store.take_message(&id, new).await? {
        Arrived::OtherBody => return Err(ErrorCode::MessageConflict.into()),
        Arrived::Known(known) => known,
        Arrived::ToDo(message) => inlets::deal_with(&state, &inlet, &message).await?,
    };
    Ok((StatusCode::ACCEPTED, Json(convert::inlet_message(message))))
}

#[utoipa::path(
    get, path = "/v1/inlets/{inlet_id}/messages", tag = "feeds", operation_id = "list_messages",
    params(
        ("inlet_id" = String, Path), ("outcome" = Option<String>, Query, description = "`refused`: those alone"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Messages of the last 30 days, by their ids", body = Page<InletMessageView>))
)]
pub(crate) async fn messages(
    State(state): State<AppState>,
    InPath(id): InPath<InletId>,
    params: Params,
) -> Result<Json<Page<InletMessageView>>, Failure> {
    let (limit, cursor, refused) = params.read(|node| {
        node.object(|fields| {
            let (limit, cursor) = (limit(fields), cursor(fields));
            Some((limit?, cursor?, fields.optional("outcome", choice(&[("refused", ())]))?.is_some()))
        })
    })?;
    known(&state, &id).await?;
    let found = state.store.messages_page(&id, refused, cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::inlet_message).collect(), found.next_cursor)))
}

#[utoipa::path(
    post, path = "/v1/inlets/{inlet_id}/messages/{message_id}/retry", tag = "feeds", operation_id = "retry_message",
    params(("inlet_id" = String, Path), ("message_id" = String, Path)), request_body = NothingBody,
    responses((status = 200, description = "What became of it now, read by the inlet's present table of columns", body = InletMessageView))
)]
pub(crate) async fn retry(
    Acting(state): Acting,
    InPath((id, message_id)): InPath<(InletId, String)>,
    body: JsonBody,
) -> Result<Json<InletMessageView>, Failure> {
    body.read(NothingBody::read)?;
    let inlet = known(&state, &id).await?;
    let message = state.store.message_again(&id, &message_id).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Json(convert::inlet_message(inlets::deal_with(&state, &inlet, &message).await?)))
}
