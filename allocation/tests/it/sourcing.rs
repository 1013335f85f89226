//! From orders, facilities and rules to decisions.

use jiff::civil::date;
use oms_allocation::{
    BUILT_IN_RULES, Decision, Destination, Facility, LineToSource, LocatedBy, Options, OrderToSource, Position, Rules, Service, StockLevel,
    build_problem, reach,
};

/// Wednesday 1 December 2010, 09:00 in London.
const NOW: &str = "2010-12-01T09:00:00Z";
const LONDON: Position = Position { latitude: 51.50853, longitude: -0.12574 };

fn order(lines: &[(&str, i64)]) -> OrderToSource {
    let line = |(place, (sku, quantity)): (usize, &(&str, i64))| LineToSource {
        line_id: (place + 1).to_string(),
        sku: (*sku).to_owned(),
        category: None,
        quantity: *quantity,
        unit_weight_g: 200,
        unfilled_penalty_minor: None,
        rejected_by: vec![],
    };
    OrderToSource {
        order_id: "536365".into(),
        channel: "web".into(),
        destination: Destination { country: "GB".into(), position: Some(LONDON) },
        service: Service::Standard,
        pickup_facility_id: None,
        requested_delivery_date: None,
        allow_split: true,
        packages_already: 0,
        open_packages: vec![],
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

fn stock(levels: &[(&str, &str, i64)]) -> Vec<StockLevel> {
    let level = |&(facility_id, sku, available): &(&str, &str, i64)| StockLevel {
        facility_id: facility_id.to_owned(),
        sku: sku.to_owned(),
        available,
        stock_price_milli: 0,
    };
    levels.iter().map(level).collect()
}

fn decide(order: &OrderToSource, facilities: &[Facility], stock: &[StockLevel], rules: &Rules) -> Decision {
    let now = NOW.parse().expect("a timestamp");
    build_problem(order, facilities, stock, rules, now).expect("a problem").decide(Options::default())
}

/// In Coventry, 137.8 km from London: zone 2.
fn coventry() -> Facility {
    Facility::example("WH-COVENTRY")
}

fn rotterdam() -> Facility {
    Facility {
        country: "NL".into(),
        position: Some(Position { latitude: 51.9225, longitude: 4.47917 }),
        timezone: "Europe/Amsterdam".into(),
        ..Facility::example("WH-ROTTERDAM")
    }
}

fn rule_of<'d>(decision: &'d Decision, facility_id: &str) -> (&'d str, &'d str) {
    let unused = decision.not_chosen.iter().find(|unused| unused.facility_id == facility_id).expect("it was not chosen");
    (&unused.rule, &unused.detail)
}

#[test]
fn a_package_is_priced_by_zone_weight_and_day() {
    let decision = decide(&order(&[("A", 3)]), &[coventry()], &stock(&[("WH-COVENTRY", "A", 9)]), &Rules::built_in());
    // Zone 2: 349 + 90 handling, and for each of 3 units 30 · 0.2 kg + 5, in minor units.
    assert_eq!(decision.cost_milli, 1000 * (349 + 90 + 3 * (6 + 5)));
    let outlook = &decision.packages[0].outlook;
    assert_eq!((outlook.zone, outlook.distance_km), (2, Some(138)));
    assert_eq!((outlook.ship_date, outlook.delivery_date), (date(2010, 12, 1), date(2010, 12, 3)));
    assert_eq!((decision.costs.package_milli, decision.costs.weight_milli, decision.costs.unfilled_penalty_milli), (349_000, 18_000, 0));
    assert_eq!(decision.located_by, LocatedBy::Coordinates);
    assert_eq!((decision.rules_version.as_str(), decision.rate_card_version.as_str()), ("built-in-1", "built-in-1"));
}

#[test]
fn express_costs_more_and_takes_less() {
    let express = OrderToSource { service: Service::Express, ..order(&[("A", 1)]) };
    let decision = decide(&express, &[rotterdam()], &stock(&[("WH-ROTTERDAM", "A", 9)]), &Rules::built_in());
    // Zone 4 at 1.8: 1618.2 + 90, and 270 · 0.2 kg + 5.
    assert_eq!(decision.cost_milli, 1_618_200 + 90_000 + 54_000 + 5_000);
    assert_eq!(decision.packages[0].outlook.delivery_date, date(2010, 12, 3));
}

#[test]
fn days_after_the_requested_date_are_late() {
    let wanted = OrderToSource { requested_delivery_date: Some(date(2010, 12, 2)), ..order(&[("A", 1)]) };
    let decision =
        decide(&wanted, &[coventry(), rotterdam()], &stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "A", 9)]), &Rules::built_in());
    assert_eq!((decision.packages[0].outlook.days_late, decision.costs.late_milli), (1, 100_000));
    // Left on the 1st, it would come on the 5th.
    let other = decision.not_chosen[0].outlook.as_ref().expect("it could have shipped");
    assert_eq!(other.days_late, 3);
}

