//! Associates: they start their facility's waiting orders together, as one picklist, then pack and ship each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use oms_api::fulfillment::{FulfillmentOrderSummary, FulfillmentOrderView, PicklistView};
use oms_domain::ids::Sku;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    carrier::Carrier,
    mishaps::{self, Mishap},
    packing,
    world::World,
};
use crate::exit::Refused;

/// How long an order waits at its facility before somebody begins, in business time: customers change their minds in the first hours.
const FIRST_LOOK_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// How often queues are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Every so many looks, work that somebody began and did not finish is looked for too.
const LOOKS_PER_SWEEP: u32 = 25;
/// Most orders of one picklist, and on one list.
const PICKLIST_MAX: u32 = 20;
const LIST_MAX: usize = 5_000;
/// Facilities that ask for a picklist at a time, and fulfillment orders packed at a time.
const FACILITIES_AT_ONCE: usize = 4;
const PACKERS: usize = 8;
/// How often a packer looks whether the labels have come, and how often at most.
const LABELS_EVERY: Duration = Duration::from_millis(300);
const STEPS_MAX: u32 = 200;

/// Everybody who works at a facility.
pub struct Associates {
    world: Arc<World>,
    carrier: Carrier,
    weights_g: BTreeMap<Sku, u32>,
    /// Fulfillment orders that somebody works on.
    in_hand: Mutex<BTreeSet<String>>,
    /// Fulfillment orders in which something has gone wrong: once is enough.
    mishaps: Mutex<BTreeSet<String>>,
}

impl Associates {
    pub fn new(world: Arc<World>, carrier: Carrier, weights_g: BTreeMap<Sku, u32>) -> Self {
        Self { world, carrier, weights_g, in_hand: Mutex::default(), mishaps: Mutex::default() }
    }

    /// Works until the future is dropped.
    ///
    /// # Errors
    /// When the API cannot be reached for long, or answers what nobody understands.
    pub async fn work(self: Arc<Self>) -> Result<()> {
        let (queue, waiting) = mpsc::unbounded_channel::<String>();
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let mut packers = JoinSet::new();
        for _ in 0..PACKERS {
            packers.spawn(Arc::clone(&self).pack_and_ship(Arc::clone(&waiting)));
        }
        tokio::select! {
            looked = self.look_round(&queue) => looked,
            Some(ended) = packers.join_next() => ended?,
        }
    }

    /// Nobody has anything in hand.
    pub fn are_idle(&self) -> bool {
        self.in_hand().is_empty()
    }

