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
pub struct Report(Vec<(&'static str, Outcome)>);

impl Report {
    pub fn add(&mut self, name: &'static str, outcome: Outcome) {
        self.0.push((name, outcome));
    }

    pub fn is_sound(&self) -> bool {
        self.0.iter().all(|(_, outcome)| outcome.is_sound())
    }
}

/// Of each kind of finding.
const EXAMPLES: usize = 3;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28}{:>6}{:>8}{:>9}{:>7}{:>7}", "FAULT", "ORDERS", "TAKEN", "FINISHED", "TIMES", "S")?;
        (1..=8).try_for_each(|n| write!(f, "{:>5}", format!("I{n}")))?;
        for (name, outcome) in &self.0 {
            let Outcome { orders, accepted, finished, times, took, counters } = outcome;
            write!(f, "\n{name:<28}{orders:>6}{accepted:>8}{finished:>9}{times:>7}{:>7}", took.as_secs())?;
            counters.0.iter().try_for_each(|found| write!(f, "{:>5}", found.len()))?;
        }
        for (name, outcome) in &self.0 {
            for (n, found) in outcome.counters.0.iter().enumerate() {
                found.iter().take(EXAMPLES).try_for_each(|what| write!(f, "\n{name} I{}: {what}", n + 1))?;
            }
        }
        Ok(())
    }
}
