//! What happened, in figures.

use std::collections::BTreeMap;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{Order, Units},
};
use serde::Serialize;
use temporalio_client::Client;

use super::{standing::Standing, streams::Told, world::Tally};
use crate::reconcile::{Reconciliation, Runs};

/// What the demo prints with `-o json`.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// What is real in the data and what is not.
    pub data: String,
    pub note: &'static str,
    /// `debug` or `release`.
    pub profile: &'static str,
    pub cores: usize,
    pub time_scale: u32,
    /// Business time at the end.
    pub ended_at: Timestamp,
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(flatten)]
    pub pace: Pace,
    pub played: Played,
    pub workflows: Workflows,
    /// What came back from EventBridge, if that was the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    #[serde(flatten)]
    pub books: Reconciliation,
    /// Nothing is broken, and every order is over or waits for a reason.
    pub ok: bool,
}

/// What became of the orders.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// How many ended, or stand, in each state.
    pub orders_by_status: BTreeMap<&'static str, usize>,
    pub completed_percent: f64,
    /// Orders that left from more than one facility, or in more than one go.
    pub split_orders: usize,
    /// Consignments of one facility each, over the orders that shipped something.
    pub packages: usize,
    pub packages_per_order: f64,
    pub units: UnitsByFate,
    /// Orders that wait, and for what.
    pub waiting: Vec<Explained>,
    /// Orders that are neither over nor waiting: there should be none.
    pub unexplained: Vec<Explained>,
    #[serde(skip)]
    shipping_orders: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    pub order_id: String,
    pub why: String,
}

/// Where all units of all orders are.
#[derive(Debug, Default, Serialize)]
pub struct UnitsByFate {
    pub ordered: u64,
    pub delivered: u64,
    pub in_transit: u64,
    pub allocated: u64,
    pub backordered: u64,
    pub open: u64,
    pub cancelled: u64,
    pub lost: u64,
    pub sent_back: u64,
}

/// How fast it went. The replay keeps to the orders' own times, so orders/s says what was asked of the system, not what it can do.
#[derive(Debug, Serialize)]
pub struct Pace {
    pub replay_seconds: f64,
    pub orders_per_second: f64,
    pub placement_p50_ms: f64,
    pub placement_p99_ms: f64,
    /// How far the replay fell behind its own clock, at most.
    pub lag_max_hours: f64,
}

/// What customers, suppliers, associates and the carrier did.
#[derive(Debug, Serialize)]
pub struct Played {
    pub orders: usize,
    pub deliveries: usize,
    pub received_units: u64,
    pub cancellations: usize,
    pub units_cancelled: u64,
    pub units_cancel_requested: u64,
    pub units_too_late: u64,
    pub returns: usize,
    /// Of units the customer never had.
    pub returns_refused: usize,
    pub units_returned: u64,
    pub refunded_minor: i64,
    pub rejected: usize,
    pub short_picked: usize,
    pub parcels: usize,
    pub lost: usize,
    pub carrier_events: usize,
    pub retries: usize,
    /// What the API would not take: there should be nothing.
    pub refused: Vec<String>,
}

/// Of the orders that have ended, over all runs of each, as Temporal counts.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Workflows {
    pub ended: usize,
    pub state_transitions_median: i64,
    pub state_transitions_p99: i64,
    pub history_events_median: i64,
    pub history_events_p99: i64,
}

impl Outcome {
    /// Counts an order in.
    pub fn add(&mut self, order: &Order) {
        *self.orders_by_status.entry(order.status.name()).or_default() += 1;
        self.units.add(&order.all_units());
        let shipped = |status| matches!(status, FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp);
        let packages = order.fulfillment_orders.iter().filter(|found| shipped(found.status)).count();
        self.packages += packages;
        self.shipping_orders += usize::from(packages > 0);
        self.split_orders += usize::from(packages > 1);
        let explained = |why| Explained { order_id: order.core.order_id.to_string(), why };
        match Standing::of(order) {
            Standing::Over(_) => {}
            Standing::Waiting(why) => self.waiting.push(explained(why)),
            Standing::Busy(why) => self.unexplained.push(explained(why)),
        }
    }

