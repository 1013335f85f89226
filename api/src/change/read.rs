//! A change set out of its JSON, with every error and the pointer to it.

use std::collections::BTreeSet;

use oms_domain::{
    change::{CHANGES_PER_SET_MAX, Change, ChangeSet},
    placed::{DeliveryMethod, PlacedOrder},
};

use crate::{
    order::{METHODS, address, fit, group_of_line, line},
    reader::{Fields, Node, amount_minor, choice, parsed, quantity, text},
};

/// What a change may be, in the body's words.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Increase,
    Decrease,
    Remove,
    Add,
    Substitute,
    Address,
    Method,
}

const KINDS: &[(&str, Kind)] = &[
    ("increase", Kind::Increase),
    ("decrease", Kind::Decrease),
    ("remove", Kind::Remove),
    ("add", Kind::Add),
    ("substitute", Kind::Substitute),
    ("address", Kind::Address),
    ("method", Kind::Method),
];

/// Reads a change set of this order, whose delivery groups it names; `made_up` is its id, if it has none of its own.
pub fn read_change_set(node: &Node<'_>, placed: &PlacedOrder, made_up: &str) -> Option<ChangeSet> {
    node.object(|fields| {
        let change_id = fields.new_id("change_id", made_up);
        let reason = fields.required("reason", text(200));
        let mut seen = BTreeSet::new();
        let changes = fields.required("changes", |n| n.list(1, CHANGES_PER_SET_MAX, |element| change(element, placed, &mut seen)));
        Some(ChangeSet { change_id: change_id?, reason: reason?, changes: changes? })
    })
}

fn change(node: &Node<'_>, placed: &PlacedOrder, seen: &mut BTreeSet<String>) -> Option<Change> {
    let names: Vec<&str> = placed.delivery_groups.iter().map(|group| group.delivery_group.as_str()).collect();
    node.object(|fields| change_of(fields.required("change", choice(KINDS))?, fields, placed, &names, seen))
}

fn change_of(kind: Kind, fields: &Fields<'_>, placed: &PlacedOrder, names: &[&str], seen: &mut BTreeSet<String>) -> Option<Change> {
    let line_id = || fields.required("line_id", parsed);
    let units = || fields.required("quantity", quantity);
    match kind {
        Kind::Increase => {
            let (line_id, quantity) = (line_id(), units());
            Some(Change::Increase { line_id: line_id?, quantity: quantity? })
        }
        Kind::Decrease => {
            let (line_id, quantity) = (line_id(), units());
            Some(Change::Decrease { line_id: line_id?, quantity: quantity? })
        }
        Kind::Remove => Some(Change::Remove { line_id: line_id()? }),
        Kind::Add => Some(Change::Add { line: fields.required("line", |n| line(n, Some(names), seen))? }),
        Kind::Substitute => {
            let (line_id, by) = (line_id(), fields.required("by", |n| line(n, Some(names), seen)));
            Some(Change::Substitute { line_id: line_id?, by: by? })
        }
        Kind::Address => {
            let (group, ship_to) = (group_of_line(fields, Some(names)), fields.required("ship_to", address));
            Some(Change::Address { group: group?, ship_to: ship_to? })
        }
        Kind::Method => method(fields, placed, names),
    }
}

fn method(fields: &Fields<'_>, placed: &PlacedOrder, names: &[&str]) -> Option<Change> {
    let group = group_of_line(fields, Some(names));
    let method = fields.required("method", choice(METHODS));
    let store = fields.optional("pickup_facility_id", parsed);
    let ship_to = fields.optional("ship_to", address);
    let price_minor = fields.optional("price_minor", amount_minor);
    let (group, method, ship_to) = (group?, method?, ship_to?);
    let pickup_facility_id = fit(fields, method, store?)?;
    let known = placed.delivery_groups.get(usize::from(group)).and_then(|group| group.destination.address());
    if method != DeliveryMethod::Pickup && ship_to.as_ref().or(known).is_none() {
        return fields.error("ship_to", "is required, as nothing was to be delivered before");
    }
    let discount_minor = placed.delivery_groups.get(usize::from(group)).map_or(0, |group| group.discount_minor);
    if price_minor?.is_some_and(|price_minor| price_minor < discount_minor) {
        return fields.error("price_minor", format!("must not be less than the discount on shipping, {discount_minor}"));
    }
    Some(Change::Method { group, method, pickup_facility_id, ship_to, price_minor: price_minor? })
}
