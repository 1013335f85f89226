//! Solves problems given as JSON lines on stdin and prints each plan as a line.

use std::io::BufRead;

use oms_allocation::{Options, Problem, solve};

fn main() {
    for line in std::io::stdin().lock().lines() {
        let problem = Problem::from_json(&line.expect("text")).expect("a problem");
        let plan = solve(&problem, Options::default());
        println!("{}", serde_json::to_string(&plan).expect("plans are JSON"));
    }
}
