//! A gate per order: a workflow takes ten updates at once, and what is beyond waits here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use oms_domain::{error::ErrorCode, ids::OrderId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// Gates nobody stands at are swept out once there are so many.
const SWEEP_AT: usize = 1_024;

/// The gates of all orders that commands are under way for.
#[derive(Clone)]
pub(crate) struct Gates {
    width: usize,
    patience: Duration,
    open: Arc<Mutex<BTreeMap<OrderId, Weak<Semaphore>>>>,
}

/// A command's way through; dropping it lets the next one pass.
pub(crate) struct Passage {
    _permit: OwnedSemaphorePermit,
}

impl Gates {
    /// `width` commands pass at a time; the next one waits for them no longer than `patience`.
    pub(crate) fn new(width: usize, patience: Duration) -> Self {
        Self { width, patience, open: Arc::default() }
    }

    /// Waits for its turn, and not for ever: `too_many_requests` then.
    pub(crate) async fn enter(&self, order_id: &OrderId) -> Result<Passage, Failure> {
        let gate = self.gate(order_id);
        match tokio::time::timeout(self.patience, gate.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Passage { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(ErrorCode::TooManyRequests.into()),
        }
    }

    fn gate(&self, order_id: &OrderId) -> Arc<Semaphore> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = open.get(order_id).and_then(Weak::upgrade) {
            return gate;
        }
        if open.len() >= SWEEP_AT {
            open.retain(|_, gate| gate.strong_count() > 0);
        }
        let gate = Arc::new(Semaphore::new(self.width));
        open.insert(order_id.clone(), Arc::downgrade(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_order_waits_for_itself_and_for_no_other() {
        let gates = Gates::new(1, Duration::from_millis(20));
        let (a, b) = (OrderId::parse("a").unwrap(), OrderId::parse("b").unwrap());
        let first = gates.enter(&a).await.ok().unwrap();
        assert!(gates.enter(&b).await.is_ok());
        assert!(gates.enter(&a).await.is_err());
        drop(first);
        assert!(gates.enter(&a).await.is_ok());
    }

    #[tokio::test]
    async fn gates_nobody_stands_at_are_swept_out() {
        let gates = Gates::new(1, Duration::from_millis(20));
        for n in 0..3 * SWEEP_AT {
            assert!(gates.enter(&OrderId::parse(n.to_string()).unwrap()).await.is_ok());
        }
        assert!(gates.open.lock().unwrap().len() <= SWEEP_AT);
    }
}
