//! Counts activities: a worker grows a little with each.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use tokio::sync::Notify;

/// Shared by the workers of a crew.
#[derive(Debug, Clone)]
pub(crate) struct Wear(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    left: AtomicU64,
    out: Notify,
}

impl Wear {
    /// Worn out after so many activities, at least one.
    pub(crate) fn new(limit: u64) -> Self {
        Self(Arc::new(Counter { left: AtomicU64::new(limit.max(1)), out: Notify::new() }))
    }

    /// Completes once, when nothing is left.
    pub(crate) async fn out(&self) {
        self.0.out.notified().await;
    }

    fn count(&self) {
        let one_less = self.0.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if one_less == Ok(1) {
            // Kept until somebody waits for it.
            self.0.out.notify_one();
        }
    }
}

impl ActivityInboundInterceptor for Wear {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        self.count();
        next.run(input)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn wears_out_once_at_the_limit() {
        let wear = Wear::new(2);
        wear.count();
        assert_eq!(wear.out().now_or_never(), None);
        wear.count();
        assert_eq!(wear.out().now_or_never(), Some(()));
        wear.count();
        assert_eq!(wear.out().now_or_never(), None);
    }
}
