//! How long something takes that is asked many times.

use std::time::{Duration, Instant};

use crate::error::StoreError;

/// Times that a thing is asked before it counts, and that it counts.
const WARM_UP: u64 = 10;
const TIMES: u64 = 200;

/// What was asked, and how long all but one in a hundred answers took at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    pub what: String,
    pub p99: Duration,
}

/// Asks again and again, each time with another number.
pub(in crate::bench) async fn timed(what: &str, ask: impl AsyncFn(u64) -> Result<(), StoreError>) -> Result<Timed, StoreError> {
    for n in 0..WARM_UP {
        ask(TIMES + n).await?;
    }
    let mut took = Vec::new();
    for n in 0..TIMES {
        let asked = Instant::now();
        ask(n).await?;
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    let p99 = took.get(took.len().saturating_sub(1 + took.len() / 100)).copied().unwrap_or_default();
    Ok(Timed { what: what.to_owned(), p99 })
}
