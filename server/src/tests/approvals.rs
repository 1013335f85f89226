//! Approvals as they are shown and decided: by a second person, and by nobody else.

use reqwest::Method;
use serde_json::json;

use super::{app::App, doors::MANY, people};

#[tokio::test]
async fn limits_are_set_by_currency_and_shown() {
    let app = App::new();
    let put = app.put("/v1/limits/SEK", &json!({"per_day_minor": 500, "per_order_minor": 100})).await;
    assert_eq!((put.status.as_u16(), &put.body), (200, &json!({"currency": "SEK", "per_day_minor": 500, "per_order_minor": 100})));
    assert_eq!(app.put("/v1/limits/SEK", &json!({"per_day_minor": 700})).await.body["per_order_minor"], json!(null));
    let all = app.get("/v1/limits").await;
    assert!(
        all.body["items"].as_array().unwrap().iter().any(|limit| limit["currency"] == "SEK" && limit["per_day_minor"] == 700),
        "{all:?}"
    );
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

#[tokio::test]
async fn an_operation_on_many_orders_is_let_through_by_a_second_person_and_only_that_one() {
    let app = App::new();
    let (ops, approver) = (
        people::token_of(&app, "bulk-ops@people.example", &["ops", "approver"]).await,
        people::token_of(&app, "bulk-approver@people.example", &["approver"]).await,
    );
    let post =
        |token: &str, path: &str, body: serde_json::Value| app.send(app.anonymous(Method::POST, path).bearer_auth(token).json(&body));
    let hold = |id: &str, reason: &str| {
        let operation = json!({"kind": "hold", "hold_reason": reason});
        post(&ops, "/v1/bulk", json!({"bulk_id": id, "operation": operation, "reason": "a test", "selection": {"channel": MANY}}))
    };
    let asked = hold("many-1", "other").await;
    assert_eq!((asked.status.as_u16(), asked.code()), (403, "approval_needed"), "{asked:?}");
    let approval = asked.body["approval_id"].as_str().unwrap().to_owned();
    let shown = app.get(&format!("/v1/approvals/{approval}")).await;
    assert_eq!(
        (&shown.body["kind"], &shown.body["orders"], &shown.body["status"]),
        (&json!("bulk"), &json!(101), &json!("pending")),
        "{shown:?}"
    );
    let path = format!("/v1/approvals/{approval}/approve");
    assert_eq!(post(&ops, &path, json!({})).await.code(), "refused_by_rule", "their own");
    assert_eq!(app.post(&path, &json!({})).await.code(), "refused_by_rule", "a machine");
    for _ in 0..2 {
        assert_eq!(post(&approver, &path, json!({})).await.body["status"], "approved");
    }
    assert_eq!(post(&approver, &format!("/v1/approvals/{approval}/decline"), json!({})).await.code(), "illegal_transition");
    assert_eq!(hold("many-2", "incorrect_address").await.code(), "approval_needed", "something else");
    assert_eq!(hold("many-1", "other").await.status, 201);
    assert_eq!(hold("many-1", "other").await.status, 200, "it was started");
    assert_eq!(hold("many-3", "other").await.code(), "approval_needed", "once");
}
