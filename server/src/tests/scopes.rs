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
