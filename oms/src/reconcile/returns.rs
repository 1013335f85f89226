//! Returns, in all books: the document, the run, and what the order says of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use oms_domain::{
    ids::{OrderId, ReturnId},
    order::{Order, ReturnedUnits},
    returns::{Consent, Return},
};
use oms_store::ReturnFilter;

use super::{
    Books, Figure, Finding, LOOK_AGAIN_AFTER, LOOKS, PAGE, Run,
    runs::{of_return, of_returns},
};

/// What the orders' documents say of their returns, noted while they are looked at.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeSet<ReturnId>);

impl Named {
    pub fn note(&mut self, order: &Order) {
        self.0.extend(order.returns.iter().map(|known| known.return_id.clone()));
    }
}

/// Every return that one of the books names: how many there are, and what does not fit.
pub(super) async fn look_at_all(books: &Books<'_>, named: Named) -> Result<(u64, Vec<Finding>)> {
    let runs = of_returns(books.temporal).await?;
    let mut everywhere = named.0;
    everywhere.extend(listed(books).await?);
    everywhere.extend(runs.keys().cloned());
    let mut found = Vec::new();
    for id in &everywhere {
        if let Some((order_id, what)) = look(books, id, &runs).await? {
            found.push(Finding { order_id, figure: Figure::OrphanedReturns, what: format!("return {id}: {what}") });
        }
    }
    Ok((everywhere.len() as u64, found))
}

async fn listed(books: &Books<'_>) -> Result<Vec<ReturnId>> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = books.store.returns_page(&ReturnFilter::default(), cursor.as_deref(), PAGE).await.context("the list of returns")?;
        ids.extend(page.items.into_iter().map(|row| row.return_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

/// Looks until everything fits, or it has not fitted often enough: it may just be moving.
async fn look(books: &Books<'_>, id: &ReturnId, runs: &BTreeMap<ReturnId, Run>) -> Result<Option<(OrderId, &'static str)>> {
    let Some(order_id) = id.order_id() else { return Ok(None) };
    let mut run = runs.get(id).copied();
    for _ in 1..LOOKS {
        if look_once(books, &order_id, id, run).await?.is_none() {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        run = of_return(books.temporal, id).await?;
    }
    Ok(look_once(books, &order_id, id, run).await?.map(|what| (order_id, what)))
}

async fn look_once(books: &Books<'_>, order_id: &OrderId, id: &ReturnId, run: Option<Run>) -> Result<Option<&'static str>> {
    let read = |what: &str| format!("the document of {what}");
    let document = books.store.return_document(id).await.with_context(|| read(id.as_str()))?;
    let document = document.map(serde_json::from_value::<Return>).transpose().with_context(|| read(id.as_str()))?;
    // The order last: it knows at once what its returns record a moment later.
    let order = books.store.document(order_id).await.with_context(|| read(order_id.as_str()))?;
    let order = order.map(|order| serde_json::from_value::<Order>(order.doc)).transpose().with_context(|| read(order_id.as_str()))?;
    let known = order.as_ref().and_then(|order| order.returned(id));
    Ok(orphaned(document.as_ref(), run).or_else(|| document.as_ref().and_then(|this| differs(this, known))))
}

/// Which of document and run is missing, if one is, or does not end as the other says.
pub(super) fn orphaned(document: Option<&Return>, run: Option<Run>) -> Option<&'static str> {
    match (document, run) {
        (None, Some(run)) if run.running => None,
        (None, Some(_)) => Some("its run has ended and it has no document"),
        (None, None) => Some("its order knows it, and it has neither document nor run"),
        (Some(_), None) => Some("it has no run"),
        (Some(this), Some(run)) if !this.is_closed() && !run.running => Some("it is open and its run has ended"),
        (Some(this), Some(run)) if this.is_closed() && !run.running && !run.completed => Some("its run did not end by itself"),
        (Some(_), Some(_)) => None,
    }
}

/// How what the order says of a return differs from what the return says itself.
pub(super) fn differs(this: &Return, known: Option<&ReturnedUnits>) -> Option<&'static str> {
    match (&this.consent, known) {
        (Consent::Pending | Consent::Refused(_), _) => None,
        (Consent::Given | Consent::Settled, None) => Some("its order does not know it"),
        // The order may have been told of the end a moment ago.
        (Consent::Given, Some(_)) => None,
        (Consent::Settled, Some(known)) => {
            let settled = this.settlement.as_ref().map(|settlement| (&settlement.lines, Some(settlement.amount_minor)));
            (settled != Some((&known.returned, known.amount_minor))).then_some("its order has settled it otherwise")
        }
    }
}
