//! `Idempotency-Key`: the answer to what was done is kept, and the same request gets it again. What was refused, or failed on our side,
//! has changed nothing: it is judged anew, and may be mended under the same key.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use oms_api::problem::Problem;
use oms_domain::{error::ErrorCode, ids::AccountId};
use oms_store::{Attempt, Begin, KeyedRequest, PlacingKey, Standing, StoredAnswer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{
    caller::Caller,
    extract::{IDEMPOTENCY_KEY, Repeated},
    failure::Failure,
    feeds::kept_going,
    state::{AppState, Limits},
    views::{self, Shown},
};

/// A key longer than this was not meant as one.
const KEY_MAX_CHARS: usize = 255;
/// Headers that are part of an answer, and are kept with it.
const KEPT: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];
/// Names, in a kept answer, what it showed: personal data is not kept, but read again.
const SHOWN: &str = "shown";
/// Names, in a kept answer, the digest of the stream that it is for.
const STREAMED: &str = "streamed";
/// Marks an answer that was kept from before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// A request that has not been answered after this long has died with its server.
const LEASE: Duration = Duration::from_secs(120);
/// A feed may rightly take longer.
const FEED_LEASE: Duration = Duration::from_secs(3_600);

/// For routes whose bodies are whole: the same key with another body is refused.
pub(crate) async fn by_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(key) = keyed(&request) else { return next.run(request).await };
    match hashed(request, &state.limits).await {
        Ok((request, hash)) => once(state, Key { key, hash, lease: LEASE, streamed: false }, request, next).await,
        Err(failure) => failure.into_response(),
    }
}

/// For commands to orders, which the order itself knows by the key: what it has done is recorded with the command's id, and answered again
/// from there. Nothing is kept here, and no two servers can do it twice.
pub(crate) async fn by_order(mut request: Request, next: Next) -> Response {
    if let Some(Err(failure)) = keyed(&request) {
        return failure.into_response();
    }
    let repeated = Repeated::default();
    request.extensions_mut().insert(repeated.clone());
    let mut response = next.run(request).await;
    if repeated.is_set() && response.status().is_success() {
        mark_repeated(response.headers_mut());
    }
    response
}

/// For placing an order, which is taken in once under its id, however often: its answer is kept together with its announcement.
pub(crate) async fn by_intake(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(key) = keyed(&request) else { return next.run(request).await };
    match try_by_intake(&state, key, request, next).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

async fn try_by_intake(state: &AppState, key: Result<String, Failure>, request: Request, next: Next) -> Result<Response, Failure> {
    let (key, route) = (key?, request.uri().path().to_owned());
    let caller = caller(&request)?;
    let (mut request, body_hash) = hashed(request, &state.limits).await?;
    let key = OrderKey { caller, route, key, body_hash };
    match state.store.idempotency().standing(&key.request()).await? {
        Standing::OtherBody => return Err(ErrorCode::IdempotencyKeyReused.into()),
        // Before anything is recorded of it, it may have been announced and never taken in.
        Standing::Answered(answer) if is_recorded(state, &answer).await? => return replay(state, answer).await,
        Standing::Answered(_) | Standing::Open => {}
    }
    request.extensions_mut().insert(key);
    Ok(next.run(request).await)
}

async fn is_recorded(state: &AppState, answer: &StoredAnswer) -> Result<bool, Failure> {
    match shown(answer) {
        Some(Shown::Order(order_id)) => Ok(state.store.document_version(&order_id).await?.is_some()),
        Some(
            Shown::FulfillmentOrder(_)
            | Shown::Note(..)
            | Shown::Key(..)
            | Shown::Person(_)
            | Shown::Station(_)
            | Shown::Badge(_)
            | Shown::Endpoint(_)
            | Shown::EndpointSecret(..)
            | Shown::Inlet(_)
            | Shown::InletSecret(..),
        )
        | None => Ok(true),
    }
}

/// The key under which an order is placed.
#[derive(Debug, Clone)]
pub(crate) struct OrderKey {
    caller: AccountId,
    route: String,
    key: String,
    body_hash: String,
}

/// The same with the headers of the answer to it.
pub(crate) struct AnsweredKey<'a>(&'a OrderKey, Value);

