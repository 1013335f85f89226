//! Accounts, their keys, and what becomes of those.

use std::time::{Duration, Instant};

use oms_store::ApiKey;
use reqwest::Method;
use serde_json::{Value, json};

use super::app::App;

/// An account of these roles, with a key: its id, the key's, and the key.
async fn account(app: &App, name: &str, roles: &[&str]) -> (String, String, String) {
    let made = app.post("/v1/accounts", &json!({"name": name, "roles": roles})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["account_id"].as_str().unwrap().to_owned();
    let key = app.post(&format!("/v1/accounts/{id}/keys"), &json!({})).await;
    assert_eq!(key.status, 201, "{key:?}");
    (id, key.body["key_id"].as_str().unwrap().to_owned(), key.body["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_account_comes_in_by_its_key_and_may_what_its_roles_may() {
    let app = App::new();
    let (id, key_id, key) = account(&app, "monitoring", &["metrics"]).await;
    assert_eq!(ApiKey::parse(&key).unwrap().key_id.as_str(), key_id);
    let asked = async |path: &str| app.send(app.anonymous(Method::GET, path).bearer_auth(&key)).await;
    let metrics = app.anonymous(Method::GET, "/metrics").bearer_auth(&key).send().await.unwrap();
    assert_eq!(metrics.status(), 200);
    let refused = asked("/v1/orders/none").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "forbidden"));
    assert!(refused.body["detail"].as_str().unwrap().contains("read_orders"), "{refused:?}");

    let shown = app.get(&format!("/v1/accounts/{id}")).await;
    assert_eq!((&shown.body["roles"], &shown.body["facilities"]), (&json!(["metrics"]), &Value::Null));
    assert!(!shown.body.to_string().contains(&key) && shown.body["keys"][0]["key_id"] == key_id.as_str(), "{shown:?}");
    let twice = app.post("/v1/accounts", &json!({"name": "monitoring", "roles": ["ops"]})).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "account_conflict"));
}

#[tokio::test]
async fn a_key_is_shown_once_also_to_who_asks_again_under_an_idempotency_key() {
    let app = App::new();
    let (id, ..) = account(&app, "shown-once", &["metrics"]).await;
    let path = format!("/v1/accounts/{id}/keys");
    let again = || app.send(app.request(Method::POST, &path).header("idempotency-key", "one").json(&json!({})));
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!((second.body["key_id"].clone(), second.body["key"].is_null()), (first.body["key_id"].clone(), true));
    assert!(first.body["key"].is_string());
    // One in use, and the next.
    assert_eq!(app.post(&path, &json!({})).await.code(), "too_many_keys");
    assert_eq!(app.post("/v1/accounts/nobody/keys", &json!({})).await.code(), "account_not_found");
    assert_eq!(app.post(&path, &json!({"expires_at": "2010-01-01T00:00:00Z"})).await.pointers(), ["/expires_at"]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_five_seconds_by_every_server() {
    let app = App::new();
    let (id, key_id, key) = account(&app, "revoked", &["metrics"]).await;
    // Two servers that know of each other by the database alone.
    let doors = || [app.anonymous(Method::GET, "/metrics"), app.lock(Method::GET, "/metrics")];
    let lets_in = async || {
        let answers = doors().map(|door| door.bearer_auth(&key).send());
        futures_util::future::join_all(answers).await.into_iter().map(|answer| answer.unwrap().status().is_success()).collect::<Vec<_>>()
    };
    assert_eq!(lets_in().await, [true, true]);
    let revoked_at = Instant::now();
    assert_eq!(app.send(app.request(Method::DELETE, &format!("/v1/accounts/{id}/keys/{key_id}"))).await.status, 204);
    while lets_in().await != [false, false] {
        assert!(revoked_at.elapsed() < Duration::from_secs(5));
    }
    let none = app.send(app.request(Method::DELETE, &format!("/v1/accounts/{id}/keys/none"))).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "key_not_found"));
    let trail = app.get(&format!("/v1/audit?subject={key_id}")).await;
    let actions: Vec<&str> = trail.body["items"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert!(actions.ends_with(&["key_revoked", "key_made"]), "{trail:?}");
    assert!(trail.body["items"].as_array().unwrap().iter().all(|row| !row.to_string().contains(&key)));
}

#[tokio::test]
async fn idempotency_keys_belong_to_the_account() {
    let app = App::new();
    app.product("AC-1").await;
    app.facility("AC-F").await;
    let adjust = |key: &'static str, quantity: u32| {
        let item = json!({"facility_id": "AC-F", "sku": "AC-1", "quantity": quantity, "reason": "receipt"});
        let request = app.anonymous(Method::POST, "/v1/stock/adjustments").bearer_auth(super::doors::key(key));
        app.send(request.header("idempotency-key", "of-both").json(&json!({"adjustments": [item]})))
    };
    assert_eq!(adjust("ops", 1).await.status, 200);
    assert_eq!(adjust("integration", 2).await.status, 200, "another account's key is another key");
    assert_eq!(adjust("ops", 2).await.code(), "idempotency_key_reused");
    assert_eq!(app.get("/v1/skus/AC-1/availability").await.body["positions"][0]["on_hand"], 3);
}
