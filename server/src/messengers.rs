//! What goes on beside the requests: each messenger is a task of its own, with its own pace and figures. Nothing that one meets ends it,
//! or keeps another. Any number of servers may run them: what they work on is leased row by row.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use oms_outlets::Dispatcher;
use oms_starter::{Relay, Round, Starter, StarterError};
use oms_store::{AuditSeal, Store};
use tokio::task::JoinSet;

use crate::{fetching, inlets, metrics::Metrics, state::AppState};

/// An order that has been taken in for this long without a record of it had its start lost.
const LOST_AFTER: Duration = Duration::from_secs(30);
/// An order or a return that nothing was heard of so long after its next wait was over may have no run.
pub(crate) const SILENT_FOR: Duration = Duration::from_secs(120);
/// A round that takes longer hangs: its rows are free again by then.
const ROUND_MAX: Duration = Duration::from_secs(300);
/// The longest pause of one that keeps failing.
const PAUSE_MAX: Duration = Duration::from_secs(30);

type Work = Box<dyn Fn() -> BoxFuture<'static, Result<Round, StarterError>> + Send + Sync>;

/// One task: does its work, pauses, and again.
struct Messenger {
    name: &'static str,
    every: Duration,
    /// Cuts a pause short, unless the last round failed.
    nudge: Option<Relay>,
    work: Work,
}

/// The running tasks, which end with it.
pub struct Messengers {
    tasks: JoinSet<()>,
    dispatcher: Dispatcher,
}

impl Messengers {
    /// Starts all of them.
    pub fn start(state: &AppState) -> Self {
        let mut tasks = JoinSet::new();
        for messenger in all(state) {
            tasks.spawn(messenger.run(state.metrics.clone()));
        }
        Self { tasks, dispatcher: Dispatcher::start(state.store.clone(), state.ways.clone(), state.dispatching) }
    }

    /// Ends them; what was in work is taken up by whoever comes next.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.dispatcher.stop().await;
    }
}

fn all(state @ AppState { starter, relay, store, identity, looks, stock_low_units, .. }: &AppState) -> Vec<Messenger> {
    let (store, identity, looks) = (store.clone(), identity.clone(), looks.clone());
    let (told, store_of_seals, store_of_stock, store_of_figures) = (store.clone(), store.clone(), store.clone(), store.clone());
    let looks = Messenger::new("looks", Duration::from_secs(60), move || {
        let (store, looks) = (told.clone(), looks.clone());
        async move { Ok(Round { done: looks.tell(&store).await?, failed: 0 }) }.boxed()
    });
    let audit = Messenger::new("audit", Duration::from_secs(5), move || {
        let (store, identity) = (store.clone(), identity.clone());
        async move { Ok(Round { done: identity.tell_refusals(&store).await?, failed: 0 }) }.boxed()
    });
    let sealer = Sealer { store: store_of_seals, copied: Arc::default() };
    let seals = Messenger::new("audit_seals", Duration::from_secs(5), move || {
        let sealer = sealer.clone();
        async move { sealer.seal().await }.boxed()
    });
    let counted = store_of_figures;
    let insights = Messenger::new("insights", Duration::from_secs(1), move || {
        let store = counted.clone();
        async move {
            let round = store.count_insights().await?;
            Ok(Round { done: round.orders, failed: round.unread })
        }
        .boxed()
    });
    let relayed = relay.clone();
    let deliver = Messenger::new("relay", Duration::from_millis(500), move || {
        let relay = relayed.clone();
        async move { relay.deliver_due().await }.boxed()
    });
    let (told, low_units) = (store_of_stock, *stock_low_units);
    let stock = Messenger::new("stock_events", Duration::from_millis(500), move || {
        let store = told.clone();
        async move { Ok(Round { done: store.tell_stock(low_units).await?, failed: 0 }) }.boxed()
    });
    let taking_over = state.clone();
    let inlets = Messenger::new("inlets", Duration::from_secs(10), move || {
        let state = taking_over.clone();
        async move { inlets::take_over(&state).await }.boxed()
    });
    let fetching = state.clone();
    let fetches = Messenger::new("inlet_fetches", Duration::from_millis(500), move || {
        let state = fetching.clone();
        async move { fetching::fetch_all(&state).await }.boxed()
    });
    vec![
        Messenger { nudge: Some(relay.clone()), ..deliver },
        stock,
        inlets,
        fetches,
        audit,
        looks,
        seals,
        insights,
        Messenger::of("hold_expiry", Duration::from_secs(1), starter, |s| async move { s.expire_holds().await }.boxed()),
        Messenger::of("serving", Duration::from_millis(500), starter, |s| async move { s.serve_waiting().await }.boxed()),
        Messenger::of("offer_expiry", Duration::from_secs(5), starter, |s| async move { s.expire_offers().await }.boxed()),
        Messenger::of("waiting_sweep", Duration::from_secs(60), starter, |s| async move { s.sweep_waiting().await }.boxed()),
        Messenger::of("order_starts", Duration::from_secs(10), starter, |s| async move { s.start_lost_orders(LOST_AFTER).await }.boxed()),
        Messenger::of("bulk_starts", Duration::from_secs(10), starter, |s| async move { s.start_lost_bulks(LOST_AFTER).await }.boxed()),
        Messenger::of("revivals", Duration::from_secs(10), starter, |s| async move { s.revive_lost_orders(SILENT_FOR).await }.boxed()),
        Messenger::of("return_revivals", Duration::from_secs(10), starter, |s| {
            async move { s.revive_lost_returns(SILENT_FOR).await }.boxed()
        }),
        Messenger::of("feed_takeover", Duration::from_secs(15), starter, |s| async move { s.take_over_feeds().await }.boxed()),
    ]
}

