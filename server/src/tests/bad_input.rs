//! Whatever is sent, the answer is a problem document that says what is wrong with it.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{App, order};

#[tokio::test]
async fn a_bad_order_is_refused_with_every_field_named_and_is_not_there() {
    let app = App::new();
    let mut body = order("bad/1", "P");
    body["lines"][0]["quantity"] = json!(-1);
    body["colour"] = json!("red");
    let refused = app.post("/v1/orders", &body).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "validation_failed"));
    let mut pointers = refused.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/colour", "/lines/0/quantity", "/order_id"]);
}

#[tokio::test]
async fn what_is_not_json_is_a_400_and_what_is_not_called_json_a_415() {
    let app = App::new();
    let post = |body: &'static [u8]| app.request(Method::POST, "/v1/orders").header("content-type", "application/json").body(body);
    for body in [&b"{"[..], b"\xff\xfe{}", b"[1,]", b"null x"] {
        assert_eq!(app.send(post(body)).await.code(), "malformed_body", "{body:?}");
    }
    let plain = app.request(Method::POST, "/v1/orders").header("content-type", "text/plain").body("{}");
    let answer = app.send(plain).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (415, "unsupported_media_type"));
    let feed = app.request(Method::POST, "/v1/feeds/stock").header("content-type", "image/png").body("x");
    assert_eq!(app.send(feed).await.code(), "unsupported_media_type");
}

#[tokio::test]
async fn a_body_of_20_mb_is_a_413_that_its_sender_gets_to_see() {
    let app = App::new();
    let large = Value::String("x".repeat(20 * 1024 * 1024));
    let answer = app.post("/v1/orders", &json!({ "order_id": large })).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (413, "body_too_large"));
}

#[tokio::test]
async fn another_method_is_a_405_that_says_which_it_takes() {
    let app = App::new();
    let answer = app.send(app.request(Method::PATCH, "/v1/orders")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (405, "method_not_allowed"));
    let allowed = answer.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn bad_ids_and_parameters_are_named() {
    let app = App::new();
    for (path, pointer) in [
        ("/v1/orders/a%2Fb", "{order_id}"),
        ("/v1/orders/%ff", "{order_id}"),
        ("/v1/feeds/not-a-uuid", "{feed_id}"),
        ("/v1/orders/x/cancellations/a%20b", "{cancellation_id}"),
        ("/v1/orders?colour=red", "?colour"),
        ("/v1/orders?status=lost", "?status"),
        ("/v1/orders?limit=0", "?limit"),
        ("/v1/orders?limit=501", "?limit"),
        ("/v1/orders?placed_after=yesterday", "?placed_after"),
        ("/v1/orders?status=created&status=created", "?status"),
        ("/v1/orders?needs_attention=maybe", "?needs_attention"),
        ("/v1/fulfillment-orders?facility_id=a%20b", "?facility_id"),
        ("/v1/orders/x/events?cursor=-1", "?cursor"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]), "{path}");
    }
    for list in ["orders", "fulfillment-orders", "returns", "events", "bulk", "approvals", "facilities", "attention", "audit"] {
        let answer = app.get(&format!("/v1/{list}?cursor=no%20cursor")).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec!["?cursor"]), "{list}");
    }
}

#[tokio::test]
async fn an_unknown_action_is_not_found_and_a_bad_body_names_its_field() {
    let app = App::new();
    for unknown in ["/v1/fulfillment-orders/o-F1/fly", "/v1/returns/o-R1/eat", "/v1/feeds/prices"] {
        assert!(["not_found", "method_not_allowed"].contains(&app.post(unknown, &json!({})).await.code()), "{unknown}");
    }
    let bad = app.post("/v1/fulfillment-orders/o-F1/start-picking", &json!({})).await;
    assert_eq!((bad.status.as_u16(), bad.pointers()), (422, vec!["/picker"]));
    let bad = app.post("/v1/orders/o/cancellations", &json!({"lines": []})).await;
    assert_eq!(bad.pointers(), ["/reason", "/lines"]);
    let bad = app.post("/v1/orders/o/holds", &json!({"reason": "Bored"})).await;
    assert_eq!(bad.pointers(), ["/reason"]);
    let ended = json!({"reason": "other", "expires_at": "2011-01-01T00:00:00Z"});
    let bad = app.post("/v1/orders/o/holds", &ended).await;
    assert_eq!((bad.status.as_u16(), bad.pointers()), (422, vec!["/expires_at"]), "{bad:?}");
    let ended = json!({"bulk_id": "ended", "reason": "recall", "selection": {"channel": "web"},
        "operation": {"kind": "hold", "hold_reason": "other", "expires_at": "2011-01-01T00:00:00Z"}});
    let bad = app.post("/v1/bulk", &ended).await;
    assert_eq!((bad.status.as_u16(), bad.pointers()), (422, vec!["/operation/expires_at"]), "{bad:?}");
    let bad = app.post("/v1/picklists", &json!({"facility_id": "NO-SUCH", "at_most": 5})).await;
    assert_eq!(bad.code(), "unknown_facility");
    let bad = app.post("/v1/carrier-events", &json!({"events": [{"event_id": "1", "carrier": "c", "tracking_number": "t", "status": "lost_it", "occurred_at": "2010-12-01T08:26:00Z"}]})).await;
    assert_eq!((bad.status.as_u16(), &bad.body["results"][0]["result"]), (202, &json!("ignored")));
    let bad = app.post("/v1/carrier-events", &json!({"events": "none"})).await;
    assert_eq!(bad.pointers(), ["/events"]);
}

#[tokio::test]
async fn a_problem_names_its_request_and_says_whether_to_try_again() {
    let app = App::new();
    let refused = app.send(app.request(Method::GET, "/v1/orders/nobody").header("x-request-id", "req-17")).await;
    assert_eq!((&refused.body["instance"], &refused.body["retryable"]), (&json!("req-17"), &json!(false)));
    assert_eq!(refused.headers["x-request-id"], "req-17");
    let refused = app.post("/v1/orders", &json!({})).await;
    assert_eq!(refused.body["instance"], refused.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn a_json_body_may_have_the_five_megabytes_that_are_promised() {
    let app = App::new();
    let sized = |bytes: usize| format!("{{\"{}\":1}}", "k".repeat(bytes - 6));
    for (bytes, expected) in [(2_200_000, 422), (5 * 1024 * 1024, 422), (5 * 1024 * 1024 + 1, 413)] {
        let request = app.request(Method::POST, "/v1/orders").header("content-type", "application/json").body(sized(bytes));
        let answer = app.send(request).await;
        assert_eq!(answer.status.as_u16(), expected, "{bytes} bytes: {:?}", answer.body["code"]);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let app = App::new();
    let csv = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\nB-ORIGIN,A,1,GBP,1,1,1,1\n";
    let feed = |name: &str, value: &str| {
        app.send(app.request(Method::POST, "/v1/feeds/products").header(name.to_owned(), value.to_owned()).body(csv))
    };
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let answer = feed(name, value).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "foreign_origin"), "{name}: {value}");
    }
    // What has no body needs no preflight either.
    let ship = app.request(Method::POST, "/v1/fulfillment-orders/B-O-F1/ship").header("origin", "https://evil.example");
    assert_eq!(app.send(ship).await.code(), "foreign_origin");
    assert_eq!(feed("content-type", "text/plain").await.status, 415);
    assert_eq!(app.get("/v1/products/B-ORIGIN").await.status, 404);
    assert_eq!(feed("origin", &format!("http://{}", app.address())).await.status, 200);
}
