//! One order, in all books.

use anyhow::{Context, Result};
use oms_domain::{
    ids::OrderId,
    order::Order,
    payment::{OperationKind, OperationStatus},
    placed::PaymentMethod,
};

use super::{Books, Figure, Finding, LOOK_AGAIN_AFTER, LOOKS, Listed, Run, Runs, credit, gateway::Charged};

/// What was seen of an order.
pub(super) struct Look {
    pub document: Option<Order>,
    pub findings: Vec<Finding>,
}

/// Looks until everything fits, or it has not fitted often enough.
pub(super) async fn look(
    books: &Books<'_>,
    order_id: OrderId,
    listed: Option<Listed>,
    runs: &Runs,
    charged: Option<&Charged>,
) -> Result<Look> {
    let mut look = look_once(books, &order_id, listed.as_ref(), runs.of(&order_id), charged).await?;
    for _ in 1..LOOKS {
        if look.findings.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        let run = Runs::describe(books.temporal, &order_id).await?;
        let charged = match books.gateway {
            Some(gateway) => Some(gateway.operations(Some(&order_id)).await?),
            None => None,
        };
        look = look_once(books, &order_id, listed.as_ref(), run, charged.as_ref()).await?;
    }
    Ok(look)
}

async fn look_once(
    books: &Books<'_>,
    order_id: &OrderId,
    listed: Option<&Listed>,
    run: Option<Run>,
    charged: Option<&Charged>,
) -> Result<Look> {
    let has_intake = books.store.intake(order_id).await.with_context(|| format!("the intake of {order_id}"))?.is_some();
    let document = match books.store.document(order_id).await.with_context(|| format!("the document of {order_id}"))? {
        Some(document) => Some(serde_json::from_value::<Order>(document.doc).with_context(|| format!("the document of {order_id}"))?),
        None => None,
    };
    let mut found = Vec::new();
    let mut add = |figure, what| found.push(Finding { order_id: order_id.clone(), figure, what });
    if let Some(what) = orphaned(has_intake, document.as_ref(), listed.is_some(), run) {
        add(Figure::OrphanedOrders, what.to_owned());
    }
    if let Some(order) = &document {
        for (line_id, units) in order.units().into_iter().filter(|(_, units)| !units.add_up()) {
            add(Figure::UnitMismatches, format!("line {line_id}: {units:?}"));
        }
        if let Some(what) = stale(order, listed) {
            add(Figure::StaleDocuments, what);
        }
        let at_gateway = charged.and_then(|charged| charged.difference(order));
        let between_orders = credit::difference(books, order).await?;
        if let Some(what) = at_gateway.or_else(|| not_netted_out(order)).or(between_orders) {
            add(Figure::MoneyMismatches, what);
        }
    }
    Ok(Look { document, findings: found })
}

/// Which of intake, run and document is missing, if one is.
fn orphaned(has_intake: bool, document: Option<&Order>, is_listed: bool, run: Option<Run>) -> Option<&'static str> {
    match (has_intake, document, run) {
        // A placing that failed half way: nobody was told that the order exists, and no workflow began.
        (false, None, None) if !is_listed => None,
        (false, _, _) => Some("it has no intake"),
        (true, _, None) => Some("it has no run"),
        (true, None, Some(run)) if run.running => None,
        (true, None, Some(_)) => Some("its run has ended and it has no document"),
        (true, Some(order), Some(run)) if order.is_closed() && !run.running && !run.completed => Some("its run did not end by itself"),
        (true, Some(order), Some(run)) if !order.is_closed() && !run.running => Some("it is open and its run has ended"),
        (true, Some(_), Some(_)) => None,
    }
}

/// The list is read first, so the document may be ahead of it, and never behind.
fn stale(order: &Order, listed: Option<&Listed>) -> Option<String> {
    let Listed { version, status } = listed?;
    if order.version < *version {
        return Some(format!("the document is at version {}, the list at {version}", order.version));
    }
    let differs = order.version == *version && order.status.name() != status;
    differs.then(|| format!("the document says {}, the list {status}", order.status))
}

/// Why a closed order's money does not add up: what shipped is paid to the penny but for what was promised back, and every
/// authorization is used up or void.
fn not_netted_out(order: &Order) -> Option<String> {
    // What a person was told of is open business, not a mismatch.
    if !order.is_closed() || !order.attention.is_empty() {
        return None;
    }
    let elsewhere = order.payments.iter().filter(|payment| payment.method == PaymentMethod::External);
    let promised_back: i64 = order.refunds.iter().map(|refund| refund.amount_minor - refund.settled_minor).sum();
    let due = (order.shipped_minor - elsewhere.map(|payment| payment.amount_minor).sum::<i64>()).max(0);
    let owed = due - order.set_off_minor - promised_back;
    let paid = order.net_captured_minor() + order.invoiced_minor;
    if paid != owed {
        return Some(format!("closed with {paid} paid and {owed} owed (minor units)"));
    }
    order.payments.iter().filter(|payment| payment.is_answered_for()).find_map(|payment| {
        let left = payment.authorized_minor() - payment.captured_minor() - payment.voided_minor() - payment.lapsed_minor();
        let void_failed = payment.last(OperationKind::Void).is_some_and(|op| op.status == OperationStatus::Failed);
        (left != 0 && !void_failed).then(|| format!("closed with {left} still authorized (minor units)"))
    })
}
