//! One bad input a test row, and whole round trips.

use oms_domain::placed::PlacedOrder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{body::OrderBody, parse_order};

fn body() -> Value {
    json!({
        "order_id": "536365", "channel": "web", "placed_at": "2010-12-01T08:26:00Z", "currency": "GBP",
        "customer": {"customer_id": "17850", "name": "Customer 17850", "email": "customer-17850@example.com"},
        "ship_to": {"name": "Customer 17850", "line1": "94 High Street", "city": "Leeds", "country": "GB",
                    "latitude": 53.79648, "longitude": -1.54785},
        "shipping": {"method": "standard", "price_minor": 0},
        "payment": {"method": "card", "token": "tok_17850"},
        "lines": [{"line_id": "1", "sku": "85123A", "quantity": 6, "unit_price_minor": 255},
                  {"line_id": "2", "sku": "71053", "quantity": 2, "unit_price_minor": 339}]
    })
}

/// The body with the value at a pointer's parent set, or removed by null.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut body = body();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = value.clone(),
            Value::Object(map) => {
                map.insert(key.to_owned(), value.clone());
            }
            other => panic!("{parent} is {other}"),
        }
    }
    body
}

fn parse(body: &Value) -> Result<PlacedOrder, Vec<(String, String)>> {
    parse_order(body.to_string().as_bytes())
        .map_err(|problem| problem.errors.into_iter().map(|error| (error.pointer, error.message)).collect())
}

fn pointers(body: &Value) -> Vec<String> {
    parse(body).map(|_| Vec::new()).unwrap_or_else(|errors| errors.into_iter().map(|(pointer, _)| pointer).collect())
}

#[test]
fn the_body_of_the_design_is_an_order() {
    let order = parse(&body()).unwrap();
    assert_eq!(order.total_minor(), 6 * 255 + 2 * 339);
    assert_eq!(order.payments[0].amount_minor, order.total_minor());
    assert!(order.allow_split && order.allow_backorder);
}

#[test]
fn each_bad_value_is_named_by_its_pointer_and_nothing_else_is_blamed() {
    let bad = [
        ("/order_id", json!("a/b")),
        ("/order_id", json!("")),
        ("/order_id", json!("x".repeat(65))),
        ("/order_id", json!(536365)),
        ("/channel", json!("two words")),
        ("/placed_at", json!("yesterday")),
        ("/placed_at", json!("2010-12-01 08:26")),
        ("/placed_at", json!("20101201T082600Z")),
        ("/placed_at", json!("1610-12-01T08:26:00Z")),
        ("/currency", json!("XXX")),
        ("/currency", json!("gbp")),
        ("/customer", json!("17850")),
        ("/customer/customer_id", json!("../17850")),
        ("/customer/email", json!("nobody")),
        ("/customer/name", json!("a\u{0}b")),
        ("/ship_to/country", json!("UK")),
        ("/ship_to/country", json!("gb")),
        ("/ship_to/city", json!("")),
        ("/ship_to/line1", json!("x".repeat(201))),
        ("/ship_to/latitude", json!(91)),
        ("/ship_to/longitude", json!("east")),
        ("/shipping/method", json!("drone")),
        ("/shipping/price_minor", json!(-1)),
        ("/shipping/discount_minor", json!(1)),
        ("/shipping/pickup_facility_id", json!("ST-LEEDS")),
        ("/payment/method", json!("cheque")),
        ("/payment/token", json!("")),
        ("/lines", json!([])),
        ("/lines", json!({})),
        ("/lines/0", json!(7)),
        ("/lines/1/line_id", json!("1")),
        ("/lines/0/sku", json!(" 85123")),
        ("/lines/0/quantity", json!(0)),
        ("/lines/0/quantity", json!(-3)),
        ("/lines/0/quantity", json!(1.5)),
        ("/lines/0/quantity", json!("6")),
        ("/lines/0/quantity", json!(1_000_001)),
        ("/lines/0/quantity", json!(u64::MAX)),
        ("/lines/0/unit_price_minor", json!(-1)),
        ("/lines/0/unit_price_minor", json!(2.55)),
        ("/lines/0/unit_price_minor", json!(1e30)),
        ("/lines/0/unit_price_minor", json!(1_000_000_000_001_i64)),
        // Within its own bound, and times six outside of the order's.
        ("/lines/0/unit_price_minor", json!(1_000_000_000_000_i64)),
        ("/lines/0/discount_minor", json!(6 * 255 + 1)),
        ("/lines/0/delivery_group", json!("elsewhere")),
        ("/lines/0/substitutes", json!("22752")),
        ("/lines/0/substitutes/0", json!("..")),
        ("/lines/0/fulfill_at", json!("soon")),
        ("/discounts", json!([{"code": "ALL", "amount_minor": 6 * 255 + 2 * 339 + 1}])),
        ("/discounts/0/amount_minor", json!("1")),
        ("/requested_delivery_date", json!("24.12.2010")),
        ("/promise_id", json!("a/b")),
        ("/allow_split", json!("no")),
        ("/cancel_after", json!(7)),
        ("/total_minor", json!(6 * 255)),
        ("/total_minor", json!("2208")),
        ("/delivery_groups", json!({})),
        // Unknown fields, each named, with the characters a pointer escapes.
        ("/colour", json!("red")),
        ("/a~0b~1c", json!(1)),
        ("/ship_to/planet", json!("Earth")),
        ("/lines/1/colour", json!(null)),
    ];
    for (pointer, value) in bad {
        let mut changed = body();
        set(&mut changed, pointer, value.clone());
        let found = pointers(&changed);
        let expected: &[&str] = match pointer {
            // A group that is not there at all, beside the order-level fields.
            "/delivery_groups" => &["/ship_to", "/shipping", "/delivery_groups"],
            other => &[other],
        };
        assert_eq!(found, expected, "{pointer} = {value}");
    }
}

