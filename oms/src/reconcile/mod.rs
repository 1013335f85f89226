//! Do PostgreSQL, DynamoDB, Temporal and the payment gateway tell the same story? Counted order by order and return by return, from their
//! own books.
//!
//! Read by `oms doctor --reconcile`, and at the end of `oms demo` and of the end-to-end tests. Some orders at a time, with a handful of
//! questions to each of the books, whatever the number of orders there ever were. On a system at work an order may move while it is looked
//! at: what does not fit is looked at again before it counts.

mod credit;
mod gateway;
mod order;
mod pages;
mod returns;
mod runs;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use oms_domain::{
    ids::{OrderId, ReturnId},
    order::Order,
};
use oms_store::{EventFilter, LastReconciliation, Store};
use serde::{Deserialize, Serialize};
use temporalio_client::Client;

pub(crate) use self::pages::Pages;
use self::runs::Look;
pub use self::{
    gateway::GatewayBooks,
    runs::{Run, Runs},
};

/// Orders whose books are read together, and how many of such lots at a time.
const LOT: u32 = 50;
const LOTS_AT_ONCE: usize = 4;
/// An order that does not fit is looked at so often, this long apart: it may just be moving.
const LOOKS: u32 = 5;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(400);
/// Findings named; all are counted.
const FINDINGS_MAX: usize = 1_000;
/// Orders that did not fit, remembered for the next time.
const REMEMBERED_MAX: usize = 10_000;
/// Orders looked at, if only some are, because nothing was heard of them when something should have been.
const OVERDUE_MAX: u32 = 10_000;

/// Whose books are compared.
pub struct Books<'a> {
    pub store: &'a Store,
    pub temporal: &'a Client,
    /// None: the gateway cannot be asked for its books, and money is checked against the orders' own ledgers alone.
    pub gateway: Option<&'a GatewayBooks>,
}

/// Which orders are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every order there ever was, and every operation of the gateway.
    #[default]
    All,
    /// What has changed since, what did not fit then, and what should have been heard of before `overdue` (business time).
    Since { last: LastReconciliation, overdue: Timestamp },
}

/// The figures. In a sound system the first nine are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Units reserved beyond what is there that no recorded deficit explains.
    pub oversold_units: u64,
    /// Units held by closed orders or for checkouts long past their deadline, and by how much counters differ from the rows they count.
    pub leaked_reservations: u64,
    /// Units that closed orders still wait for.
    pub waiting_of_closed_orders: u64,
    /// Waiting lines beside stock that they could have.
    #[serde(default)]
    pub waiting_beside_stock: u64,
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
    /// Whether every order was looked at, or what has changed since the last time alone.
    #[serde(default)]
    pub all: bool,
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
    /// What does not fit, up to 1,000.
    pub findings: Vec<Finding>,
    /// Orders that do not fit, each once and however many.
    #[serde(skip)]
    pub unsound: Vec<OrderId>,
    /// Position of the outbox: every order whose last event is at or before it has been looked at, now or before.
    #[serde(default)]
    pub through: String,
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
    /// The return that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    pub figure: Figure,
    pub what: String,
}

impl Finding {
    /// No book can have it again.
    pub(crate) fn is_for_good(&self) -> bool {
        self.what == order::NO_INTAKE
    }
}

