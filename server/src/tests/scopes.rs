//! What accounts that know of a part of the house are shown, where no path says it: lists, bodies, answers in parts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    app::{Answer, App, order},
    doors::{HERE, THERE, key},
};

struct As<'a>(&'a App, &'static str);

impl As<'_> {
    async fn get(&self, path: &str) -> Answer {
        self.0.send(self.0.anonymous(Method::GET, path).bearer_auth(key(self.1))).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.0.send(self.0.anonymous(Method::POST, path).bearer_auth(key(self.1)).json(body)).await
    }

    /// The ids in a list of those of the two that are asked about.
    async fn listed(&self, path: &str, name: &str) -> Vec<String> {
        let answer = self.get(path).await;
        let items = answer.body["items"].as_array().unwrap_or_else(|| panic!("{answer:?}")).iter();
        let ids = items.map(|item| item[name].as_str().unwrap().to_owned());
        let mut ids: Vec<String> = ids.filter(|id| id.starts_with("D-HERE") || id.starts_with("D-THERE")).collect();
        ids.sort();
        ids
    }
}

#[tokio::test]
async fn lists_show_what_is_of_ones_facilities_and_channels() {
    let app = App::new();
    let (here, web) = (As(&app, "here"), As(&app, "web"));
    for one in [&here, &web] {
        assert_eq!(one.listed("/v1/fulfillment-orders?limit=500", "fulfillment_order_id").await, ["D-HERE-F1"], "{}", one.1);
        assert_eq!(one.listed("/v1/orders?limit=500&customer_id=D-1", "order_id").await, ["D-HERE"], "{}", one.1);
        assert_eq!(one.listed("/v1/orders?customer_id=D-1&channel=shop", "order_id").await, [""; 0], "{}", one.1);
    }
    assert_eq!(here.listed(&format!("/v1/fulfillment-orders?facility_id={}", THERE.2), "fulfillment_order_id").await, [""; 0]);
    assert_eq!(As(&app, "support").listed("/v1/orders?customer_id=D-1", "order_id").await, ["D-HERE", "D-THERE"]);
}

#[tokio::test]
async fn of_a_customer_everyone_sees_the_orders_that_they_know_of() {
    let app = App::new();
    for (account, orders) in [("here", vec!["D-HERE"]), ("web", vec!["D-HERE"]), ("support", vec!["D-THERE", "D-HERE"])] {
        let seen = As(&app, account).get("/v1/customers/D-1").await.body;
        let ids: Vec<&str> = seen["orders"].as_array().unwrap().iter().map(|one| one["order_id"].as_str().unwrap()).collect();
        let ordered = json!([{"currency": "GBP", "orders": orders.len(), "total_minor": orders.len()}]);
        assert_eq!((ids, &seen["ordered"], &seen["orders_looked_at"]), (orders.clone(), &ordered, &json!(orders.len())), "{account}");
    }
    assert_eq!(As(&app, "here").get("/v1/customers/nobody").await.code(), "not_found");
}

