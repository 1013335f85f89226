//! Stock held for checkouts.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{Answer, App};

impl App {
    async fn extend(&self, reservation_id: &str, hold_s: u32) -> Answer {
        self.send(self.request(Method::PATCH, &format!("/v1/reservations/{reservation_id}")).json(&json!({"hold_s": hold_s}))).await
    }

    async fn give_back(&self, reservation_id: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/v1/reservations/{reservation_id}"))).await
    }

    async fn with_stock(&self, facility_id: &str, sku: &str, on_hand: u32) {
        self.product(sku).await;
        self.facility(facility_id).await;
        assert_eq!(self.put(&format!("/v1/stock/{facility_id}/{sku}"), &json!({"on_hand": on_hand})).await.status, 200);
    }
}

fn basket(reservation_id: &str, sku: &str, quantity: u32) -> Value {
    json!({"reservation_id": reservation_id, "lines": [{"line_id": "1", "sku": sku, "quantity": quantity}], "address": {"country": "GB"}})
}

#[tokio::test]
async fn a_checkout_is_told_what_is_held_where_and_until_when_and_gives_it_back() {
    let app = App::new();
    app.with_stock("H-F1", "H-1", 3).await;
    let held = app.post("/v1/reservations", &basket("H-R1", "H-1", 5)).await;
    assert_eq!((held.status.as_u16(), &held.body["status"]), (201, &json!("held")), "{held:?}");
    assert_eq!(held.headers["location"], "/v1/reservations/H-R1");
    assert_eq!(held.body["held"], json!([{"line_id": "1", "sku": "H-1", "facility_id": "H-F1", "quantity": 3}]));
    assert_eq!(held.body["not_held"], json!([{"line_id": "1", "sku": "H-1", "quantity": 2}]));
    assert!(held.body["expires_at"].as_str() > held.body["requested_at"].as_str());
    assert_eq!(app.get("/v1/skus/H-1/availability").await.body["positions"][0]["available"], 0);

    let again = app.post("/v1/reservations", &basket("H-R1", "H-1", 5)).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &held.body));
    let other = app.post("/v1/reservations", &basket("H-R1", "H-1", 4)).await;
    assert_eq!((other.status.as_u16(), other.code()), (409, "reservation_conflict"));

    let extended = app.extend("H-R1", 1_800).await;
    assert!(extended.status == 200 && extended.body["expires_at"].as_str() > held.body["expires_at"].as_str(), "{extended:?}");
    assert_eq!(app.get("/v1/reservations/H-R1").await.body, extended.body);
    for _ in 0..2 {
        let released = app.give_back("H-R1").await;
        assert_eq!((released.status.as_u16(), &released.body["status"], &released.body["held"]), (200, &json!("released"), &json!([])));
    }
    assert_eq!(app.get("/v1/skus/H-1/availability").await.body["positions"][0]["available"], 3);
    let late = app.extend("H-R1", 60).await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "illegal_transition"), "{late:?}");
}

#[tokio::test]
async fn nothing_to_hold_is_denied_for_good_and_bounds_are_named() {
    let app = App::new();
    app.with_stock("H-F2", "H-2", 0).await;
    let denied = app.post("/v1/reservations", &basket("H-R2", "H-2", 1)).await;
    assert_eq!(
        (denied.status.as_u16(), &denied.body["status"], &denied.body["not_held"][0]["quantity"]),
        (201, &json!("denied"), &json!(1))
    );
    assert_eq!(app.give_back("H-R2").await.status, 200);

    let unknown = app.post("/v1/reservations", &basket("H-R3", "NO-SUCH", 1)).await;
    assert_eq!((unknown.status.as_u16(), unknown.code(), unknown.pointers()), (422, "unknown_sku", vec!["/lines/0/sku"]));
    let mut pickup = basket("H-R3", "H-2", 1);
    pickup["method"] = json!("pickup");
    pickup["pickup_facility_id"] = json!("NO-SUCH");
    let unknown = app.post("/v1/reservations", &pickup).await;
    assert_eq!((unknown.status.as_u16(), unknown.code(), unknown.pointers()), (422, "unknown_facility", vec!["/pickup_facility_id"]));
    for answer in [app.get("/v1/reservations/H-R3").await, app.extend("H-R3", 1).await, app.give_back("H-R3").await] {
        assert_eq!((answer.status.as_u16(), answer.code()), (404, "reservation_not_found"));
    }
    assert_eq!(app.extend("H-R2", 7_201).await.pointers(), ["/hold_s"]);
}

#[tokio::test]
async fn what_is_picked_up_is_held_at_its_store_alone() {
    let app = App::new();
    app.with_stock("H-F4", "H-4", 1).await;
    app.with_stock("H-F5", "H-4", 1).await;
    let mut pickup = basket("H-R4", "H-4", 2);
    pickup["method"] = json!("pickup");
    pickup["pickup_facility_id"] = json!("H-F5");
    pickup.as_object_mut().unwrap().remove("address");
    let held = app.post("/v1/reservations", &pickup).await;
    assert_eq!(held.body["held"], json!([{"line_id": "1", "sku": "H-4", "facility_id": "H-F5", "quantity": 1}]), "{held:?}");
    app.give_back("H-R4").await;
}
