//! What stands before every provider: an outage of one holds up its own effects alone, what waits is listed, and it drains at its pace.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use oms_activities::{
    adapters::{HttpCarrier, HttpFraudCheck, HttpGateway},
    guard::{Guard, Guarded, Limits, keep},
    ports::{Carrier, FraudCheck, FraudQuestion, PaymentGateway, PortError},
};
use oms_domain::{
    ids::ProviderId,
    payment::OperationOutcome,
    provider::{Circuit, ProviderPort, ProviderStanding},
};
use oms_store::{Provider, Store};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use tracing::{Level, instrument::WithSubscriber};

use super::{authorize, http, outside, question};
use crate::support::{basket::unique, books::trouble, run, runtime::until, system::shared};

/// An hour's outage and its pace, in tenths of seconds.
const LIMITS: Limits = Limits { per_second: 200, pace_per_second: 10, concurrency: 20, rest: Duration::from_millis(100) };

/// Three providers of this test's own, each behind its guard, and the house's books of them.
struct Outside {
    store: Store,
    gateway: Guarded<dyn PaymentGateway>,
    carrier: Guarded<dyn Carrier>,
    fraud: Guarded<dyn FraudCheck>,
    ids: [ProviderId; 3],
    urls: [String; 3],
    _simulators: crate::support::ground::Simulators,
}

impl Outside {
    async fn start() -> Result<Self> {
        let (simulators, gateway_url, carrier_url) = outside().await?;
        let fraud_url = simulators.fraud.url();
        let store = shared().await?.store.clone();
        let ids = ["gateway", "carrier", "fraud"].map(|name| ProviderId::parse(unique(&format!("{name}-"))).expect("an id"));
        let ports = [ProviderPort::Payment, ProviderPort::Carrier, ProviderPort::Fraud];
        let guards: Vec<Guard> = ids.iter().zip(ports).map(|(id, port)| Guard::new(id.clone(), port, LIMITS, None)).collect();
        let gateway: Arc<dyn PaymentGateway> = Arc::new(HttpGateway::new(http()?, &gateway_url)?);
        let carrier: Arc<dyn Carrier> = Arc::new(HttpCarrier::new(http()?, &carrier_url)?);
        let fraud: Arc<dyn FraudCheck> = Arc::new(HttpFraudCheck::new(http()?, &fraud_url)?);
        tokio::spawn(keep(store.clone(), guards.clone(), unique("worker-")));
        Ok(Self {
            store,
            gateway: Guarded::new(guards[0].clone(), gateway),
            carrier: Guarded::new(guards[1].clone(), carrier),
            fraud: Guarded::new(guards[2].clone(), fraud),
            ids,
            urls: [gateway_url, carrier_url, fraud_url],
            _simulators: simulators,
        })
    }

    async fn until(&self, of: usize, what: &str, is: impl Fn(&Provider) -> bool) -> Result<Provider> {
        let look = async || Ok(self.store.provider(&self.ids[of]).await?.filter(|provider| is(provider)));
        until(what, look).await
    }

    /// One effect at a provider: whether it was done.
    async fn effect(&self, of: usize, key: &str) -> Result<(), PortError> {
        match of {
            0 => match self.gateway.operate(authorize(key, "tok_fine").expect("an operation")).await? {
                OperationOutcome::Succeeded { .. } => Ok(()),
                OperationOutcome::Declined { .. } | OperationOutcome::Unknown => Err(PortError::Unreachable("no answer".to_owned())),
            },
            1 => self.carrier.void(key).await,
            _ => self.fraud.screen(FraudQuestion { key: key.to_owned(), ..question("C-honest", 100).expect("a question") }).await.map(drop),
        }
    }
}

#[test]
fn an_outage_of_each_holds_up_its_own_alone_is_listed_and_drains_at_its_pace() -> Result<()> {
    run(async {
        let outside = Outside::start().await?;
        for of in 0..3 {
            trouble(&outside.urls[of], json!({"down_for_ms": 600_000})).await?;
            let keys: Vec<String> = (0..30).map(|n| unique(&format!("waits-{n}-"))).collect();
            let tried = join_all(keys.iter().map(|key| outside.effect(of, key))).await;
            ensure!(tried.iter().all(Result::is_err));
            // What waits is told first, and then what the worker makes of the provider.
            let is_away = |seen: &Provider| seen.waits >= 30 && seen.circuit.is_some_and(|circuit| circuit != Circuit::Closed);
            let seen = outside.until(of, "what waits to be listed", is_away).await?;
            ensure!(seen.waits_since.is_some(), "{seen:?}");
            let waits = outside.store.provider_waits(&outside.ids[of], None, 500).await?;
            ensure!(keys.iter().all(|key| waits.items.iter().any(|wait| wait.key == *key)), "{waits:?}");
            // Nobody else's effects wait for it.
            for other in (0..3).filter(|other| *other != of) {
                outside.effect(other, &unique("goes-on-")).await?;
            }
            // What is held back is told when to come again.
            let held = outside.effect(of, &keys[0]).await;
            ensure!(matches!(&held, Err(PortError::Busy { after: Some(_), .. } | PortError::Unreachable(_))), "{held:?}");
            trouble(&outside.urls[of], json!({})).await?;
            let began = Instant::now();
            let left = Mutex::new(keys.clone());
            let all_done = async || {
                let mut left = left.lock().await;
                let done = join_all(left.iter().map(|key| outside.effect(of, key))).await;
                let mut done = done.into_iter();
                left.retain(|_| done.next().is_some_and(|done| done.is_err()));
                Ok(left.is_empty().then_some(()))
            };
            until("what waited to be done", all_done).await?;
            ensure!(began.elapsed() >= Duration::from_secs(1), "thirty at ten a second, and ten at once: {:?}", began.elapsed());
            outside.until(of, "nothing to wait any more", |seen| seen.waits == 0 && seen.circuit == Some(Circuit::Closed)).await?;
        }
        Ok(())
    })
}

