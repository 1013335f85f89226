//! `Idempotency-Key`: the first answer is kept, and the same request gets it again. A request that failed on our side may be tried anew.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use oms_store::{Begin, KeyedRequest, StoredAnswer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{
    extract::IDEMPOTENCY_KEY,
    failure::Failure,
    state::AppState,
    views::{self, Shown},
};

/// A key longer than this was not meant as one.
const KEY_MAX_CHARS: usize = 255;
/// Headers that are part of an answer, and are kept with it.
const KEPT: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];
/// Names, in a kept answer, what it showed: personal data is not kept, but read again.
const SHOWN: &str = "shown";
/// Marks an answer that was kept from before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Until callers authenticate themselves they are all one.
const CALLER: &str = "anyone";
/// A request that has not been answered after this long has died with its server.
const LEASE: Duration = Duration::from_secs(120);
/// A feed may rightly take longer.
const FEED_LEASE: Duration = Duration::from_secs(3_600);

/// For routes whose bodies are whole: the same key with another body is refused.
pub(crate) async fn by_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(key) = keyed(&request) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, state.limits.json_body_max_bytes).await else {
        return Failure::from(ErrorCode::BodyTooLarge).into_response();
    };
    let hash = hash(&[parts.uri.query().unwrap_or_default().as_bytes(), &bytes]);
    once(state, Key { key, hash, lease: LEASE }, Request::from_parts(parts, Body::from(bytes)), next).await
}

/// For feeds: a streamed body is not kept, so its query and its length stand for it.
pub(crate) async fn by_length(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(key) = keyed(&request) else { return next.run(request).await };
    let length = request.headers().get(header::CONTENT_LENGTH).map_or(&[][..], HeaderValue::as_bytes);
    let hash = hash(&[request.uri().query().unwrap_or_default().as_bytes(), length]);
    once(state, Key { key, hash, lease: FEED_LEASE }, request, next).await
}

struct Key {
    key: Result<String, Failure>,
    hash: String,
    lease: Duration,
}

/// The key of a POST, if it has one: an error if it is not one.
fn keyed(request: &Request) -> Option<Result<String, Failure>> {
    if request.method() != Method::POST {
        return None;
    }
    let value = request.headers().get(IDEMPOTENCY_KEY)?;
    let legal = |key: &&str| (1..=KEY_MAX_CHARS).contains(&key.len());
    let key = value.to_str().ok().filter(legal).map(str::to_owned);
    let message = format!("must be 1 to {KEY_MAX_CHARS} visible ASCII characters");
    Some(key.ok_or_else(|| Problem::field("Idempotency-Key:", message).into()))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn once(state: AppState, key: Key, request: Request, next: Next) -> Response {
    match try_once(state, key, request, next).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

async fn try_once(state: AppState, key: Key, request: Request, next: Next) -> Result<Response, Failure> {
    let (name, route) = (key.key?, request.uri().path().to_owned());
    let keyed = KeyedRequest { caller: CALLER, route: &route, key: &name, body_hash: &key.hash };
    match state.store.idempotency().begin(&keyed, key.lease).await? {
        Begin::Fresh => {}
        Begin::Replay(answer) => return replay(&state, answer).await,
        Begin::OtherBody => return Err(ErrorCode::IdempotencyKeyReused.into()),
        Begin::InFlight => return Err(ErrorCode::IdempotencyKeyInFlight.into()),
    }
    // In a task of its own: a caller who hangs up must not leave the key in flight.
    let work = async move {
        let keyed = KeyedRequest { caller: CALLER, route: &route, key: &name, body_hash: &key.hash };
        let response = next.run(request).await;
        keep(&state, &keyed, response).await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(died) if died.is_panic() => std::panic::resume_unwind(died.into_panic()),
        Err(_) => Err(ErrorCode::Unavailable.into()),
    }
}

/// Keeps the answer under its key. One that shows personal data is kept as what it showed.
async fn keep(state: &AppState, keyed: &KeyedRequest<'_>, response: Response) -> Result<Response, Failure> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Failure::from(ErrorCode::Internal))?;
    let shown = parts.extensions.get::<Shown>();
    let answer = StoredAnswer {
        status: parts.status.as_u16(),
        headers: kept_headers(&parts.headers, shown),
        body: if shown.is_some() { Vec::new() } else { body.to_vec() },
    };
    // The work is done: an answer that cannot be kept is still the answer, and the key comes free with its lease.
    if let Err(error) = state.store.idempotency().finish(keyed, &answer).await {
        tracing::error!(error.code = error.code().code(), error.message = %error, "an answer could not be kept under its key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kept_headers(headers: &HeaderMap, shown: Option<&Shown>) -> Value {
    let kept = KEPT.iter().filter_map(|name| Some((name.to_string(), headers.get(name)?.to_str().ok()?.into())));
    let mut kept: Map<String, Value> = kept.collect();
    if let Some(shown) = shown {
        kept.insert(SHOWN.to_owned(), json!(shown));
    }
    Value::Object(kept)
}

async fn replay(state: &AppState, answer: StoredAnswer) -> Result<Response, Failure> {
    let shown: Option<Shown> = answer.headers.get(SHOWN).cloned().and_then(|shown| serde_json::from_value(shown).ok());
    let mut response = match shown {
        Some(shown) => views::show(state, &shown).await?,
        None => Body::from(answer.body).into_response(),
    };
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| Failure::from(ErrorCode::Internal))?;
    for name in &KEPT {
        let value = answer.headers.get(name.as_str()).and_then(Value::as_str);
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    Ok(response)
}