/// Sets a value by its pointer, and makes the arrays on the way to a first element.
fn set(body: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    if body.pointer(parent).is_none() {
        let element = if parent.ends_with("/0") { json!([{"code": "TEN"}]) } else { json!([]) };
        set(body, parent.trim_end_matches("/0"), element);
    }
    match body.pointer_mut(parent).unwrap() {
        Value::Array(elements) if elements.is_empty() => elements.push(value),
        Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = value,
        Value::Object(map) => {
            map.insert(key, value);
        }
        other => panic!("{parent} is {other}"),
    }
}

#[test]
fn each_missing_field_is_named() {
    for (pointer, _) in [
        ("/order_id", 0),
        ("/channel", 0),
        ("/placed_at", 0),
        ("/currency", 0),
        ("/customer", 0),
        ("/ship_to", 0),
        ("/shipping", 0),
        ("/payment", 0),
        ("/lines", 0),
        ("/customer/customer_id", 0),
        ("/ship_to/country", 0),
        ("/ship_to/longitude", 0),
        ("/shipping/price_minor", 0),
        ("/payment/token", 0),
        ("/lines/0/quantity", 0),
    ] {
        assert_eq!(pointers(&with(&[(pointer, Value::Null)])), [pointer]);
    }
}

#[test]
fn every_error_of_a_body_is_found_at_once() {
    let body = with(&[
        ("/order_id", json!("a/b")),
        ("/currency", json!("XXX")),
        ("/lines/0/quantity", json!(0)),
        ("/lines/1/line_id", json!("1")),
        ("/ship_to/country", json!("UK")),
        ("/surprise", json!(true)),
        ("/payment/method", json!("cheque")),
        ("/allow_split", json!(1)),
    ]);
    let mut found = pointers(&body);
    found.sort();
    let expected = [
        "/allow_split",
        "/currency",
        "/lines/0/quantity",
        "/lines/1/line_id",
        "/order_id",
        "/payment/method",
        "/ship_to/country",
        "/surprise",
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_thousand_lines_are_read_and_one_more_is_refused() {
    let lines = |n: usize| -> Value {
        (0..n).map(|i| json!({"line_id": i.to_string(), "sku": "A", "quantity": 1, "unit_price_minor": 1})).collect()
    };
    assert_eq!(parse(&with(&[("/lines", lines(2_000))])).unwrap().lines.len(), 2_000);
    assert_eq!(pointers(&with(&[("/lines", lines(2_001))])), ["/lines"]);
}

#[test]
fn two_thousand_lines_of_the_largest_amount_overflow_nothing() {
    let line = |i: usize| json!({"line_id": i.to_string(), "sku": "A", "quantity": 1_000_000, "unit_price_minor": 1_000_000});
    let lines: Value = (0..2_000).map(line).collect();
    assert_eq!(pointers(&with(&[("/lines", lines)])), ["/lines"]);
}

#[test]
fn payments_stand_alone_and_add_up() {
    let card = json!({"payment_id": "c", "method": "card", "token": "tok", "amount_minor": 1_208});
    let gift = json!({"payment_id": "g", "method": "gift_card", "token": "tok", "amount_minor": 1_000});
    let both = with(&[("/payment", Value::Null), ("/payments", json!([card, gift]))]);
    assert_eq!(parse(&both).unwrap().payments.len(), 2);

    assert_eq!(pointers(&with(&[("/payments", json!([card, gift]))])), ["/payments"]);
    assert_eq!(pointers(&with(&[("/payment", Value::Null), ("/payments", json!([card]))])), ["/payments"]);
    let twice = with(&[("/payment", Value::Null), ("/payments", json!([card, card]))]);
    assert_eq!(pointers(&twice), ["/payments/1/payment_id"]);

    let authorized = json!({"id": "a-1", "amount_minor": 2_208, "expires_at": "2010-12-08T08:26:00Z"});
    let with_both = json!([{"payment_id": "c", "method": "card", "token": "t", "authorization": authorized, "amount_minor": 2_208}]);
    let refused = with(&[("/payment", Value::Null), ("/payments", with_both)]);
    assert_eq!(pointers(&refused), ["/payments/0/authorization"]);
    let uncovered =
        json!([{"payment_id": "c", "method": "card", "amount_minor": 2_208, "authorization": {"id": "a-1", "amount_minor": 2_207}}]);
    assert_eq!(pointers(&with(&[("/payment", Value::Null), ("/payments", uncovered)])), ["/payments/0/authorization"]);
}

#[test]
fn the_id_of_an_authorization_can_only_be_an_id() {
    let parsed = |id: &str| {
        let authorized = json!({"id": id, "amount_minor": 2_208});
        let payments = json!([{"payment_id": "c", "method": "card", "authorization": authorized, "amount_minor": 2_208}]);
        parse(&with(&[("/payment", Value::Null), ("/payments", payments)])).map_err(|errors| errors[0].0.clone())
    };
    for id in ["auth_1", "pi_3MtwBwLkdIwHu7ix28a3tqPa", "8515131751004933", "a.b:c-d"] {
        assert_eq!(parsed(id).unwrap().payments[0].authorization.as_ref().unwrap().id, id);
    }
    let long = "x".repeat(256);
    for id in ["x/../../captures/cap_1/refunds?", "..", ".a", "a b", "a%2fb", "a?b", "a#b", "ü", &long] {
        assert_eq!(parsed(id).unwrap_err(), "/payments/0/authorization/id", "{id}");
    }
}

#[test]
fn nothing_due_needs_no_payment_and_terms_need_no_token() {
    let free = [("/lines/0/unit_price_minor", json!(0)), ("/lines/1/unit_price_minor", json!(0)), ("/payment", Value::Null)];
    assert!(parse(&with(&free)).unwrap().payments.is_empty());
    assert!(parse(&with(&[("/payment", json!({"method": "terms"}))])).is_ok());
    assert_eq!(pointers(&with(&[("/payment", json!({"method": "terms", "token": "t"}))])), ["/payment/token"]);
}

#[test]
fn what_a_customer_proved_is_for_a_card_that_is_yet_to_be_authorized() {
    let proof = json!({"version": "2.2.0", "transaction_id": "f879ea1c", "cryptogram": "AAABBEg0VhI0VniQEjRWAAAAAAA="});
    let paid = |payment: Value| with(&[("/payment", payment)]);
    let order = parse(&paid(json!({"method": "card", "token": "t", "three_d_secure": proof}))).unwrap();
    assert_eq!(order.payments[0].three_d_secure.as_ref().unwrap().version, "2.2.0");
    for payment in
        [json!({"method": "gift_card", "token": "t", "three_d_secure": proof}), json!({"method": "terms", "three_d_secure": proof})]
    {
        assert_eq!(pointers(&paid(payment.clone())), ["/payment/three_d_secure"], "{payment}");
    }
    let other = |name: &str, value: Value| {
        let mut proof = proof.clone();
        proof[name] = value;
        pointers(&paid(json!({"method": "card", "token": "t", "three_d_secure": proof})))
    };
    assert_eq!(other("version", json!("3")), ["/payment/three_d_secure/version"]);
    assert_eq!(other("cryptogram", json!("")), ["/payment/three_d_secure/cryptogram"]);
    assert_eq!(other("electronic_commerce_indicator", json!("5")), ["/payment/three_d_secure/electronic_commerce_indicator"]);
}

#[test]
fn pickup_names_its_store() {
    let pickup = json!({"method": "pickup", "price_minor": 0});
    assert_eq!(pointers(&with(&[("/shipping", pickup)])), ["/shipping/pickup_facility_id"]);
    let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": "ST-LEEDS"});
    assert!(parse(&with(&[("/shipping", pickup), ("/ship_to", Value::Null)])).is_ok());
}

#[test]
fn mixed_baskets_name_a_group_for_each_line() {
    let mut mixed = with(&[("/shipping", Value::Null), ("/ship_to", Value::Null)]);
    mixed["delivery_groups"] = json!([
        {"delivery_group": "home", "shipping": {"method": "express", "price_minor": 500}, "ship_to": body()["ship_to"]},
        {"delivery_group": "store", "shipping": {"method": "pickup", "price_minor": 0}, "pickup_facility_id": "ST-LEEDS"},
    ]);
    assert_eq!(pointers(&mixed), ["/lines/0/delivery_group", "/lines/1/delivery_group"]);
    mixed["lines"][0]["delivery_group"] = json!("store");
    mixed["lines"][1]["delivery_group"] = json!("store");
    assert_eq!(pointers(&mixed), ["/lines"], "no line uses the group home");
    mixed["lines"][1]["delivery_group"] = json!("home");
    let order = parse(&mixed).unwrap();
    assert_eq!(order.lines.iter().map(|line| line.delivery_group).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(parse(&serde_json::to_value(OrderBody::from(&order)).unwrap()).unwrap(), order);
}

#[test]
fn the_same_order_written_otherwise_has_the_same_hash() {
    let order = parse(&body()).unwrap();
    let spelled_out = with(&[
        ("/allow_split", json!(true)),
        ("/total_minor", json!(2_208)),
        ("/placed_at", json!("2010-12-01T09:26:00+01:00")),
        ("/discounts", json!([])),
        ("/cancel_after", Value::Null),
    ]);
    let other = parse(&spelled_out).unwrap();
    assert_eq!(other.body_hash().unwrap(), order.body_hash().unwrap());
    let changed = parse(&with(&[("/lines/0/quantity", json!(7))])).unwrap();
    assert_ne!(changed.body_hash().unwrap(), order.body_hash().unwrap());
}

/// Bodies that are valid, with the optional fields there or not.
fn valid() -> impl Strategy<Value = Value> {
    let line = (1_u32..=1_000_000, 0_i64..=1_000, 0_i64..100, any::<bool>());
    let lines = prop::collection::vec(line, 1..20);
    (lines, "[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "[a-zA-Z äöü'-]{1,30}x", any::<[bool; 4]>(), 0_i64..100_000).prop_map(
        |(lines, id, name, [split, taxes, express, email], price)| {
            let line = |(i, (quantity, price, tax, preorder)): (usize, &(u32, i64, i64, bool))| {
                json!({"line_id": format!("{i}"), "sku": id, "quantity": quantity, "unit_price_minor": price, "tax_minor": tax,
                       "fulfill_at": preorder.then_some("2011-01-01T00:00:00Z")})
            };
            let mut order = with(&[("/order_id", json!(id)), ("/ship_to/name", json!(name)), ("/allow_split", json!(split))]);
            order["lines"] = lines.iter().enumerate().map(line).collect();
            order["taxes_included"] = json!(taxes);
            order["shipping"] = json!({"method": if express { "express" } else { "standard" }, "price_minor": price});
            if !email {
                order["customer"]["email"] = Value::Null;
            }
            order
        },
    )
}

/// Any JSON, biased to the words of an order so that the readers are reached.
fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("GBP")),
        Just(json!("2010-12-01T08:26:00Z")),
    ];
    let key = prop::sample::select(vec!["lines", "order_id", "shipping", "payments", "quantity", "ship_to", "x/~", "total_minor"]);
    scalar.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_valid_order_comes_back_as_it_was(body in valid()) {
        let order = parse(&body).unwrap();
        let written = serde_json::to_value(OrderBody::from(&order)).unwrap();
        prop_assert_eq!(parse(&written).unwrap(), order.clone());
        // A client in Rust reads what it wrote.
        prop_assert_eq!(serde_json::from_value::<OrderBody>(written).unwrap(), OrderBody::from(&order));
    }

    #[test]
    fn no_json_makes_the_reader_panic_and_every_refusal_names_something(value in any_json(), at in 0..12_usize) {
        prop_assert!(!pointers(&value).is_empty());
        let fields = ["order_id", "channel", "placed_at", "currency", "customer", "ship_to", "shipping", "payment", "lines",
                      "discounts", "delivery_groups", "payments"];
        let mut order = body();
        order[fields[at]] = value;
        let _either = parse(&order);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let problem = parse_order(&bytes).unwrap_err();
        prop_assert!(problem.status == 400 || !problem.errors.is_empty());
    }
}
