//! Replays of a small shop, against hand calculation.

use oms_allocation::Rules;
use oms_allocation::simulate::{Data, DataTexts, Figures, Policy, Run, Settings, orders_csv, replay};

/// Two facilities on one street; from the one, all orders take their first unit.
const FACILITIES: &str = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,cutoff_local_time,working_days,ship_enabled,pickup_enabled
NEAR,Near,store,GB,London,51.5,-0.1,Europe/London,100,,17:00,Mon-Fri,true,false
FULL,Full,warehouse,GB,Oxford,51.75,-1.26,Europe/London,10,,17:00,Mon-Fri,true,false
";
const PRODUCTS: &str = "sku,title,price_minor,weight_g,length_mm,width_mm,height_mm,category\nA,A,1000,100,1,1,1,x\nB,B,1000,100,1,1,1,x\n";

fn order(id: &str, at: &str, lines: &[(&str, i64)]) -> String {
    let lines: Vec<String> = (1..)
        .zip(lines)
        .map(|(id, (sku, quantity))| format!(r#"{{"line_id":"{id}","sku":"{sku}","quantity":{quantity},"unit_price_minor":1000}}"#))
        .collect();
    format!(
        r#"{{"order_id":"{id}","channel":"web","placed_at":"{at}","ship_to":{{"country":"GB","latitude":51.5,"longitude":-0.1}},"shipping":{{"method":"standard"}},"lines":[{}]}}"#,
        lines.join(",")
    )
}

fn data(stock: &str, receipts: &str, orders: &[String]) -> Data {
    let inventory = format!("facility_id,sku,on_hand,safety_stock,as_of\n{stock}");
    let receipts = format!("received_at,facility_id,sku,quantity\n{receipts}");
    let texts = DataTexts {
        facilities_csv: FACILITIES,
        products_csv: PRODUCTS,
        inventory_csv: &inventory,
        replenishment_csv: &receipts,
        orders_jsonl: &orders.join("\n"),
    };
    Data::read(texts).expect("the data is sound")
}

fn run(data: &Data, settings: Settings) -> Run {
    replay(data, settings, || ()).expect("the orders are problems")
}

const MONDAY: &str = "2010-12-06T09:00:00Z";

#[test]
fn the_nearest_splits_where_the_cheapest_does_not() {
    let data = data("NEAR,A,1,0,x\nFULL,A,9,0,x\nFULL,B,9,1,x\n", "", &[order("1", MONDAY, &[("A", 1), ("B", 1)])]);
    let rules = Rules::built_in();
    // NEAR: 299 + 100 + 2 + 5 (A); FULL: 299 + 10 + 2 + 5 for each unit; a split of 150.
    for (policy, packages, cost_milli) in [
        (Policy::Nearest, 2, 299_000 + 100_000 + 7_000 + 299_000 + 10_000 + 7_000 + 150_000),
        (Policy::Fewest, 1, 299_000 + 10_000 + 14_000),
        (Policy::Exact, 1, 299_000 + 10_000 + 14_000),
        (Policy::Both, 1, 299_000 + 10_000 + 14_000),
    ] {
        let run = run(&data, Settings { optimum: true, ..Settings::new(policy, &rules) });
        assert_eq!((run.orders[0].packages, run.orders[0].cost_milli), (packages, cost_milli), "{policy}");
        let bounded = run.optimum.expect("it was asked for");
        assert_eq!((bounded.cost_milli, bounded.bound_milli), (cost_milli, 323_000), "{policy}");
    }
}

#[test]
fn what_is_not_there_waits_once_and_ships_then_whatever_it_costs() {
    let stock = "NEAR,A,1,0,x\n";
    let orders = [order("1", MONDAY, &[("A", 3)]), order("2", "2010-12-13T09:00:00Z", &[("B", 1)])];
    let rules = Rules::built_in();
    let data = data(stock, "2010-12-07T09:00:00Z,FULL,A,1\n", &orders);
    let run = run(&data, Settings::new(Policy::Exact, &rules));
    let figures = Figures::of(&run.orders);
    assert_eq!((run.orders[0].packages, run.orders[0].unfilled_units), (2, 1));
    assert_eq!((run.orders[1].packages, figures.unfilled_units, figures.split_share), (0, 2, 0.5));
}

/// The first order takes NEAR's only B beside its A, which it could have from FULL for less; the second needs it for its own single package.
#[test]
fn pooling_exchanges_units_and_keeps_every_promise() {
    let orders = [order("1", MONDAY, &[("B", 1)]), order("2", "2010-12-06T09:05:00Z", &[("A", 1), ("B", 1)])];
    let dear_full = FACILITIES.replace("Europe/London,10,", "Europe/London,300,");
    let texts = DataTexts {
        facilities_csv: &dear_full,
        products_csv: PRODUCTS,
        inventory_csv: "facility_id,sku,on_hand,safety_stock,as_of\nNEAR,A,1,0,x\nNEAR,B,1,0,x\nFULL,B,1,0,x\n",
        replenishment_csv: "received_at,facility_id,sku,quantity\n",
        orders_jsonl: &orders.join("\n"),
    };
    let data = Data::read(texts).expect("the data is sound");
    let rules = Rules::built_in();
    let [alone, pooled] =
        [Policy::Exact, Policy::Pooling].map(|policy| run(&data, Settings { optimum: true, ..Settings::new(policy, &rules) }));
    let cost = |run: &Run| run.orders.iter().map(|order| order.cost_milli).sum::<i128>();
    // Alone: B near, then A near and B far, split. Together: B far, then both near.
    assert_eq!(alone.orders.iter().map(|order| order.packages).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pooled.orders.iter().map(|order| order.packages).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(cost(&alone) - cost(&pooled), 299_000 + 100_000 + 150_000);
    assert_eq!(pooled.moves, 2);
    assert_eq!(pooled.orders.iter().map(|order| order.late_packages).sum::<usize>(), 0);
    let bounds = [alone.optimum, pooled.optimum].map(|bounded| bounded.expect("it was asked for"));
    assert!(bounds[1].cost_milli == cost(&pooled) && bounds[1].bound_milli <= cost(&pooled), "{bounds:?}");
}

#[test]
fn a_shadow_changes_nothing_and_is_kept_for_each_order() {
    let data = data("NEAR,A,9,0,x\nFULL,A,9,0,x\n", "", &[order("1", MONDAY, &[("A", 1)]), order("2", MONDAY, &[("A", 2)])]);
    let rules = Rules::built_in();
    let candidate =
        Rules::parse(&oms_allocation::BUILT_IN_RULES.replace("pick_minor_per_unit = 5", "pick_minor_per_unit = 8")).expect("rules");
    let plain = run(&data, Settings::new(Policy::Exact, &rules));
    let shadowed = run(&data, Settings { shadow: Some(&candidate), ..Settings::new(Policy::Exact, &rules) });
    let costs = |run: &Run| run.orders.iter().map(|order| order.cost_milli).collect::<Vec<_>>();
    assert_eq!(costs(&plain), costs(&shadowed));
    let csv = orders_csv(&[shadowed]).expect("rows");
    let differences: Vec<&str> = csv.lines().skip(1).map(|row| row.rsplit(',').next().unwrap_or("")).collect();
    assert_eq!(differences, ["3000", "6000"], "{csv}");
}
