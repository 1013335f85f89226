//! Many who hold a connection and say nothing, or half of something, keep nobody else from being served; and nobody asks without end.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderValue, Method, Request},
    middleware::from_fn_with_state,
    routing::get,
};
use oms_domain::access::{Principal, PrincipalKind, Scope};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tower::ServiceExt;

use super::app::App;
use crate::{
    caller::Caller,
    door::Origins,
    layers::{
        origin,
        pace::{self, Pace},
    },
};

#[tokio::test]
async fn half_sent_requests_and_idle_connections_hold_no_place() {
    let app = App::new();
    let half = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: oms\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        app.own_key()
    );
    let mut crowd = Vec::new();
    // More than there are places for requests in work.
    for n in 0..600 {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(half.as_bytes()).await.unwrap();
        }
        crowd.push(stream);
    }
    for _ in 0..300 {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    for _ in 0..50 {
        assert_eq!(app.get("/v1/facilities?limit=1").await.status, 200);
    }
    drop(crowd);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_the_next_request_is_let_in_and_then_it_is() {
    let (kind, id) = (PrincipalKind::Machine, "till".parse().unwrap());
    let principal = Principal { kind, id, roles: BTreeSet::new(), scope: Scope::default(), station: None };
    let caller = Caller { principal: Arc::new(principal), request_id: None };
    let router =
        Router::new().route("/", get(|| async { "in" })).layer(from_fn_with_state(Pace::new(1, 2), pace::keep)).layer(Extension(caller));
    let ask = || async { router.clone().oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap() };
    for left in [1, 0] {
        let answer = ask().await;
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["ratelimit"].to_str().unwrap().starts_with(&format!("\"account\";r={left};")), "{answer:?}");
    }
    let refused = ask().await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["ratelimit-policy"]),
        (429, &HeaderValue::from_static("\"account\";q=2;w=2"))
    );
    let wait_s: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let promised = Instant::now() + Duration::from_secs(wait_s);
    loop {
        let is_due = Instant::now() >= promised;
        if ask().await.status() == 200 {
            break;
        }
        assert!(!is_due, "it is refused after the time at which it was said to be let in");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn pages_of_the_origins_that_are_named_may_ask_and_others_may_not() {
    let origins: Origins = "https://shop.example".parse().unwrap();
    let router = Router::new()
        .route("/", get(|| async { "in" }).post(|| async { "done" }))
        .layer(from_fn_with_state(origins.clone(), origin::own))
        .layer(origins.layer().unwrap());
    let ask = |method: Method, origin: &'static str| {
        let request = Request::builder().method(method).uri("/").header("host", "oms").header("origin", origin);
        router.clone().oneshot(request.header("access-control-request-method", "POST").body(Body::empty()).unwrap())
    };
    let known = ask(Method::OPTIONS, "https://shop.example").await.unwrap();
    assert_eq!(
        (known.status().as_u16(), &known.headers()["access-control-allow-origin"]),
        (200, &HeaderValue::from_static("https://shop.example"))
    );
    assert_eq!(ask(Method::POST, "https://shop.example").await.unwrap().status(), 200);
    let other = ask(Method::OPTIONS, "https://evil.example").await.unwrap();
    assert!(!other.headers().contains_key("access-control-allow-origin"), "{other:?}");
    assert_eq!(ask(Method::POST, "https://evil.example").await.unwrap().status(), 403);
}
