//! Problems that are none: each mistake is named with its place.

use oms_allocation::{Problem, ProblemFile};
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "lines": [
            {"line_id": "1", "sku": "A", "quantity": 3, "unit_weight_g": 200},
            {"line_id": "2", "sku": "A", "quantity": 1, "unit_weight_g": 200},
        ],
        "facilities": [{"facility_id": "WH-1"}, {"facility_id": "WH-2"}],
        "availability": [{"facility_id": "WH-1", "sku": "A", "available": 5}, {"facility_id": "WH-2", "sku": "A", "available": 5}],
        "rules": {}
    })
}

/// Pointer and message of each mistake in the good problem after a change.
fn mistakes(pointer: &str, value: Value) -> Vec<(String, String)> {
    let mut problem = good();
    match problem.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            problem.pointer_mut(parent).expect("a parent")[key] = value;
        }
    }
    let error = Problem::from_json(&problem.to_string()).err();
    let mistakes = error.map(|error| error.mistakes).unwrap_or_default();
    mistakes.into_iter().map(|mistake| (mistake.pointer, mistake.message)).collect()
}

#[test]
fn the_good_problem_is_good() {
    assert_eq!(mistakes("/rules/packages_already", json!(0)), []);
}

#[test]
fn each_mistake_names_its_place() {
    for (place, value, pointer, message) in [
        ("/lines/1/quantity", json!(0), "/lines/1/quantity", "0 is less than 1"),
        ("/lines/0/unit_weight_g", json!(-1), "/lines/0/unit_weight_g", "-1 is negative"),
        ("/lines/0/unfilled_penalty_milli", json!(-5), "/lines/0/unfilled_penalty_milli", "-5 is negative"),
        ("/lines/1/unit_weight_g", json!(300), "/lines/1/unit_weight_g", "SKU \"A\" weighs 300 g here and 200 g in line \"1\""),
        ("/lines/1/line_id", json!("1"), "/lines/1/line_id", "line \"1\" is there twice"),
        ("/lines/1/quantity", json!(i64::MAX), "/lines/1/quantity", "the units of all lines sum beyond 64 bits"),
        ("/facilities/1/facility_id", json!("WH-1"), "/facilities/1/facility_id", "facility \"WH-1\" is there twice"),
        ("/facilities/0/package_milli", json!(-1), "/facilities/0/package_milli", "-1 is negative"),
        ("/facilities/0/handling_milli", json!(-1), "/facilities/0/handling_milli", "-1 is negative"),
        ("/facilities/0/weight_rate_milli_per_g", json!(-1), "/facilities/0/weight_rate_milli_per_g", "-1 is negative"),
        ("/facilities/0/pick_milli", json!(-1), "/facilities/0/pick_milli", "-1 is negative"),
        ("/facilities/0/days_late", json!(-1), "/facilities/0/days_late", "-1 is negative"),
        ("/facilities/0/capacity_left", json!(-1), "/facilities/0/capacity_left", "-1 is negative"),
        ("/availability/1/facility_id", json!("WH-9"), "/availability/1/facility_id", "facility \"WH-9\" is not among the facilities"),
        ("/availability/1/facility_id", json!("WH-1"), "/availability/1", "SKU \"A\" at facility \"WH-1\" is there twice"),
        ("/availability/0/available", json!(-3), "/availability/0/available", "-3 is negative"),
        ("/availability/0/stock_price_milli", json!(-3), "/availability/0/stock_price_milli", "-3 is negative"),
        ("/rules/split_penalty_milli", json!(-1), "/rules/split_penalty_milli", "-1 is negative"),
        ("/rules/late_penalty_milli_per_day", json!(-1), "/rules/late_penalty_milli_per_day", "-1 is negative"),
        ("/rules/max_packages", json!(-1), "/rules/max_packages", "-1 is negative"),
        ("/rules/packages_already", json!(-1), "/rules/packages_already", "-1 is negative"),
    ] {
        let found = mistakes(place, value);
        assert!(found.iter().any(|(at, what)| at == pointer && what == message), "{place}: {found:?}");
    }
}

#[test]
fn what_is_not_of_the_form_names_its_place() {
    for (place, value, pointer, message) in [
        ("/lines/0/colour", json!("red"), "/lines/0/colour", "unknown field `colour`"),
        ("/colour", json!("red"), "/colour", "unknown field `colour`"),
        ("/rules/colour", json!("red"), "/rules/colour", "unknown field `colour`"),
        ("/lines/0/quantity", json!("3"), "/lines/0/quantity", "invalid type: string"),
        ("/lines/0/quantity", json!(1.5), "/lines/0/quantity", "invalid type: floating point"),
        ("/facilities/1/package_milli", json!(1e30), "/facilities/1/package_milli", "invalid type: floating point"),
        ("/facilities/0", json!({}), "/facilities/0", "missing field `facility_id`"),
    ] {
        let found = mistakes(place, value);
        assert!(found.iter().any(|(at, what)| at == pointer && what.starts_with(message)), "{place}: {found:?}");
    }
    let error = ProblemFile::from_json(&format!("{} {{}}", good())).expect_err("two documents");
    assert!(error.to_string().starts_with("/: trailing characters"), "{error}");
}

#[test]
fn sums_beyond_what_can_be_compared_name_where_they_overflow() {
    assert_eq!(mistakes("/lines/1/quantity", json!(1_000_000_000_i64)), []);
    let mut problem = good();
    problem["lines"][0]["unit_weight_g"] = json!(i64::MAX);
    problem["lines"][1]["unit_weight_g"] = json!(i64::MAX);
    problem["facilities"][1]["weight_rate_milli_per_g"] = json!(i64::MAX);
    let error = Problem::from_json(&problem.to_string()).expect_err("10^38 milli").to_string();
    assert_eq!(error, "/lines/0: the costs of the problem sum beyond what 128 bits can compare");
    problem = good();
    problem["rules"] = json!({"late_penalty_milli_per_day": i64::MAX});
    problem["facilities"][1]["days_late"] = json!(i64::MAX);
    let error = Problem::from_json(&problem.to_string()).expect_err("10^38 milli").to_string();
    assert_eq!(error, "/facilities/1: the costs of the problem sum beyond what 128 bits can compare");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mut problem = good();
    problem["lines"][0]["quantity"] = json!(-1);
    problem["availability"][1]["facility_id"] = json!("WH-9");
    let error = Problem::from_json(&problem.to_string()).expect_err("two mistakes");
    let pointers: Vec<&str> = error.mistakes.iter().map(|mistake| mistake.pointer.as_str()).collect();
    assert_eq!(pointers, ["/lines/0/quantity", "/availability/1/facility_id"]);
}
