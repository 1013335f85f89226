//! One cell: a scenario in which one thing goes wrong.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use oms_api::{fulfillment::FulfillmentOrderView, order::OrderView};
use oms_domain::ids::{FulfillmentOrderId, OrderId, Sku};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{
    faults::{Fault, Faults, Seen, Watched},
    scenarios::{Deed, Scenario, UNITS},
    steps::Step,
};
use crate::support::{Shop, basket::unique, runtime::until, shop::cancellation, sound, system::LEEDS};

/// Longest that an order may take from one deed to the next.
const DEED_WITHIN: Duration = Duration::from_secs(60);
/// Many cells look at once, so each looks less often than a test of its own would.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A cancellation that waits for the very step that waits for it gets no longer a start than this.
const HEAD_START: Duration = Duration::from_millis(400);

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

impl Cell {
    /// Plays it, and holds its end to the equations.
    pub async fn play(&self, shop: &Shop, faults: &Faults) -> Result<Outcome> {
        let sku = shop.stocked(&[(LEEDS, self.scenario.in_stock)]).await?;
        let basket = self.scenario.basket(&sku);
        let id = basket.id();
        let watched = faults.watch(id.clone(), self.fault.clone());
        let play = Play { cell: self, shop, watched, sku, id };
        shop.place(&basket).await?;
        let ((), ()) = tokio::try_join!(play.deeds(), play.interfere())?;
        let order = play.until_rest().await?;
        play.watched.over().await?;
        sound::settle(&shop.system, std::slice::from_ref(&play.id)).await?;
        play.judge(&order)
    }
}

impl Play<'_> {
    fn fault(&self) -> Option<Fault> {
        self.cell.fault.as_ref().map(|(_, fault)| *fault)
    }

    /// What passes leaves no trace; what does not leaves an order that has ended, or that says what it needs a person for.
    fn judge(&self, order: &OrderView) -> Result<Outcome> {
        let reasons: Vec<_> = order.attention.iter().map(|known| format!("{}: {}", known.subject, known.why)).collect();
        let unharmed = order.status == self.cell.scenario.ends && reasons.is_empty();
        let must_be_unharmed = self.fault().is_none_or(Fault::passes);
        ensure!(unharmed || !must_be_unharmed, "it is {} in place of {}: {reasons:?}", order.status, self.cell.scenario.ends);
        ensure!(order.attention.iter().all(|known| !known.why.is_empty()), "it is parked and does not say why");
        let parked = if reasons.is_empty() { String::new() } else { format!(", parked: {}", reasons.join("; ")) };
        Ok(Outcome { end: format!("{}{parked}", order.status), seen: self.watched.seen() })
    }

    /// Cancels the order while the step is under way.
    async fn interfere(&self) -> Result<()> {
        if self.fault() != Some(Fault::CancelledMeanwhile) {
            return Ok(());
        }
        self.watched.struck().await?;
        let mut cancelling = std::pin::pin!(self.cancel("meanwhile"));
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

    async fn deeds(&self) -> Result<()> {
        for deed in self.cell.scenario.deeds {
            match deed {
                Deed::Act(n, action, body) => self.act(*n, action, *body).await?,
                Deed::Cancel(n, status) => {
                    if self.until_part(*n, |part| part.status == *status).await?.is_some() {
                        self.cancel("customer").await?;
                    }
                }
                Deed::Receive(n) => {
                    if self.until_part(*n, |part| part.status == "Backordered").await?.is_some() {
                        self.shop.adjust(&self.sku, LEEDS, i64::from(UNITS)).await?;
                    }
                }
                Deed::Scan(n, status) => self.scan(*n, status).await?,
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
        self.shop.post("/v1/carrier-events", &json!({"events": [event]})).await?.view::<Value>(202).map(drop)
    }

    /// Asks under one key until there is an answer, as a tablet would while parts of the house are slow. Only an order that is being
    /// cancelled meanwhile may refuse what its scenario holds: what has ended, or is asked back, is not shipped any more.
    async fn ask(&self, path: &str, body: &Value) -> Result<()> {
        let key = unique("ask");
        let answer = until(path, async || {
            let answer = self.shop.post_keyed(path, &key, body).await?;
            let again = matches!(answer.status, 503 | 504) || answer.body["code"] == "idempotency_key_in_flight";
            Ok(Some(answer).filter(|_| !again))
        });
        let answer = answer.await?;
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

    async fn until_rest(&self) -> Result<OrderView> {
        self.until(at_rest).await
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
    order.needs_attention || ["Completed", "Cancelled", "Rejected", "Expired"].contains(&order.status.as_str())
}