    /// The ratios, once all orders are in.
    pub fn finish(&mut self) {
        let orders: usize = self.orders_by_status.values().sum();
        let completed = self.orders_by_status.get("completed").copied().unwrap_or(0);
        self.completed_percent = rounded(100.0 * completed as f64 / orders.max(1) as f64);
        self.packages_per_order = rounded(self.packages as f64 / self.shipping_orders.max(1) as f64);
        self.waiting.sort_by(|a, b| a.order_id.cmp(&b.order_id));
        self.unexplained.sort_by(|a, b| a.order_id.cmp(&b.order_id));
    }
}

impl UnitsByFate {
    fn add(&mut self, units: &Units) {
        self.ordered += units.ordered + units.replaced;
        self.delivered += units.delivered + units.picked_up;
        self.in_transit += units.in_transit;
        self.allocated += units.allocated;
        self.backordered += units.backordered;
        self.open += units.open;
        self.cancelled += units.cancelled;
        self.lost += units.lost;
        self.sent_back += units.sent_back;
    }
}

impl Pace {
    /// Of so many orders, placed in this time.
    pub fn of(tally: &Tally, replay: std::time::Duration) -> Self {
        let mut placement_ms = tally.placement_ms.clone();
        placement_ms.sort_by(f64::total_cmp);
        let at = |share| rounded(quantile(&placement_ms, share).unwrap_or(0.0));
        Self {
            replay_seconds: rounded(replay.as_secs_f64()),
            orders_per_second: rounded(tally.orders_placed as f64 / replay.as_secs_f64().max(f64::EPSILON)),
            placement_p50_ms: at(0.5),
            placement_p99_ms: at(0.99),
            lag_max_hours: rounded(tally.lag_max.max(SignedDuration::ZERO).as_secs_f64() / 3_600.0),
        }
    }
}

impl From<Tally> for Played {
    fn from(tally: Tally) -> Self {
        Self {
            orders: tally.orders_placed,
            deliveries: tally.deliveries,
            received_units: tally.received_units,
            cancellations: tally.cancellations,
            units_cancelled: tally.units_cancelled,
            units_cancel_requested: tally.units_cancel_requested,
            units_too_late: tally.units_too_late,
            returns: tally.returns,
            returns_refused: tally.returns_refused,
            units_returned: tally.units_returned,
            refunded_minor: tally.refunded_minor,
            rejected: tally.rejected,
            short_picked: tally.short_picked,
            parcels: tally.parcels,
            lost: tally.lost,
            carrier_events: tally.carrier_events,
            retries: tally.retries,
            refused: tally.refused,
        }
    }
}

impl Workflows {
    /// Asks Temporal.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn count(temporal: &Client) -> Result<Self> {
        let runs = Runs::list(temporal).await?;
        let ended = runs.orders().filter_map(|order_id| runs.of(order_id)).filter(|run| !run.running);
        let (mut transitions, mut events): (Vec<i64>, Vec<i64>) = ended.map(|run| (run.state_transitions, run.history_events)).unzip();
        transitions.sort_unstable();
        events.sort_unstable();
        let at = |sorted: &[i64], share| quantile(sorted, share).unwrap_or(0);
        Ok(Self {
            ended: transitions.len(),
            state_transitions_median: at(&transitions, 0.5),
            state_transitions_p99: at(&transitions, 0.99),
            history_events_median: at(&events, 0.5),
            history_events_p99: at(&events, 0.99),
        })
    }
}

/// The value below which this share of the sorted values lies.
pub fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied()
}

/// Two decimals are enough.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((quantile(&hundred, 0.5), quantile(&hundred, 0.99), quantile(&hundred, 1.0)), (Some(50), Some(99), Some(100)));
        assert_eq!((quantile(&[7], 0.5), quantile::<i64>(&[], 0.5)), (Some(7), None));
    }
}