/// Seals the audit trail, and copies each newest seal until that has been done.
#[derive(Clone)]
struct Sealer {
    store: Store,
    copied: Arc<Mutex<Option<AuditSeal>>>,
}

impl Sealer {
    async fn seal(&self) -> Result<Round, StarterError> {
        let Some(seal) = self.store.seal_audit().await? else { return Ok(Round::default()) };
        if self.copied.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&seal) {
            return Ok(Round::default());
        }
        self.store.copy_seal(&seal).await?;
        *self.copied.lock().unwrap_or_else(PoisonError::into_inner) = Some(seal);
        Ok(Round { done: 1, failed: 0 })
    }
}

impl Messenger {
    fn new(
        name: &'static str,
        every: Duration,
        work: impl Fn() -> BoxFuture<'static, Result<Round, StarterError>> + Send + Sync + 'static,
    ) -> Self {
        Self { name, every, nudge: None, work: Box::new(work) }
    }

    fn of(
        name: &'static str,
        every: Duration,
        starter: &Starter,
        work: impl Fn(Starter) -> BoxFuture<'static, Result<Round, StarterError>> + Send + Sync + 'static,
    ) -> Self {
        let starter = starter.clone();
        Self::new(name, every, move || work(starter.clone()))
    }

    async fn run(self, metrics: Metrics) {
        let mut failed = 0;
        loop {
            let round = self.round().await;
            metrics.round(self.name, round.as_ref().ok());
            match round {
                Ok(_) => failed = 0,
                Err(why) => {
                    failed += 1;
                    tracing::warn!(
                        messenger.name = self.name,
                        messenger.failed = failed,
                        error.message = why,
                        "a round failed; there will be another"
                    );
                }
            }
            self.pause(failed).await;
        }
    }

    /// One round, whatever it does.
    async fn round(&self) -> Result<Round, String> {
        let round = AssertUnwindSafe(async { (self.work)().await }).catch_unwind();
        match tokio::time::timeout(ROUND_MAX, round).await {
            Ok(Ok(round)) => round.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("it panicked".to_owned()),
            Err(_) => Err(format!("it took longer than {} s", ROUND_MAX.as_secs())),
        }
    }

    async fn pause(&self, failed: u32) {
        let pause = tokio::time::sleep(pause(self.every, failed));
        match self.nudge.as_ref().filter(|_| failed == 0) {
            Some(relay) => tokio::select! { () = pause => {}, () = relay.nudged() => {} },
            None => pause.await,
        }
    }
}

/// Twice as long for each round in a row that failed.
fn pause(every: Duration, failed: u32) -> Duration {
    every.saturating_mul(2_u32.saturating_pow(failed)).min(PAUSE_MAX.max(every))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn one_that_fails_pauses_longer_each_time_to_a_bound() {
        let second = Duration::from_secs(1);
        let pauses: Vec<u64> = (0..8).map(|failed| pause(second, failed).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(second, u32::MAX).as_secs(), 30);
    }

    #[tokio::test]
    async fn one_that_panics_or_fails_goes_on() {
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let rounds = AtomicU32::new(0);
        let messenger = Messenger::new("clumsy", Duration::from_millis(1), move || {
            let (round, begun) = (rounds.fetch_add(1, Ordering::Relaxed), begun.clone());
            async move {
                begun.send(round).unwrap();
                match round {
                    0 => panic!("on purpose"),
                    1 => Err(StarterError::TimedOut),
                    _ => Ok(Round { done: 1, failed: 0 }),
                }
            }
            .boxed()
        });
        let metrics = Metrics::new();
        let task = tokio::spawn(messenger.run(metrics.clone()));
        while begins.recv().await.unwrap() < 3 {}
        task.abort();
        let text = String::from_utf8(metrics.text(&Default::default(), &[], &[]).unwrap()).unwrap();
        assert!(text.contains(r#"oms_messenger_rounds_total{messenger="clumsy",outcome="failed"} 2"#), "{text}");
    }
}
