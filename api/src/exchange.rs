//! Exchanges: units that come back, and a linked order that goes out for them.

use std::collections::BTreeSet;

use oms_domain::{
    ids::{LineId, OrderId},
    order::{Credit, Order, ReturnedUnits},
    placed::{Address, Exchange, LINES_MAX, Means, PaymentMethod, PlacedLine, PlacedOrder},
    returns::AnnouncedLine,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    order::{
        DEFAULT_NAME, address,
        body::{AddressBody, LineBody, PaymentBody},
        line, read_sole,
    },
    reader::{Node, parsed},
    returns::ReturnLineBody,
};

/// The body of `POST /exchanges`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExchangeBody {
    /// `<order_id>-X<n>`: the id of the new order. Absent: the next number. The same id again is the same exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("536365-X1"))]
    pub exchange_id: Option<String>,
    #[schema(examples("536365"))]
    pub order_id: String,
    /// What comes back.
    #[schema(min_items = 1, max_items = 2000)]
    pub returned: Vec<ReturnLineBody>,
    /// What goes out for it, in the currency of the order, to one place, at no charge for shipping.
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<LineBody>,
    /// Absent: where the returned units went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<AddressBody>,
    /// Pays what the new lines cost beyond the worth of the returned units; not charged if they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentBody>,
}

/// An exchange as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ExchangeAsked {
    pub exchange_id: Option<OrderId>,
    pub order_id: OrderId,
    pub returned: Vec<AnnouncedLine>,
    pub lines: Vec<PlacedLine>,
    pub ship_to: Option<Address>,
    /// The method, and what the gateway knows it by.
    pub payment: Option<Means>,
}

impl ExchangeAsked {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let exchange_id: Option<Option<OrderId>> = fields.optional("exchange_id", parsed);
            let order_id: Option<OrderId> = fields.required("order_id", parsed);
            let returned = fields.required("returned", returned);
            let mut seen = BTreeSet::new();
            let lines = fields.required("lines", |n| n.list(1, LINES_MAX, |element| line(element, Some(&[DEFAULT_NAME]), &mut seen)));
            let ship_to = fields.optional("ship_to", address);
            let payment = fields.optional("payment", read_sole);
            let (exchange_id, order_id) = (exchange_id?, order_id?);
            if exchange_id.as_ref().is_some_and(|id| id.origin().as_ref() != Some(&order_id)) {
                return fields.error("exchange_id", format!("must be {order_id}-X<n>"));
            }
            let (returned, lines, ship_to, payment) = (returned?, lines?, ship_to?, payment?);
            Some(Self { exchange_id, order_id, returned, lines, ship_to, payment })
        })
    }
}

fn returned(node: &Node<'_>) -> Option<Vec<AnnouncedLine>> {
    let lines = node.list(1, LINES_MAX, ReturnLineBody::read)?;
    let ids: BTreeSet<&LineId> = lines.iter().map(|line| &line.line_id).collect();
    if ids.len() < lines.len() {
        return node.error("names a line twice");
    }
    Some(lines.into_iter().map(AnnouncedLine::from).collect())
}

/// An exchange, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExchangeView {
    /// The new order: `GET /orders/{exchange_id}` shows all of it.
    pub exchange_id: String,
    pub order_id: String,
    pub return_id: String,
    /// The new order's.
    #[schema(examples("created"))]
    pub status: String,
    /// The return's, once it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("label_sent"))]
    pub return_status: Option<String>,
    pub returned: Vec<ReturnLineBody>,
    pub currency: String,
    /// What the new lines cost.
    pub total_minor: i64,
    /// What of that the returned units pay: at most so much until they are judged, exactly so much from then on.
    pub credit_minor: i64,
    /// What is left for other instruments to pay.
    pub to_pay_minor: i64,
    /// The return has ended, and it is known what it brought.
    pub settled: bool,
}

impl ExchangeView {
    /// None: the order is no exchange.
    pub fn of(placed: &PlacedOrder, order: Option<&Order>, return_status: Option<String>) -> Option<Self> {
        let exchange = placed.exchange.as_ref()?;
        let promised = placed.payments.iter().filter(|payment| payment.method == PaymentMethod::Credit).map(|payment| payment.amount_minor);
        let credit = order.and_then(|order| order.payments.iter().find(|payment| payment.method == PaymentMethod::Credit));
        let credit_minor = credit.map_or_else(|| promised.sum(), |credit| credit.amount_minor);
        let total_minor = order.map_or_else(|| placed.total_minor(), Order::total_minor);
        Some(Self {
            exchange_id: placed.order_id.to_string(),
            order_id: exchange.order_id.to_string(),
            return_id: exchange.return_id.to_string(),
            status: order.map_or("created", |order| order.status.name()).to_owned(),
            return_status,
            returned: exchange.lines.iter().map(ReturnLineBody::from).collect(),
            currency: placed.currency.code().to_owned(),
            total_minor,
            credit_minor,
            to_pay_minor: total_minor - credit_minor,
            settled: order.is_some_and(|order| order.credit_settled.is_some()),
        })
    }
}

/// What an order that is exchanged for units of another shows of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExchangeOfView {
    pub order_id: String,
    pub return_id: String,
}

impl From<&Exchange> for ExchangeOfView {
    fn from(exchange: &Exchange) -> Self {
        Self { order_id: exchange.order_id.to_string(), return_id: exchange.return_id.to_string() }
    }
}

/// What an order shows of another that goes out for its returned units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderExchangeView {
    pub exchange_id: String,
    pub return_id: String,
    /// What of the return's money pays for it.
    pub credit_minor: i64,
}

impl OrderExchangeView {
    pub fn of(returned: &ReturnedUnits, credit: &Credit) -> Self {
        let (exchange_id, return_id) = (credit.order_id.to_string(), returned.return_id.to_string());
        Self { exchange_id, return_id, credit_minor: credit.amount_minor }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reader::read_json;

    fn pointers(body: &Value) -> Vec<String> {
        let problem = read_json(body.to_string().as_bytes(), ExchangeAsked::read).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    fn body() -> Value {
        json!({"exchange_id": "A-X1", "order_id": "A", "returned": [{"line_id": "1", "quantity": 1, "reason": "too small"}],
            "lines": [{"line_id": "1", "sku": "B", "quantity": 1, "unit_price_minor": 500}],
            "payment": {"method": "card", "token": "tok"}})
    }

    #[test]
    fn an_exchange_names_what_comes_back_and_what_goes_out() {
        let asked = read_json(body().to_string().as_bytes(), ExchangeAsked::read).unwrap();
        assert_eq!((asked.returned.len(), asked.lines.len()), (1, 1));
        let means = Means { method: PaymentMethod::Card, token: Some("tok".to_owned()), three_d_secure: None };
        assert_eq!(asked.payment, Some(means));
        assert_eq!(pointers(&json!({"order_id": "A", "returned": [], "lines": []})), ["/returned", "/lines"]);
    }

    #[test]
    fn an_exchange_of_another_order_twice_of_a_line_or_paid_by_a_credit_of_its_own_is_refused() {
        let with = |pointer: &str, value: Value| {
            let mut body = body();
            *body.pointer_mut(pointer).unwrap() = value;
            pointers(&body)
        };
        assert_eq!(with("/exchange_id", json!("B-X1")), ["/exchange_id"]);
        assert_eq!(with("/payment/method", json!("credit")), ["/payment/method"]);
        let line = body()["returned"][0].clone();
        assert_eq!(with("/returned", json!([line, line])), ["/returned"]);
    }
}
