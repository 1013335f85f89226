//! The rule file: what is read, and how its mistakes are told.

use oms_allocation::{BUILT_IN_RULES, Rules};

fn mistakes(text: &str) -> Vec<String> {
    let error = Rules::parse(text).err();
    error.map(|error| error.mistakes.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The built-in file with a piece of text exchanged.
fn with(old: &str, new: &str) -> String {
    assert!(BUILT_IN_RULES.contains(old), "{old} is not in the built-in rules");
    BUILT_IN_RULES.replacen(old, new, 1)
}

#[test]
fn the_built_in_file_is_the_default_of_the_specification() {
    let rules = Rules::built_in();
    assert_eq!(rules.version, "built-in-1");
    assert_eq!((rules.costs.split_penalty_minor, rules.costs.late_penalty_minor_per_day, rules.costs.pick_minor_per_unit), (150, 100, 5));
    let zones: Vec<_> =
        rules.rate_card.zones.iter().map(|zone| (zone.same_country, zone.max_km, zone.package_minor, zone.minor_per_kg)).collect();
    assert_eq!(
        zones,
        [
            (true, Some(100), 299, 20),
            (true, Some(300), 349, 30),
            (true, None, 429, 45),
            (false, Some(1000), 899, 150),
            (false, None, 1799, 450)
        ]
    );
    let days: Vec<_> = rules.rate_card.zones.iter().map(|zone| (zone.standard_days, zone.express_days)).collect();
    assert_eq!(days, [(1, 1), (2, 1), (3, 1), (4, 2), (7, 3)]);
    let names: Vec<&str> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["active", "distance", "group", "capacity", "rejected"]);
}

#[test]
fn each_mistake_is_told_with_line_and_column() {
    for (text, told) in [
        (with("split_penalty_minor = 150", "split_penalty_minor = -1"), "5:23: `split_penalty_minor` must be from 0 to 1000000000, not -1"),
        (
            with("split_penalty_minor = 150", "split_penalty_minor = 1.5"),
            "5:23: `split_penalty_minor` must be a whole number, not this float",
        ),
        (with("split_penalty_minor = 150\n", ""), "4:1: `split_penalty_minor` is missing"),
        (
            with("[costs]", "colour = 1\n[costs]"),
            "4:1: unknown key `colour`; known here: version, costs, rules, groups, channels, rate_card",
        ),
        (
            with("rule = \"rejected\"", "rule = \"luck\""),
            "27:8: unknown rule `luck`; known: active, distance, group, capacity, rejected, exclusion",
        ),
        (
            with("rule = \"active\"", "rule = \"active\"\npenalty_minor = 5"),
            "15:17: the rule `active` cannot be soft: it takes no `penalty_minor`",
        ),
        (with("horizon_working_days = 5", "horizon_working_days = 0"), "24:24: `horizon_working_days` must be from 1 to 366, not 0"),
        (
            with("rule = \"distance\"", "rule = \"distance\"\nskus = []"),
            "18:1: unknown key `skus`; known here: rule, name, facilities, types, penalty_minor, max_km, same_country",
        ),
        (with("express_percent = 180", "express_percent = \"180\""), "53:19: `express_percent` must be a whole number, not this string"),
        (with("version = \"built-in-1\"\n\n[costs]", "version = \"\"\n\n[costs]"), "2:11: `version` must be a text, not this string"),
        ("version = \n".to_owned(), "1:11: "),
    ] {
        let found = mistakes(&text);
        assert!(found.iter().any(|mistake| mistake.starts_with(told)), "{told}\n{found:#?}");
    }
}

#[test]
fn groups_and_channels_must_lead_somewhere() {
    let rules = |tail: &str| format!("{BUILT_IN_RULES}\n{tail}");
    let line = BUILT_IN_RULES.lines().count() + 2;
    let text = rules("[groups.a]\nfallback = \"b\"\n[groups.b]\nfallback = \"a\"\n");
    assert_eq!(
        mistakes(&text),
        [
            format!("{}:12: the fallbacks go in a circle: a -> b -> a", line + 1),
            format!("{}:12: the fallbacks go in a circle: b -> a -> b", line + 3)
        ]
    );
    let text = rules("[groups.a]\nfallback = \"x\"\n[channels]\nweb = \"y\"\n");
    assert_eq!(mistakes(&text), [format!("{}:12: there is no group `x`", line + 1), format!("{}:7: there is no group `y`", line + 3)]);
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let text = with("pick_minor_per_unit = 5", "pick_minor_per_unit = true").replace("package_minor = 299", "package_minor = -299");
    let found = mistakes(&text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("7:23: `pick_minor_per_unit`") && found[1].contains("`package_minor`"), "{found:#?}");
}

#[test]
fn a_place_without_a_rate_and_a_file_without_an_active_rule_are_refused() {
    let found = mistakes(&with("rule = \"active\"", "rule = \"rejected\""));
    assert_eq!(found, ["1:1: a rule `active` is missing: without it orders would go where nothing can ship"]);
    let found = mistakes(&with("same_country = true\npackage_minor = 429", "same_country = true\nmax_km = 900\npackage_minor = 429"));
    assert_eq!(found, ["51:1: no zone with same_country = true is without max_km: far places would have no rate"]);
}

#[test]
fn facilities_that_do_not_exist_are_named() {
    let text = format!("{BUILT_IN_RULES}\n[groups.a]\nfacilities = [\"WH-1\", \"WH-2\"]\n");
    let known = ["WH-1".to_owned()].into();
    let found = Rules::parse_for(&text, &known).expect_err("WH-2 is unknown");
    assert_eq!(found.mistakes.len(), 1);
    assert_eq!(found.mistakes[0].message, "there is no facility `WH-2`");
    assert!(Rules::parse(&text).is_ok());
}
