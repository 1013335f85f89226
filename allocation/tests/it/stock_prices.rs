//! Prices of stock, against hand calculation.

use std::collections::BTreeMap;

use oms_allocation::{Destination, Facility, LookAhead, Position, Region, Rules, SkuAhead, StockPrices, stock_prices};

fn region(latitude: f64, longitude: f64) -> Region {
    Region::of(&Destination { country: "GB".into(), position: Some(Position { latitude, longitude }) })
}

/// London (zone 1 of LONDON, zone 3 of GLASGOW) and Glasgow (the other way round).
fn prices(london_has: i64, glasgow_has: i64, london_wants: f64, glasgow_wants: f64) -> StockPrices {
    let at = |id: &str, latitude, longitude| Facility { position: Some(Position { latitude, longitude }), ..Facility::example(id) };
    let facilities = [at("GLASGOW", 55.86, -4.25), at("LONDON", 51.51, -0.13)];
    let sku = SkuAhead {
        sku: "A".into(),
        unit_weight_g: 1_000,
        available: BTreeMap::from([("LONDON".into(), london_has), ("GLASGOW".into(), glasgow_has)]),
        wanted: BTreeMap::from([(region(51.51, -0.13), london_wants), (region(55.86, -4.25), glasgow_wants)]),
    };
    stock_prices(LookAhead { facilities: &facilities, rules: &Rules::built_in(), skus: &[sku] }).expect("solved")
}

#[test]
fn a_unit_is_worth_what_its_neighbours_would_pay_for_one_from_afar() {
    // 10 of London's 20 come from Glasgow: a kilogram at 45,000 in place of 20,000.
    let short = prices(10, 100, 20.0, 10.0);
    assert!((short.price_milli("A", "LONDON") - 25_000).abs() <= 1, "{short:?}");
    assert_eq!(short.price_milli("A", "GLASGOW"), 0);
    assert_eq!(short.price_milli("B", "LONDON"), 0);
}

#[test]
fn plenty_costs_nothing_and_scarcity_everywhere_is_no_reason_to_go_elsewhere() {
    assert!(prices(100, 100, 20.0, 10.0).is_empty());
    // Both short, and as far from each other: both units are worth what they fetch in their own town, which is the same.
    let short = prices(10, 10, 40.0, 40.0);
    assert!(short.iter().all(|(_, _, price)| price <= 1), "{short:?}");
    // Nobody wants it, or only one facility has it.
    assert!(prices(10, 10, 0.0, 0.0).is_empty() && prices(10, 0, 40.0, 40.0).is_empty());
}
