//! `Idempotency-Key`: the answer to what was done is kept, and the same request gets it again. What was refused, or failed on our side,
//! has changed nothing: it is judged anew, and may be mended under the same key.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use oms_store::{Attempt, Begin, KeyedRequest, StoredAnswer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{
    caller::Caller,
    extract::IDEMPOTENCY_KEY,
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
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, state.limits.json_body_max_bytes).await else {
        return Failure::from(ErrorCode::BodyTooLarge).into_response();
    };
    let hash = hash(&[parts.uri.query().unwrap_or_default().as_bytes(), &bytes]);
    once(state, Key { key, hash, lease: LEASE, streamed: false }, Request::from_parts(parts, Body::from(bytes)), next).await
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
    // Keys belong to the account, not to the credential: that may be changed between two tries.
    let caller = request.extensions().get::<Caller>().ok_or(ErrorCode::Internal)?.id.clone();
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
