//! The catalog, stock, what is available, and what carriers say.

use serde_json::{Value, json};

use super::app::App;

#[tokio::test]
async fn stock_is_counted_corrected_and_shown() {
    let app = App::new();
    app.product("S-1").await;
    app.facility("S-F1").await;
    let put = app.put("/v1/stock/S-F1/S-1", &json!({"on_hand": 10, "safety_stock": 2})).await;
    assert_eq!((put.status.as_u16(), &put.body["available"]), (200, &json!(8)), "{put:?}");

    let adjusted = app
        .post(
            "/v1/stock/adjustments",
            &json!({"adjustments": [
                {"adjustment_id": "S-A1", "facility_id": "S-F1", "sku": "S-1", "quantity": -3, "reason": "theft"},
                {"adjustment_id": "S-A2", "facility_id": "S-F1", "sku": "NO-SUCH", "quantity": 1, "reason": "receipt"},
                {"adjustment_id": "S-A1", "facility_id": "S-F1", "sku": "S-1", "quantity": -3, "reason": "theft"}
            ]}),
        )
        .await;
    let results: Vec<_> = adjusted.body["results"].as_array().unwrap().iter().map(|result| result["result"].clone()).collect();
    assert_eq!(results, ["applied", "rejected", "duplicate"], "{adjusted:?}");
    assert_eq!(adjusted.body["results"][1]["code"], "unknown_sku");

    let asked = app.post("/v1/availability", &json!({"skus": ["S-1"], "channel": "web", "address": {"country": "GB"}})).await;
    let expected = json!({"items": [{"sku": "S-1", "available": 5, "facilities": [{"facility_id": "S-F1", "available": 5}]}]});
    assert_eq!(asked.body, expected);
    assert_eq!(app.get("/v1/skus/S-1/availability").await.body["positions"][0]["on_hand"], 7);
}

#[tokio::test]
async fn a_count_of_what_is_not_in_the_catalog_is_refused_and_named() {
    let app = App::new();
    app.product("S-2").await;
    app.facility("S-F2").await;
    for (path, code, pointer) in
        [("/v1/stock/S-F2/NO-SUCH", "unknown_sku", "{sku}"), ("/v1/stock/NO-SUCH/S-2", "unknown_facility", "{facility_id}")]
    {
        let answer = app.put(path, &json!({"on_hand": 1})).await;
        assert_eq!((answer.status.as_u16(), answer.code(), answer.pointers()), (422, code, vec![pointer]), "{path}");
    }
    let negative = app.put("/v1/stock/S-F2/S-2", &json!({"on_hand": -1})).await;
    assert_eq!((negative.status.as_u16(), negative.pointers()), (422, vec!["/on_hand"]));
    let unknown = app.post("/v1/availability", &json!({"skus": ["S-2", "NO-SUCH"]})).await;
    assert_eq!((unknown.code(), unknown.pointers()), ("unknown_sku", vec!["/skus/1"]));
}

#[tokio::test]
async fn an_older_count_than_the_last_is_stale() {
    let app = App::new();
    app.product("S-3").await;
    app.facility("S-F3").await;
    let count = |as_of: &str| json!({"on_hand": 1, "as_of": as_of});
    assert_eq!(app.put("/v1/stock/S-F3/S-3", &count("2011-01-02T00:00:00Z")).await.status, 200);
    let stale = app.put("/v1/stock/S-F3/S-3", &count("2011-01-01T00:00:00Z")).await;
    assert_eq!((stale.status.as_u16(), stale.code(), stale.pointers()), (409, "stale_snapshot", vec!["/as_of"]));
}

#[tokio::test]
async fn the_catalog_gives_back_what_was_put_and_refuses_another_id_than_the_paths() {
    let app = App::new();
    app.facility("S-F4").await;
    let read = app.get("/v1/facilities/S-F4").await;
    assert_eq!((&read.body["cutoff_local_time"], &read.body["type"]), (&json!("15:00"), &json!("store")));
    let mut other = read.body;
    other["facility_id"] = json!("S-F5");
    assert_eq!(app.put("/v1/facilities/S-F4", &other).await.pointers(), ["/facility_id"]);
}

