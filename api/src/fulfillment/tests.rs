//! Bodies of actions, and what an associate is shown.

use oms_domain::order::FulfillmentRequest;
use serde_json::{Value, json};

use super::*;
use crate::{problem::Problem, reader::read_json};

fn read(action: &str, body: Value) -> Result<FulfillmentRequest, Vec<String>> {
    let read = read_action(action, |code| format!("hash of {}", code.len())).unwrap();
    let pointers = |problem: Box<Problem>| problem.errors.into_iter().map(|error| error.pointer).collect();
    read_json(body.to_string().as_bytes(), read).map_err(pointers)
}

#[test]
fn the_bodies_of_the_design_are_read() {
    for (action, body) in [
        ("release", json!({})),
        ("accept", json!({})),
        ("reject", json!({"reason": "not_in_stock"})),
        ("reject", json!({"reason": "damaged", "lines": [{"line_id": "1", "quantity": 2}]})),
        ("start-picking", json!({"picker": "p-7"})),
        ("short-pick", json!({"lines": [{"line_id": "1", "quantity_short": 1}], "reason": "mismatch"})),
        ("pack", json!({})),
        ("pack", json!({"parcels": [{"lines": [{"line_id": "1", "quantity": 2}], "weight_g": 950}]})),
        ("unpack", json!({})),
        ("ship", json!({})),
        ("ship", json!({"carrier": "acme", "tracking_number": "T1"})),
        ("ship", json!({"parcels": ["A1-F1-P1"]})),
        ("unship", json!({})),
        ("ready", json!({"code": "4711"})),
        ("handover", json!({"code": "4711"})),
        ("no-show", json!({})),
        ("deliver", json!({})),
        ("mark-lost", json!({"parcels": ["A1-F1-P1"]})),
        ("move", json!({"facility_id": "WH-2", "consented": true})),
        ("split", json!({"lines": [{"line_id": "1", "quantity": 2}]})),
        ("merge", json!({"fulfillment_order_id": "A1-F2"})),
    ] {
        assert!(read(action, body.clone()).is_ok(), "{action} {body}");
    }
    assert!(read_action("fly", str::to_owned).is_none());
}

#[test]
fn a_pickup_code_is_read_as_its_hash() {
    let Ok(FulfillmentRequest::Ready { code_hash: Some(hash) }) = read("ready", json!({"code": "4711"})) else { panic!("a hash") };
    assert_eq!(hash, "hash of 4");
    assert_eq!(read("handover", json!({"code": "4711"})), Ok(FulfillmentRequest::Handover { code_hash: Some(hash) }));
}

#[test]
fn a_bad_body_names_its_fields() {
    for (action, body, pointers) in [
        ("accept", json!({"please": true}), vec!["/please"]),
        ("accept", json!([]), vec![""]),
        ("reject", json!({"reason": "Tired", "lines": []}), vec!["/reason", "/lines"]),
        ("start-picking", json!({}), vec!["/picker"]),
        (
            "short-pick",
            json!({"reason": "other", "lines": [{"line_id": "1", "quantity": 1}]}),
            vec!["/lines/0/quantity_short", "/lines/0/quantity"],
        ),
        (
            "pack",
            json!({"parcels": [{"lines": [{"line_id": "1", "quantity": 1}, {"line_id": "1", "quantity": 1}], "weight_g": 0}]}),
            vec!["/parcels/0/lines/1/line_id", "/parcels/0/weight_g"],
        ),
        ("ship", json!({"tracking_number": "a;b"}), vec!["/tracking_number"]),
        ("ship", json!({"tracking_number": "T1", "parcels": ["A1-F1-P1"]}), vec!["/parcels"]),
        ("split", json!({}), vec!["/lines"]),
    ] {
        let expected: Vec<String> = pointers.into_iter().map(str::to_owned).collect();
        assert_eq!(read(action, body.clone()), Err(expected), "{action} {body}");
    }
}
