//! A worker on a thread of its own: its future is not `Send`.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use oms_activities::{
    Provider, Providers,
    adapters::{Credential, EasyPost, HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway, Stripe},
    guard::{Guard, Guarded, Limits},
    ports::{Carrier, FraudCheck, PaymentGateway},
};
use oms_allocation::{Rules, RulesInForce};
use oms_domain::{
    ids::ProviderId,
    policy::Policy,
    provider::{ProviderPort, ProviderRule},
};
use oms_store::Store;
use oms_worker::{Parts, Settings, serve};
use oms_workflows::names::Queues;
use temporalio_client::Client;
use temporalio_sdk::{Runtime, runtime::RuntimeOptions};
use tokio::{runtime::Handle, sync::oneshot};

use super::{ground::Addresses, runtime::HOUSE_THREAD, system::starter};

/// Shorter than production's, so that a gateway that never answers does not make a test wait for long.
const OUTSIDE_ANSWERS_WITHIN: Duration = Duration::from_millis(1_500);

/// So much is asked of a provider behind a guard: little enough for a test to see what its pace is.
pub const GUARDED: Limits = Limits { per_second: 200, pace_per_second: 5, concurrency: 20, rest: Duration::from_millis(200) };

/// A running worker.
pub struct WorkerThread {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Result<()>>,
}

impl WorkerThread {
    pub fn start(temporal: Client, store: Store, addresses: &Addresses) -> Result<Self> {
        Self::start_with(temporal, store, addresses, |_, _| {})
    }

    /// One that is set up otherwise than usual.
    pub fn start_with(
        temporal: Client,
        store: Store,
        addresses: &Addresses,
        set_up: impl FnOnce(&mut Parts, &mut Settings),
    ) -> Result<Self> {
        let mut parts = parts(&temporal, store, addresses)?;
        let mut settings = Settings::all(Queues::new(addresses.queue_prefix.clone()));
        set_up(&mut parts, &mut settings);
        let (stop, stopped) = oneshot::channel();
        let (tell, ended) = oneshot::channel();
        let tokio = Handle::current();
        let work = move || {
            let served = tokio.block_on(async {
                let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
                serve(&runtime, temporal, parts, settings, async { drop(stopped.await) }).await
            });
            // Nobody listens any more when the whole system was dropped.
            drop(tell.send(served));
        };
        std::thread::Builder::new().name(format!("{HOUSE_THREAD}-worker")).spawn(work)?;
        Ok(Self { stop, ended })
    }

    /// Takes no new work, finishes what runs, and returns.
    pub async fn stop(self) -> Result<()> {
        drop(self.stop);
        self.ended.await.map_err(|_| anyhow!("the worker panicked"))?
    }
}

/// What a worker works with: the real adapters.
pub fn parts(temporal: &Client, store: Store, addresses: &Addresses) -> Result<Parts> {
    let http = HttpClient::answering_within(OUTSIDE_ANSWERS_WITHIN)?;
    let secret = || Credential::fixed("sk_test_of_the_tests".into());
    let (gateway, carrier): (Arc<dyn PaymentGateway>, Arc<dyn Carrier>) = match addresses.foreign {
        None => (
            Arc::new(HttpGateway::new(http.clone(), &addresses.gateway_url)?),
            Arc::new(HttpCarrier::new(http.clone(), &addresses.carrier_url)?),
        ),
        Some(in_parts) => (
            Arc::new(Stripe::new(http.clone(), &addresses.gateway_url, secret(), in_parts)?),
            Arc::new(EasyPost::new(http.clone(), &addresses.carrier_url, secret())?),
        ),
    };
    let fraud: Arc<dyn FraudCheck> = Arc::new(HttpFraudCheck::new(http, &addresses.fraud_url)?);
    Ok(Parts {
        starter: starter(temporal, &store, addresses, Policy::default()),
        store,
        gateways: provider(ProviderPort::Payment, gateway, addresses.guarded),
        carriers: provider(ProviderPort::Carrier, carrier, addresses.guarded),
        fraud: Some(provider(ProviderPort::Fraud, fraud, addresses.guarded)),
        rules: Rules::built_in().into(),
        exporter: None,
    })
}

/// The only one of its port, by whose name it goes.
fn provider<P: ?Sized>(port: ProviderPort, only: Arc<P>, guarded: bool) -> Providers<P>
where
    Guarded<P>: Into<Arc<P>>,
{
    if !guarded {
        return Providers::one(port, only);
    }
    let provider_id = ProviderId::parse(port.name()).expect("a word is an id");
    let guard = Guard::new(provider_id.clone(), port, GUARDED, None);
    let port_behind = Guarded::new(guard.clone(), only).into();
    Providers::new(port, Provider { provider_id, rule: ProviderRule::default(), guard: Some(guard), port: port_behind }, Vec::new())
}
