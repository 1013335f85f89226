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
    assert_eq!(app.get("/v1/skus/I-2/availability").await.body["positions"][0]["on_hand"], 5);
}

#[tokio::test]
async fn a_refusal_has_done_nothing_and_is_judged_anew() {
    let app = App::new();
    let body = order("idem-3", "I-LATER");
    assert_eq!(post(&app, "/v1/orders", "key-3", &body).await.code(), "unknown_sku");
    app.product("I-LATER").await;
    assert_eq!(post(&app, "/v1/orders", "key-3", &body).await.status, 201);
    // A body that was refused may be mended under its key; one that was taken may not be another.
    let mended = order("idem-3c", "I-LATER");
    assert_eq!(post(&app, "/v1/orders", "key-3c", &json!({})).await.code(), "validation_failed");
    assert_eq!(post(&app, "/v1/orders", "key-3c", &mended).await.status, 201);
    assert_eq!(post(&app, "/v1/orders", "key-3c", &json!({})).await.code(), "idempotency_key_reused");
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
    assert_eq!(app.get("/v1/skus/I-4/availability").await.body["positions"][0]["on_hand"], 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_whatever_the_method() {
    let app = App::new();
    let asked =
        [(Method::POST, "/v1/orders"), (Method::DELETE, "/v1/orders/none/holds/h1"), (Method::PATCH, "/v1/orders/none/deadlines/d1")];
    for (method, path) in asked {
        let answer = app.send(app.request(method.clone(), path).header("idempotency-key", "k".repeat(1_200)).json(&json!({}))).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec!["Idempotency-Key:"]), "{method}");
    }
}

#[tokio::test]
async fn a_key_has_255_characters_and_not_one_more() {
    let app = App::new();
    app.product("I-7").await;
    let body = order("idem-7", "I-7");
    let refused = post(&app, "/v1/orders", &"k".repeat(256), &body).await;
    assert_eq!((refused.status.as_u16(), refused.pointers()), (422, vec!["Idempotency-Key:"]));
    let key = "k".repeat(255);
    let (first, second) = (post(&app, "/v1/orders", &key, &body).await, post(&app, "/v1/orders", &key, &body).await);
    assert_eq!((first.status.as_u16(), &second.headers["idempotency-replayed"]), (201, &"true".parse().unwrap()));
}

#[tokio::test]
async fn a_long_answer_is_kept_too() {
    let app = App::new();
    app.product("I-6").await;
    app.facility("I-F6").await;
    let item = json!({"facility_id": "I-F6", "sku": "I-6", "quantity": 1, "reason": "correction"});
    let body = json!({"adjustments": vec![item; 1_000]});
    let (first, second) =
        (post(&app, "/v1/stock/adjustments", "key-6", &body).await, post(&app, "/v1/stock/adjustments", "key-6", &body).await);
    assert_eq!((first.status.as_u16(), &second.headers["idempotency-replayed"]), (200, &"true".parse().unwrap()));
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn a_feed_under_a_key_runs_once_and_another_file_of_the_same_length_is_no_repeat() {
    let app = App::new();
    let csv = |title: &str| format!("sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\nI-5,{title},1,GBP,1,1,1,1\n");
    let send = |body: String| app.send(app.request(Method::POST, "/v1/feeds/products").header("idempotency-key", "key-5").body(body));
    let (first, second, other) = (send(csv("A")).await, send(csv("A")).await, send(csv("B")).await);
    assert_eq!(first.body["accepted"], 1);
    assert_eq!(second.body, first.body);
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_key_reused"));
}

#[tokio::test]
async fn an_order_without_an_id_has_one_that_follows_from_its_key() {
    let app = App::new();
    app.product("I-8").await;
    let mut body = order("", "I-8");
    body.as_object_mut().unwrap().remove("order_id");
    let nameless = app.post("/v1/orders", &body).await;
    assert_eq!((nameless.code(), nameless.pointers()), ("validation_failed", vec!["/order_id"]));
    let first = post(&app, "/v1/orders", "key-8", &body).await;
    let second = post(&app, "/v1/orders", "key-8", &body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{first:?}");
    assert_eq!(second.body["order_id"], first.body["order_id"]);
    let other = post(&app, "/v1/orders", "key-8b", &body).await;
    assert_ne!(other.body["order_id"], first.body["order_id"]);
    let noted =
        app.post(&format!("/v1/orders/{}/notes", other.body["order_id"].as_str().unwrap()), &json!({"text": "a", "author": "b"})).await;
    assert_eq!(noted.status, 201, "{noted:?}");
    assert_eq!(
        app.get(&format!("/v1/orders/{}/notes/{}", noted.body["order_id"].as_str().unwrap(), noted.body["note_id"].as_str().unwrap()))
            .await
            .body,
        noted.body
    );
}