#[test]
fn without_coordinates_each_facility_has_the_dearest_zone_of_its_country() {
    let mut somewhere = order(&[("A", 1)]);
    somewhere.destination.position = None;
    let decision =
        decide(&somewhere, &[coventry(), rotterdam()], &stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "A", 9)]), &Rules::built_in());
    assert_eq!(decision.located_by, LocatedBy::Country);
    assert_eq!((decision.packages[0].outlook.zone, decision.packages[0].outlook.distance_km), (3, None));
    assert_eq!(decision.not_chosen[0].outlook.as_ref().map(|outlook| outlook.zone), Some(5));
}

#[test]
fn each_facility_that_may_not_ship_names_the_first_rule() {
    let off = Facility { active: false, ..Facility::example("F-OFF") };
    let desk = Facility { ship_enabled: false, ..Facility::example("F-DESK") };
    let mut full = Facility { daily_order_capacity: Some(1), ..Facility::example("F-FULL") };
    full.capacity_taken = (1..=9).map(|day| (date(2010, 12, day), 1)).collect();
    let facilities = [off, desk, full, Facility::example("F-REJECTS"), Facility::example("F-EMPTY"), coventry()];
    let mut asked = order(&[("A", 1)]);
    asked.lines[0].rejected_by = vec!["F-REJECTS".into()];
    let everywhere: Vec<_> = facilities.iter().filter(|f| f.facility_id != "F-EMPTY").map(|f| (f.facility_id.as_str(), "A", 9)).collect();
    let decision = decide(&asked, &facilities, &stock(&everywhere), &Rules::built_in());
    assert_eq!(decision.packages[0].facility_id, "WH-COVENTRY");
    for (facility_id, rule, detail) in [
        ("F-OFF", "active", "not active"),
        ("F-DESK", "active", "not enabled for shipping"),
        ("F-FULL", "capacity", "no capacity within 5 working days"),
        ("F-REJECTS", "rejected", "excludes every SKU it has"),
        ("F-EMPTY", "no_stock", "it has no unit of what is wanted"),
    ] {
        assert_eq!(rule_of(&decision, facility_id), (rule, detail));
    }
}

#[test]
fn a_rejected_line_goes_elsewhere_and_the_rest_may_stay() {
    let mut asked = order(&[("A", 1), ("B", 1)]);
    asked.lines[0].rejected_by = vec!["WH-COVENTRY".into()];
    let levels = stock(&[("WH-COVENTRY", "A", 9), ("WH-COVENTRY", "B", 9), ("WH-ROTTERDAM", "A", 9)]);
    let decision = decide(&asked, &[coventry(), rotterdam()], &levels, &Rules::built_in());
    let lines: Vec<_> = decision.packages.iter().map(|package| (package.facility_id.as_str(), package.lines[0].line_id.as_str())).collect();
    assert_eq!(lines, [("WH-COVENTRY", "2"), ("WH-ROTTERDAM", "1")]);
    assert_eq!(decision.packages[0].outlook.sku_rules[0].rule, "rejected");
}

