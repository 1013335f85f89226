//! What an order costs Temporal: state transitions and history events, over all its workflows.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::TryStreamExt;
use oms_domain::{clock::BusinessClock, policy::Policy};
use temporalio_client::{Client, WorkflowExecutionStatus, WorkflowListOptions};

use super::{
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::demo::stage::Stage;

/// How often visibility is looked at until a run's end is known there, and how long at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_MAX: u32 = 300;

/// What all ended workflows of the namespace cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    running: u32,
    state_transitions: i64,
    history_events: i64,
}

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = measure_both(&system.temporal, &shop, pairs) => measured,
        served = shop.serve() => match served {
            Ok(()) => bail!("the shop closed"),
            Err(error) => Err(error),
        },
    };
    system.stop().await?;
    measured
}

async fn measure_both(temporal: &Client, shop: &Shop, pairs: u32) -> Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    let modes = [(Shipping::ShipOnly, "ship only", 20.0, 40.0), (Shipping::FourUpdates, "four updates", 24.0, 64.0)];
    for (shipping, what, transitions_max, events_max) in modes {
        let mut costs = Vec::new();
        for _ in 0..pairs {
            let before = Cost::settled(temporal).await?;
            shop.order(shipping).await?;
            let after = Cost::settled(temporal).await?;
            costs.push((after.state_transitions - before.state_transitions, after.history_events - before.history_events));
        }
        ensure!(costs.iter().all(|(transitions, events)| *transitions > 0 && *events > 0), "an order left no trace in Temporal: {costs:?}");
        let (transitions, events): (Vec<f64>, Vec<f64>) = costs.into_iter().map(|(t, e)| (t as f64, e as f64)).unzip();
        measurements.push(Measurement::at_most(format!("state transitions of an order, {what}"), &transitions, "", transitions_max));
        measurements.push(Measurement::at_most(format!("history events of an order, {what}"), &events, "", events_max));
    }
    Ok(measurements)
}

impl Cost {
    /// Once nothing runs any more.
    async fn settled(temporal: &Client) -> Result<Self> {
        for _ in 0..LOOKS_MAX {
            let cost = Self::of_all(temporal).await?;
            if cost.running == 0 {
                return Ok(cost);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("a workflow does not end")
    }

    /// Whatever its type: an order's cost is that of all its workflows.
    async fn of_all(temporal: &Client) -> Result<Self> {
        let mut cost = Self::default();
        let mut listed = temporal.list_workflows("", WorkflowListOptions::default());
        while let Some(execution) = listed.try_next().await? {
            cost.running += u32::from(execution.status() == WorkflowExecutionStatus::Running);
            let raw = execution.into_raw();
            cost.state_transitions += raw.state_transition_count;
            cost.history_events += raw.history_length;
        }
        Ok(cost)
    }
}