#[tokio::test]
async fn what_is_there_is_replaced_by_whoever_has_seen_it() {
    let app = App::new();
    app.facility("S-F9").await;
    app.product("S-9").await;
    for path in ["/v1/facilities/S-F9", "/v1/products/S-9"] {
        let read = app.get(path).await;
        let tag = read.headers["etag"].to_str().unwrap().to_owned();
        let put = |seen: &str| app.request(reqwest::Method::PUT, path).header("if-match", seen).json(&read.body);
        let unseen = app.put(path, &read.body).await;
        assert_eq!((unseen.status.as_u16(), unseen.code()), (428, "precondition_required"));
        let stale = app.send(put("\"0\"")).await;
        assert_eq!((stale.status.as_u16(), stale.code()), (412, "precondition_failed"));
        assert_eq!(app.send(put(&tag)).await.status, 200);
        let again = app.send(app.request(reqwest::Method::GET, path).header("if-none-match", &tag)).await;
        assert_eq!((again.status.as_u16(), &again.body), (304, &Value::Null));
        let elsewhere = app.send(app.request(reqwest::Method::PUT, &format!("{path}-0")).header("if-match", "*").json(&json!({}))).await;
        assert_eq!(elsewhere.status, 422, "the body is read first");
    }
}

#[tokio::test]
async fn what_is_made_can_be_read() {
    let app = App::new();
    for n in 0..3 {
        app.facility(&format!("S-L{n}")).await;
        app.product(&format!("S-L{n}")).await;
        assert_eq!(app.put(&format!("/v1/stock/S-L0/S-L{n}"), &json!({"on_hand": n})).await.status, 200);
    }
    assert_eq!(app.get("/v1/stock/S-L0/S-L2").await.body["on_hand"], 2);
    assert_eq!(app.get("/v1/stock/S-L1/S-L2").await.code(), "not_found");
    for (path, id) in [("/v1/facilities?", "facility_id"), ("/v1/products?", "sku"), ("/v1/stock?facility_id=S-L0&", "sku")] {
        let first = app.get(&format!("{path}limit=2&cursor=S-L")).await.body;
        let ids: Vec<_> = first["items"].as_array().unwrap().iter().map(|item| item[id].clone()).collect();
        assert_eq!((json!(ids), &first["has_more"]), (json!(["S-L0", "S-L1"]), &json!(true)), "{path}");
        let cursor = first["next_cursor"].as_str().unwrap();
        assert_eq!(app.get(&format!("{path}limit=1&cursor={cursor}")).await.body["items"][0][id], "S-L2");
    }
}

#[tokio::test]
async fn carrier_events_of_unknown_parcels_wait_and_count_once() {
    let app = App::new();
    let event = json!({"event_id": "e1", "carrier": "acme", "tracking_number": "S-T1", "status": "delivered", "occurred_at": "2010-12-02T10:00:00Z"});
    let first = app.post("/v1/carrier-events", &json!({"events": [event, event]})).await;
    assert_eq!(first.status, 202);
    let results: Vec<_> = first.body["results"].as_array().unwrap().iter().map(|result| result["result"].clone()).collect();
    assert_eq!(results, ["parked", "duplicate"]);
}

#[tokio::test]
async fn an_event_that_nobody_understands_stops_no_other() {
    let app = App::new();
    let event = |id: &str, status: &str, at: &str| json!({"event_id": id, "carrier": "acme", "tracking_number": "s t2", "status": status, "occurred_at": at});
    let good = "2010-12-02T10:00:00Z";
    let unnamed = json!({"event_id": "e2", "carrier": "--", "tracking_number": "s t2", "status": "in_transit", "occurred_at": good});
    let events = [event("e1", "available_for_pickup", good), unnamed, event("e3", "in_transit", good)];
    let answer = app.post("/v1/carrier-events", &json!({"events": events})).await;
    assert_eq!(answer.status, 202);
    let results = answer.body["results"].as_array().unwrap();
    let words: Vec<_> = results.iter().map(|result| (result["event_id"].as_str().unwrap(), result["result"].as_str().unwrap())).collect();
    assert_eq!(words, [("e1", "ignored"), ("e2", "rejected"), ("e3", "parked")]);
    assert!(results[1]["detail"].as_str().unwrap().contains("/carrier"), "{answer:?}");
}

