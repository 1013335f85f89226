//! Whatever is sent, it is answered with a problem that names the field, and nothing is half done.

use anyhow::{Result, ensure};
use oms_api::{
    feed::{FeedView, RejectView},
    page::Page,
};
use oms_domain::ids::OrderId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, in_shop, system::LEEDS};

/// Sends a body that must be refused with this code, naming this field and leaving no order.
async fn refused(shop: &Shop, basket: Basket, code: &str, pointer: &str) -> Result<()> {
    let problem = shop.send(&basket).await?.problem(422, code)?;
    let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    ensure!(pointers == [pointer], "expected {pointer}, named are {pointers:?}: {problem:?}");
    if let Some(id) = basket.body["order_id"].as_str().filter(|id| id.parse::<OrderId>().is_ok()) {
        shop.get(&format!("/v1/orders/{id}")).await?.problem(404, "order_not_found")?;
    }
    Ok(())
}

#[test]
fn each_field_that_is_wrong_is_named() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let good = || Basket::of(&sku, 2, 255).and(&sku, 1, 100);
        let cases: Vec<(&str, Value)> = vec![
            ("/colour", json!("red")),
            ("/lines/0/colour", json!("red")),
            ("/channel", json!(7)),
            ("/lines", json!("none")),
            ("/lines", json!([])),
            ("/lines/0/quantity", json!(0)),
            ("/lines/0/quantity", json!(-1)),
            ("/lines/0/quantity", json!(1.5)),
            ("/lines/0/quantity", json!(1_000_001)),
            ("/lines/0/quantity", json!("2")),
            ("/lines/0/unit_price_minor", json!(-1)),
            ("/lines/0/unit_price_minor", json!(1_000_000_000_001_i64)),
            ("/lines/0/unit_price_minor", json!(1e30)),
            ("/lines/0/tax_minor", json!(-1)),
            ("/lines/0/discount_minor", json!(511)),
            ("/lines/1/line_id", json!("1")),
            ("/lines/0/line_id", json!("a/b")),
            ("/lines/0/sku", json!("")),
            ("/order_id", json!("a/b")),
            ("/order_id", json!("")),
            ("/order_id", json!("x".repeat(65))),
            ("/currency", json!("XYZ")),
            ("/currency", json!("gbp")),
            ("/placed_at", json!("yesterday")),
            ("/placed_at", json!("9999-01-01T00:00:00Z")),
            ("/ship_to/country", json!("Britain")),
            ("/ship_to/latitude", json!(91)),
            ("/customer/email", json!("nobody")),
            ("/customer/customer_id", json!("a b")),
            ("/shipping/method", json!("carrier pigeon")),
            ("/shipping/pickup_facility_id", json!(LEEDS)),
            ("/payment/method", json!("shells")),
            ("/total_minor", json!(1)),
            ("/allow_split", json!("no")),
        ];
        for (pointer, value) in cases {
            refused(shop, good().with(pointer, value), "validation_failed", pointer).await?;
        }
        for field in ["order_id", "channel", "placed_at", "currency", "customer", "ship_to", "shipping", "payment", "lines"] {
            refused(shop, good().without(field), "validation_failed", &format!("/{field}")).await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        Ok(())
    })
}

#[test]
fn amounts_that_overflow_are_refused() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 1_000_000, 1_000_000_000_000);
        let problem = shop.send(&basket).await?.problem(422, "validation_failed")?;
        ensure!(problem.errors.iter().any(|error| error.pointer.starts_with("/lines/0")), "{problem:?}");
        let mut many = Basket::empty();
        for _ in 0..2_000 {
            many = many.and(&sku, 1_000_000, 1_000_000);
        }
        let problem = shop.send(&many).await?.problem(422, "validation_failed")?;
        ensure!(!problem.errors.is_empty(), "{problem:?}");
        Ok(())
    })
}

