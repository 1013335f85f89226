//! Coming in and going out: people with a password, and whoever wants to know who they are taken for.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use oms_api::{
    person::{AcceptInvitationBody, LoginBody, SessionView},
    problem::Problem,
};
use oms_domain::{
    access::{Actor, By, Principal, PrincipalKind, login::plain_email},
    error::ErrorCode,
    ids::{AccountId, RequestId},
};
use oms_store::{LoginTry, Token, TokenKind};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    convert,
    extract::JsonBody,
    failure::Failure,
    identity::{Credential, Peer, Refused, is_browser, set_cookie},
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", operation_id = "log_in", request_body = LoginBody,
    responses(
        (status = 201, description = "In: a browser has its session in a cookie from now on, everybody else gets its token", body = SessionView),
        (status = 401, description = "There is nobody with this address and this password", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many tries from here: `Retry-After` says when the next one is looked at", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log_in(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Failure> {
    let LoginBody { email, password } = body.read(LoginBody::read)?;
    let place = peer.map_or_else(|| "unknown".to_owned(), |Extension(Peer(address))| address.to_string());
    let place_hash = state.store.login_place_hash(&email.trim().to_lowercase(), &place);
    if let LoginTry::TooMany { again_in } = state.store.try_login(&place_hash).await? {
        return Ok(too_many(again_in.as_secs() + 1));
    }
    let person_id = prove(&state, &email, password.into()).await?;
    let by =
        By { actor: Actor { kind: PrincipalKind::Person, id: person_id.clone(), station: None }, request_id: request_id.map(|id| id.0) };
    let token = Token::random(TokenKind::Session);
    if !state.store.by(by).open_session(&token, &person_id, &place_hash).await? {
        return Err(ErrorCode::Unauthenticated.into());
    }
    let principal = state.identity.of(Some(Credential::Bearer(token.text().expose_secret()))).await?;
    welcome(&headers, &principal, &token)
}

/// Who has this address and this password. It takes as long whether there is somebody or not.
async fn prove(state: &AppState, email: &str, password: SecretString) -> Result<AccountId, Failure> {
    let known = match plain_email(email) {
        Some(email) => state.store.password_of(&email).await?,
        None => None,
    };
    let (person_id, kept) = known.unzip();
    let is_theirs = state.identity.passwords.matches(password, kept).await?;
    let refused = |whose: Option<&AccountId>| state.identity.refuse(Refused::WrongPassword, whose.map(AccountId::to_string));
    person_id.as_ref().filter(|_| is_theirs).cloned().ok_or_else(|| refused(person_id.as_ref()))
}

pub(super) fn too_many(after_s: u64) -> Response {
    let detail = "too many tries from here: they wait ever longer, and nobody else does";
    let mut response = Failure::from(Problem::new(ErrorCode::TooManyRequests).detail(detail)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_s));
    response
}

pub(super) fn welcome(headers: &HeaderMap, principal: &Principal, token: &Token) -> Result<Response, Failure> {
    let text = token.text().expose_secret();
    let in_cookie = is_browser(headers);
    let view = SessionView { token: (!in_cookie).then(|| text.to_owned()), ..convert::session(principal) };
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if in_cookie {
        let cookie = HeaderValue::from_str(&set_cookie(headers, Some(text))).map_err(|_| ErrorCode::Internal)?;
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[utoipa::path(
    get, path = "/v1/sessions/current", tag = "accounts", operation_id = "get_session",
    responses((status = 200, description = "Who is taken to ask, and what they may", body = SessionView))
)]
pub(crate) async fn current(State(state): State<AppState>, method: Method, headers: HeaderMap) -> Result<Json<SessionView>, Failure> {
    let principal: Arc<Principal> = state.identity.of(Credential::of(&headers, &method)).await?;
    let person = match principal.kind {
        PrincipalKind::Person => state.store.person(&principal.id).await?,
        PrincipalKind::Machine | PrincipalKind::Bench | PrincipalKind::House => None,
    };
    Ok(Json(SessionView { name: person.map(|person| person.name), ..convert::session(&principal) }))
}

#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts", operation_id = "log_out",
    responses((status = 204, description = "The session opens nothing any more"))
)]
pub(crate) async fn log_out(
    State(state): State<AppState>,
    request_id: Option<Extension<RequestId>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let credential = Credential::of(&headers, &method);
    let principal = state.identity.of(credential).await?;
    let token = credential.and_then(|credential| Token::parse(TokenKind::Session, credential.text()));
    let no_session = || Problem::new(ErrorCode::NotFound).detail("a key is no session: revoke it");
    let token = token.ok_or_else(no_session)?;
    let by = By { actor: principal.actor(), request_id: request_id.map(|id| id.0) };
    state.store.by(by).end_session(&token.hash()).await?;
    state.live.somebody_left();
    let mut response = StatusCode::NO_CONTENT.into_response();
    if is_browser(&headers) {
        let cookie = HeaderValue::from_str(&set_cookie(&headers, None)).map_err(|_| ErrorCode::Internal)?;
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[utoipa::path(
    post, path = "/v1/invitations/accept", tag = "accounts", operation_id = "accept_invitation", request_body = AcceptInvitationBody,
    responses(
        (status = 204, description = "The password is set: log in with it. The invitation is used up, and every session of before has ended"),
        (status = 404, description = "It was used, has ended, or never was one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept_invitation(State(state): State<AppState>, body: JsonBody) -> Result<StatusCode, Failure> {
    let AcceptInvitationBody { token, password } = body.read(AcceptInvitationBody::read)?;
    let token = Token::parse(TokenKind::Invitation, &token).ok_or(ErrorCode::InvitationNotFound)?;
    // What is no invitation costs no hash.
    if !state.store.is_invitation(&token.hash()).await? {
        return Err(ErrorCode::InvitationNotFound.into());
    }
    let hash = state.identity.passwords.hash(password.into()).await?;
    state.store.accept_invitation(&token.hash(), &hash).await?;
    Ok(StatusCode::NO_CONTENT)
}
