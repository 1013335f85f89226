//! The allocation engine as a file tool.

use serde_json::{Value, json};

use crate::run::{run, run_in};

fn problem() -> Value {
    json!({
        "lines": [{"line_id": "1", "sku": "A", "quantity": 3, "unit_weight_g": 200, "unfilled_penalty_milli": null}],
        "facilities": [{"facility_id": "WH-1", "package_milli": 299000, "handling_milli": 90000, "weight_rate_milli_per_g": 20,
                        "pick_milli": 5000, "days_late": 0, "capacity_left": 10, "package_open": false}],
        "availability": [{"facility_id": "WH-1", "sku": "A", "available": 5, "stock_price_milli": 0}],
        "rules": {"split_penalty_milli": 150000, "late_penalty_milli_per_day": 100000, "max_packages": null, "packages_already": 0,
                  "ship_complete": false, "ship_something": true}
    })
}

#[test]
fn a_problem_is_solved_as_the_specification_has_it() {
    let plan = run_in(&[], &["allocate", "--problem", "-", "-o", "json"], &problem().to_string()).json();
    assert_eq!(plan["cost_milli"], 416_000);
    assert_eq!(plan["optimal"], true);
    assert_eq!(plan["packages"], json!([{"facility_id": "WH-1", "cost_milli": 416_000, "lines": [{"line_id": "1", "quantity": 3}]}]));
    let text = run_in(&[], &["allocate", "--problem", "-"], &problem().to_string());
    assert!(text.ok().stdout.starts_with("cost 416000 milli, 0 units unfilled, optimal"), "{}", text.stdout);
}

#[test]
fn a_problem_with_mistakes_is_refused_with_each_of_them() {
    let mut wrong = problem();
    wrong["lines"][0]["quantity"] = json!(0);
    wrong["facilities"][0]["pick_milli"] = json!(-1);
    let ran = run_in(&[], &["allocate", "--problem", "-"], &wrong.to_string());
    assert!(ran.exits(2).stdout.is_empty());
    assert!(ran.stderr.contains("/lines/0/quantity") && ran.stderr.contains("/facilities/0/pick_milli"), "{}", ran.stderr);
}

#[test]
fn rule_files_are_checked_and_the_built_in_one_has_no_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let path = file.to_str().unwrap();
    let built_in = run(&["rules", "show"]).ok().stdout.clone();
    std::fs::write(&file, &built_in).unwrap();
    assert!(run(&["rules", "check", path]).ok().stdout.contains("no mistakes"));
    std::fs::write(&file, format!("{built_in}\n[typo]\n")).unwrap();
    let ran = run(&["rules", "check", path]);
    assert!(ran.exits(2).stderr.contains("typo"), "{}", ran.stderr);
}
