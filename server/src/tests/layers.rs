//! Each layer by itself, around a handler that misbehaves.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
    middleware::from_fn_with_state,
    routing::get,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    failure,
    layers::{load, log},
    metrics::Metrics,
};

async fn answer(router: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn at(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_is_a_problem_document_that_tells_nothing_of_its_cause() {
    async fn panics() -> &'static str {
        panic!("secret")
    }
    let router = Router::new().route("/", get(panics)).layer(CatchPanicLayer::custom(failure::panicked));
    let (status, problem) = answer(router, at("/")).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (500, Some("internal")));
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn what_finds_no_room_is_refused_at_once() {
    let room = Arc::new(Semaphore::new(0));
    let router = Router::new().route("/", get(|| async { "in" })).layer(from_fn_with_state(Arc::clone(&room), load::shed));
    let (status, problem) = answer(router.clone(), at("/")).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (429, Some("too_many_requests")));
    room.add_permits(1);
    assert_eq!(answer(router, at("/")).await.0, 200);
}

#[tokio::test]
async fn what_takes_too_long_is_answered_for() {
    let router = Router::new()
        .route("/", get(std::future::pending::<&'static str>))
        .layer(from_fn_with_state(Duration::from_millis(20), load::deadline));
    let (status, problem) = answer(router, at("/")).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (504, Some("timed_out")));
}

#[tokio::test]
async fn a_request_keeps_its_callers_id_if_that_may_stand_in_a_log() {
    let router = Router::new().route("/", get(|| async { "in" })).layer(from_fn_with_state(Metrics::new(), log::log));
    for (given, kept) in [("abc-1", true), ("a b", false), ("x\u{7f}", false)] {
        let Ok(request) = Request::builder().uri("/").header("x-request-id", given).body(Body::empty()) else { continue };
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-request-id"] == given, kept, "{given}");
        assert!(!response.headers()["x-request-id"].is_empty());
    }
}
