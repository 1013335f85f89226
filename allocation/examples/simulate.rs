//! Replays the recorded orders of `OMS_TEST_DATA` under policies and prints the table: `simulate [AT_MOST] [POLICY...]`; with `gap` the bound is computed, too.

#![expect(clippy::disallowed_types, reason = "a measurement looks at the clock; the library does not")]

use std::time::Instant;

use oms_allocation::Rules;
use oms_allocation::simulate::{COLUMNS, Policy, Settings, cells, replay};

#[path = "support/data.rs"]
mod support;

fn main() {
    let (mut at_most, mut policies, mut optimum) = (None, vec![], false);
    for argument in support::arguments() {
        match argument.parse::<usize>() {
            Ok(orders) => at_most = Some(orders),
            Err(_) if argument == "gap" => optimum = true,
            Err(_) => policies.push(argument.parse::<Policy>().unwrap_or_else(|error| panic!("{error}"))),
        }
    }
    if policies.is_empty() {
        policies = Policy::ALL.to_vec();
    }
    let (data, rules) = (support::data(), Rules::built_in());
    println!("{}  orders/s", COLUMNS.join("  "));
    for policy in policies {
        let start = Instant::now();
        let run =
            replay(&data, Settings { at_most, optimum, ..Settings::new(policy, &rules) }, || ()).expect("the recorded orders are problems");
        println!("{}  {:.0}", cells(&run).join("  "), run.orders.len() as f64 / start.elapsed().as_secs_f64());
    }
}