#[test]
fn what_is_paused_is_not_sent_and_goes_out_once_it_is_resumed() -> Result<()> {
    run(async {
        let outside = Outside::start().await?;
        outside.until(0, "the gateway to be known", |_| true).await?;
        let paused = outside.store.set_provider(&outside.ids[0], ProviderStanding::Paused, Some("a test")).await?.context("the gateway")?;
        ensure!((paused.standing, paused.why.as_deref()) == (ProviderStanding::Paused, Some("a test")), "{paused:?}");
        let key = unique("paused-");
        let held = async || Ok(outside.effect(0, &key).await.is_err_and(|error| matches!(error, PortError::Busy { .. })).then_some(()));
        until("the worker to know", held).await?;
        outside.until(0, "it to wait", |seen| seen.waits >= 1).await?;
        outside.effect(1, &unique("goes-on-")).await?;
        outside.store.set_provider(&outside.ids[0], ProviderStanding::Running, None).await?;
        let sent = async || Ok(outside.effect(0, &key).await.is_ok().then_some(()));
        until("it to be sent", sent).await?;
        outside.until(0, "nothing to wait", |seen| seen.waits == 0).await?;
        ensure!(outside.store.set_provider(&ProviderId::parse("nobody")?, ProviderStanding::Paused, None).await?.is_none());
        Ok(())
    })
}

#[test]
fn one_that_denies_is_left_alone_once_said_so_and_found_out_again() -> Result<()> {
    run(async {
        let outside = Outside::start().await?;
        outside.until(2, "the check to be known", |_| true).await?;
        let denied = json!({"answer_next": {"times": 1, "status": 401, "body": {"status": "refused", "code": "unauthenticated"}}});
        trouble(&outside.urls[2], denied).await?;
        ensure!(matches!(outside.effect(2, "first").await, Err(PortError::Denied(_))));
        // Every order would meet it: the next ones are not sent.
        ensure!(matches!(outside.effect(2, "second").await, Err(PortError::Busy { after: Some(_), .. })));
        let seen = outside.until(2, "people to be told", |seen| seen.standing == ProviderStanding::Denied).await?;
        ensure!(seen.why.as_deref().is_some_and(|why| why.contains("credentials")), "{seen:?}");
        let lets_in = async || Ok(outside.effect(2, "third").await.is_ok().then_some(()));
        until("one call to find out that it lets us in again", lets_in).await?;
        outside.until(2, "it to run again", |seen| seen.standing == ProviderStanding::Running).await?;
        Ok(())
    })
}

#[test]
fn one_that_wants_to_be_left_alone_is() -> Result<()> {
    run(async {
        let outside = Outside::start().await?;
        let later = json!({"answer_next": {"times": 1, "status": 429, "headers": {"retry-after": "2"}, "body": {"code": "slow_down"}}});
        trouble(&outside.urls[1], later).await?;
        ensure!(matches!(outside.effect(1, "first").await, Err(PortError::Busy { after: Some(after), .. }) if after.as_secs() == 2));
        let began = Instant::now();
        // Whoever asks meanwhile waits for its turn, or is told when to come again; nothing is sent before.
        let sent = async || Ok(outside.effect(1, "second").await.is_ok().then_some(()));
        until("it to be asked again", sent).await?;
        ensure!(began.elapsed() >= Duration::from_millis(1_500), "{:?}", began.elapsed());
        Ok(())
    })
}

/// What is logged into it.
#[derive(Clone, Default)]
struct Log(Arc<StdMutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_call_is_a_span_that_says_who_was_asked_for_what_and_what_came_of_it() -> Result<()> {
    run(async {
        let (outside, log) = (Outside::start().await?, Log::default());
        let written = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_max_level(Level::DEBUG).with_writer(move || written.clone()).finish();
        let calls = async {
            outside.effect(0, &unique("spanned-")).await?;
            outside.effect(1, &unique("spanned-")).await
        };
        calls.with_subscriber(subscriber).await?;
        let log = String::from_utf8(log.0.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
        for (id, operation) in [(&outside.ids[0], "authorize"), (&outside.ids[1], "void")] {
            let span = format!("provider_call{{provider.id=\"{id}\" provider.operation=\"{operation}\" provider.outcome=\"done\"}}");
            ensure!(log.contains(&span), "{span}: {log}");
        }
        Ok(())
    })
}
