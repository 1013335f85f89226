//! Whose doing it was, as it is shown.

use reqwest::Method;
use serde_json::json;

use super::app::{App, order};

#[tokio::test]
async fn what_moves_stock_shows_the_account_and_the_request() {
    let app = App::new();
    app.product("ACT-1").await;
    app.facility("ACT-F1").await;
    let put = app.request(Method::PUT, "/v1/stock/ACT-F1/ACT-1").header("x-request-id", "count-1").json(&json!({"on_hand": 10}));
    assert_eq!(app.send(put).await.status, 200);
    let adjustment = json!({"adjustments": [{"facility_id": "ACT-F1", "sku": "ACT-1", "quantity": -3, "reason": "theft"}]});
    assert_eq!(app.post("/v1/stock/adjustments", &adjustment).await.body["results"][0]["result"], "applied");
    let moved = app.get("/v1/stock/ACT-F1/ACT-1/movements").await;
    let (theft, count) = (&moved.body["items"][0], &moved.body["items"][1]);
    assert_eq!((&theft["cause"], &count["cause"]), (&json!("theft"), &json!("snapshot")), "{moved:?}");
    for movement in [theft, count] {
        assert_eq!(movement["actor"], json!({"kind": "machine", "id": "tests"}));
    }
    assert_eq!(count["request_id"], "count-1");
    assert!(theft["request_id"].is_string() && theft["request_id"] != "count-1", "{theft}");
}

#[tokio::test]
async fn a_note_a_feed_and_the_trail_show_who_did_it() {
    let app = App::new();
    app.product("ACT-2").await;
    assert_eq!(app.post("/v1/orders", &order("act-2", "ACT-2")).await.status, 201);
    let note = app.post("/v1/orders/act-2/notes", &json!({"note_id": "n", "text": "called", "author": "Kim"})).await;
    assert_eq!((note.status.as_u16(), &note.body["actor"]["id"]), (201, &json!("tests")), "{note:?}");
    let feed = app.feed("/v1/feeds/receipts", "received_at,facility_id,sku,quantity\n").await;
    assert_eq!(feed.body["started_by"], json!({"kind": "machine", "id": "tests"}), "{feed:?}");
    let made = app.request(Method::POST, "/v1/accounts").header("x-request-id", "make-1").json(&json!({"name": "act-2", "roles": ["ops"]}));
    let made = app.send(made).await;
    let trail = app.get(&format!("/v1/audit?subject={}", made.body["account_id"].as_str().unwrap())).await;
    assert_eq!((&trail.body["items"][0]["actor"]["id"], &trail.body["items"][0]["request_id"]), (&json!("tests"), &json!("make-1")));
}
