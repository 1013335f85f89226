//! Prints problems as JSON lines, for the comparison with another solver: `problems real FIRST COUNT` from the recorded orders in `OMS_TEST_DATA`,
//! `problems network FACILITIES SKUS COUNT SEED` generated, `problems ruled FACILITIES SKUS COUNT SEED` generated with every rule.

#[path = "support/mod.rs"]
mod support;

fn main() {
    let args = support::arguments();
    let number = |place: usize| -> usize { args[place].parse().expect("a number") };
    let problems = match args.first().map(String::as_str) {
        Some("real") if args.len() >= 4 => support::real(number(1), number(2), args[3] == "waits"),
        Some("network") if args.len() >= 5 => support::network(number(1), number(2), number(3), number(4) as u64),
        Some("ruled") if args.len() >= 5 => support::ruled(number(1), number(2), number(3), number(4) as u64),
        _ => panic!("usage: problems real FIRST COUNT waits|ships | problems network|ruled FACILITIES SKUS COUNT SEED"),
    };
    for problem in problems {
        println!("{}", serde_json::to_string(&problem).expect("problems are JSON"));
    }
}
