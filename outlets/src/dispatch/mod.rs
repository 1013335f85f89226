//! Who delivers: every server its share of the lanes of every endpoint, one task an endpoint.

mod breaker;
mod deliver;
mod due;
mod fresh;
mod notes;
mod pages;
mod runner;

use std::{collections::HashMap, sync::Arc, time::Duration};

use oms_domain::ids::EndpointId;
use oms_store::{ClaimedEndpoint, Store};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use uuid::Uuid;

use self::{pages::Pages, runner::Runner};
use crate::ways::Ways;

/// How those who deliver go about it.
#[derive(Debug, Clone, Copy)]
pub struct DispatcherOptions {
    /// Whoever dies leaves its lanes to others after so long.
    pub lease: Duration,
    /// How often somebody looks whether something has happened.
    pub look_every: Duration,
    /// Events under way at a time to one receiver.
    pub at_once: usize,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self { lease: Duration::from_secs(30), look_every: Duration::from_millis(100), at_once: 8 }
    }
}

/// What is shared by all endpoints of a server.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) ways: Ways,
    pub(crate) options: DispatcherOptions,
    pub(crate) server_id: Uuid,
    pub(crate) pages: Pages,
    /// Whoever has lost a lane, or sees an endpoint that is another by now, asks anew at once.
    pub(crate) claim_again: Notify,
}

/// Lanes that are a server's own, as of a moment.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) asked_at: Instant,
    pub(crate) claimed: ClaimedEndpoint,
}

impl Claim {
    /// Until when a lane is its own.
    pub(crate) fn lease_of(&self, lane: u8) -> Option<Instant> {
        let found = self.claimed.lanes.iter().find(|claimed| claimed.lane == lane)?;
        Some(self.asked_at + Duration::from_millis(found.leased_ms))
    }
}

/// The running tasks, which end with it.
pub struct Dispatcher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Begins to deliver.
    pub fn start(store: Store, ways: Ways, options: DispatcherOptions) -> Self {
        let shared = Arc::new(Shared {
            pages: Pages::new(store.clone(), options.look_every),
            store,
            ways,
            options,
            server_id: Uuid::new_v4(),
            claim_again: Notify::new(),
        });
        Self { task: tokio::spawn(serve(Arc::clone(&shared))), shared }
    }

    /// Ends, and lets go of the lanes, so that others need not wait for the leases' end.
    pub async fn stop(mut self) {
        self.task.abort();
        // It says that it was aborted.
        drop((&mut self.task).await);
        if let Err(error) = self.shared.store.release_lanes(self.shared.server_id).await {
            tracing::warn!(store.error = %error, "lanes were not let go of: others take them over when the leases end");
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Claims again and again, and has a task for each endpoint of which lanes are its own.
async fn serve(shared: Arc<Shared>) {
    let mut runners = Runners { told: HashMap::new(), tasks: JoinSet::new() };
    let every = (shared.options.lease / 10).min(Duration::from_secs(2));
    loop {
        let asked_at = Instant::now();
        match shared.store.claim_lanes(shared.server_id, shared.options.lease).await {
            Ok(claimed) => runners.tell(&shared, asked_at, claimed),
            Err(error) => tracing::warn!(store.error = %error, "no lanes of endpoints could be claimed; it is tried again"),
        }
        while runners.tasks.try_join_next().is_some() {}
        tokio::select! { () = tokio::time::sleep(every) => {}, () = shared.claim_again.notified() => {} }
    }
}

struct Runners {
    told: HashMap<EndpointId, watch::Sender<Claim>>,
    tasks: JoinSet<()>,
}

impl Runners {
    /// A task ends when nobody tells it of its lanes any more.
    fn tell(&mut self, shared: &Arc<Shared>, asked_at: Instant, claimed: Vec<ClaimedEndpoint>) {
        let mut told = HashMap::new();
        for claimed in claimed {
            let id = claimed.endpoint.endpoint_id.clone();
            let claim = Claim { asked_at, claimed };
            // One that has ended, by a panic, is begun anew.
            let known = self.told.remove(&id).filter(|known| !known.is_closed());
            let sender = match known {
                Some(known) => {
                    known.send_replace(claim);
                    known
                }
                None => {
                    let (sender, receiver) = watch::channel(claim);
                    self.tasks.spawn(Runner::new(Arc::clone(shared), receiver).run());
                    sender
                }
            };
            told.insert(id, sender);
        }
        self.told = told;
    }
}
