//! A new order by telephone: products, who, where to and how; looked at, then placed. On terms: nobody reads out a card's number here.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::{IntoResponse, Redirect};
use oms_api::{
    order::OrderView,
    product::ProductBody,
    promise::{PromiseView, PromisesView},
};
use oms_domain::money::Currency;
use serde_json::{Map, Value, json};

use crate::{
    api::{Told, at, encoded},
    form::{Fields, number, object},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// Rows for lines: more go into a second order, or come by the API.
pub(crate) const ROWS: usize = 6;
const ADDRESS: [&str; 8] = ["name", "line1", "line2", "city", "region", "postal_code", "country", "phone"];
const METHODS: [&str; 2] = ["standard", "express"];
/// The channel of orders by telephone, for who knows of all.
const CHANNEL: &str = "phone";

/// A line as somebody has typed it, and what it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) sku: String,
    pub(crate) quantity: String,
    pub(crate) price: String,
    pub(crate) title: String,
}

impl Row {
    pub(crate) fn all(form: &Fields) -> Vec<Self> {
        let row = |n: usize| {
            let text = |name: &str| form.get(&format!("{name}-{n}")).to_owned();
            Self { sku: text("sku"), quantity: text("quantity"), price: text("price"), title: String::new() }
        };
        (1..=ROWS).map(row).collect()
    }
}

#[derive(Template)]
#[template(path = "new_order.html")]
struct NewOrder<'a> {
    f: &'a Frame,
    said: BTreeMap<String, String>,
    rows: Vec<Row>,
    methods: [&'static str; 2],
    key: String,
    currency: String,
    promises: Option<Vec<PromiseView>>,
    total: String,
}

impl NewOrder<'_> {
    fn said(&self, name: &str) -> &str {
        self.said.get(name).map_or("", String::as_str)
    }

    fn promised(&self, promise: &PromiseView) -> String {
        promise.delivery_date.map(|date| date.to_string()).unwrap_or_default()
    }
}

pub(crate) async fn page(visitor: Visitor) -> Shown {
    shown(&visitor, &Fields::default(), vec![Row::default(); ROWS], None)
}

fn shown(visitor: &Visitor, form: &Fields, rows: Vec<Row>, promises: Option<Vec<PromiseView>>) -> Shown {
    let names = ADDRESS.iter().chain(["customer_id", "email", "shipping", "shipping_price", "currency"].iter());
    let said: BTreeMap<String, String> = names.map(|name| ((*name).to_owned(), form.get(name).to_owned())).collect();
    let currency = form.said("currency").unwrap_or("GBP").to_owned();
    let sum = currency.parse().ok().and_then(|known| total_minor(&rows, form.get("shipping_price"), known));
    let total = sum.map_or_else(|| "–".to_owned(), |minor| visitor.frame.money(minor, &currency));
    let key = form.said("key").map_or_else(|| visitor.frame.key(), str::to_owned);
    visitor::page(visitor, &NewOrder { f: &visitor.frame, said, rows, methods: METHODS, key, currency, promises, total })
}

/// What rows and shipping come to. None: some of it cannot be read, or is more than can be counted.
fn total_minor(rows: &[Row], shipping_price: &str, currency: Currency) -> Option<i64> {
    let minor = |text: &str| currency.minor_of(&text.replace(',', "."));
    let cost = |row: &Row| minor(&row.price)?.checked_mul(row.quantity.parse().ok()?);
    let shipping = if shipping_price.is_empty() { 0 } else { minor(shipping_price)? };
    rows.iter().filter(|row| !row.sku.is_empty()).try_fold(shipping, |sum, row| sum.checked_add(cost(row)?))
}

/// Looks at it, or places it.
pub(crate) async fn send(mut visitor: Visitor, form: Fields) -> Shown {
    let mut rows = Row::all(&form);
    let currency = form.said("currency").unwrap_or("GBP").to_owned();
    for row in rows.iter_mut().filter(|row| !row.sku.is_empty()) {
        fill(&visitor, row, &currency).await;
    }
    if form.get("step") == "place" {
        let told: Told<OrderView> = visitor.api.post(at(&["orders"]), form.key(), &order(&visitor.frame, &form, &rows, &currency)).await;
        return match told {
            Ok(order) => {
                let page = format!("/console/orders/{}?done=placed", encoded(&order.heading.order_id));
                Ok(Redirect::to(&page).into_response())
            }
            Err(problem) => {
                visitor.frame.problem = Some(problem);
                shown(&visitor, &form, rows, None)
            }
        };
    }
    let told: Told<PromisesView> = visitor.api.post(at(&["promises"]), &visitor.frame.key(), &question(&visitor.frame, &form, &rows)).await;
    match told {
        Ok(promises) => shown(&visitor, &form, rows, Some(promises.options)),
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            shown(&visitor, &form, rows, None)
        }
    }
}

