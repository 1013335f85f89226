//! Deleting what is past its time.

use std::time::{Duration, Instant};

use crate::{error::StoreError, store::Store};

/// As many rows a call as the schedule's activity has deleted.
const ROWS_A_CALL: u32 = 5_000;

/// What pruning came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneRun {
    /// Rows, and months.
    pub gone: u64,
    pub took: Duration,
    pub longest_call: Duration,
}

/// Prunes until nothing goes any more.
pub async fn prune_all(store: &Store) -> Result<PruneRun, StoreError> {
    let (begun, mut gone, mut longest_call) = (Instant::now(), 0, Duration::ZERO);
    loop {
        let called = Instant::now();
        let rows = store.prune(ROWS_A_CALL).await?.rows();
        longest_call = longest_call.max(called.elapsed());
        gone += rows;
        if rows == 0 {
            return Ok(PruneRun { gone, took: begun.elapsed(), longest_call });
        }
    }
}
