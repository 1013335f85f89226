//! The same POST under the same key gets the first answer.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{Answer, App, order};

async fn post(app: &App, path: &str, key: &str, body: &Value) -> Answer {
    app.send(app.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn an_order_placed_twice_under_a_key_is_created_twice_to_its_caller() {
    let app = App::new();
    app.product("I-1").await;
    let body = order("idem-1", "I-1");
    let first = post(&app, "/v1/orders", "key-1", &body).await;
    let second = post(&app, "/v1/orders", "key-1", &body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(second.headers["location"], first.headers["location"]);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(second.body, first.body, "personal data is not kept under the key, and read again");

    let other = post(&app, "/v1/orders", "key-1", &order("idem-2", "I-1")).await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_key_reused"));
    assert_eq!(app.get("/v1/orders/idem-2").await.status, 404);
}

#[tokio::test]
async fn an_adjustment_without_an_id_counts_once_under_a_key() {
    let app = App::new();
    app.product("I-2").await;
    app.facility("I-F").await;
    let body = json!({"adjustments": [{"facility_id": "I-F", "sku": "I-2", "quantity": 5, "reason": "receipt"}]});
    for _ in 0..3 {
        assert_eq!(post(&app, "/v1/stock/adjustments", "key-2", &body).await.body["results"][0]["result"], "applied");
    }
    assert_eq!(app.get("/v1/stock/I-2").await.body["positions"][0]["on_hand"], 5);
}

#[tokio::test]
async fn a_refusal_is_an_answer_too_and_keeps() {
    let app = App::new();
    let body = order("idem-3", "I-LATER");
    assert_eq!(post(&app, "/v1/orders", "key-3", &body).await.code(), "unknown_sku");
    app.product("I-LATER").await;
    let again = post(&app, "/v1/orders", "key-3", &body).await;
    assert_eq!((again.code(), &again.headers["idempotency-replayed"]), ("unknown_sku", &"true".parse().unwrap()));
    assert_eq!(post(&app, "/v1/orders", "key-3b", &body).await.status, 201);
}

#[tokio::test]
async fn the_same_request_at_once_is_done_once() {
    let app = App::new();
    app.product("I-4").await;
    app.facility("I-F4").await;
    let body = json!({"adjustments": [{"facility_id": "I-F4", "sku": "I-4", "quantity": 1, "reason": "correction"}]});
    let all = futures_util::future::join_all((0..8).map(|_| post(&app, "/v1/stock/adjustments", "key-4", &body))).await;
    for answer in &all {
        assert!(answer.status == 200 || answer.code() == "idempotency_key_in_flight", "{answer:?}");
    }
    assert_eq!(app.get("/v1/stock/I-4").await.body["positions"][0]["on_hand"], 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = App::new();
    let answer = post(&app, "/v1/orders", &"k".repeat(256), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec!["Idempotency-Key:"]));
}

#[tokio::test]
async fn a_feed_under_a_key_runs_once() {
    let app = App::new();
    let csv = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\nI-5,A,1,GBP,1,1,1,1\n";
    let send = || app.send(app.request(Method::POST, "/v1/feeds/products").header("idempotency-key", "key-5").body(csv));
    let (first, second) = (send().await, send().await);
    assert_eq!(first.body["accepted"], 1);
    assert_eq!(second.body, first.body);
}
