//! Carries messages from the database to the running orders, at least once. One that cannot be delivered is put off and keeps nobody else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Command, Fact, decide},
};
use oms_store::{CarrierEvent, CarrierResult, InboxMessage, StoreError, Undelivered};
use oms_workflows::{
    messages::{carrier_events, gateway_report},
    names::{CARRIER_EVENT, GATEWAY_EVENT, STOCK_ARRIVED, STOCK_SHORTED, order_workflow_id},
    order::OrderWorkflow,
};
use temporalio_client::{WorkflowSignalOptions, errors::WorkflowInteractionError};
use tokio::sync::{Notify, Semaphore};

use crate::{Round, Starter, StarterError, error::rpc};

/// Messages taken at a time, and how many are delivered side by side.
const BATCH: u32 = 200;
const SIDE_BY_SIDE: usize = 16;
/// So many requests of carriers tell orders by themselves at a time.
const ACCEPTING: usize = 16;
/// A message that is not done by then is taken again, by whoever looks next.
const LEASE: Duration = Duration::from_secs(30);
/// A message that has failed by itself so often (for half an hour, then) is dead.
const ATTEMPTS_MAX: u32 = 10;
/// How often an order is told within one attempt: once without a run, and once with the new one.
const TOLD_AT_MOST: u32 = 3;

/// Delivers what the orders must be told. Any number of them may run.
#[derive(Clone)]
pub struct Relay {
    starter: Starter,
    nudge: Arc<Notify>,
    /// Places of those who tell orders what they have just accepted.
    accepting: Arc<Semaphore>,
    attempts_max: u32,
}

impl Relay {
    pub fn new(starter: Starter) -> Self {
        Self { starter, nudge: Arc::default(), accepting: Arc::new(Semaphore::new(ACCEPTING)), attempts_max: ATTEMPTS_MAX }
    }

    /// Gives a message up after so many attempts that failed by themselves.
    pub fn giving_up_after(self, attempts_max: u32) -> Self {
        Self { attempts_max, ..self }
    }

    /// There may be something to deliver: look now rather than at the next round.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Waits for a nudge.
    pub async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Keeps what carriers have reported, each event once: a result each. Whoever accepts it tells the orders, too: what they must hear is
    /// taken in the transaction that writes it, unless so much is under way that the next round may have it.
    ///
    /// # Errors
    /// When the database does not answer: nothing of it may have been kept.
    pub async fn accept(&self, events: &[CarrierEvent]) -> Result<Vec<CarrierResult>, StoreError> {
        let Ok(place) = Arc::clone(&self.accepting).try_acquire_owned() else {
            let results = self.starter.store.accept_carrier_events(events).await?;
            self.nudge();
            return Ok(results);
        };
        let (results, messages) = self.starter.store.accept_and_claim(events, BATCH, LEASE).await?;
        let relay = self.clone();
        tokio::spawn(async move {
            // They are due again when their lease ends.
            if let Err(error) = relay.settle(messages).await {
                tracing::warn!(error.message = %error, "orders may be told twice what carriers have reported");
            }
            drop(place);
        });
        Ok(results)
    }

    /// Delivers what is due, until nothing is, or nothing of a whole batch can be delivered at the moment.
    ///
    /// # Errors
    /// When the database does not answer: what was delivered meanwhile is delivered again.
    pub async fn deliver_due(&self) -> Result<Round, StarterError> {
        let mut round = Round::default();
        loop {
            let messages = self.starter.store.inbox_claim(BATCH, LEASE).await?;
            let taken = messages.len();
            let (settled, is_stuck) = self.settle(messages).await?;
            round += settled;
            if taken < BATCH as usize || is_stuck {
                return Ok(round);
            }
        }
    }

    /// Delivers these, and notes what became of them; whether nothing of it can be delivered at the moment.
    async fn settle(&self, messages: Vec<InboxMessage>) -> Result<(Round, bool), StarterError> {
        let (done, undelivered) = self.deliver(messages).await;
        self.starter.store.inbox_done(&done).await?;
        let dead = self.starter.store.inbox_failed(&undelivered, self.attempts_max).await?;
        if dead > 0 {
            tracing::error!(messages.dead = dead, "messages are given up; `oms inbox list` shows them");
        }
        let is_stuck = undelivered.iter().all(|failed| failed.passing) && done.is_empty();
        Ok((Round { done: done.len(), failed: undelivered.len() }, is_stuck))
    }

