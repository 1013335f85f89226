//! What every handler can reach, and the bounds they keep.

use std::{sync::Arc, time::Duration};

use oms_allocation::{Rules, RulesInForce};
use oms_starter::{Relay, Starter};
use oms_store::Store;
use tokio::sync::Semaphore;

use crate::{figures::Figures, gates::Gates, metrics::Metrics};

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub store: Store,
    pub starter: Starter,
    /// Delivers what orders must be told. It is one of the [`Messengers`](crate::Messengers); handlers only nudge it.
    pub relay: Relay,
    pub limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) figures: Figures,
    pub(crate) rules: RulesInForce,
    pub(crate) gates: Gates,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) feeds: Arc<Semaphore>,
}

/// The server's bounds. Everything has one; what is beyond is refused, not queued without end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest JSON body, in bytes. Feeds are streamed and have none.
    pub json_body_max_bytes: usize,
    /// How much of a body that is too large is read and thrown away, so that its sender sees the answer.
    pub drained_max_bytes: usize,
    /// Requests in work at a time, without feeds and probes.
    pub requests_max: usize,
    /// Feeds in work at a time.
    pub feeds_max: usize,
    /// Commands in work at a time for one order: a workflow takes ten updates at once.
    pub commands_per_order_max: usize,
    /// How long a command waits for those before it.
    pub command_patience: Duration,
    /// A feed whose sender says nothing for so long is given up.
    pub feed_idle: Duration,
    /// A request, feeds aside, is answered within this time, if need be with `timed_out`.
    pub request_deadline: Duration,
    /// Longest `Prefer: wait`.
    pub prefer_wait_max: Duration,
    /// How long requests in work may take to end once the server is told to stop.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_body_max_bytes: 5 * 1024 * 1024,
            drained_max_bytes: 64 * 1024 * 1024,
            requests_max: 512,
            feeds_max: 4,
            commands_per_order_max: 8,
            command_patience: Duration::from_secs(10),
            feed_idle: Duration::from_secs(60),
            request_deadline: Duration::from_secs(60),
            prefer_wait_max: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

impl AppState {
    /// With the default limits and the built-in rules.
    pub fn new(store: Store, starter: Starter) -> Self {
        Self::with_limits(store, starter, Limits::default())
    }

    pub fn with_limits(store: Store, starter: Starter, limits: Limits) -> Self {
        Self {
            relay: Relay::new(starter.clone()),
            figures: Figures::new(starter.clone(), store.clone()),
            store,
            starter,
            limits,
            metrics: Metrics::new(),
            rules: Rules::built_in().into(),
            gates: Gates::new(limits.commands_per_order_max, limits.command_patience),
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            feeds: Arc::new(Semaphore::new(limits.feeds_max)),
        }
    }

    /// Promises go by these rules, which should be the workers'.
    pub fn ruled_by(self, rules: RulesInForce) -> Self {
        Self { rules, ..self }
    }
}
