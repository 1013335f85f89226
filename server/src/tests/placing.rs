//! Placing an order, and reading it from then on.

use reqwest::Method;
use serde_json::json;

use super::app::{App, order};

#[tokio::test]
async fn an_order_is_readable_from_the_answer_on_and_the_same_again_is_the_same_order() {
    let app = App::new();
    app.product("P-1").await;
    let body = order("place-1", "P-1");
    let created = app.post("/v1/orders", &body).await;
    assert_eq!((created.status.as_u16(), &created.body["status"]), (201, &json!("created")), "{created:?}");
    assert_eq!(created.headers["location"], "/v1/orders/place-1");

    let read = app.get("/v1/orders/place-1").await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body, created.body);
    assert_eq!(read.body["lines"][0]["units"]["ordered"], 6);
    assert_eq!(read.body["customer"]["name"], "Customer 17850");
    assert!(!read.body.to_string().contains("tok_17850"), "a token is never shown");

    let again = app.post("/v1/orders", &body).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["order_id"], "place-1");

    let mut other = body;
    other["lines"][0]["quantity"] = json!(7);
    let conflict = app.post("/v1/orders", &other).await;
    assert_eq!((conflict.status.as_u16(), conflict.code()), (409, "order_conflict"));
    assert_eq!(app.get("/v1/orders/place-1").await.body["lines"][0]["units"]["ordered"], 6);
}

#[tokio::test]
async fn a_preferred_wait_ends_in_time_and_shows_how_far_the_order_got() {
    let app = App::new();
    app.product("P-2").await;
    let request = app.request(Method::POST, "/v1/orders").header("prefer", "wait=1").json(&order("place-2", "P-2"));
    let created = app.send(request).await;
    // No worker runs here: the order is taken in and not sourced.
    assert_eq!((created.status.as_u16(), &created.body["status"]), (201, &json!("created")));
    assert_eq!(created.headers["preference-applied"], "wait");
}

#[tokio::test]
async fn what_an_order_names_must_be_in_the_catalog() {
    let app = App::new();
    app.product("P-3").await;
    let mut body = order("place-3", "NO-SUCH-SKU");
    let known = json!({"line_id": "2", "sku": "P-3", "quantity": 1, "unit_price_minor": 1});
    body["lines"].as_array_mut().unwrap().push(known);
    let refused = app.post("/v1/orders", &body).await;
    assert_eq!((refused.status.as_u16(), refused.code(), refused.pointers()), (422, "unknown_sku", vec!["/lines/0/sku"]));

    let mut body = order("place-3", "P-3");
    body["shipping"] = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": "NO-SUCH-STORE"});
    let refused = app.post("/v1/orders", &body).await;
    assert_eq!((refused.code(), refused.pointers()), ("unknown_facility", vec!["/shipping/pickup_facility_id"]));

    assert_eq!(app.get("/v1/orders/place-3").await.code(), "order_not_found", "nothing is half done");
}

#[tokio::test]
async fn nothing_is_known_of_what_is_not_there() {
    let app = App::new();
    for (path, code) in [
        ("/v1/orders/nobody", "order_not_found"),
        ("/v1/orders/nobody/events", "order_not_found"),
        ("/v1/orders/nobody/allocation", "order_not_found"),
        ("/v1/orders/nobody/deadlines", "order_not_found"),
        ("/v1/orders/nobody/cancellations/c", "order_not_found"),
        ("/v1/orders/nobody/notes", "order_not_found"),
        ("/v1/reservations/nobody", "reservation_not_found"),
        ("/v1/fulfillment-orders/nobody-F1", "fulfillment_order_not_found"),
        ("/v1/fulfillment-orders/nobody", "fulfillment_order_not_found"),
        ("/v1/facilities/nobody", "not_found"),
        ("/v1/products/nobody", "not_found"),
        ("/v1/skus/nobody/availability", "not_found"),
        ("/v1/feeds/0198f6f0-0000-7000-8000-000000000000", "not_found"),
        ("/v1/nobody", "not_found"),
        ("/", "not_found"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, code), "{path}");
    }
    let cancel = app.post("/v1/orders/nobody/cancellations", &json!({"cancellation_id": "c", "reason": "r"})).await;
    assert_eq!(cancel.code(), "order_not_found");
    let act = app.post("/v1/fulfillment-orders/nobody-F1/accept", &json!({})).await;
    assert_eq!(act.code(), "fulfillment_order_not_found");
}

#[tokio::test]
async fn probes_and_the_description_answer() {
    let app = App::new();
    assert_eq!(app.get("/healthz").await.body["status"], "ok");
    let ready = app.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.body["status"]), (200, &json!("ready")), "{ready:?}");
    assert!(app.get("/openapi.json").await.body["openapi"].as_str().unwrap().starts_with("3.1"));
}