#[test]
fn the_one_pickup_facility_serves_without_freight() {
    let store = Facility { pickup_enabled: true, ..Facility::example("ST-1") };
    let collected = OrderToSource { pickup_facility_id: Some("ST-1".into()), ..order(&[("A", 2)]) };
    let decision = decide(&collected, &[store, coventry()], &stock(&[("ST-1", "A", 9), ("WH-COVENTRY", "A", 9)]), &Rules::built_in());
    assert_eq!(decision.cost_milli, 1000 * (90 + 2 * 5));
    assert_eq!(decision.packages[0].outlook.delivery_date, date(2010, 12, 1));
    assert_eq!(rule_of(&decision, "WH-COVENTRY"), ("active", "the order is collected elsewhere"));
}

/// The built-in rules with more text after them.
fn rules(more: &str) -> Rules {
    Rules::parse(&format!("{BUILT_IN_RULES}\n{more}")).expect("good rules")
}

#[test]
fn a_fallback_group_helps_only_when_it_is_needed() {
    let rules = rules(
        "[channels]\nweb = \"near\"\n[groups.near]\nfacilities = [\"WH-COVENTRY\"]\nfallback = \"far\"\n[groups.far]\nfacilities = [\"WH-ROTTERDAM\"]\n",
    );
    let sites = [coventry(), rotterdam(), Facility::example("WH-OTHER")];
    let levels = stock(&[("WH-COVENTRY", "A", 5), ("WH-ROTTERDAM", "A", 9), ("WH-OTHER", "A", 9)]);
    let enough = decide(&order(&[("A", 5)]), &sites, &levels, &rules);
    assert_eq!(rule_of(&enough, "WH-ROTTERDAM"), ("group", "in a fallback for channel web that is not needed"));
    let short = decide(&order(&[("A", 6)]), &sites, &levels, &rules);
    assert_eq!((short.unfilled_units, rule_of(&short, "WH-OTHER")), (0, ("group", "in no group that serves channel web")));
}

#[test]
fn a_soft_rule_costs_its_penalty_in_place_of_excluding() {
    let levels = stock(&[("WH-ROTTERDAM", "A", 9)]);
    let hard = rules("[[rules]]\nrule = \"distance\"\nname = \"at home\"\nsame_country = true\n");
    let refused = decide(&order(&[("A", 2)]), &[rotterdam()], &levels, &hard);
    assert_eq!((refused.unfilled_units, rule_of(&refused, "WH-ROTTERDAM")), (2, ("at home", "in NL, the order goes to GB")));
    let soft = rules(
        "[[rules]]\nrule = \"distance\"\nname = \"at home\"\nsame_country = true\npenalty_minor = 700\n[[rules]]\nrule = \"exclusion\"\nskus = [\"A\"]\npenalty_minor = 3\n",
    );
    let (plain, dearer) = (Rules::built_in(), soft);
    let cost = |rules: &Rules| decide(&order(&[("A", 2)]), &[rotterdam()], &levels, rules).cost_milli;
    assert_eq!(cost(&dearer) - cost(&plain), 1000 * (700 + 2 * 3));
}

#[test]
fn an_order_that_may_not_be_split_ships_whole_or_waits() {
    let whole = OrderToSource { allow_split: false, ..order(&[("A", 1), ("B", 1)]) };
    let apart = stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "B", 9)]);
    let decision = decide(&whole, &[coventry(), rotterdam()], &apart, &Rules::built_in());
    assert_eq!((decision.packages.len(), decision.unfilled_units), (0, 2));
    let together = stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "A", 9), ("WH-ROTTERDAM", "B", 9)]);
    let decision = decide(&whole, &[coventry(), rotterdam()], &together, &Rules::built_in());
    assert_eq!((decision.packages.len(), decision.unfilled_units), (1, 0));
}