#[test]
fn what_is_not_in_the_catalog_is_named() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let unknown = "NO-SUCH-THING".parse()?;
        refused(shop, Basket::of(&sku, 2, 255).and(&unknown, 1, 255), "unknown_sku", "/lines/1/sku").await?;
        let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": "NOWHERE"});
        refused(shop, Basket::of(&sku, 2, 255).with("/shipping", pickup), "unknown_facility", "/shipping/pickup_facility_id").await?;
        shop.put(&format!("/v1/stock/NOWHERE/{sku}"), &json!({"on_hand": 1})).await?.problem(422, "unknown_facility")?;
        shop.put(&format!("/v1/stock/{LEEDS}/NO-SUCH-THING"), &json!({"on_hand": 1})).await?.problem(422, "unknown_sku")?;
        let problem = shop.post("/v1/availability", &json!({"skus": [sku, "NO-SUCH-THING"]})).await?.problem(422, "unknown_sku")?;
        assert_eq!(problem.errors[0].pointer, "/skus/1");
        Ok(())
    })
}

#[test]
fn an_order_has_two_thousand_lines_at_most() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let mut basket = Basket::empty();
        for _ in 0..2_001 {
            basket = basket.and(&sku, 1, 100);
        }
        refused(shop, basket, "validation_failed", "/lines").await
    })
}

#[test]
fn bodies_that_are_no_json_or_far_too_large_are_refused() -> Result<()> {
    in_shop(async |shop| {
        let send = async |body: Vec<u8>| {
            let request = shop.request(Method::POST, "/v1/orders").header("content-type", "application/json").body(body);
            Answer::to(request).await
        };
        for body in [&b"{"[..], b"", b"[]trailing", b"\xff\xfe{}", b"{\"order_id\":\"\xc3\x28\"}", b"{\"a\":1,\"a\":2}", b"NaN"] {
            let answer = send(body.to_vec()).await?;
            ensure!((400..500).contains(&answer.status), "{} for {:?}", answer.status, String::from_utf8_lossy(body));
        }
        send(b"\xff\xfe{}".to_vec()).await?.problem(400, "malformed_body")?;
        send([b"{\"order_id\":\"".as_slice(), &b"x".repeat(20 << 20), b"\"}"].concat()).await?.problem(413, "body_too_large")?;
        // Nesting that would overflow a careless reader's stack.
        send([b"[".repeat(100_000), b"]".repeat(100_000)].concat()).await?.problem(400, "malformed_body")?;
        let text = shop.request(Method::POST, "/v1/orders").header("content-type", "text/plain").body("{}");
        Answer::to(text).await?.problem(415, "unsupported_media_type")?;
        Ok(())
    })
}

#[test]
fn paths_and_parameters_that_make_no_sense_are_refused() -> Result<()> {
    in_shop(async |shop| {
        for path in ["/v1/orders/a%2Fb", "/v1/orders/%ff", "/v1/fulfillment-orders/a%20b"] {
            let answer = shop.get(path).await?;
            ensure!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        }
        for (query, pointer) in
            [("limit=0", "?limit"), ("limit=x", "?limit"), ("status=lost", "?status"), ("colour=red", "?colour"), ("cursor=%00", "?cursor")]
        {
            let problem = shop.get(&format!("/v1/orders?{query}")).await?.problem(422, "validation_failed")?;
            assert_eq!(problem.errors[0].pointer, pointer);
        }
        shop.get("/v1/nowhere").await?.problem(404, "not_found")?;
        ensure!(Answer::to(shop.request(Method::DELETE, "/v1/orders")).await?.status == 405);
        Ok(())
    })
}

