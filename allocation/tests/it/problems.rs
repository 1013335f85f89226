//! The problem files with their answers, worked out by hand or by HiGHS (tests/problems/README.md).

use std::path::PathBuf;

use oms_allocation::{Options, Problem, solve};
use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_problem_has_its_answer() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder of problems")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter_map(|name| name.strip_suffix(".expected.json").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 27, "only {} problems", names.len());
    for name in names {
        let problem = Problem::from_json(&read(&folder.join(format!("{name}.json")))).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected: Value = serde_json::from_str(&read(&folder.join(format!("{name}.expected.json")))).expect("JSON");
        // Through text: `Value` has no integers beyond 64 bits to compare with.
        let plan = serde_json::to_string(&solve(&problem, Options::default())).expect("a plan is JSON");
        let mut plan: Value = serde_json::from_str(&plan).expect("JSON");
        plan.as_object_mut().expect("an object").remove("nodes");
        assert_eq!(plan, expected, "{name}");
    }
}

#[test]
fn the_answer_is_written_as_specified() {
    let problem = r#"{"lines":[{"line_id":"1","sku":"A","quantity":3,"unit_weight_g":200,"unfilled_penalty_milli":null}],
 "facilities":[{"facility_id":"WH-1","package_milli":299000,"handling_milli":90000,"weight_rate_milli_per_g":20,"pick_milli":5000,"days_late":0,"capacity_left":10,"package_open":false}],
 "availability":[{"facility_id":"WH-1","sku":"A","available":5,"stock_price_milli":0}],
 "rules":{"split_penalty_milli":150000,"late_penalty_milli_per_day":100000,"max_packages":null,"packages_already":0,"ship_complete":false,"ship_something":true}}"#;
    let plan = solve(&Problem::from_json(problem).expect("a problem"), Options::default());
    assert_eq!(
        serde_json::to_string(&plan).expect("JSON"),
        r#"{"unfilled_units":0,"cost_milli":416000,"optimal":true,"gap_milli":0,"nodes":1,"packages":[{"facility_id":"WH-1","cost_milli":416000,"lines":[{"line_id":"1","quantity":3}]}],"not_chosen":[]}"#
    );
}

#[test]
fn an_explanation_has_the_parts_and_the_alternatives() {
    let problem = r#"{"lines":[{"line_id":"1","sku":"A","quantity":2}],
        "facilities":[{"facility_id":"WH-1"},{"facility_id":"WH-2","days_late":1}],
        "availability":[{"facility_id":"WH-1","sku":"A","available":5,"stock_price_milli":70},{"facility_id":"WH-2","sku":"A","available":5}]}"#;
    let plan = solve(&Problem::from_json(problem).expect("a problem"), Options { explain: true, ..Options::default() });
    let plan = serde_json::to_value(&plan).expect("JSON");
    assert_eq!(
        plan["packages"][0]["parts"],
        serde_json::json!({"package_milli":299_000,"handling_milli":90_000,"late_milli":0,"weight_milli":8_000,"pick_milli":10_000,"stock_price_milli":140})
    );
    // From WH-2 alone: 389,000 + 100,000 for the day + 2 · 9,000.
    assert_eq!(
        plan["not_chosen"],
        serde_json::json!([{"facility_id":"WH-2","reason":"not_cheaper","forced":{"unfilled_units":0,"cost_milli":507_000}}])
    );
}