    /// Which were delivered, and which were not. An order hears its messages one after the other, as they came about.
    async fn deliver(&self, messages: Vec<InboxMessage>) -> (Vec<i64>, Vec<Undelivered>) {
        let mut of_orders: BTreeMap<OrderId, Vec<InboxMessage>> = BTreeMap::new();
        messages.into_iter().for_each(|message| of_orders.entry(message.order_id.clone()).or_default().push(message));
        let told = stream::iter(of_orders.into_values()).map(|messages| self.deliver_in_order(messages)).buffer_unordered(SIDE_BY_SIDE);
        let (done, undelivered): (Vec<_>, Vec<_>) = told.collect().await;
        (done.concat(), undelivered.into_iter().flatten().collect())
    }

    /// After one that failed for a reason that passes, the others of the order wait for it.
    async fn deliver_in_order(&self, messages: Vec<InboxMessage>) -> (Vec<i64>, Vec<Undelivered>) {
        let (mut done, mut undelivered) = (Vec::new(), Vec::new());
        let mut away: Option<String> = None;
        for message in messages {
            let told = match &away {
                Some(why) => Err((why.clone(), true)),
                None => self.starter.tell(&message).await.map_err(|error| (error.to_string(), error.is_passing())),
            };
            match told {
                Ok(()) => done.push(message.id),
                Err((why, passing)) => {
                    away = passing.then(|| why.clone());
                    undelivered.push(Undelivered { message_id: message.id, why, passing });
                }
            }
        }
        (done, undelivered)
    }
}

/// What became of telling an order something.
#[derive(PartialEq, Eq)]
enum Told {
    Done,
    /// It had no run, and has one now.
    Again,
}

impl Starter {
    /// Signals an order; one without a run that the message matters to gets one first.
    async fn tell(&self, message: &InboxMessage) -> Result<(), StarterError> {
        self.tell_returns(message).await?;
        for _ in 0..TOLD_AT_MOST {
            if self.tell_once(message).await? == Told::Done {
                return Ok(());
            }
        }
        Err(StarterError::Unavailable("the order's runs end as soon as they begin".to_owned()))
    }

    async fn tell_once(&self, message: &InboxMessage) -> Result<Told, StarterError> {
        let handle = self.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&message.order_id));
        let options = WorkflowSignalOptions::builder().request_id(format!("inbox-{}", message.id)).build();
        let payload = message.payload.clone();
        let told = match message.kind.as_str() {
            STOCK_ARRIVED => handle.signal(OrderWorkflow::stock_arrived, payload, options).await,
            STOCK_SHORTED => handle.signal(OrderWorkflow::stock_shorted, payload, options).await,
            CARRIER_EVENT => handle.signal(OrderWorkflow::carrier_event, payload, options).await,
            GATEWAY_EVENT => handle.signal(OrderWorkflow::gateway_event, payload, options).await,
            other => return Err(StarterError::Internal(format!("no order understands a message of kind {other}"))),
        };
        match told {
            Ok(()) => Ok(Told::Done),
            Err(WorkflowInteractionError::NotFound(_)) => self.tell_without_run(message).await,
            Err(WorkflowInteractionError::Rpc(status)) => Err(rpc(&status)),
            Err(error) => Err(StarterError::Internal(error.to_string())),
        }
    }

    /// An open order has lost its run, and gets one. What a carrier or a gateway says after the end is a fact too: if it means something
    /// to the order, the order gets a run for it. Stock is no concern of an order that has ended.
    async fn tell_without_run(&self, message: &InboxMessage) -> Result<Told, StarterError> {
        let Some(order) = self.order(&message.order_id).await? else {
            // It waits for stock and has recorded nothing yet.
            return self.start_from_intake(&message.order_id).await.map(|()| Told::Again);
        };
        if !order.is_closed() {
            self.revive(&message.order_id).await?;
            return Ok(Told::Again);
        }
        let at = self.config.clock.business(Timestamp::now());
        let facts: Vec<Fact> = match message.kind.as_str() {
            CARRIER_EVENT => carrier_events(&message.payload).into_iter().map(|(report, _)| Fact::Carrier(report)).collect(),
            GATEWAY_EVENT => gateway_report(&message.payload).map(Fact::Gateway).into_iter().collect(),
            _ => Vec::new(),
        };
        let means_something = |fact| decide(&order, &Command::Fact(fact), at).is_ok_and(|decided| !decided.events.is_empty());
        if facts.into_iter().any(means_something) {
            self.tell_with_start(&message.order_id, &message.kind, message.payload.clone()).await?;
        }
        Ok(Told::Done)
    }
}
