//! Bodies of actions, and what an associate is shown.

use oms_domain::order::FulfillmentRequest;
use serde_json::{Value, json};

use super::*;
use crate::{problem::Problem, reader::read_json};

fn read(action: &str, body: Value) -> Result<FulfillmentRequest, Vec<String>> {
    let read = read_action(action).unwrap();
    let pointers = |problem: Box<Problem>| problem.errors.into_iter().map(|error| error.pointer).collect();
    read_json(body.to_string().as_bytes(), read).map_err(pointers)
}

#[test]
fn the_bodies_of_the_design_are_read() {
    for (action, body) in [
        ("release", json!({})),
        ("accept", json!({})),
        ("reject", json!({"reason": "NotInStock"})),
        ("reject", json!({"reason": "Damaged", "lines": [{"line_id": "1", "quantity": 2}]})),
        ("start-picking", json!({"picker": "p-7"})),
        ("short-pick", json!({"lines": [{"line_id": "1", "quantity_short": 1}], "reason": "Mismatch"})),
        ("pack", json!({})),
        ("pack", json!({"parcels": [{"lines": [{"line_id": "1", "quantity": 2}], "weight_g": 950}]})),
        ("unpack", json!({})),
        ("ship", json!({})),
        ("ship", json!({"carrier": "acme", "tracking_number": "T1"})),
        ("deliver", json!({})),
    ] {
        assert!(read(action, body.clone()).is_ok(), "{action} {body}");
    }
    assert!(read_action("fly").is_none());
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
            json!({"reason": "Other", "lines": [{"line_id": "1", "quantity": 1}]}),
            vec!["/lines/0/quantity_short", "/lines/0/quantity"],
        ),
        (
            "pack",
            json!({"parcels": [{"lines": [{"line_id": "1", "quantity": 1}, {"line_id": "1", "quantity": 1}], "weight_g": 0}]}),
            vec!["/parcels/0/lines/1/line_id", "/parcels/0/weight_g"],
        ),
        ("ship", json!({"tracking_number": "a b"}), vec!["/tracking_number"]),
    ] {
        let expected: Vec<String> = pointers.into_iter().map(str::to_owned).collect();
        assert_eq!(read(action, body.clone()), Err(expected), "{action} {body}");
    }
}
