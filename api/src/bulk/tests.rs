//! Bodies of bulk operations.

use oms_domain::{bulk::Operation, order::HoldReason};
use serde_json::{Value, json};

use super::*;
use crate::{
    problem::Problem,
    reader::{Fields, name, read_json},
};

fn status(fields: &Fields<'_>) -> Option<Option<String>> {
    fields.optional("status", name)
}

fn read(body: &Value) -> Result<AskedBulk<Option<String>>, Vec<String>> {
    let pointers = |problem: Box<Problem>| problem.errors.into_iter().map(|error| error.pointer).collect();
    read_json(body.to_string().as_bytes(), |node| read_bulk(node, "made-up", status)).map_err(pointers)
}

fn body(operation: Value) -> Value {
    json!({"bulk_id": "b-1", "operation": operation, "reason": "a recall", "selection": {"status": "processing"}})
}

#[test]
fn every_operation_is_read_with_its_defaults() {
    let asked = read(&body(json!({"kind": "cancel"}))).unwrap();
    assert_eq!((asked.task.operation, asked.dry_run, asked.orders_per_second), (Operation::Cancel, false, 20));
    assert_eq!(asked.selection.as_deref(), Some("processing"));
    let hold = read(&body(json!({"kind": "hold", "hold_reason": "other"}))).unwrap().task.operation;
    let hold_id = "b-1".parse().unwrap();
    assert_eq!(hold, Operation::Hold { hold_id, reason: HoldReason::Other, expires_at: None });
    assert!(read(&body(json!({"kind": "release", "hold_id": "review.fraud"}))).is_ok());
    let away = json!({"bulk_id": "b-1", "operation": {"kind": "move", "facility_id": "WH-1"}, "reason": "a flood"});
    assert_eq!(read(&away).unwrap().selection, None, "what is at the facility is selection enough");
}

#[test]
fn a_release_names_a_hold_or_a_reason_and_not_both() {
    let operation = |operation| read(&body(operation)).map(|asked| asked.task.operation);
    let for_fraud = json!({"kind": "release", "hold_reason": "high_risk_of_fraud"});
    assert_eq!(operation(for_fraud.clone()), Ok(Operation::ReleaseFor { reason: HoldReason::HighRiskOfFraud }));
    let held = json!({"bulk_id": "b-1", "operation": for_fraud, "reason": "the rule was wrong"});
    assert_eq!(read(&held).unwrap().selection, None, "what is held for it is selection enough");
    assert_eq!(operation(json!({"kind": "release"})).unwrap_err(), ["/operation/hold_id"]);
    let both = json!({"kind": "release", "hold_id": "h", "hold_reason": "other"});
    assert_eq!(operation(both).unwrap_err(), ["/operation/hold_reason"]);
    assert_eq!(operation(json!({"kind": "release", "hold_reason": "Boredom"})).unwrap_err(), ["/operation/hold_reason"]);
}

#[test]
fn a_bulk_of_everything_is_refused() {
    let mut all = body(json!({"kind": "cancel"}));
    all["selection"] = json!({});
    assert_eq!(read(&all).unwrap_err(), ["/selection"]);
    all.as_object_mut().unwrap().remove("selection");
    assert_eq!(read(&all).unwrap_err(), ["/selection"]);
}

#[test]
fn every_wrong_field_is_named() {
    let wrong = json!({"bulk_id": "b/1", "operation": {"kind": "hold", "hold_reason": "Bored", "colour": 1}, "selection": {"status": 1},
        "orders_per_second": 0, "dry_run": "no"});
    let mut pointers = read(&wrong).unwrap_err();
    pointers.sort();
    let named =
        ["/bulk_id", "/dry_run", "/operation/colour", "/operation/hold_reason", "/orders_per_second", "/reason", "/selection/status"];
    assert_eq!(pointers, named);
    let same = body(json!({"kind": "move", "facility_id": "WH-1", "to_facility_id": "WH-1"}));
    assert_eq!(read(&same).unwrap_err(), ["/operation/to_facility_id"]);
    assert_eq!(read(&body(json!({"kind": "fly"}))).unwrap_err(), ["/operation/kind"]);
}
