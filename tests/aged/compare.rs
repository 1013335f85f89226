//! What is known now, beside what was known before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    api::Event,
    known::{Known, Order, Units},
    report::{Figure, Report},
};

/// Orders that had ended must not have a run.
pub fn runs(open: &BTreeSet<String>, before: &Known, report: &mut Report) {
    before.ended.intersection(open).for_each(|id| report.found(Figure::LiveAgain, id.clone()));
}

/// All the rest.
pub fn all(before: &Known, after: &Known, report: &mut Report) {
    for (id, was) in &before.orders {
        let Some(is) = after.orders.get(id) else { continue };
        order(id, before.ended.contains(id), was, is, report);
    }
    for id in &before.ended {
        let count = |known: &Known| known.operations.get(id).copied().unwrap_or_default();
        if count(before) != count(after) {
            report.found(Figure::ChargedAgain, format!("{id}: {} operations of the gateway, {} before", count(after), count(before)));
        }
    }
    stock(before, after, report);
}

/// One that has not ended goes on; what has happened to it stays.
fn order(id: &str, ended: bool, was: &Order, is: &Order, report: &mut Report) {
    if !is.events.starts_with(&was.events) {
        report.found(Figure::TakenBack, format!("{id}: its timeline does not begin as it did"));
    }
    if !ended {
        return;
    }
    let (more, released) = (is.events.len().saturating_sub(was.events.len()), releases(is).saturating_sub(releases(was)));
    (0..released).for_each(|_| report.found(Figure::ReleasedAgain, id));
    if let Some(what) = difference(&was.view, &is.view) {
        report.found(Figure::ChangedOrders, format!("{id}: {what}"));
    } else if more > 0 {
        report.found(Figure::ChangedOrders, format!("{id}: {more} more events"));
    }
}

fn releases(order: &Order) -> usize {
    order.events.iter().filter(|Event { kind, .. }| kind == "fulfillment_released").count()
}

/// The first place where they differ, with both values.
pub fn difference(was: &Value, is: &Value) -> Option<String> {
    if was == is {
        return None;
    }
    let (before, after) = (parts(was), parts(is));
    let within = before.iter().find_map(|(name, part)| Some((name, difference(part, after.get(name)?)?)));
    Some(match within {
        Some((name, what)) => format!("{name} {what}"),
        None => format!("is {is}, and was {was}"),
    })
}

/// Of an object or a list, by name or number.
fn parts(value: &Value) -> BTreeMap<String, &Value> {
    let of_object = value.as_object().into_iter().flatten().map(|(name, part)| (name.clone(), part));
    let of_list = value.as_array().into_iter().flatten().enumerate().map(|(number, part)| (number.to_string(), part));
    of_object.chain(of_list).collect()
}

/// Open orders reserve their units and let go of them by themselves; nothing is shipped here, nor does anything come in.
fn stock(before: &Known, after: &Known, report: &mut Report) {
    let positions: BTreeSet<_> = before.stock.keys().chain(after.stock.keys()).collect();
    for position in positions {
        let (was, is) = (before.stock.get(position), after.stock.get(position));
        let still = !before.moving_skus.contains(&position.1);
        let on_hand = was.map(|units| units.on_hand) != is.map(|units| units.on_hand);
        if on_hand || (still && was != is) {
            let told = |units: Option<&Units>| units.map_or_else(|| "none".to_owned(), Units::to_string);
            report.found(Figure::StockChanged, format!("{} at {}: {}, and was {}", position.1, position.0, told(is), told(was)));
        }
    }
}