#[test]
fn what_waits_on_purpose_ships_later_only_if_it_is_worth_it() {
    let mut again = OrderToSource { packages_already: 1, ..order(&[("A", 1)]) };
    again.lines[0].unfilled_penalty_minor = Some(255);
    let levels = stock(&[("WH-COVENTRY", "A", 9)]);
    assert_eq!(decide(&again, &[coventry()], &levels, &Rules::built_in()).unfilled_units, 1);
    again.lines[0].unfilled_penalty_minor = None;
    assert_eq!(decide(&again, &[coventry()], &levels, &Rules::built_in()).unfilled_units, 0);
}

/// Lines that may wait for so little.
fn patient(lines: &[(&str, i64)], penalty_minor: i64) -> OrderToSource {
    let mut order = order(lines);
    order.lines.iter_mut().for_each(|line| line.unfilled_penalty_minor = Some(penalty_minor));
    order
}

#[test]
fn what_costs_nothing_travels_along() {
    for penalty_minor in [0, 1, 5] {
        let mut gift = patient(&[("A", 1), ("GIFT", 3)], penalty_minor);
        gift.lines[0].unfilled_penalty_minor = Some(2_000);
        gift.lines[1].unit_weight_g = 3_000;
        let levels = stock(&[("WH-COVENTRY", "A", 9), ("WH-COVENTRY", "GIFT", 9), ("WH-ROTTERDAM", "GIFT", 9)]);
        let decision = decide(&gift, &[coventry(), rotterdam()], &levels, &Rules::built_in());
        assert_eq!((decision.packages.len(), decision.unfilled_units), (1, 0), "{penalty_minor}: {decision:?}");
        let screws =
            decide(&patient(&[("A", 100)], penalty_minor), &[coventry()], &stock(&[("WH-COVENTRY", "A", 500)]), &Rules::built_in());
        assert_eq!((screws.packages.len(), screws.unfilled_units), (1, 0), "{penalty_minor}: {screws:?}");
    }
}

#[test]
fn what_costs_nothing_travels_along_though_its_stock_is_wanted_elsewhere() {
    let mut levels = stock(&[("WH-COVENTRY", "A", 9), ("WH-COVENTRY", "GIFT", 9)]);
    levels[1].stock_price_milli = 900_000;
    let decision = decide(&patient(&[("A", 1), ("GIFT", 1)], 0), &[coventry()], &levels, &Rules::built_in());
    assert_eq!((decision.packages.len(), decision.unfilled_units), (1, 0), "{decision:?}");
}

#[test]
fn a_gift_is_worth_no_consignment_of_its_own() {
    let mut gift = patient(&[("A", 1), ("GIFT", 1)], 0);
    gift.lines[0].unfilled_penalty_minor = Some(2_000);
    let levels = stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "GIFT", 9)]);
    let decision = decide(&gift, &[coventry(), rotterdam()], &levels, &Rules::built_in());
    assert_eq!((decision.packages.len(), decision.unfilled_units), (1, 1), "{decision:?}");
}

#[test]
fn a_date_that_is_long_over_keeps_nothing_back() {
    let late = OrderToSource { requested_delivery_date: Some(date(1990, 1, 1)), ..patient(&[("A", 1), ("B", 1)], 2_000) };
    let levels = stock(&[("WH-COVENTRY", "A", 9), ("WH-ROTTERDAM", "B", 9)]);
    let decision = decide(&late, &[coventry(), rotterdam()], &levels, &Rules::built_in());
    let today = decide(
        &OrderToSource { requested_delivery_date: Some(date(2010, 12, 1)), ..late },
        &[coventry(), rotterdam()],
        &levels,
        &Rules::built_in(),
    );
    assert_eq!((decision.unfilled_units, decision.cost_milli), (0, today.cost_milli), "{decision:?}");
}

#[test]
fn a_decision_can_be_kept_and_made_again() {
    let decision = decide(
        &order(&[("A", 3)]),
        &[coventry(), rotterdam()],
        &stock(&[("WH-COVENTRY", "A", 2), ("WH-ROTTERDAM", "A", 2)]),
        &Rules::built_in(),
    );
    let text = serde_json::to_string(&decision).expect("JSON");
    assert_eq!(serde_json::from_str::<Decision>(&text).expect("a decision"), decision);
    let problem = oms_allocation::Problem::new(decision.problem).expect("a problem");
    let plan = oms_allocation::solve(&problem, Options::default());
    assert_eq!((plan.cost_milli, plan.packages.len()), (decision.cost_milli, decision.packages.len()));
}

