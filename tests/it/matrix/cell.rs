//! One cell: a scenario in which one thing goes wrong.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use oms_api::{
    fulfillment::FulfillmentOrderView,
    order::{OperationView, OrderView},
    returns::ReturnView,
};
use oms_domain::{
    ids::{FulfillmentOrderId, OrderId, ReturnId, Sku},
    policy::Policy,
    returns::{AnnouncedLine, ReturnCore},
};
use oms_workflows::{
    messages::ReturnInput,
    names::{Queue, Queues, return_workflow_id},
    returns::ReturnWorkflow,
};
use reqwest::Method;
use serde_json::{Value, json};
use temporalio_client::{WorkflowExecutionStatus, WorkflowStartOptions};
use tokio::time::{Instant, sleep, timeout};

use super::{
    faults::{Fault, Faults, Seen, Watched},
    scenarios::{Deed, Scenario, UNITS},
    steps::Step,
};
use crate::support::{Shop, System, basket::unique, runtime::until, shop::cancellation, sound, system::LEEDS};

/// Longest that an order may take from one deed to the next.
const DEED_WITHIN: Duration = Duration::from_secs(60);
/// Many cells look at once, so each looks less often than a test of its own would.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A cancellation that waits for the very step that waits for it gets no longer a start than this.
const HEAD_START: Duration = Duration::from_millis(400);

/// Events after which a return's run is handed over to the next.
const SHORT_RUN: u32 = 30;

/// Doors of one house, of two policies.
pub struct Shops {
    plain: Shop,
    /// Whose orders are screened for fraud.
    screening: Shop,
}

/// A scenario, and what goes wrong in it.
#[derive(Clone)]
pub struct Cell {
    pub scenario: &'static Scenario,
    pub fault: Option<(Step, Fault)>,
}

/// What became of it.
pub struct Outcome {
    /// The order's status, and what it needs a person for.
    pub end: String,
    pub seen: Vec<Seen>,
}

/// A cell being played.
struct Play<'a> {
    cell: &'a Cell,
    shop: &'a Shop,
    watched: Arc<Watched>,
    sku: Sku,
    id: OrderId,
}

impl Shops {
    pub async fn open(system: &Arc<System>, policy: Policy) -> Result<Self> {
        let screening = Policy { fraud_check: true, ..policy.clone() };
        Ok(Self { plain: Shop::open(system.clone(), policy).await?, screening: Shop::open(system.clone(), screening).await? })
    }

    fn of(&self, scenario: &Scenario) -> &Shop {
        if scenario.screened.is_some() { &self.screening } else { &self.plain }
    }

    /// Stops both, as an operator would.
    pub async fn shut(self) -> Result<()> {
        self.plain.shut().await?;
        self.screening.shut().await
    }
}

impl Cell {
    /// Plays it, and holds its end to the equations.
    pub async fn play(&self, shops: &Shops, faults: &Faults) -> Result<Outcome> {
        let shop = shops.of(self.scenario);
        let sku = shop.stocked(&[(LEEDS, self.scenario.in_stock)]).await?;
        let basket = self.scenario.basket(&sku);
        let id = basket.id();
        let watched = faults.watch(id.clone(), self.fault.clone());
        let play = Play { cell: self, shop, watched, sku, id };
        shop.place(&basket).await?;
        let ((), ()) = tokio::try_join!(play.deeds(), play.interfere())?;
        let order = play.until(at_rest).await?;
        let returned = play.return_at_rest().await?;
        play.watched.over().await?;
        let exchange = play.exchange_at_rest().await?;
        let orders: Vec<OrderId> = std::iter::once(play.id.clone()).chain(exchange.as_ref().map(|_| play.exchange_id())).collect();
        sound::settle(&shop.system, &orders).await?;
        play.judge(&order, returned.as_ref(), exchange.as_ref())
    }
}

