//! What every handler can reach, and the bounds they keep.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::Extensions};
use oms_allocation::{Rules, RulesInForce};
use oms_outlets::{Cloud, DispatcherOptions, Guard, Ways};
use oms_starter::{Relay, Starter};
use oms_store::Store;
use tokio::sync::Semaphore;

use crate::{
    door::{Door, Origins},
    figures::Figures,
    gates::Gates,
    identity::{DeclaredAccounts, Identity},
    layers::pace::Pace,
    live::Live,
    looks::Looks,
    metrics::Metrics,
    proxies::TrustedProxies,
    webhooks::Webhooks,
};

/// Makes pages that ask the API that they are given. What they carry over from a page's request to its own is where it comes from.
pub type Pages = fn(Router, Carry) -> Router;
/// Carries over from a page's request what the connection has said of it.
pub type Carry = fn(&Extensions, &mut Extensions);

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
    pub(crate) identity: Identity,
    pub(crate) origins: Origins,
    pub(crate) is_locked_twice: bool,
    pub(crate) pages: Option<Pages>,
    /// So few units, or fewer, are worth an event of their own.
    pub(crate) stock_low_units: u32,
    /// What events are sent through, and messages are fetched by.
    pub(crate) ways: Ways,
    pub(crate) dispatching: DispatcherOptions,
    pub(crate) proxies: TrustedProxies,
    pub(crate) webhooks: Webhooks,
    pub(crate) pace: Pace,
    pub(crate) looks: Looks,
    pub(crate) live: Live,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) feeds: Arc<Semaphore>,
    /// Large bodies that are being read: each may take the largest body's memory.
    pub(crate) large_bodies: Arc<Semaphore>,
}

/// Bodies beyond 64 kB that are read at a time: 320 MB of them at most.
const LARGE_BODIES_MAX: usize = 64;

/// Unless the configuration says otherwise.
const STOCK_LOW_UNITS: u32 = 5;

/// The server's bounds. Everything has one; what is beyond is refused, not queued without end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest JSON body, in bytes. Feeds are streamed and have none.
    pub json_body_max_bytes: usize,
    /// How much of a body that is too large is read and thrown away, so that its sender sees the answer.
    pub drained_max_bytes: usize,
    /// A JSON body that has not come whole by then is given up.
    pub body_deadline: Duration,
    /// A request's headers are sent within this time, and an idle connection is closed after it.
    pub header_deadline: Duration,
    /// A connection is closed after this time, once the request in work has its answer: others of a balanced server get their share.
    pub connection_age_max: Duration,
    /// Requests of an account: a second on end, and at once after a pause.
    pub account_requests_per_second: u32,
    pub account_requests_burst: u32,
    /// Open connections, in all and from one address.
    pub connections_max: usize,
    pub connections_per_address_max: usize,
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
    /// So is one that is slower than this after `feed_idle`, counting only the time in which we waited for it.
    pub feed_min_bytes_per_s: u64,
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
            body_deadline: Duration::from_secs(30),
            header_deadline: Duration::from_secs(30),
            connection_age_max: Duration::from_secs(3_600),
            account_requests_per_second: 5_000,
            account_requests_burst: 10_000,
            connections_max: 20_000,
            connections_per_address_max: 12_000,
            requests_max: 512,
            feeds_max: 4,
            commands_per_order_max: 8,
            command_patience: Duration::from_secs(10),
            feed_idle: Duration::from_secs(60),
            feed_min_bytes_per_s: 256,
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
            identity: Identity::new(store.clone()),
            origins: Origins::default(),
            is_locked_twice: false,
            pages: None,
            stock_low_units: STOCK_LOW_UNITS,
            ways: ways(Guard::default(), Cloud::default()),
            dispatching: DispatcherOptions::default(),
            proxies: TrustedProxies::default(),
            webhooks: Webhooks::default(),
            looks: Looks::default(),
            live: Live::new(store.clone()),
            pace: Pace::new(limits.account_requests_per_second, limits.account_requests_burst),
            store,
            starter,
            limits,
            metrics: Metrics::new(),
            rules: Rules::built_in().into(),
            gates: Gates::new(limits.commands_per_order_max, limits.command_patience),
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            feeds: Arc::new(Semaphore::new(limits.feeds_max)),
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES_MAX)),
        }
    }

    /// Promises go by these rules, which should be the workers'.
    pub fn ruled_by(self, rules: RulesInForce) -> Self {
        Self { rules, ..self }
    }

    /// These may come in, beside those in the database.
    pub fn declaring(self, accounts: DeclaredAccounts) -> Self {
        Self { identity: self.identity.declaring(accounts), ..self }
    }

    /// Serves pages for people under `/console`: what they show and do, they ask of this very API, as whoever looks at them.
    pub fn with_console(self, pages: Pages) -> Self {
        Self { pages: Some(pages), ..self }
    }

    /// For measuring what the lock costs: it is asked twice.
    pub fn locked_twice(self) -> Self {
        Self { is_locked_twice: true, ..self }
    }

    /// Events may go there.
    pub fn sending_to(self, outlets: Guard) -> Self {
        Self { ways: ways(outlets, self.ways.cloud().clone()), ..self }
    }

    /// Amazon's services are reached so.
    pub fn reaching(self, cloud: Cloud) -> Self {
        Self { ways: self.ways.reaching(cloud), ..self }
    }

    /// Events go out so.
    pub fn dispatching(self, dispatching: DispatcherOptions) -> Self {
        Self { dispatching, ..self }
    }

    /// What the configuration says of the door.
    pub fn behind(self, door: Door) -> Self {
        let pace = door.account_requests_per_second.map(|per_second| Pace::new(per_second, per_second.saturating_mul(2)));
        let pace = pace.unwrap_or_else(|| self.pace.clone());
        let stock_low_units = door.stock_low_units.unwrap_or(self.stock_low_units);
        let ways = ways(door.outlets, door.cloud);
        let (origins, proxies, webhooks) = (door.origins, door.proxies, door.webhooks);
        Self { origins, proxies, webhooks, pace, stock_low_units, ways, ..self.declaring(door.accounts) }
    }
}

/// What events are sent through.
///
/// # Panics
/// When TLS cannot be set up: no server starts without, nor does any test.
fn ways(guard: Guard, cloud: Cloud) -> Ways {
    Ways::new(guard, cloud).expect("a TLS provider")
}
