//! Brings the books together again after one of them was restored, or a run was lost: what one has and another has not is written there,
//! and open orders get a run. What no book has any more is named.
//!
//! The document of an order is rebuilt from its events, which PostgreSQL has. A run that goes on from there asks the gateway and the carrier
//! by key what became of whatever it owes.

mod awake;
mod plan;
mod returns;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt, stream};
use oms_domain::ids::OrderId;
use oms_starter::{Starter, StarterError};
use serde::{Deserialize, Serialize};

pub use self::plan::Step;
use crate::reconcile::{self, Books, Finding, Reconciliation, Scope};

/// Orders that are looked at together, and how many are repaired side by side.
const LOT: usize = 50;
const SIDE_BY_SIDE: usize = 16;
/// How long runs have to record what the books have lost, and how often it is looked whether they have.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Something that was, or would be, done for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    pub order_id: OrderId,
    #[serde(flatten)]
    pub step: Step,
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was only said.
    Would,
    Done,
    Failed,
    /// There is nothing that could be done.
    Named,
}

/// What was found, what was done, and what still does not fit then.
#[derive(Debug, Serialize, Deserialize)]
pub struct Repaired {
    pub found: Reconciliation,
    pub repairs: Vec<Repair>,
    /// Empty, where nothing was to be done yet.
    pub left: Vec<Finding>,
    /// PostgreSQL had been restored: its events go on in this epoch, and so many runs have looked at what is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What does not hold of the stock then, by figure: it is about no order, and there is nothing that could be done.
    pub stock: BTreeMap<String, u64>,
}

/// What was done about a restored PostgreSQL as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub epoch: i64,
    pub looked_again: u64,
}

impl Repaired {
    /// Things that were, or would be, done, with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.repairs.iter().filter(|repair| repair.outcome == outcome).count()
    }
}

/// Looks at the orders of the scope, and repairs those that do not fit, if it is to be done. `restored`: PostgreSQL was, whatever its books
/// say beside the others.
///
/// # Errors
/// When one of the books cannot be read.
pub async fn repair(books: &Books<'_>, starter: &Starter, scope: Scope, apply: bool, restored: bool) -> Result<Repaired> {
    let found = reconcile::reconcile(books, scope, |_| {}).await?;
    let mut todo = Vec::new();
    for lot in found.unsound.chunks(LOT) {
        let plans = reconcile::plans(books, lot, plan::steps).await?;
        todo.extend(plans.into_iter().flat_map(|(order_id, steps)| steps.into_iter().map(move |step| (order_id.clone(), step))));
    }
    if !apply {
        let repairs = todo.into_iter().map(|(order_id, step)| Repair::told(order_id, step)).collect();
        let stock = wrong_of_stock(&found);
        return Ok(Repaired { found, repairs, left: Vec::new(), restored: None, stock });
    }
    let lost = restored || todo.iter().any(|(_, step)| step.is_of_lost_records());
    // Before anything is recorded: a copy of its files does not say that it was put back.
    let epoch = if lost { Some(books.store.begin_epoch().await?) } else { None };
    let repairs = perform(starter, todo).await;
    let restored = match epoch {
        Some(epoch) => Some(Restored { epoch, looked_again: awake::look_again(books.temporal, starter).await? }),
        None => None,
    };
    let (left, stock) = settle(books, &found.unsound, &repairs, restored.is_some()).await?;
    Ok(Repaired { found, repairs, left, restored, stock })
}

impl Repair {
    fn told(order_id: OrderId, step: Step) -> Self {
        let outcome = if step.is_for_people() { Outcome::Named } else { Outcome::Would };
        Self { order_id, step, outcome, why: None }
    }
}

/// Each order's steps one after the other, some orders side by side.
async fn perform(starter: &Starter, todo: Vec<(OrderId, Step)>) -> Vec<Repair> {
    let mut by_order: Vec<Vec<(OrderId, Step)>> = Vec::new();
    for (order_id, step) in todo {
        match by_order.last_mut().filter(|steps| steps[0].0 == order_id) {
            Some(steps) => steps.push((order_id, step)),
            None => by_order.push(vec![(order_id, step)]),
        }
    }
    let performed = stream::iter(by_order).map(|steps| async move {
        let mut done = Vec::new();
        for (order_id, step) in steps {
            done.push(perform_one(starter, order_id, step).await);
        }
        done
    });
    performed.buffered(SIDE_BY_SIDE).concat().await
}

async fn perform_one(starter: &Starter, order_id: OrderId, step: Step) -> Repair {
    let result: Result<(), StarterError> = match &step {
        Step::RebuildDocument { .. } => starter.rebuild_document(&order_id).await.map(drop),
        Step::Restate { .. } => starter.restate(&order_id).await,
        Step::Revive => starter.revive(&order_id).await.map(drop),
        Step::Start => starter.start_from_intake(&order_id).await,
        Step::ReviveReturn { return_id } => starter.revive_return(return_id).await.map(drop),
        Step::RestateReturn { return_id } => starter.tell_return_to_look_again(return_id).await.map(drop),
        Step::ReopenReturn { return_id } => starter.reopen_return(return_id).await,
        Step::Gone { .. } | Step::Person { .. } => return Repair::told(order_id, step),
    };
    let (outcome, why) = match result {
        Ok(()) => (Outcome::Done, None),
        Err(error) => (Outcome::Failed, Some(error.to_string())),
    };
    Repair { order_id, step, outcome, why }
}

fn wrong_of_stock(figures: &Reconciliation) -> BTreeMap<String, u64> {
    let wrong = figures.stock_figures().into_iter().filter(|(_, count)| *count > 0);
    wrong.map(|(name, count)| (name.to_owned(), count)).collect()
}

/// What does not fit once the runs have had time to record. Nothing comes of waiting for orders for which nothing could be done, unless
/// every run was told to look again.
async fn settle(books: &Books<'_>, ids: &[OrderId], repairs: &[Repair], all_told: bool) -> Result<(Vec<Finding>, BTreeMap<String, u64>)> {
    let done = repairs.iter().filter(|repair| repair.outcome == Outcome::Done);
    let mended: BTreeSet<&OrderId> = done.map(|repair| &repair.order_id).collect();
    let may_move = |finding: &Finding| (all_told || mended.contains(&finding.order_id)) && !finding.is_for_good();
    let until = tokio::time::Instant::now() + SETTLED_WITHIN;
    let mut unsound: Vec<OrderId> = ids.to_vec();
    loop {
        let mut left = Vec::new();
        for lot in unsound.chunks(LOT) {
            left.extend(reconcile::findings(books, lot).await?);
        }
        let mut figures = Reconciliation::default();
        figures.take_stock(books.store).await?;
        let stock = wrong_of_stock(&figures);
        let moving = left.iter().any(may_move) || !(stock.is_empty() || mended.is_empty());
        if !moving || tokio::time::Instant::now() >= until {
            return Ok((left, stock));
        }
        unsound = left.iter().map(|finding| finding.order_id.clone()).collect();
        unsound.dedup();
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