impl Play<'_> {
    fn fault(&self) -> Option<Fault> {
        self.cell.fault.as_ref().map(|(_, fault)| *fault)
    }

    /// What passes leaves no trace; what does not leaves an order that has ended, or that says what it needs a person for.
    fn judge(&self, order: &OrderView, returned: Option<&ReturnView>, exchange: Option<&OrderView>) -> Result<Outcome> {
        let of_order = order.attention.iter().chain(exchange.iter().flat_map(|found| &found.attention));
        let of_order = of_order.map(|known| (&known.subject, &known.why));
        let of_return = returned.iter().flat_map(|returned| &returned.attention).map(|known| (&known.subject, &known.why));
        let parked: Vec<_> = of_order.chain(of_return).map(|(subject, why)| format!("{subject}: {why}")).collect();
        let of_return = returned.map(|returned| format!(", return {}", returned.status)).unwrap_or_default();
        let of_exchange = exchange.map(|found| format!(", exchange {}", found.status)).unwrap_or_default();
        let status = format!("{}{of_return}{of_exchange}", order.status);
        let unharmed = status == self.cell.scenario.ends && parked.is_empty();
        let must_be_unharmed = self.fault().is_none_or(Fault::passes);
        ensure!(unharmed || !must_be_unharmed, "it is {status} in place of {}: {parked:?}", self.cell.scenario.ends);
        let told = if parked.is_empty() { String::new() } else { format!(", parked: {}", parked.join("; ")) };
        Ok(Outcome { end: format!("{status}{told}"), seen: self.watched.seen() })
    }

    /// Cancels the order, and its return, while the step is under way.
    async fn interfere(&self) -> Result<()> {
        if self.fault() != Some(Fault::CancelledMeanwhile) {
            return Ok(());
        }
        self.watched.struck().await?;
        let mut cancelling = std::pin::pin!(async {
            self.cancel("meanwhile").await?;
            self.cancel_return().await
        });
        let early = timeout(HEAD_START, &mut cancelling).await;
        self.watched.release();
        match early {
            Ok(answered) => answered,
            Err(_) => cancelling.await,
        }
    }

    async fn cancel(&self, cancellation_id: &str) -> Result<()> {
        let path = format!("/v1/orders/{}/cancellations", self.id);
        self.ask(&path, &cancellation(cancellation_id, &[])).await
    }

    async fn cancel_return(&self) -> Result<()> {
        match self.returned().await? {
            Some(returned) => self.ask(&format!("/v1/returns/{}/cancel", returned.return_id), &json!({"reason": "keeps it"})).await,
            None => Ok(()),
        }
    }

    async fn deeds(&self) -> Result<()> {
        for deed in self.cell.scenario.deeds {
            match deed {
                Deed::Act(n, action, body) => self.act(*n, action, *body).await?,
                Deed::Cancel(n, status) => {
                    if self.until_part(*n, |part| part.status == *status).await?.is_some() {
                        self.cancel("customer").await?;
                    }
                }
                Deed::Authorized(times) => self.until_authorized(*times).await?,
                Deed::Receive(n) => {
                    if self.until_part(*n, |part| part.status == "backordered").await?.is_some() {
                        self.shop.adjust(&self.sku, LEEDS, i64::from(UNITS)).await?;
                    }
                }
                Deed::Scan(n, status) => self.scan(*n, status).await?,
                Deed::Return => self.open_return().await?,
                Deed::Exchange => self.exchange().await?,
                Deed::CancelExchange => self.cancel_exchange().await?,
                Deed::ActOnReturn(status, action, body) => self.act_on_return(status, action, *body).await?,
            }
        }
        Ok(())
    }

    async fn act(&self, n: u32, action: &str, body: fn() -> Value) -> Result<()> {
        let Some(part) = self.until_part(n, |part| part.legal_actions.iter().any(|legal| legal == action)).await? else { return Ok(()) };
        self.ask(&format!("/v1/fulfillment-orders/{}/{action}", part.fulfillment_order_id), &body()).await
    }

    async fn scan(&self, n: u32, status: &str) -> Result<()> {
        let number = |part: &FulfillmentOrderView| part.parcels.first().and_then(|parcel| parcel.tracking_number.clone());
        let Some(part) = self.until_part(n, |part| number(part).is_some()).await? else { return Ok(()) };
        let event = json!({"event_id": unique("scan"), "carrier": "van", "tracking_number": number(&part), "status": status,
            "occurred_at": Timestamp::now().to_string()});
        self.shop.post("/v1/carrier-events", &json!({"events": [event]})).await?.view::<Value>(202)?;
        // What a carrier says next may overtake it: of a parcel that it never had it can have lost nothing.
        let heard = |part: &FulfillmentOrderView| part.parcels.first().is_some_and(|parcel| parcel.status == status);
        self.until_part(n, heard).await.map(drop)
    }

    /// Asks under one key until there is an answer, as a tablet would while parts of the house are slow. Only an order that is being
    /// cancelled meanwhile may refuse what its scenario holds: what has ended, or is asked back, is not shipped any more.
    async fn ask(&self, path: &str, body: &Value) -> Result<()> {
        let answer = self.shop.ask(Method::POST, path, &unique("ask"), body).await?;
        if answer.status == 409 && self.fault() == Some(Fault::CancelledMeanwhile) {
            return Ok(());
        }
        answer.view::<Value>(200).map(drop)
    }

    /// The n-th fulfillment order once the condition holds; none if the order came to rest before.
    async fn until_part(&self, n: u32, condition: impl Fn(&FulfillmentOrderView) -> bool) -> Result<Option<FulfillmentOrderView>> {
        let part_id = FulfillmentOrderId::of(&self.id, n).to_string();
        let found =
            |order: &OrderView| order.fulfillment_orders.iter().find(|f| f.fulfillment_order_id == part_id && condition(f)).cloned();
        let order = self.until(|order| found(order).is_some() || at_rest(order)).await?;
        Ok(found(&order).filter(|_| !at_rest(&order)))
    }

    async fn until_authorized(&self, times: usize) -> Result<()> {
        let is_authorization = |operation: &&OperationView| operation.kind == "authorize" && operation.status == "succeeded";
        let authorized =
            |order: &OrderView| order.payments.iter().flat_map(|payment| &payment.operations).filter(is_authorization).count() >= times;
        let cancels = |order: &OrderView| {
            let legal = order.fulfillment_orders.iter().flat_map(|part| &part.legal_actions);
            legal.into_iter().any(|action| action == "accept-cancellation")
        };
        self.until(|order| authorized(order) || cancels(order) || at_rest(order)).await.map(drop)
    }

    /// In runs so short that it is handed over from one to the next, which reads the return in.
    async fn open_return(&self) -> Result<()> {
        let order = self.until(at_rest).await?;
        if order.status != "completed" || order.needs_attention {
            return Ok(());
        }
        let return_id = self.return_id();
        let lines = vec![AnnouncedLine { line_id: "1".parse()?, quantity: UNITS, reason: "too small".to_owned() }];
        let opened_at = Timestamp::from_microsecond(Timestamp::now().as_microsecond())?;
        let queues = Queues::new(self.shop.system.addresses.queue_prefix.clone());
        let options = WorkflowStartOptions::new(queues.name(Queue::Orders), return_workflow_id(&return_id)).build();
        let core = ReturnCore { return_id, order_id: self.id.clone(), opened_at, lines, credit: None };
        let (clock, policy) = (self.shop.starter.clock(), Policy::default());
        let input = ReturnInput { core, clock, policy, queues, history_max: SHORT_RUN, by: None };
        self.shop.system.temporal.start_workflow(ReturnWorkflow::run, input, options).await?;
        // From here on there is something to come to rest.
        let there = until("the return to be recorded", async || self.returned().await);
        there.await.map(drop)
    }

    /// Asks until there is an answer, or until what went wrong has left it to a person.
    async fn exchange(&self) -> Result<()> {
        let order = self.until(at_rest).await?;
        if order.status != "completed" || order.needs_attention {
            return Ok(());
        }
        let body = json!({"exchange_id": self.exchange_id(), "order_id": self.id,
            "returned": [{"line_id": "1", "quantity": UNITS, "reason": "too small"}],
            "lines": [{"line_id": "1", "sku": self.sku, "quantity": UNITS, "unit_price_minor": 255}]});
        until("an answer to the exchange", async || {
            let answer = self.shop.post("/v1/exchanges", &body).await?;
            let refused = answer.status == 409 && self.fault().is_some_and(|fault| !fault.passes());
            let done = matches!(answer.status, 200 | 201) || refused || self.is_left_to_a_person().await?;
            ensure!(done || matches!(answer.status, 503 | 504), "{answer:?}");
            Ok(done.then_some(()))
        })
        .await
    }

    async fn is_left_to_a_person(&self) -> Result<bool> {
        let by_return = self.returned().await?.is_some_and(|returned| returned.needs_attention);
        Ok(by_return || self.exchanged().await?.is_some_and(|found| found.needs_attention))
    }

    async fn cancel_exchange(&self) -> Result<()> {
        let with_a_facility = |found: &OrderView| found.fulfillment_orders.iter().any(|part| part.status == "released");
        match self.until_exchange(|found| with_a_facility(found) || at_rest(found)).await? {
            Some(found) if with_a_facility(&found) => {
                self.ask(&format!("/v1/orders/{}/cancellations", self.exchange_id()), &cancellation("customer", &[])).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn exchange_at_rest(&self) -> Result<Option<OrderView>> {
        self.until_exchange(at_rest).await
    }

    /// The exchange's order once the condition holds, or once its return waits for a person; none if there is none.
    async fn until_exchange(&self, condition: impl Fn(&OrderView) -> bool) -> Result<Option<OrderView>> {
        until(&format!("an exchange of {}", self.id), async || {
            let found = self.exchanged().await?;
            let waits = self.returned().await?.is_some_and(|returned| returned.needs_attention);
            Ok((waits || found.as_ref().is_none_or(&condition)).then_some(found))
        })
        .await
    }

    async fn exchanged(&self) -> Result<Option<OrderView>> {
        let answer = self.shop.get(&format!("/v1/orders/{}", self.exchange_id())).await?;
        if answer.status == 404 { Ok(None) } else { answer.view(200).map(Some) }
    }

    fn exchange_id(&self) -> OrderId {
        OrderId::exchange_of(&self.id, 1).expect("a short id")
    }

    async fn act_on_return(&self, status: &str, action: &str, body: fn() -> Value) -> Result<()> {
        match self.until_return(|returned| returned.status == status || return_rests(returned)).await? {
            Some(returned) if returned.status == status => self.ask(&format!("/v1/returns/{}/{action}", returned.return_id), &body()).await,
            Some(_) | None => Ok(()),
        }
    }

    /// The return once it waits for a person, or has ended and so has its run, which sees its last effects through.
    async fn return_at_rest(&self) -> Result<Option<ReturnView>> {
        let returned = self.until_return(return_rests).await?;
        if returned.as_ref().is_none_or(|returned| returned.needs_attention) {
            return Ok(returned);
        }
        let handle = self.shop.system.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(&self.return_id()));
        until("the return's run to end, or a person to be asked", async || {
            let ended = handle.describe(Default::default()).await?.status() == WorkflowExecutionStatus::Completed;
            Ok(self.returned().await?.filter(|returned| ended || returned.needs_attention))
        })
        .await
        .map(Some)
    }

    /// The return once the condition holds; none if there is none.
    async fn until_return(&self, condition: impl Fn(&ReturnView) -> bool) -> Result<Option<ReturnView>> {
        until(&format!("a return of {}", self.id), async || {
            let returned = self.returned().await?;
            let found = returned.as_ref().is_none_or(&condition);
            Ok(found.then_some(returned))
        })
        .await
    }

    async fn returned(&self) -> Result<Option<ReturnView>> {
        let answer = self.shop.get(&format!("/v1/returns/{}", self.return_id())).await?;
        if answer.status == 404 { Ok(None) } else { answer.view(200).map(Some) }
    }

    fn return_id(&self) -> ReturnId {
        ReturnId::of(&self.id, 1)
    }

    async fn until(&self, condition: impl Fn(&OrderView) -> bool) -> Result<OrderView> {
        let give_up = Instant::now() + DEED_WITHIN;
        loop {
            match self.shop.order(&self.id).await {
                Ok(order) if condition(&order) => return Ok(order),
                // A database may be too busy for a moment.
                Ok(_) | Err(_) if Instant::now() < give_up => sleep(LOOK_EVERY).await,
                Ok(_) => bail!("it does not go on; it is {:#?}", self.shop.document(&self.id).await?),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Ended, or waiting for a person.
fn at_rest(order: &OrderView) -> bool {
    order.needs_attention || ["completed", "cancelled", "rejected", "expired"].contains(&order.status.as_str())
}

/// Ended, or waiting for a person.
fn return_rests(returned: &ReturnView) -> bool {
    returned.needs_attention || ["closed", "cancelled", "declined", "expired", "lost"].contains(&returned.status.as_str())
}
