//! What was found, as a table.

use std::{fmt, time::Duration};

use crate::checker::Counters;

/// What became of one fault.
#[derive(Debug)]
pub struct Outcome {
    pub orders: usize,
    pub accepted: usize,
    pub finished: usize,
    /// How often the fault was done.
    pub times: usize,
    pub took: Duration,
    pub counters: Counters,
}

impl Outcome {
    pub fn is_sound(&self) -> bool {
        self.counters.are_zero() && self.accepted == self.orders && self.finished == self.orders
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<(&'static str, Outcome)>,
    /// Faults that could not be tried to their end.
    failed: Vec<&'static str>,
}

impl Report {
    /// Says at once what was found: the others may take an hour.
    pub fn add(&mut self, name: &'static str, outcome: Outcome) {
        println!("{}", row(name, &outcome));
        self.outcomes.push((name, outcome));
    }

    pub fn failed(&mut self, name: &'static str, why: &anyhow::Error) {
        println!("{name} could not be tried: {why:#}");
        self.failed.push(name);
    }

    pub fn is_sound(&self) -> bool {
        self.failed.is_empty() && self.outcomes.iter().all(|(_, outcome)| outcome.is_sound())
    }
}

fn row(name: &str, outcome: &Outcome) -> String {
    let Outcome { orders, accepted, finished, times, took, counters } = outcome;
    let found: String = counters.0.iter().map(|found| format!("{:>5}", found.len())).collect();
    format!("{name:<28}{orders:>6}{accepted:>8}{finished:>9}{times:>7}{:>7}{found}", took.as_secs())
}

/// Of each kind of finding.
const EXAMPLES: usize = 3;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28}{:>6}{:>8}{:>9}{:>7}{:>7}", "FAULT", "ORDERS", "TAKEN", "FINISHED", "TIMES", "S")?;
        (1..=8).try_for_each(|n| write!(f, "{:>5}", format!("I{n}")))?;
        self.outcomes.iter().try_for_each(|(name, outcome)| write!(f, "\n{}", row(name, outcome)))?;
        self.failed.iter().try_for_each(|name| write!(f, "\n{name:<28} could not be tried"))?;
        for (name, outcome) in &self.outcomes {
            for (n, found) in outcome.counters.0.iter().enumerate() {
                found.iter().take(EXAMPLES).try_for_each(|what| write!(f, "\n{name} I{}: {what}", n + 1))?;
            }
        }
        Ok(())
    }
}
