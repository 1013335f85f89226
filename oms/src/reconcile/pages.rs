//! What all the books say of some orders, read together: a handful of questions, whatever the number of orders.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use oms_domain::{
    ids::{OrderId, ReturnId},
    order::Order,
    returns::Return,
};
use oms_store::{Document, ListedOrder};
use serde_json::Value;

use super::{
    Books, Run,
    gateway::Charged,
    runs::{self, Look},
};

/// What DynamoDB has of an order.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub has_intake: bool,
    pub document: Option<Order>,
    /// There is a document, and it cannot be read.
    pub unreadable: Option<String>,
}

/// All books at one place.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    listed: BTreeMap<OrderId, ListedOrder>,
    kept: BTreeMap<OrderId, Kept>,
    /// Of the orders and of those that exchanges link them with.
    linked: BTreeMap<OrderId, Order>,
    runs: BTreeMap<OrderId, Run>,
    returns: BTreeMap<ReturnId, Return>,
    return_runs: BTreeMap<ReturnId, Run>,
    /// None: the gateway cannot be asked.
    pub(super) charged: Option<Charged>,
}

impl Pages {
    /// Reads them, in the order in which what happens meanwhile does least harm: the gateway first, since whatever it has done is known
    /// to the others by the time they are asked; orders after their returns, since they know at once what these record a moment later.
    pub(super) async fn read(books: &Books<'_>, ids: &[OrderId], look: Look) -> Result<Self> {
        let charged = match books.gateway {
            Some(gateway) => Some(gateway.operations_of(ids).await?),
            None => None,
        };
        let listed = books.store.listed_orders(ids).await.context("PostgreSQL's list of orders")?;
        let returns = books.store.documents_of_returns(ids).await.context("the documents of returns")?;
        let kept = kept(books, ids).await?;
        let linked = linked(books, &kept).await?;
        let returns: BTreeMap<ReturnId, Return> = returns
            .into_iter()
            .map(|(id, doc)| Ok((id, serde_json::from_value(doc)?)))
            .collect::<Result<_>>()
            .context("a return's document")?;
        let return_ids: BTreeSet<ReturnId> = returns.keys().cloned().chain(kept.values().flat_map(named)).collect();
        let return_ids: Vec<ReturnId> = return_ids.into_iter().collect();
        Ok(Self {
            listed: listed.into_iter().map(|listed| (listed.order_id.clone(), listed)).collect(),
            kept,
            linked,
            runs: runs::of_orders(books.temporal, ids, look).await?,
            returns,
            return_runs: runs::of_returns(books.temporal, &return_ids, look).await?,
            charged,
        })
    }

    pub fn listed(&self, id: &OrderId) -> Option<&ListedOrder> {
        self.listed.get(id)
    }

    pub fn kept(&self, id: &OrderId) -> Option<&Kept> {
        self.kept.get(id)
    }

    pub fn run(&self, id: &OrderId) -> Option<Run> {
        self.runs.get(id).copied()
    }

    /// An order, or one that it is linked with.
    pub fn order(&self, id: &OrderId) -> Option<&Order> {
        self.kept.get(id).and_then(|kept| kept.document.as_ref()).or_else(|| self.linked.get(id))
    }

    /// The returns of an order, by any of the books.
    pub fn returns_of<'a>(&'a self, id: &'a OrderId) -> impl Iterator<Item = (ReturnId, Option<&'a Return>, Option<Run>)> {
        let mut ids: BTreeSet<ReturnId> = self.kept.get(id).into_iter().flat_map(named).collect();
        ids.extend(self.returns.keys().filter(|known| known.order_id().as_ref() == Some(id)).cloned());
        ids.into_iter().map(|id| {
            let (document, run) = (self.returns.get(&id), self.return_runs.get(&id).copied());
            (id, document, run)
        })
    }
}

fn named(kept: &Kept) -> impl Iterator<Item = ReturnId> {
    kept.document.iter().flat_map(|order| order.returns.iter().map(|known| known.return_id.clone()))
}

async fn kept(books: &Books<'_>, ids: &[OrderId]) -> Result<BTreeMap<OrderId, Kept>> {
    let parts = books.store.order_parts(ids).await.context("the order store")?;
    let read = |(id, parts): (OrderId, oms_store::OrderParts)| {
        let (document, unreadable) = match parts.document.map(|Document { doc, .. }| order_of(doc)).transpose() {
            Ok(document) => (document, None),
            Err(error) => (None, Some(error.to_string())),
        };
        (id, Kept { has_intake: parts.has_intake, document, unreadable })
    };
    Ok(parts.into_iter().map(read).collect())
}

fn order_of(doc: Value) -> serde_json::Result<Order> {
    serde_json::from_value(doc)
}

/// The other ends of exchanges.
async fn linked(books: &Books<'_>, kept: &BTreeMap<OrderId, Kept>) -> Result<BTreeMap<OrderId, Order>> {
    let orders = kept.values().filter_map(|kept| kept.document.as_ref());
    let ends = orders.flat_map(|order| {
        let origin = order.core.exchange.iter().map(|exchange| exchange.order_id.clone());
        origin.chain(order.exchanges().map(|(_, credit)| credit.order_id.clone()))
    });
    let ids: BTreeSet<OrderId> = ends.filter(|id| !kept.contains_key(id)).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let parts = books.store.order_parts(&ids.into_iter().collect::<Vec<_>>()).await.context("the order store")?;
    Ok(parts.into_iter().filter_map(|(id, parts)| Some((id, order_of(parts.document?.doc).ok()?))).collect())
}