/// What a product is called, and what it costs unless somebody has said otherwise.
pub(crate) async fn fill(visitor: &Visitor, row: &mut Row, currency: &str) {
    let found: Told<ProductBody> = visitor.api.get(at(&["products", &row.sku])).await;
    // What does not exist is said by whoever refuses the order.
    let Ok(product) = found else { return };
    if row.price.is_empty() && product.currency.to_string() == currency {
        row.price = visitor.frame.plain(product.price_minor, currency);
    }
    if row.quantity.is_empty() {
        row.quantity = "1".to_owned();
    }
    row.title = product.title;
}

/// An amount in the minor unit, or what stands in its place.
pub(crate) fn minor(text: &str, currency: &str) -> Value {
    let read = currency.parse::<Currency>().ok().and_then(|currency| currency.minor_of(&text.replace(',', ".")));
    read.map_or_else(|| if text.is_empty() { Value::Null } else { text.into() }, Value::from)
}

fn lines(rows: &[Row], with: impl Fn(&Row) -> Vec<(&'static str, Value)>) -> Vec<Value> {
    let meant = rows.iter().filter(|row| !row.sku.is_empty()).enumerate();
    let line = |(n, row): (usize, &Row)| {
        let own = [("line_id", (n + 1).to_string().into()), ("sku", row.sku.clone().into()), ("quantity", number(&row.quantity))];
        object(&own.into_iter().chain(with(row)).collect::<Vec<_>>())
    };
    meant.map(line).collect()
}

fn channel(frame: &Frame) -> String {
    let channels = frame.session.as_ref().and_then(|session| session.channels.as_ref());
    channels.and_then(|channels| channels.first()).map_or_else(|| CHANNEL.to_owned(), Clone::clone)
}

fn question(frame: &Frame, form: &Fields, rows: &[Row]) -> Value {
    let address: Map<String, Value> = form.object(&["city", "postal_code", "country"]);
    json!({"channel": channel(frame), "address": address, "lines": lines(rows, |_| Vec::new())})
}

fn order(frame: &Frame, form: &Fields, rows: &[Row], currency: &str) -> Value {
    let price = |row: &Row| {
        let title = Some(row.title.clone()).filter(|title| !title.is_empty()).map_or(Value::Null, Value::from);
        vec![("unit_price_minor", minor(&row.price, currency)), ("title", title)]
    };
    let customer = object(&[
        ("customer_id", form.said("customer_id").unwrap_or(form.key()).into()),
        ("name", form.get("name").into()),
        ("email", form.said("email").map_or(Value::Null, Value::from)),
    ]);
    let shipping_price = minor(form.said("shipping_price").unwrap_or("0"), currency);
    json!({
        "channel": channel(frame), "placed_at": form.said("placed_at").map_or_else(|| frame.now.to_string(), str::to_owned), "currency": currency,
        "customer": customer, "ship_to": form.object(&ADDRESS), "shipping": {"method": form.get("shipping"), "price_minor": shipping_price},
        "payment": {"method": "terms"}, "lines": lines(rows, price),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_is_summed_as_a_whole_or_not_at_all() {
        let row = |sku: &str, quantity: &str, price: &str| Row {
            sku: sku.to_owned(),
            quantity: quantity.to_owned(),
            price: price.to_owned(),
            title: String::new(),
        };
        let gbp = "GBP".parse().unwrap();
        let total = |rows: &[Row], shipping: &str| total_minor(rows, shipping, gbp);
        let empty = Row::default();
        assert_eq!(total(&[row("A", "2", "12.50"), row("B", "1", "0,99"), empty.clone()], "2.99"), Some(2_898));
        assert_eq!(total(&[row("A", "2", "12.50"), empty], ""), Some(2_500));
        for (quantity, price) in [("9223372036854775807", "12.50"), ("2", "92233720368547758.07"), ("2", "dear"), ("many", "1"), ("2", "")]
        {
            assert_eq!(total(&[row("A", quantity, price)], ""), None, "{quantity} at {price}");
        }
        assert_eq!(total(&[row("A", "1", "1")], "free"), None);
    }
}
