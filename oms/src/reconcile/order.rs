//! One order, in all books.

use oms_domain::{
    ids::OrderId,
    order::Order,
    payment::{OperationKind, OperationStatus},
    placed::PaymentMethod,
};
use oms_store::ListedOrder;

use super::{Figure, Finding, Run, credit, pages::Pages, returns};

/// What was never written down, or is lost.
pub(super) const NO_INTAKE: &str = "it has no intake";

/// What does not fit of an order, and of its returns.
pub(super) fn judge(pages: &Pages, order_id: &OrderId) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |figure, what| found.push(Finding { order_id: order_id.clone(), return_id: None, figure, what });
    let (listed, kept) = (pages.listed(order_id), pages.kept(order_id));
    let document = kept.and_then(|kept| kept.document.as_ref());
    if let Some(why) = kept.and_then(|kept| kept.unreadable.as_ref()) {
        add(Figure::StaleDocuments, format!("its document cannot be read: {why}"));
    } else if let Some(what) = orphaned(kept.is_some_and(|kept| kept.has_intake), document, listed, pages.run(order_id)) {
        add(Figure::OrphanedOrders, what.to_owned());
    }
    let charged = pages.charged.as_ref();
    let unknown = listed.is_none() && document.is_none() && !kept.is_some_and(|kept| kept.has_intake);
    if unknown && charged.is_some_and(|charged| charged.has_operations_of(order_id)) {
        add(Figure::MoneyMismatches, "the gateway has operations of an order that nobody placed".to_owned());
    }
    if let Some(order) = document {
        for (line_id, units) in order.units().into_iter().filter(|(_, units)| !units.add_up()) {
            add(Figure::UnitMismatches, format!("line {line_id}: {units:?}"));
        }
        if let Some(what) = stale(order, listed) {
            add(Figure::StaleDocuments, what);
        }
        let at_gateway = charged.and_then(|charged| charged.difference(order));
        if let Some(what) = at_gateway.or_else(|| not_netted_out(order)).or_else(|| credit::difference(pages, order)) {
            add(Figure::MoneyMismatches, what);
        }
    }
    for (id, this, run) in pages.returns_of(order_id) {
        if let Some(what) = returns::judge(&id, this, run, document) {
            let what = format!("return {id}: {what}");
            found.push(Finding { order_id: order_id.clone(), return_id: Some(id), figure: Figure::OrphanedReturns, what });
        }
    }
    found
}

/// Which of intake, run and document is missing, if one is. Temporal forgets runs that have ended after its retention: a closed order
/// without one is sound.
pub(super) fn orphaned(has_intake: bool, document: Option<&Order>, listed: Option<&ListedOrder>, run: Option<Run>) -> Option<&'static str> {
    match (has_intake, document, run) {
        // A placing that failed half way: nobody was told that the order exists, and no workflow began.
        (false, None, None) if listed.is_none() => None,
        (false, ..) => Some(NO_INTAKE),
        (true, None, _) if listed.is_some() => Some("it has no document"),
        (true, None, Some(run)) if run.running => None,
        (true, None, Some(_)) => Some("its run has ended and it has no document"),
        (true, None, None) => Some("it was taken in and has no run"),
        (true, Some(order), None) if !order.is_closed() => Some("it is open and has no run"),
        (true, Some(order), Some(run)) if !order.is_closed() && !run.running => Some("it is open and its run has ended"),
        (true, Some(order), Some(run)) if order.is_closed() && !run.running && !run.completed => Some("its run did not end by itself"),
        (true, Some(_), _) => None,
    }
}

/// How the list and the document differ. An order at work may be ahead in its list for a moment: it is looked at again.
pub(super) fn stale(order: &Order, listed: Option<&ListedOrder>) -> Option<String> {
    let Some(ListedOrder { version, status, .. }) = listed else {
        return Some(format!("the document is at version {}, PostgreSQL does not know it", order.version));
    };
    if order.version != *version {
        return Some(format!("the document is at version {}, PostgreSQL at {version}", order.version));
    }
    (order.status.name() != status).then(|| format!("the document says {}, the list {status}", order.status))
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
