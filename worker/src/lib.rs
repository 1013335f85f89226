//! Builds Temporal workers from the rooms: wiring only.

mod around;
mod at_once;
mod breaker;
mod crew;
mod replay;
mod rules;
mod wear;

use std::{collections::BTreeSet, future::Future, net::SocketAddr, pin::pin, sync::Arc};

use anyhow::{Result, bail};
use futures_util::stream::{FuturesUnordered, StreamExt};
use oms_activities::{
    Providers, guard,
    ports::{Carrier, Exporter, FraudCheck, PaymentGateway},
};
use oms_allocation::RulesInForce;
use oms_starter::Starter;
use oms_store::Store;
use oms_workflows::names::{Queue, Queues};
use temporalio_client::Client;
use temporalio_sdk::Runtime;

use crate::crew::Crew;
pub use crate::{around::Around, replay::replay};

/// What a worker process is made of.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    /// How activities speak to other workflows.
    pub starter: Starter,
    pub gateways: Providers<dyn PaymentGateway>,
    pub carriers: Providers<dyn Carrier>,
    /// None: orders that are to be screened wait for a person.
    pub fraud: Option<Providers<dyn FraudCheck>>,
    pub rules: RulesInForce,
    /// None: no table is written out.
    pub exporter: Option<Arc<dyn Exporter>>,
}

impl Parts {
    /// What stands before providers.
    fn guards(&self) -> Vec<guard::Guard> {
        let fraud = self.fraud.iter().flat_map(Providers::guards);
        self.gateways.guards().chain(self.carriers.guards()).chain(fraud).collect()
    }
}

/// What a worker process serves, and how much of it at once.
#[derive(Debug, Clone)]
pub struct Settings {
    pub queues: Queues,
    pub serves: BTreeSet<Queue>,
    /// Orders kept in memory between their tasks; about 120 kB each.
    pub cached_orders: usize,
    /// Orders and returns whose tasks are in hand at once. More than the machine and its database can carry would all be late: the
    /// server takes a task back after ten seconds, while one it has not handed out yet waits for whoever is free.
    pub tasks_at_once: usize,
    /// Activities after which the workers are built anew: the SDK (1.1) keeps some 250 bytes of each until its worker goes.
    pub recycle_after: u64,
    /// Where the SDK's figures are read by monitoring; none: nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// Stands around every activity.
    pub around: Option<Around>,
    /// What build of the workflows this is, where several builds work side by side; none: orders go to whoever asks for them.
    pub build: Option<Build>,
}

/// A build of a deployment. Orders stay with the build that began them until they hand over to a new run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub deployment_name: String,
    pub build_id: String,
}

impl Settings {
    /// All queues.
    pub fn all(queues: Queues) -> Self {
        Self {
            queues,
            serves: Queue::ALL.iter().copied().collect(),
            cached_orders: 1_000,
            tasks_at_once: 24,
            recycle_after: 100_000,
            metrics_addr: None,
            around: None,
            build: None,
        }
    }
}

/// Serves the queues until `stop` ends; then finishes what is running. The future is not `Send`: run it on a thread of its own.
///
/// # Errors
/// When the server cannot be reached, or a worker of this process serves the queue on the same connection already.
pub async fn serve(runtime: &Runtime, client: Client, parts: Parts, settings: Settings, stop: impl Future<Output = ()>) -> Result<()> {
    let (mut crew, work) = Crew::form(runtime, &client, &parts, &settings)?;
    let mut at_work = FuturesUnordered::from_iter([work]);
    let (mut stop, mut stopping) = (pin!(stop), false);
    let mut rules = pin!(rules::announce(parts.store.clone(), parts.rules.clone()));
    let mut guards = pin!(guard::keep(parts.store.clone(), parts.guards(), client.connection().identity().to_owned()));
    loop {
        tokio::select! {
            () = &mut stop, if !stopping => {
                tracing::info!("worker stops: running activities are finished first");
                stopping = true;
                crew.dismiss();
            }
            // The next crew begins at once, while the last one finishes what it has. A task that the server had just handed to a poll
            // of the last one is handed out again after its timeout: late, not lost.
            () = crew.worn(), if !stopping => {
                tracing::info!(worker.activities = settings.recycle_after, "worker is built anew");
                crew.dismiss();
                let (next, work) = Crew::form(runtime, &client, &parts, &settings)?;
                crew = next;
                at_work.push(work);
            }
            never = &mut rules => match never {},
            never = &mut guards => match never {},
            Some(done) = at_work.next() => {
                done?;
                match (at_work.is_empty(), stopping) {
                    (true, true) => return Ok(()),
                    (true, false) => bail!("the workers ended without having been asked to"),
                    (false, _) => {}
                }
            }
        }
    }
}
