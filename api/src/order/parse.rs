//! The placed order out of its JSON, with every error and the pointer to it.

use std::collections::BTreeSet;

use oms_domain::placed::{Customer, Discount, LINES_MAX, PlacedLine, PlacedOrder};

use super::{carried, delivery, payment, totals};
use crate::{
    feed::FeedRecord,
    problem::Problem,
    reader::{Fields, Node, amount_minor, boolean, date, name, parsed, quantity, read_json, text, timestamp},
};

/// Most discounts on one order.
const DISCOUNTS_MAX: usize = 100;
/// Most substitutes of one line.
const SUBSTITUTES_MAX: usize = 20;

/// Reads an order's body. Errors: `malformed_body`, or `validation_failed` naming every field that is wrong.
pub fn parse_order(body: &[u8]) -> Result<PlacedOrder, Box<Problem>> {
    read_json(body, |node| order(node, None))
}

/// Reads an order: a body, or a line of a feed. `made_up` is its id, if it has none of its own; none: it must have one.
pub fn order(node: &Node<'_>, made_up: Option<&str>) -> Option<PlacedOrder> {
    node.object(|fields| {
        let mut order = without_payments(fields, made_up);
        let total_minor = order.as_ref().and_then(|order| totals::total_minor(fields, order));
        let payments = payment::payments(fields, total_minor);
        fields.optional("total_minor", |n| totals::stated(n, total_minor))?;
        order.as_mut()?.payments = payments?;
        total_minor.and(order)
    })
}

fn without_payments(fields: &Fields<'_>, made_up: Option<&str>) -> Option<PlacedOrder> {
    let order_id = match made_up {
        Some(made_up) => fields.new_id("order_id", made_up),
        None => fields.required("order_id", parsed),
    };
    let channel = fields.required("channel", name);
    let placed_at = fields.required("placed_at", timestamp);
    let currency = fields.required("currency", parsed);
    let customer = fields.required("customer", customer);
    let delivery_groups = delivery::groups(fields);
    let names: Option<Vec<&str>> =
        delivery_groups.as_ref().map(|groups| groups.iter().map(|group| group.delivery_group.as_str()).collect());
    let lines = fields.required("lines", |n| lines(n, names.as_deref()));
    let discounts = fields.optional("discounts", |n| n.list(0, DISCOUNTS_MAX, discount));
    let taxes_included = fields.optional("taxes_included", boolean);
    let requested_delivery_date = fields.optional("requested_delivery_date", date);
    let promise_id = fields.optional("promise_id", name);
    let reservation_id = fields.optional("reservation_id", parsed);
    let allow_split = fields.optional("allow_split", boolean);
    let allow_backorder = fields.optional("allow_backorder", boolean);
    let cancel_after = fields.optional("cancel_after", timestamp);
    let carried = carried::order(fields);
    Some(PlacedOrder {
        order_id: order_id?,
        channel: channel?,
        placed_at: placed_at?,
        currency: currency?,
        customer: customer?,
        payments: Vec::new(),
        lines: lines?,
        discounts: discounts?.unwrap_or_default(),
        taxes_included: taxes_included?.unwrap_or(false),
        requested_delivery_date: requested_delivery_date?,
        promise_id: promise_id?,
        reservation_id: reservation_id?,
        allow_split: allow_split?.unwrap_or(true),
        allow_backorder: allow_backorder?.unwrap_or(true),
        cancel_after: cancel_after?,
        delivery_groups: delivery_groups?,
        exchange: None,
        carried: carried?,
    })
}

fn customer(node: &Node<'_>) -> Option<Customer> {
    node.object(|fields| {
        let customer_id = fields.required("customer_id", parsed);
        let name = fields.required("name", text(200));
        let email = fields.optional("email", email);
        Some(Customer { customer_id: customer_id?, name: name?, email: email? })
    })
}

/// One @ with something on either side: whether mail arrives there only mail can tell.
fn email(node: &Node<'_>) -> Option<String> {
    let text = text(254)(node)?;
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(' ') => Some(text),
        _ => node.error("must be an email address"),
    }
}

/// `groups` are the names of the delivery groups, if those could be read.
fn lines(node: &Node<'_>, groups: Option<&[&str]>) -> Option<Vec<PlacedLine>> {
    let mut seen = BTreeSet::new();
    let lines = node.list(1, LINES_MAX, |element| line(element, groups, &mut seen))?;
    let used: BTreeSet<u16> = lines.iter().map(|line| line.delivery_group).collect();
    if groups.is_some_and(|groups| used.len() < groups.len()) {
        return node.error("must use every delivery group");
    }
    Some(lines)
}

pub(crate) fn line(node: &Node<'_>, groups: Option<&[&str]>, seen: &mut BTreeSet<String>) -> Option<PlacedLine> {
    node.object(|fields| {
        let line_id = fields.required("line_id", |n| unseen(n, seen));
        let sku = fields.required("sku", parsed);
        let quantity = fields.required("quantity", quantity);
        let unit_price_minor = fields.required("unit_price_minor", amount_minor);
        let tax_minor = fields.optional("tax_minor", amount_minor);
        let discount_minor = fields.optional("discount_minor", amount_minor);
        let delivery_group = delivery::group_of_line(fields, groups);
        let fulfill_at = fields.optional("fulfill_at", timestamp);
        let substitutes = fields.optional("substitutes", |n| n.list(0, SUBSTITUTES_MAX, parsed));
        let unfilled_penalty_minor = fields.optional("unfilled_penalty_minor", amount_minor);
        let carried = carried::line(fields, tax_minor.map(Option::unwrap_or_default));
        let line = PlacedLine {
            line_id: line_id?,
            sku: sku?,
            quantity: quantity?,
            unit_price_minor: unit_price_minor?,
            tax_minor: tax_minor?.unwrap_or(0),
            discount_minor: discount_minor?.unwrap_or(0),
            delivery_group: delivery_group?,
            fulfill_at: fulfill_at?,
            substitutes: substitutes?.unwrap_or_default(),
            unfilled_penalty_minor: unfilled_penalty_minor?,
            carried: carried?,
        };
        totals::line_in_bounds(fields, &line)?;
        Some(line)
    })
}

fn unseen<T: std::str::FromStr<Err: std::fmt::Display> + ToString>(node: &Node<'_>, seen: &mut BTreeSet<String>) -> Option<T> {
    let id: T = parsed(node)?;
    if seen.insert(id.to_string()) { Some(id) } else { node.error("is used by an earlier element") }
}

fn discount(node: &Node<'_>) -> Option<Discount> {
    node.object(|fields| {
        let code = fields.required("code", text(64));
        let amount_minor = fields.required("amount_minor", amount_minor);
        Some(Discount { code: code?, amount_minor: amount_minor? })
    })
}

impl FeedRecord for PlacedOrder {
    const REQUIRED: &'static [&'static str] = &[];
    const OPTIONAL: &'static [&'static str] = &[];

    fn read(node: &Node<'_>) -> Option<Self> {
        order(node, None)
    }
}