#[test]
fn commands_with_a_wrong_body_change_nothing() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = format!("/v1/fulfillment-orders/{}", order.fulfillment_orders[0].fulfillment_order_id);
        let id = &order.heading.order_id;
        for (path, body, pointer) in [
            (format!("{part}/accept"), json!({"colour": "red"}), "/colour"),
            (format!("{part}/start-picking"), json!({}), "/picker"),
            (format!("{part}/reject"), json!({"reason": "Bored"}), "/reason"),
            (
                format!("{part}/short-pick"),
                json!({"reason": "other", "lines": [{"line_id": "1", "quantity_short": 0}]}),
                "/lines/0/quantity_short",
            ),
            (format!("{part}/pack"), json!({"parcels": [{"lines": [{"line_id": "1", "quantity": -1}]}]}), "/parcels/0/lines/0/quantity"),
            (format!("{part}/ship"), json!({"tracking_number": "a;b"}), "/tracking_number"),
            (format!("/v1/orders/{id}/cancellations"), json!({"cancellation_id": "c/1", "reason": "x"}), "/cancellation_id"),
            (format!("/v1/orders/{id}/cancellations"), json!({"cancellation_id": "c1", "reason": "x", "lines": []}), "/lines"),
            (format!("/v1/orders/{id}/holds"), json!({"reason": "Bored"}), "/reason"),
            ("/v1/carrier-events".to_owned(), json!({"events": []}), "/events"),
            (
                "/v1/stock/adjustments".to_owned(),
                json!({"adjustments": [{"facility_id": LEEDS, "sku": sku, "quantity": 0, "reason": "receipt"}]}),
                "/adjustments/0/quantity",
            ),
        ] {
            let problem = shop.post(&path, &body).await?.problem(422, "validation_failed")?;
            assert_eq!(problem.errors[0].pointer, pointer, "{path}: {problem:?}");
        }
        assert_eq!(shop.order(&id.parse()?).await?.version, order.version);
        Ok(())
    })
}

#[test]
fn a_bad_row_of_a_feed_is_kept_with_its_reason_and_stops_no_other() -> Result<()> {
    in_shop(async |shop| {
        let (good, other) = (shop.stocked(&[]).await?, shop.stocked(&[]).await?);
        let csv = format!(
            "facility_id,sku,on_hand\n{LEEDS},{good},5\n{LEEDS},{other},-3\nNOWHERE,{good},1\n{LEEDS},NO-SUCH-THING,1\n{LEEDS},{other},many\n{LEEDS},{other},7\n"
        );
        let request = shop.request(Method::POST, "/v1/feeds/stock").header("content-type", "text/csv").body(csv);
        let run: FeedView = Answer::to(request).await?.view(200)?;
        assert_eq!((run.rows_read, run.accepted, run.rejected), (6, 2, 4), "{run:?}");
        let rejects: Page<RejectView> = shop.get(&format!("/v1/feeds/{}/rejects", run.feed_id)).await?.view(200)?;
        let rows: Vec<u64> = rejects.items.iter().map(|reject| reject.row_number).collect();
        assert_eq!(rows, [2, 3, 4, 5], "{rejects:?}");
        for (reject, word) in rejects.items.iter().zip(["on_hand", "unknown_facility", "unknown_sku", "on_hand"]) {
            ensure!(reject.reason.contains(word), "{reject:?} does not name {word}");
        }
        assert_eq!((shop.stock(&good, LEEDS).await?.0, shop.stock(&other, LEEDS).await?.0), (5, 7));
        Ok(())
    })
}

#[test]
fn a_bad_order_in_a_feed_stops_no_other() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (first, last) = (Basket::of(&sku, 1, 255), Basket::of(&sku, 2, 255));
        let lines = [first.body.to_string(), Basket::of(&sku, 0, 255).body.to_string(), "{".to_owned(), last.body.to_string()].join("\n");
        let request = shop.request(Method::POST, "/v1/feeds/orders").header("content-type", "application/x-ndjson").body(lines);
        let run: FeedView = Answer::to(request).await?.view(200)?;
        assert_eq!((run.rows_read, run.accepted, run.rejected), (4, 2, 2), "{run:?}");
        for basket in [first, last] {
            shop.note(basket.id());
            shop.until_part(&basket.id(), 1, "released").await?;
        }
        Ok(())
    })
}
