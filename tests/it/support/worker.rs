//! A worker on a thread of its own: its future is not `Send`.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use oms_activities::{
    Providers,
    adapters::{Credential, EasyPost, HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway, Stripe},
    ports::{Carrier, PaymentGateway},
};
use oms_allocation::{Rules, RulesInForce};
use oms_domain::{policy::Policy, provider::ProviderPort};
use oms_store::Store;
use oms_worker::{Parts, Settings, serve};
use oms_workflows::names::Queues;
use temporalio_client::Client;
use temporalio_sdk::{Runtime, runtime::RuntimeOptions};
use tokio::{runtime::Handle, sync::oneshot};

use super::{ground::Addresses, runtime::HOUSE_THREAD, system::starter};

/// Shorter than production's, so that a gateway that never answers does not make a test wait for long.
const OUTSIDE_ANSWERS_WITHIN: Duration = Duration::from_millis(1_500);

/// A running worker.
pub struct WorkerThread {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Result<()>>,
}

impl WorkerThread {
    pub fn start(temporal: Client, store: Store, addresses: &Addresses) -> Result<Self> {
        Self::start_with(temporal, store, addresses, None, |_| {})
    }

    /// One that is set up otherwise than usual.
    pub fn start_with(
        temporal: Client,
        store: Store,
        addresses: &Addresses,
        rules: Option<RulesInForce>,
        set_up: impl FnOnce(&mut Settings),
    ) -> Result<Self> {
        let mut parts = parts(&temporal, store, addresses)?;
        parts.rules = rules.unwrap_or(parts.rules);
        let mut settings = Settings::all(Queues::new(addresses.queue_prefix.clone()));
        set_up(&mut settings);
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
    Ok(Parts {
        starter: starter(temporal, &store, addresses, Policy::default()),
        store,
        gateways: Providers::one(ProviderPort::Payment, gateway),
        carriers: Providers::one(ProviderPort::Carrier, carrier),
        fraud: Some(Providers::one(ProviderPort::Fraud, Arc::new(HttpFraudCheck::new(http, &addresses.fraud_url)?))),
        rules: Rules::built_in().into(),
    })
}