impl OrderKey {
    fn request(&self) -> KeyedRequest<'_> {
        KeyedRequest { caller: self.caller.as_str(), route: &self.route, key: &self.key, body_hash: &self.body_hash }
    }

    /// To be kept as an answer that shows this, and says where it is.
    pub(crate) fn answered(&self, shown: &Shown, location: &str) -> AnsweredKey<'_> {
        AnsweredKey(self, json!({"content-type": "application/json", "location": location, SHOWN: shown}))
    }
}

impl AnsweredKey<'_> {
    pub(crate) fn as_placing(&self) -> PlacingKey<'_> {
        PlacingKey { request: self.0.request(), headers: &self.1 }
    }
}

/// The key of a request to place an order, if it has one.
pub(crate) struct Under(pub(crate) Option<OrderKey>);

impl<S: Send + Sync> FromRequestParts<S> for Under {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

/// For feeds: a streamed body is not kept, so its digest stands for it, which is known when it has been read.
pub(crate) async fn by_stream(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(key) = keyed(&request) else { return next.run(request).await };
    let hash = hash(&[request.uri().query().unwrap_or_default().as_bytes()]);
    once(state, Key { key, hash, lease: FEED_LEASE, streamed: true }, request, next).await
}

struct Key {
    key: Result<String, Failure>,
    hash: String,
    lease: Duration,
    /// The body is not in the hash.
    streamed: bool,
}

/// The key under which an answer is kept, if the request has one: an error if it is none. Of other methods than POST, which repeat
/// themselves harmlessly, a key is only looked at: commands are known by it.
fn keyed(request: &Request) -> Option<Result<String, Failure>> {
    let value = request.headers().get(IDEMPOTENCY_KEY)?;
    let legal = |key: &&str| (1..=KEY_MAX_CHARS).contains(&key.len());
    let key = value.to_str().ok().filter(legal).map(str::to_owned);
    let message = format!("must be 1 to {KEY_MAX_CHARS} visible ASCII characters");
    let key = key.ok_or_else(|| Problem::field("Idempotency-Key:", message).into());
    (request.method() == Method::POST || key.is_err()).then_some(key)
}

/// Keys belong to the account, not to the credential: that may be changed between two tries.
fn caller(request: &Request) -> Result<AccountId, Failure> {
    Ok(request.extensions().get::<Caller>().ok_or(ErrorCode::Internal)?.id.clone())
}

/// The request with its whole body, and what stands for its query and body.
async fn hashed(request: Request, limits: &Limits) -> Result<(Request, String), Failure> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, limits.json_body_max_bytes).await.map_err(|_| Failure::from(ErrorCode::BodyTooLarge))?;
    let hash = hash(&[parts.uri.query().unwrap_or_default().as_bytes(), &bytes]);
    Ok((Request::from_parts(parts, Body::from(bytes)), hash))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex(digest)
}

fn hex(digest: Sha256) -> String {
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
    let caller = caller(&request)?;
    let keyed = KeyedRequest { caller: caller.as_str(), route: &route, key: &name, body_hash: &key.hash };
    let attempt = match state.store.idempotency().begin(&keyed, key.lease).await? {
        Begin::Fresh(attempt) => attempt,
        Begin::Replay(answer) if key.streamed => {
            let sent = read_digest(request.into_body(), &state.limits).await?;
            let known = answer.headers.get(STREAMED).and_then(Value::as_str) == Some(&sent);
            return if known { replay(&state, answer).await } else { Err(ErrorCode::IdempotencyKeyReused.into()) };
        }
        Begin::Replay(answer) => return replay(&state, answer).await,
        Begin::OtherBody => return Err(ErrorCode::IdempotencyKeyReused.into()),
        Begin::InFlight => return Err(ErrorCode::IdempotencyKeyInFlight.into()),
    };
    // In a task of its own: a caller who hangs up must not leave the key in flight.
    let work = async move {
        let keyed = KeyedRequest { caller: caller.as_str(), route: &route, key: &name, body_hash: &key.hash };
        let (request, digest) = if key.streamed { digested(request) } else { (request, None) };
        let response = next.run(request).await;
        keep(&state, (&keyed, attempt), response, digest).await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(died) if died.is_panic() => std::panic::resume_unwind(died.into_panic()),
        Err(_) => Err(ErrorCode::Unavailable.into()),
    }
}