#[tokio::test]
async fn a_scan_whose_time_cannot_be_read_or_lies_ahead_counts_as_of_its_arrival_and_says_so() {
    let app = App::new();
    let times = ["2010-12-02T10:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", "", "2190-01-01T00:00:00Z"];
    let mut events: Vec<_> = (0..).zip(times).map(|(n, at)| scan(&format!("t{n}"), "s t3", at)).collect();
    events.extend([json!(1_291_284_000), json!(null)].into_iter().zip(6..).map(|(at, n)| {
        let mut event = scan(&format!("t{n}"), "s t3", "");
        event["occurred_at"] = at;
        event
    }));
    events.push(scan("t8", "s t3", "2010-12-02T10:00:00+01:00"));
    let answer = app.post("/v1/carrier-events", &json!({"events": events})).await;
    let results = answer.body["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["result"] == "parked"), "{answer:?}");
    let said = |result: &serde_json::Value| result["detail"].as_str().is_some_and(|why| why.contains("as of its arrival"));
    assert_eq!(results.iter().map(said).collect::<Vec<_>>(), [true, true, true, true, true, true, true, true, false], "{answer:?}");
}

fn scan(event_id: &str, number: &str, at: &str) -> serde_json::Value {
    json!({"event_id": event_id, "carrier": "acme", "tracking_number": number, "status": "in_transit", "occurred_at": at})
}

#[tokio::test]
async fn carriers_words_are_taken_however_they_are_written_and_whatever_else_they_say() {
    let app = App::new();
    let words = ["Delivered", "IN_TRANSIT", "In Transit", "out-for-delivery", "InTransit", " Handed Over "];
    let event = |(n, status): (usize, &&str)| {
        json!({"event_id": format!("w{n}"), "carrier": "Royal Mail", "tracking_number": "s t4", "status": status,
            "occurred_at": "2010-12-02T10:00:00Z", "location": {"city": "Leeds"}, "pieces": 1})
    };
    let events: Vec<_> = words.iter().enumerate().map(event).collect();
    let answer = app.post("/v1/carrier-events", &json!({"events": events, "batch": 17})).await;
    let results = answer.body["results"].as_array().unwrap();
    assert!(results.len() == words.len() && results.iter().all(|result| result["result"] == "parked"), "{answer:?}");
}

#[tokio::test]
async fn lists_and_streams_are_pages() {
    let app = App::new();
    let orders = app.get("/v1/orders?limit=5&channel=web&sku=S-1&customer_id=17850&email=a@example.com").await;
    assert!(orders.body["items"].is_array() && orders.body.get("next_cursor").is_some(), "{orders:?}");
    assert!(app.get("/v1/fulfillment-orders?facility_id=S-F1&status=released").await.body["items"].is_array());
    let events = app.get("/v1/events?limit=1&types=order.placed,order.approved").await;
    assert!(events.body["items"].is_array() && events.body["next_cursor"].is_string(), "{events:?}");
}

#[tokio::test]
async fn the_ledger_says_what_moved_units_and_a_count_can_be_taken_back() {
    let app = App::new();
    app.product("S-8").await;
    app.facility("S-F8").await;
    let count = |on_hand: i64, as_of: &str| json!({"on_hand": on_hand, "as_of": as_of});
    app.put("/v1/stock/S-F8/S-8", &count(10, "2011-01-01T00:00:00Z")).await;
    app.put("/v1/stock/S-F8/S-8", &count(100, "2011-01-03T00:00:00Z")).await;
    let receipt = json!({"adjustment_id": "S-A8", "facility_id": "S-F8", "sku": "S-8", "quantity": 4, "reason": "receipt",
        "occurred_at": "2011-01-02T00:00:00Z"});
    app.post("/v1/stock/adjustments", &json!({"adjustments": [receipt]})).await;
    let taken_back = app.send(app.request(reqwest::Method::DELETE, "/v1/stock/S-F8/S-8/counts/2011-01-03T00:00:00Z")).await;
    assert_eq!((taken_back.status.as_u16(), &taken_back.body["on_hand"]), (200, &json!(14)), "{taken_back:?}");
    let again = app.send(app.request(reqwest::Method::DELETE, "/v1/stock/S-F8/S-8/counts/2011-01-03T00:00:00Z")).await;
    assert_eq!((again.status.as_u16(), again.code()), (404, "not_found"));

    let path = "/v1/stock/S-F8/S-8/movements";
    let page = app.get(&format!("{path}?limit=2")).await;
    let shown = |page: &serde_json::Value| -> Vec<(String, i64, String)> {
        let row = |row: &serde_json::Value| {
            (
                row["cause"].as_str().unwrap().to_owned(),
                row["on_hand"].as_i64().unwrap(),
                row["reference"].as_str().unwrap_or("").to_owned(),
            )
        };
        page["items"].as_array().unwrap().iter().map(row).collect()
    };
    let expected = [("snapshot_taken_back", -90, ""), ("receipt", 4, "S-A8")];
    assert_eq!(shown(&page.body), expected.map(|(cause, units, of)| (cause.to_owned(), units, of.to_owned())));
    let rest = app.get(&format!("{path}?cursor={}", page.body["next_cursor"].as_str().unwrap())).await;
    assert_eq!(shown(&rest.body).iter().map(|row| row.1).collect::<Vec<_>>(), [90, 10]);
    assert_eq!(app.get("/v1/stock/S-F8/NO-SUCH/movements").await.body["items"], json!([]));
}
