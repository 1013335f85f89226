//! Do PostgreSQL, DynamoDB, Temporal and the payment gateway tell the same story? Counted order by order and return by return, from their
//! own books.
//!
//! Read by `oms doctor --reconcile`, and at the end of `oms demo` and of the end-to-end tests. On a system at work an order may move
//! while it is looked at: what does not fit is looked at again before it counts.

mod credit;
mod gateway;
mod order;
mod returns;
mod runs;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_domain::{ids::OrderId, order::Order};
use oms_store::{OrderFilter, Store};
use serde::{Deserialize, Serialize};
use temporalio_client::Client;

pub use self::{
    gateway::GatewayBooks,
    runs::{Run, Runs},
};

/// Rows of a list asked for at a time.
const PAGE: u32 = 500;
/// Orders looked at side by side.
const AT_ONCE: usize = 16;
/// Intakes that have recorded nothing, looked at in one go: normally none.
const PENDING_MAX: u32 = 10_000;
/// An order that does not fit is looked at so often, this long apart: it may just be moving.
const LOOKS: u32 = 5;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(400);
/// Findings named; all are counted.
const FINDINGS_MAX: usize = 100;

/// Whose books are compared.
pub struct Books<'a> {
    pub store: &'a Store,
    pub temporal: &'a Client,
    /// None: the gateway cannot be asked for its books, and money is checked against the orders' own ledgers alone.
    pub gateway: Option<&'a GatewayBooks>,
}

/// The figures. In a sound system the first eight are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Units reserved beyond what is there that no recorded deficit explains.
    pub oversold_units: u64,
    /// Units held by closed orders or for checkouts long past their deadline, and by how much counters differ from the rows they count.
    pub leaked_reservations: u64,
    /// Units that closed orders still wait for.
    pub waiting_of_closed_orders: u64,
    /// Lines that break the unit equation of LIFECYCLE.md.
    pub unit_mismatches: u64,
    /// Orders whose ledger differs from the gateway's, or that closed without netting out.
    pub money_mismatches: u64,
    /// Intakes, runs or documents without the other two.
    pub orphaned_orders: u64,
    /// Returns whose document, run and order do not tell the same story.
    #[serde(default)]
    pub orphaned_returns: u64,
    /// Orders whose row in PostgreSQL differs from their document in DynamoDB.
    pub stale_documents: u64,
    /// Orders that were looked at.
    pub orders: u64,
    /// Returns that were looked at.
    #[serde(default)]
    pub returns: u64,
    /// Whether the gateway's own books were compared.
    pub gateway_compared: bool,
    /// Units reserved beyond what is there because of facts; each is being worked on.
    pub deficit_units: u64,
    /// Messages that orders have not been told yet.
    pub pending_messages: u64,
    /// Writes of lost tasks that were replaced.
    pub lost_tasks: u64,
    /// What does not fit, up to 100.
    pub findings: Vec<Finding>,
}

/// Which of the figures something counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    UnitMismatches,
    MoneyMismatches,
    OrphanedOrders,
    OrphanedReturns,
    StaleDocuments,
}

impl Figure {
    /// Its name among the figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnitMismatches => "unit_mismatches",
            Self::MoneyMismatches => "money_mismatches",
            Self::OrphanedOrders => "orphaned_orders",
            Self::OrphanedReturns => "orphaned_returns",
            Self::StaleDocuments => "stale_documents",
        }
    }
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub order_id: OrderId,
    pub figure: Figure,
    pub what: String,
}

/// An order as PostgreSQL lists it: none, when only its intake is known there.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub version: u64,
    pub status: String,
}

impl Reconciliation {
    /// Whether nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.figures().iter().all(|(_, count)| *count == 0)
    }

    /// The figures that must be 0, by name.
    pub fn figures(&self) -> [(&'static str, u64); 8] {
        [
            ("oversold_units", self.oversold_units),
            ("leaked_reservations", self.leaked_reservations),
            ("waiting_of_closed_orders", self.waiting_of_closed_orders),
            ("unit_mismatches", self.unit_mismatches),
            ("money_mismatches", self.money_mismatches),
            ("orphaned_orders", self.orphaned_orders),
            ("orphaned_returns", self.orphaned_returns),
            ("stale_documents", self.stale_documents),
        ]
    }

    fn count(&mut self, found: Vec<Finding>) {
        for finding in found {
            *match finding.figure {
                Figure::UnitMismatches => &mut self.unit_mismatches,
                Figure::MoneyMismatches => &mut self.money_mismatches,
                Figure::OrphanedOrders => &mut self.orphaned_orders,
                Figure::OrphanedReturns => &mut self.orphaned_returns,
                Figure::StaleDocuments => &mut self.stale_documents,
            } += 1;
            if self.findings.len() < FINDINGS_MAX {
                self.findings.push(finding);
            }
        }
    }
}

/// Compares the books. `seen` is shown each order's document, for figures of the caller's own.
///
/// # Errors
/// When one of them cannot be read: nothing is said about books that were not opened.
pub async fn reconcile(books: &Books<'_>, mut seen: impl FnMut(&Order)) -> Result<Reconciliation> {
    // The gateway first: whatever it has done is known to the others by the time they are asked.
    let charged = match books.gateway {
        Some(gateway) => Some(gateway.operations(None).await?),
        None => None,
    };
    let orders = listed(books.store).await?;
    let runs = Runs::list(books.temporal).await?;
    let of_runs_alone = runs.orders().filter(|id| !orders.contains_key(*id)).map(|id| (id.clone(), None));
    let everywhere: Vec<_> = orders.iter().map(|(id, listed)| (id.clone(), listed.clone())).chain(of_runs_alone).collect();

    let mut result = Reconciliation { orders: everywhere.len() as u64, gateway_compared: charged.is_some(), ..Default::default() };
    let looks = everywhere.into_iter().map(|(id, listed)| order::look(books, id, listed, &runs, charged.as_ref()));
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    let mut named = returns::Named::default();
    while let Some(order::Look { document, findings }) = looks.try_next().await? {
        document.iter().for_each(&mut seen);
        document.iter().for_each(|order| named.note(order));
        result.count(findings);
    }
    if let Some(charged) = &charged {
        result.count(charged.without_order(|id| orders.contains_key(id)));
    }
    let (returns, orphans) = returns::look_at_all(books, named).await?;
    result.returns = returns;
    result.count(orphans);
    let figures = books.store.invariants().await.context("PostgreSQL's own figures")?;
    result.oversold_units = figures.oversold_units;
    result.leaked_reservations = figures.leaked_reservations;
    result.waiting_of_closed_orders = figures.waiting_of_closed_orders;
    result.deficit_units = figures.deficit_units;
    result.pending_messages = figures.pending_messages;
    result.lost_tasks = figures.lost_tasks;
    Ok(result)
}

/// Every order that PostgreSQL knows of.
async fn listed(store: &Store) -> Result<BTreeMap<OrderId, Option<Listed>>> {
    let pending = store.intakes_without_run(Duration::ZERO, PENDING_MAX).await.context("the intakes")?;
    let mut orders: BTreeMap<_, _> = pending.into_iter().map(|id| (id, None)).collect();
    let mut cursor = None;
    loop {
        let page = store.orders_page(&OrderFilter::default(), cursor.as_deref(), PAGE).await.context("the list of orders")?;
        orders.extend(page.items.into_iter().map(|row| (row.order_id, Some(Listed { version: row.version, status: row.status }))));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(orders);
        }
    }
}