/// The digest of a body so far.
type Running = Arc<Mutex<Sha256>>;

/// The request with a body that is digested as it is read.
fn digested(request: Request) -> (Request, Option<Running>) {
    let running = Running::default();
    let updated = Arc::clone(&running);
    let request = request.map(|body| {
        Body::from_stream(body.into_data_stream().inspect_ok(move |chunk| {
            updated.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        }))
    });
    (request, Some(running))
}

/// Reads a body to its end for its digest alone, in no more memory than a chunk's, and no more slowly than a feed may come.
async fn read_digest(body: Body, limits: &Limits) -> Result<String, Failure> {
    let broken = |error: io::Error| Failure::from(Problem::new(ErrorCode::MalformedBody).detail(format!("the body broke off: {error}")));
    let digest = kept_going(body, limits).try_fold(Sha256::new(), async |digest, chunk| Ok(digest.chain_update(chunk))).await;
    digest.map(hex).map_err(broken)
}

/// Keeps the answer under its key. One that shows personal data is kept as what it showed.
async fn keep(
    state: &AppState,
    (keyed, attempt): (&KeyedRequest<'_>, Attempt),
    response: Response,
    streamed: Option<Running>,
) -> Result<Response, Failure> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Failure::from(ErrorCode::Internal))?;
    let shown = parts.extensions.get::<Shown>();
    let answer = StoredAnswer {
        status: parts.status.as_u16(),
        headers: kept_headers(&parts.headers, shown, streamed.as_ref()),
        body: if shown.is_some() { Vec::new() } else { body.to_vec() },
    };
    // The work is done: an answer that cannot be kept is still the answer, and the key comes free with its lease.
    if let Err(error) = state.store.idempotency().finish(keyed, attempt, &answer).await {
        tracing::error!(error.code = error.code().code(), error.message = %error, "an answer could not be kept under its key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kept_headers(headers: &HeaderMap, shown: Option<&Shown>, streamed: Option<&Running>) -> Value {
    let kept = KEPT.iter().filter_map(|name| Some((name.to_string(), headers.get(name)?.to_str().ok()?.into())));
    let mut kept: Map<String, Value> = kept.collect();
    if let Some(shown) = shown {
        kept.insert(SHOWN.to_owned(), json!(shown));
    }
    if let Some(running) = streamed {
        kept.insert(STREAMED.to_owned(), hex(running.lock().unwrap_or_else(PoisonError::into_inner).clone()).into());
    }
    Value::Object(kept)
}

async fn replay(state: &AppState, answer: StoredAnswer) -> Result<Response, Failure> {
    let mut response = match shown(&answer) {
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
    mark_repeated(response.headers_mut());
    Ok(response)
}

/// What a kept answer showed, if it is kept as that.
fn shown(answer: &StoredAnswer) -> Option<Shown> {
    answer.headers.get(SHOWN).cloned().and_then(|shown| serde_json::from_value(shown).ok())
}

/// Says that the request had been answered before.
pub(crate) fn mark_repeated(headers: &mut HeaderMap) {
    headers.insert(REPLAYED.clone(), HeaderValue::from_static("true"));
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::stream;

    use super::*;

    /// A byte every few milliseconds, for ever.
    fn trickle() -> Body {
        let ticks = tokio::time::interval(Duration::from_millis(2));
        Body::from_stream(stream::unfold(ticks, |mut ticks| async {
            ticks.tick().await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"x")), ticks))
        }))
    }

    #[tokio::test]
    async fn a_stream_is_digested_no_more_slowly_than_a_feed_may_come() {
        let limits = Limits { feed_idle: Duration::from_millis(50), feed_min_bytes_per_s: 100_000, ..Limits::default() };
        let digested = tokio::time::timeout(Duration::from_secs(20), read_digest(trickle(), &limits)).await;
        let Failure(problem) = digested.expect("it is given up").unwrap_err();
        assert_eq!(problem.code, ErrorCode::MalformedBody);
        assert!(problem.detail.unwrap().contains("less than 100000 bytes a second"));
        let sent = read_digest(Body::from("abc"), &limits).await.unwrap();
        assert_eq!(sent, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
