//! Solves problems given as JSON lines on stdin and prints the distribution of times. Each is solved seven times and the best counts.

#![expect(clippy::disallowed_types, reason = "a measurement looks at the clock; the library does not")]

use std::io::BufRead;
use std::time::{Duration, Instant};

use oms_allocation::{Options, Problem, ProblemFile, solve};

fn main() {
    let mut read = vec![];
    let mut solved = vec![];
    let (mut nodes, mut unproven, mut packages) = (vec![], 0, 0);
    for line in std::io::stdin().lock().lines() {
        let file = ProblemFile::from_json(&line.expect("text")).expect("a problem");
        // The best of seven: the machine has other work.
        let (mut best_read, mut best_solved) = (Duration::MAX, Duration::MAX);
        for _ in 0..7 {
            let copy = file.clone();
            let start = Instant::now();
            let problem = Problem::new(copy).expect("a problem");
            best_read = best_read.min(start.elapsed());
            let start = Instant::now();
            let plan = std::hint::black_box(solve(&problem, Options::default()));
            best_solved = best_solved.min(start.elapsed());
            if best_read == Duration::ZERO {
                unreachable!("a clock that stands still measures nothing");
            }
            nodes.push(plan.nodes);
            unproven += u64::from(!plan.optimal);
            packages += plan.packages.len();
        }
        read.push(best_read);
        solved.push(best_solved);
    }
    println!("{} problems, {unproven} runs not proven optimal, {:.2} packages", solved.len(), packages as f64 / nodes.len() as f64);
    show("check ", read);
    show("solve ", solved);
    nodes.sort_unstable();
    println!("nodes  {}", at(&nodes, |nodes| nodes.to_string()));
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    println!("{what} {}", at(&times, |time| format!("{:.1} us", time.as_secs_f64() * 1e6)));
}

fn at<T>(sorted: &[T], write: impl Fn(&T) -> String) -> String {
    let points = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];
    let texts = points.map(|(name, share)| format!("{name} {}", write(&sorted[((sorted.len() - 1) as f64 * share) as usize])));
    texts.join("  ")
}