#[test]
fn a_facility_that_makes_no_sense_keeps_out_itself_alone() {
    let now = NOW.parse().expect("a timestamp");
    let nowhere = Facility { facility_id: "NOWHERE".into(), timezone: "posixrules".into(), ..coventry() };
    let dear = Facility { facility_id: "DEAR".into(), handling_cost_minor: i64::MAX, ..coventry() };
    let stock = stock(&[("NOWHERE", "A", 9), ("DEAR", "A", 9), (&coventry().facility_id, "A", 1)]);
    let sourcing = build_problem(&order(&[("A", 1)]), &[nowhere, dear, coventry()], &stock, &Rules::built_in(), now).expect("a problem");
    assert!(sourcing.outlook(&coventry().facility_id).is_some());
    let detail = |id: &str| sourcing.excluded()[id].detail.clone();
    assert_eq!(detail("NOWHERE"), "there is no time zone \"posixrules\"");
    assert!(detail("DEAR").contains("is too large an amount"), "{}", detail("DEAR"));
}

#[test]
fn among_a_thousand_facilities_a_brief_decision_stays_small_and_counts_the_rest() {
    let store = |n: u32| Facility {
        facility_id: format!("ST-{n:04}"),
        position: Some(Position { latitude: 50.0 + f64::from(n) / 200.0, longitude: -1.5 }),
        ship_enabled: !n.is_multiple_of(10),
        ..coventry()
    };
    let facilities: Vec<Facility> = (0..1_000).map(store).collect();
    let levels: Vec<StockLevel> = facilities
        .iter()
        .map(|facility| StockLevel { facility_id: facility.facility_id.clone(), sku: "A".into(), available: 3, stock_price_milli: 0 })
        .collect();
    let whole = decide(&order(&[("A", 3)]), &facilities, &levels, &Rules::built_in());
    let brief = whole.clone().brief();
    let bytes = serde_json::to_vec(&[&brief]).expect("JSON").len();
    assert!(bytes <= 4_096, "{bytes} bytes");
    assert_eq!(brief.packages, whole.packages);
    assert_eq!(brief.not_chosen.len(), 10);
    assert!(brief.not_chosen.iter().all(|unused| unused.outlook.as_ref().is_some_and(|outlook| outlook.zone == 1)), "the nearest");
    let left_out: u64 = brief.left_out.values().sum();
    assert_eq!(brief.packages.len() as u64 + 10 + left_out, 1_000);
    assert_eq!(brief.left_out["active"], 100);
    let again: Decision = serde_json::from_slice(&serde_json::to_vec(&brief).expect("JSON")).expect("a decision");
    assert_eq!(again, brief);
}

#[test]
fn what_a_facility_might_ship_does_not_depend_on_what_it_has_or_gave_back() {
    let off = Facility { facility_id: "OFF".into(), ship_enabled: false, ..coventry() };
    let mut full = Facility { facility_id: "FULL".into(), daily_order_capacity: Some(1), ..coventry() };
    let now: jiff::Timestamp = NOW.parse().expect("a timestamp");
    for day in oms_allocation::ship_days(&full, now, 5) {
        full.capacity_taken.insert(day, 1);
    }
    let never = Facility { facility_id: "NEVER".into(), daily_order_capacity: Some(0), ..coventry() };
    let mut given_back = order(&[("A", 1)]);
    given_back.lines[0].rejected_by = vec!["WH-COVENTRY".into()];
    let found = reach(&given_back, &[coventry(), off, full, never], &Rules::built_in(), now);
    let found: Vec<_> = found.iter().map(|place| (place.facility_id.as_str(), place.skus.len(), place.full_until.is_some())).collect();
    assert_eq!(found, [("WH-COVENTRY", 1, false), ("OFF", 0, false), ("FULL", 1, true), ("NEVER", 0, false)]);
}
