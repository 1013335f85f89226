//! Exchanges: the order that is paid and the one that owes say the same of the credit between them.

use anyhow::{Context, Result};
use oms_domain::{
    ids::OrderId,
    order::{Credit, Order},
    placed::PaymentMethod,
};

use super::Books;

/// How the ends of an order's exchanges differ, seen from this order.
pub(super) async fn difference(books: &Books<'_>, order: &Order) -> Result<Option<String>> {
    if let Some(exchange) = &order.core.exchange {
        let origin = read(books, &exchange.order_id).await?;
        let credit = origin.as_ref().and_then(|origin| origin.returned(&exchange.return_id)?.credit.as_ref());
        if let Some(what) = taken_otherwise(order, credit) {
            return Ok(Some(what));
        }
    }
    for (returned, credit) in order.exchanges().filter(|(returned, credit)| returned.is_settled() && credit.amount_minor > 0) {
        let linked = read(books, &credit.order_id).await?;
        let paid = linked.as_ref().and_then(|linked| linked.core.exchange.as_ref()).map(|exchange| &exchange.return_id);
        if paid != Some(&returned.return_id) {
            return Ok(Some(format!(
                "{} of return {} pay for order {}, which does not say so",
                credit.amount_minor, returned.return_id, credit.order_id
            )));
        }
    }
    Ok(None)
}

/// A closed order has taken what its origin has let go of for it, and not a penny else.
pub(super) fn taken_otherwise(order: &Order, credit: Option<&Credit>) -> Option<String> {
    if !order.is_closed() || !order.attention.is_empty() {
        return None;
    }
    let ledgers = order.payments.iter().filter(|payment| payment.method == PaymentMethod::Credit);
    let taken: i64 = ledgers.map(|payment| payment.captured_minor() - payment.refunded_minor()).sum();
    let given = credit.filter(|credit| credit.order_id == order.core.order_id).map_or(0, |credit| credit.amount_minor);
    (taken != given).then(|| format!("paid by {taken} of credit, of which its origin has let go {given} (minor units)"))
}

async fn read(books: &Books<'_>, order_id: &OrderId) -> Result<Option<Order>> {
    let document = books.store.document(order_id).await.with_context(|| format!("the document of {order_id}"))?;
    document.map(|found| serde_json::from_value(found.doc)).transpose().with_context(|| format!("the document of {order_id}"))
}
