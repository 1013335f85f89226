//! Approvals as they are shown and decided: by a second person, and by nobody else.

use serde_json::json;

use super::app::App;

#[tokio::test]
async fn limits_are_set_by_currency_and_shown() {
    let app = App::new();
    let put = app.put("/v1/limits/SEK", &json!({"per_day_minor": 500, "per_order_minor": 100})).await;
    assert_eq!((put.status.as_u16(), &put.body), (200, &json!({"currency": "SEK", "per_day_minor": 500, "per_order_minor": 100})));
    assert_eq!(app.put("/v1/limits/SEK", &json!({"per_day_minor": 700})).await.body["per_order_minor"], json!(null));
    let all = app.get("/v1/limits").await;
    assert!(all.body["items"].as_array().unwrap().iter().any(|limit| limit["currency"] == "SEK" && limit["per_day_minor"] == 700), "{all:?}");
    assert_eq!(app.put("/v1/limits/SEK", &json!({"per_day_minor": -1})).await.pointers(), ["/per_day_minor"]);
    assert_eq!(app.put("/v1/limits/pounds", &json!({})).await.pointers(), ["{currency}"]);
    let trail = app.get("/v1/audit?subject=SEK").await;
    assert_eq!(trail.body["items"][0]["action"], "giving_limit_changed");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_no_status_is_none() {
    let app = App::new();
    assert_eq!(app.get("/v1/approvals/apv-none").await.code(), "approval_not_found");
    assert_eq!(app.post("/v1/approvals/apv-none/approve", &json!({})).await.code(), "approval_not_found");
    assert_eq!(app.get("/v1/approvals?status=lost").await.pointers(), ["?status"]);
    assert_eq!(app.get("/v1/approvals?status=pending").await.status, 200);
}