    fn in_hand(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_round(&self, queue: &mpsc::UnboundedSender<String>) -> Result<()> {
        for look in 1_u32.. {
            self.start_picking(queue).await?;
            if look % LOOKS_PER_SWEEP == 0 {
                for status in ["accepted", "picking", "packed"] {
                    let found = self.list(status).await?;
                    found.into_iter().for_each(|found| self.take(found.fulfillment_order_id, queue));
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn take(&self, fulfillment_order_id: String, queue: &mpsc::UnboundedSender<String>) {
        if self.in_hand().insert(fulfillment_order_id.clone()) {
            // Nobody listens only when the demo ends.
            drop(queue.send(fulfillment_order_id));
        }
    }

    async fn list(&self, status: &str) -> Result<Vec<FulfillmentOrderSummary>> {
        let query = [("status", Some(status.to_owned()))];
        let (items, _) = self.world.persistently(|| self.world.api.pages(&["v1", "fulfillment-orders"], &query, LIST_MAX)).await?;
        Ok(serde_json::from_value(Value::Array(items))?)
    }

    /// Each facility where something has waited long enough begins with all that waits there.
    async fn start_picking(&self, queue: &mpsc::UnboundedSender<String>) -> Result<()> {
        let long_ago = self.world.now() - FIRST_LOOK_AFTER;
        let due = self.list("released").await?.into_iter().filter(|found| found.updated_at <= long_ago);
        let facilities: BTreeSet<String> = due.filter_map(|found| found.facility_id).collect();
        let mut picklists = stream::iter(facilities).map(|facility_id| self.picklist(facility_id)).buffer_unordered(FACILITIES_AT_ONCE);
        while let Some(picklist) = picklists.next().await {
            let picking = picklist?.results.into_iter().filter(|result| result.picking);
            picking.for_each(|result| self.take(result.fulfillment_order_id, queue));
        }
        Ok(())
    }

    async fn picklist(&self, facility_id: String) -> Result<PicklistView> {
        let body = json!({"facility_id": facility_id, "at_most": PICKLIST_MAX, "picker": format!("associate-{facility_id}")});
        let answer = self.world.persistently(|| self.world.api.post(&["v1", "picklists"], &body)).await?;
        Ok(serde_json::from_value(answer)?)
    }

    async fn pack_and_ship(self: Arc<Self>, waiting: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>>) -> Result<()> {
        loop {
            let next = waiting.lock().await.recv().await;
            let Some(id) = next else { return Ok(()) };
            let fulfilled = self.fulfill(&id).await;
            self.in_hand().remove(&id);
            fulfilled?;
        }
    }

    /// From picked to shipped, or to wherever the order wants it: what to do next follows from its state, so a repeated step is harmless.
    async fn fulfill(&self, id: &str) -> Result<()> {
        let mut found = self.get(id).await?;
        for _ in 0..STEPS_MAX {
            let labels_pending = found.parcels.iter().any(|parcel| parcel.status == "label_pending");
            let step = match found.status.as_str() {
                "accepted" | "picking" if !found.cancellation_requested.is_empty() => Some(("accept-cancellation", json!({}))),
                "accepted" | "picking" | "packed" if found.change_requested.as_ref().is_some_and(|asked| !asked.agreed) => {
                    Some(("accept-change", json!({})))
                }
                "accepted" => Some(("start-picking", json!({"picker": "associate"}))),
                "picking" if let Some(mishap) = self.mishap(id) => Some(go_wrong(mishap, &found)),
                "picking" => Some(("pack", packing::pack(&found, &self.weights_g))),
                "packed" if !labels_pending => Some(("ship", packing::ship(&found))),
                "packed" => None,
                "shipped" => return self.hand_over(&found),
                _ => return Ok(()),
            };
            found = match step {
                Some((action, body)) => self.act(id, action, &body).await?,
                None => {
                    tokio::time::sleep(LABELS_EVERY).await;
                    self.get(id).await?
                }
            };
        }
        // It stays as it is, and the report says so.
        tracing::warn!(fulfillment_order.id = id, "not shipped after {STEPS_MAX} looks");
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<FulfillmentOrderView> {
        let path = ["v1", "fulfillment-orders", id];
        let found = self.world.persistently(|| self.world.api.get(&path, &[])).await?;
        Ok(serde_json::from_value(found)?)
    }

    /// Does it, and answers what has become of it. A refusal means that something came between: look again.
    async fn act(&self, id: &str, action: &str, body: &Value) -> Result<FulfillmentOrderView> {
        match self.world.api.post(&["v1", "fulfillment-orders", id, action], body).await {
            Ok(answer) => Ok(serde_json::from_value(answer)?),
            Err(error) => {
                tracing::debug!(fulfillment_order.id = id, action, error = %format!("{error:#}"), "looking again");
                if !error.is::<Refused>() {
                    self.world.tally().retries += 1;
                }
                tokio::time::sleep(LABELS_EVERY).await;
                self.get(id).await
            }
        }
    }

    /// What goes wrong with it now, if anything; it is counted.
    fn mishap(&self, id: &str) -> Option<Mishap> {
        let mishap = mishaps::at_facility(id)?;
        let first = self.mishaps.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let mut tally = self.world.tally();
        match mishap {
            Mishap::Reject => tally.rejected += usize::from(first),
            Mishap::ShortPick => tally.short_picked += usize::from(first),
        }
        first.then_some(mishap)
    }

    fn hand_over(&self, found: &FulfillmentOrderView) -> Result<()> {
        let express = found.delivery_method == "express";
        let now = self.world.now();
        for parcel in &found.parcels {
            if let (Some(carrier), Some(tracking_number)) = (&parcel.carrier, &parcel.tracking_number) {
                let mut tally = self.world.tally();
                tally.parcels += 1;
                tally.lost += usize::from(mishaps::is_lost(tracking_number));
                drop(tally);
                self.carrier.collect(carrier, tracking_number, now, express);
            }
        }
        Ok(())
    }
}

/// What an associate says then.
fn go_wrong(mishap: Mishap, found: &FulfillmentOrderView) -> (&'static str, Value) {
    match mishap {
        Mishap::Reject => ("reject", json!({"reason": "damaged"})),
        Mishap::ShortPick => {
            let lines: Vec<Value> = found.lines.iter().take(1).map(|line| json!({"line_id": line.line_id, "quantity_short": 1})).collect();
            ("short-pick", json!({"reason": "not_in_stock", "lines": lines}))
        }
    }
}