#[tokio::test]
async fn stock_is_seen_and_corrected_at_ones_own_facilities() {
    let app = App::new();
    let here = As(&app, "here");
    app.product("SC-1").await;
    for (_, _, facility) in [HERE, THERE] {
        app.facility(facility).await;
        assert_eq!(app.put(&format!("/v1/stock/{facility}/SC-1"), &json!({"on_hand": 5})).await.status, 200);
    }
    let shown = here.get("/v1/skus/SC-1/availability").await;
    let positions = shown.body["positions"].as_array().unwrap();
    assert_eq!((positions.len(), &positions[0]["facility_id"]), (1, &json!(HERE.2)));
    let item = |facility: &str, quantity: i64| json!({"facility_id": facility, "sku": "SC-1", "quantity": quantity, "reason": "receipt"});
    let body = json!({"adjustments": [item(THERE.2, 1), item(HERE.2, 2), item(THERE.2, 4)]});
    let adjusted = here.post("/v1/stock/adjustments", &body).await;
    let results: Vec<&str> = adjusted.body["results"].as_array().unwrap().iter().map(|one| one["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["rejected", "applied", "rejected"]);
    assert_eq!(adjusted.body["results"][0]["code"], "unknown_facility");
    let all = app.get("/v1/skus/SC-1/availability").await;
    let on_hand: Vec<i64> = all.body["positions"].as_array().unwrap().iter().map(|one| one["on_hand"].as_i64().unwrap()).collect();
    assert_eq!(on_hand, [7, 5]);
    assert_eq!(here.post("/v1/picklists", &json!({"facility_id": THERE.2, "at_most": 1})).await.code(), "unknown_facility");
}

#[tokio::test]
async fn a_checkout_places_and_reads_in_its_channels_alone() {
    let app = App::new();
    let web = As(&app, "web");
    app.product("SC-2").await;
    let mut elsewhere = order("SC-there", "SC-2");
    elsewhere["channel"] = json!("shop");
    assert_eq!(web.post("/v1/orders", &elsewhere).await.code(), "forbidden");
    assert_eq!(app.post("/v1/orders", &elsewhere).await.status, 201);
    assert_eq!(web.post("/v1/orders", &order("SC-here", "SC-2")).await.status, 201);
    // Nothing has been recorded of either yet.
    assert_eq!(web.get("/v1/orders/SC-here").await.status, 200);
    assert_eq!(web.get("/v1/orders/SC-there").await.code(), "order_not_found");
    let basket = |channel: &str| json!({"skus": ["SC-2"], "channel": channel});
    assert_eq!(web.post("/v1/availability", &basket("web")).await.status, 200);
    assert_eq!(web.post("/v1/availability", &basket("shop")).await.code(), "forbidden");
}

#[tokio::test]
async fn what_a_body_names_is_known_of_or_not_found() {
    let app = App::new();
    let lines = json!([{"line_id": "1", "quantity": 1}]);
    for one in [As(&app, "here"), As(&app, "web")] {
        for (path, body) in [
            ("/v1/claims", json!({"order_id": THERE.0, "lines": lines, "reason": "damaged"})),
            ("/v1/returns", json!({"order_id": THERE.0, "lines": [{"line_id": "1", "quantity": 1, "reason": "unwanted"}]})),
        ] {
            let answer = one.post(path, &body).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, "order_not_found"), "{path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_carrier_brings_its_own_scans_and_nobody_elses() {
    let app = App::new();
    let scan = |carrier: &str| {
        json!({"event_id": "bound", "carrier": carrier, "tracking_number": "BOUND-1", "status": "in_transit",
        "occurred_at": "2011-01-01T00:00:00Z"})
    };
    let sent = As(&app, "acme").post("/v1/carrier-events", &json!({"events": [scan("ACME"), scan("other")]})).await;
    let results: Vec<_> = sent.body["results"].as_array().unwrap().iter().map(|result| result["result"].clone()).collect();
    assert_eq!(results, ["parked", "rejected"], "{sent:?}");
    assert!(sent.body["results"][1]["detail"].as_str().unwrap().contains("/carrier"));
    // What was rejected is not there.
    let again = As(&app, "carrier").post("/v1/carrier-events", &json!({"events": [scan("other"), scan("acme")]})).await;
    let results: Vec<_> = again.body["results"].as_array().unwrap().iter().map(|result| result["result"].clone()).collect();
    assert_eq!(results, ["parked", "duplicate"], "{again:?}");
}

#[tokio::test]
async fn an_order_is_placed_in_ones_own_currencies_and_as_paid_elsewhere_by_whom_is_trusted_with_it() {
    let app = App::new();
    app.product("PAID-1").await;
    let with = |id: &str, currency: &str, payment: Value| {
        let mut order = order(id, "PAID-1");
        (order["currency"], order["payment"]) = (json!(currency), payment);
        order
    };
    let (card, elsewhere) = (json!({"method": "card", "token": "tok_1"}), json!({"method": "external"}));
    let refused = As(&app, "pounds").post("/v1/orders", &with("paid-1", "EUR", card.clone())).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "forbidden"), "{refused:?}");
    assert_eq!(As(&app, "pounds").post("/v1/orders", &with("paid-1", "GBP", card)).await.status, 201);
    let refused = As(&app, "checkout").post("/v1/orders", &with("paid-2", "GBP", elsewhere.clone())).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("pay_elsewhere"), "{refused:?}");
    assert_eq!(As(&app, "marketplace").post("/v1/orders", &with("paid-2", "GBP", elsewhere.clone())).await.status, 201);
    let added = json!({"payment_id": "more", "method": "external", "amount_minor": 100});
    assert_eq!(As(&app, "support").post("/v1/orders/paid-1/payments", &added).await.status, 403);
    assert_eq!(app.send(app.anonymous(Method::POST, "/v1/feeds/orders").bearer_auth(key("checkout")).body("{}\n")).await.status, 403);
}