impl Reconciliation {
    /// Whether nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.figures().iter().all(|(_, count)| *count == 0)
    }

    /// The figures that must be 0, by name.
    pub fn figures(&self) -> [(&'static str, u64); 9] {
        let [oversold, leaked, waiting, beside] = self.stock_figures();
        [
            oversold,
            leaked,
            waiting,
            beside,
            ("unit_mismatches", self.unit_mismatches),
            ("money_mismatches", self.money_mismatches),
            ("orphaned_orders", self.orphaned_orders),
            ("orphaned_returns", self.orphaned_returns),
            ("stale_documents", self.stale_documents),
        ]
    }

    /// What the next one goes on from. None: too much does not fit to be remembered, or the gateway's books were not there to be compared,
    /// so the next one looks at the same again.
    pub fn remembered(&self) -> Option<LastReconciliation> {
        let few = self.unsound.len() <= REMEMBERED_MAX;
        (few && self.gateway_compared).then(|| LastReconciliation { through: self.through.clone(), unsound: self.unsound.clone() })
    }

    /// Of those, what PostgreSQL says of its stock, of no order in particular.
    pub fn stock_figures(&self) -> [(&'static str, u64); 4] {
        [
            ("oversold_units", self.oversold_units),
            ("leaked_reservations", self.leaked_reservations),
            ("waiting_of_closed_orders", self.waiting_of_closed_orders),
            ("waiting_beside_stock", self.waiting_beside_stock),
        ]
    }

    /// Asks for these again.
    pub(crate) async fn take_stock(&mut self, store: &Store) -> Result<()> {
        let figures = store.invariants().await.context("PostgreSQL's own figures")?;
        self.oversold_units = figures.oversold_units;
        self.leaked_reservations = figures.leaked_reservations;
        self.waiting_of_closed_orders = figures.waiting_of_closed_orders;
        self.waiting_beside_stock = figures.waiting_beside_stock;
        self.deficit_units = figures.deficit_units;
        self.pending_messages = figures.pending_messages;
        Ok(())
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
            if self.unsound.last() != Some(&finding.order_id) {
                self.unsound.push(finding.order_id.clone());
            }
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
pub async fn reconcile(books: &Books<'_>, scope: Scope, mut seen: impl FnMut(&Order)) -> Result<Reconciliation> {
    let mut result = Reconciliation { gateway_compared: books.gateway.is_some(), all: scope == Scope::All, ..Default::default() };
    result.through = now_in(books.store).await?;
    let pending = pending(books.store).await?;
    match scope {
        Scope::All => {
            look_at(books, pending, &mut result, &mut seen).await?;
            everything(books, &mut result, &mut seen).await?;
        }
        Scope::Since { last, overdue } => {
            let mut doubtful: BTreeSet<OrderId> = pending.into_iter().chain(last.unsound).collect();
            doubtful.extend(books.store.overdue_orders(overdue, OVERDUE_MAX).await.context("the orders that are overdue")?);
            doubtful.extend(changed(books.store, last.through).await?);
            look_at(books, doubtful.into_iter().collect(), &mut result, &mut seen).await?;
        }
    }
    result.take_stock(books.store).await?;
    Ok(result)
}

/// Where the outbox ends now.
async fn now_in(store: &Store) -> Result<String> {
    // Nobody has events beyond the last transaction there can be.
    const END: &str = "9223372036854775807-18446744073709551615-9223372036854775807";
    Ok(store.events_after(Some(END), &EventFilter::default(), 1).await.context("the outbox")?.next)
}

/// What was taken in and has recorded nothing.
async fn pending(store: &Store) -> Result<Vec<OrderId>> {
    let mut pending = Vec::new();
    loop {
        let ids = store.pending_intakes(pending.last(), LOT * 4).await.context("the intakes")?;
        if ids.is_empty() {
            return Ok(pending);
        }
        pending.extend(ids);
    }
}

/// Every order that one of the books knows.
async fn everything(books: &Books<'_>, result: &mut Reconciliation, seen: &mut impl FnMut(&Order)) -> Result<()> {
    let mut after = None;
    loop {
        let ids = books.store.orders_by_id(after.as_ref(), LOT * 4).await.context("the list of orders")?;
        after = ids.last().cloned();
        if after.is_none() {
            break;
        }
        look_at(books, ids, result, seen).await?;
    }
    // What was kept, runs, or was paid for, without PostgreSQL having heard of it.
    let (store, mut unknown) = (books.store, BTreeSet::new());
    let kept = store.every_kept_order(async |ids| {
        unknown.extend(store.unknown_orders(&ids).await?);
        Ok(())
    });
    kept.await.context("the order store")?;
    runs::running(books.temporal, async |ids| {
        unknown.extend(store.unknown_orders(&ids).await?);
        Ok(())
    })
    .await?;
    if let Some(gateway) = books.gateway {
        let note = async |ids: Vec<OrderId>| {
            unknown.extend(store.unknown_orders(&ids).await?);
            Ok(())
        };
        gateway.everybody(note).await?;
    }
    look_at(books, unknown.into_iter().collect(), result, seen).await
}

async fn changed(store: &Store, since: String) -> Result<BTreeSet<OrderId>> {
    let (mut changed, mut after) = (BTreeSet::new(), Some(since));
    while let Some(from) = after {
        let (ids, next) = store.changed_orders(&from, LOT * 10).await.context("the orders that have changed")?;
        changed.extend(ids);
        after = next;
    }
    Ok(changed)
}

/// Looks at these, lot by lot.
async fn look_at(books: &Books<'_>, ids: Vec<OrderId>, result: &mut Reconciliation, seen: &mut impl FnMut(&Order)) -> Result<()> {
    let lots: Vec<Vec<OrderId>> = ids.chunks(LOT as usize).map(<[OrderId]>::to_vec).collect();
    let mut lots = stream::iter(lots).map(|lot| look(books, lot)).buffer_unordered(LOTS_AT_ONCE);
    while let Some(looked) = lots.next().await {
        let Looked { ids, pages, findings } = looked?;
        result.orders += ids.len() as u64;
        for id in &ids {
            pages.kept(id).and_then(|kept| kept.document.as_ref()).into_iter().for_each(&mut *seen);
            result.returns += pages.returns_of(id).count() as u64;
        }
        result.count(findings);
    }
    Ok(())
}

/// A lot that was looked at.
struct Looked {
    ids: Vec<OrderId>,
    pages: Pages,
    findings: Vec<Finding>,
}

/// Looks until everything fits, or it has not fitted often enough.
async fn look(books: &Books<'_>, ids: Vec<OrderId>) -> Result<Looked> {
    let pages = Pages::read(books, &ids, Look::Listed).await?;
    let mut findings = judge(&pages, &ids);
    for _ in 1..LOOKS {
        if findings.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        let mut doubtful: Vec<OrderId> = findings.into_iter().map(|finding| finding.order_id).collect();
        doubtful.dedup();
        findings = judge(&Pages::read(books, &doubtful, Look::Described).await?, &doubtful);
    }
    Ok(Looked { ids, pages, findings })
}

/// What does not fit of these orders now, looked at once.
pub(crate) async fn findings(books: &Books<'_>, ids: &[OrderId]) -> Result<Vec<Finding>> {
    Ok(judge(&Pages::read(books, ids, Look::Described).await?, ids))
}

/// What is to be done about each of these orders, by what the books say of it and by what does not fit.
pub(crate) async fn plans<P>(
    books: &Books<'_>,
    ids: &[OrderId],
    plan: impl Fn(&Pages, &OrderId, &[Finding]) -> P,
) -> Result<Vec<(OrderId, P)>> {
    let pages = Pages::read(books, ids, Look::Described).await?;
    Ok(ids.iter().map(|id| (id.clone(), plan(&pages, id, &order::judge(&pages, id)))).collect())
}

fn judge(pages: &Pages, ids: &[OrderId]) -> Vec<Finding> {
    ids.iter().flat_map(|id| order::judge(pages, id)).collect()
}
