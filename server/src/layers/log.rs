//! One line and one measurement per request, with its id, and nothing in it that names a person: the route's pattern, not its path or query.

use std::time::Instant;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

use oms_domain::ids::RequestId;

use crate::{caller::Caller, failure::Failure, metrics::Metrics};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request its id, and logs how it went.
pub(crate) async fn log(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(&request);
    if let Ok(id) = RequestId::parse(&*request_id) {
        request.extensions_mut().insert(id);
    }
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", http.request_id = %request_id);
    let response = next.run(request).instrument(span).await;
    let took = started.elapsed();
    metrics.answered(&method, &route, response.status(), took);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        http.method = %method,
        http.route = route,
        http.status = response.status().as_u16(),
        http.duration_ms = duration_ms,
        http.request_id = %request_id,
        account.id = response.extensions().get::<Caller>().map(|caller| caller.id.as_str()),
        "request"
    );
    let mut response = naming(response, &request_id);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response
}

/// A problem document names the request that it is about.
fn naming(mut response: Response, request_id: &str) -> Response {
    let Some(Failure(mut problem)) = response.extensions_mut().remove::<Failure>() else { return response };
    problem.instance = Some(request_id.to_owned());
    match serde_json::to_vec(&problem) {
        Ok(json) => response.map(|_| Body::from(json)),
        Err(_) => response,
    }
}

/// That of the page that asks, or the caller's own, if it is one that may stand in a log, else a new one.
fn request_id(request: &Request) -> String {
    if let Some(id) = request.extensions().get::<RequestId>() {
        return id.to_string();
    }
    let legal = |id: &&str| RequestId::parse(*id).is_ok();
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(legal);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
