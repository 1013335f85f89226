//! Exchanges: the order that is paid and the one that owes say the same of the credit between them.

use oms_domain::{
    order::{Credit, Order},
    placed::PaymentMethod,
};

use super::pages::Pages;

/// How the ends of an order's exchanges differ, seen from this order.
pub(super) fn difference(pages: &Pages, order: &Order) -> Option<String> {
    if let Some(exchange) = &order.core.exchange {
        let origin = pages.order(&exchange.order_id);
        let credit = origin.and_then(|origin| origin.returned(&exchange.return_id)?.credit.as_ref());
        if let Some(what) = taken_otherwise(order, credit) {
            return Some(what);
        }
    }
    let mut paying = order.exchanges().filter(|(returned, credit)| returned.is_settled() && credit.amount_minor > 0);
    paying.find_map(|(returned, credit)| {
        let paid = pages.order(&credit.order_id).and_then(|linked| linked.core.exchange.as_ref()).map(|exchange| &exchange.return_id);
        let (amount, return_id, other) = (credit.amount_minor, &returned.return_id, &credit.order_id);
        (paid != Some(return_id)).then(|| format!("{amount} of return {return_id} pay for order {other}, which does not say so"))
    })
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
