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

/// Three orders of a shop with a store and a warehouse.
fn shop(folder: &std::path::Path) {
    let gz = |name: &str, text: &str| {
        let mut file = flate2::write::GzEncoder::new(std::fs::File::create(folder.join(name)).unwrap(), flate2::Compression::fast());
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        file.finish().unwrap();
    };
    let facilities = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,cutoff_local_time,working_days,ship_enabled,pickup_enabled\n\
        NEAR,Near,store,GB,London,51.5,-0.1,Europe/London,180,12,15:00,Mon-Sat,true,true\n\
        FAR,Far,warehouse,GB,Oxford,51.75,-1.26,Europe/London,90,,17:00,Mon-Fri,true,false\n";
    std::fs::write(folder.join("facilities.csv"), facilities).unwrap();
    std::fs::write(folder.join("products.csv"), "sku,title,price_minor,weight_g\nA,A,900,100\nB,B,900,100\n").unwrap();
    std::fs::write(folder.join("inventory.csv"), "facility_id,sku,on_hand,safety_stock\nNEAR,A,9,0\nFAR,A,9,0\nFAR,B,9,0\n").unwrap();
    gz("replenishment.csv.gz", "received_at,facility_id,sku,quantity\n");
    let order = |id: u32| {
        json!({"order_id": id.to_string(), "channel": "web", "placed_at": "2010-12-06T09:00:00Z",
            "ship_to": {"country": "GB", "latitude": 51.5, "longitude": -0.1}, "shipping": {"method": "standard"},
            "lines": [{"line_id": "1", "sku": "A", "quantity": 1, "unit_price_minor": 900}, {"line_id": "2", "sku": "B", "quantity": 1, "unit_price_minor": 900}]})
        .to_string()
    };
    gz("orders.jsonl.gz", &[1, 2, 3].map(order).join("\n"));
}

#[test]
fn a_simulation_prints_policies_side_by_side_and_writes_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let (data, out) = (folder.path().to_str().unwrap(), folder.path().join("out"));
    let rules = folder.path().join("shadow.toml");
    std::fs::write(&rules, run(&["rules", "show"]).stdout.replace("pick_minor_per_unit = 5", "pick_minor_per_unit = 6")).unwrap();
    let all = ["simulate", "--data", data, "--gap", "-o", "json", "--shadow", rules.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let runs = run(&all).json();
    let figure = |place: usize, name: &str| runs["items"][place]["figures"][name].as_f64().unwrap();
    assert_eq!(runs["items"].as_array().unwrap().len(), 6);
    assert_eq!((runs["items"][0]["policy"].as_str(), figure(0, "packages_per_order")), (Some("nearest"), 2.0));
    assert_eq!((runs["items"][2]["policy"].as_str(), figure(2, "packages_per_order")), (Some("exact"), 1.0));
    // 299 freight, 90 handling, 2 x 2 weight, 2 x 5 picking.
    assert_eq!(figure(2, "cost_per_order"), 403.0);
    assert_eq!(runs["items"][2]["gap_share"], 0.0);
    let orders = std::fs::read_to_string(out.join("orders.csv")).unwrap();
    assert_eq!(orders.lines().filter(|row| row.starts_with("exact,") && row.ends_with(",2000")).count(), 3, "{orders}");
    assert_eq!(std::fs::read_to_string(out.join("summary.csv")).unwrap().lines().count(), 7);
    assert!(std::fs::read_to_string(out.join("chart.svg")).unwrap().starts_with("<svg"));
    let text = run(&["simulate", "--data", data, "--policy", "fewest,both"]).ok().stdout.clone();
    assert!(text.starts_with("POLICY") && text.lines().count() == 3, "{text}");
}

#[test]
fn a_simulation_names_the_file_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let data = folder.path().to_str().unwrap();
    assert!(run(&["simulate", "--data", data, "--policy", "best"]).exits(2).stderr.contains("nearest"));
    std::fs::write(folder.path().join("inventory.csv"), "facility_id,sku,on_hand,safety_stock\nNEAR,A,many,0\n").unwrap();
    let ran = run(&["simulate", "--data", data]);
    assert!(ran.exits(2).stderr.contains("inventory, row 1"), "{}", ran.stderr);
    std::fs::remove_file(folder.path().join("orders.jsonl.gz")).unwrap();
    assert!(run(&["simulate", "--data", data]).exits(2).stderr.contains("orders.jsonl.gz"));
}
