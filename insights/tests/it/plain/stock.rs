//! Plain counts of stock that was not there: waits, what facilities gave back, how often units were on their way to one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{FulfillmentOrderId, LineId},
    order::Event,
};

use super::{
    Counted,
    history::{Part, first, ordered, parts, units},
    promises::end_of,
};
use crate::month::Told;

/// Units that wait, since when, and when stock came for them.
struct Waits {
    begun: Vec<(Timestamp, i64)>,
    filled: Vec<(Timestamp, Timestamp, i64)>,
}

fn waits(told: &Told) -> Waits {
    let (mut since, mut waits) = (BTreeMap::<&FulfillmentOrderId, Timestamp>::new(), Waits { begun: vec![], filled: vec![] });
    let mut split_off: BTreeMap<&FulfillmentOrderId, i64> = BTreeMap::new();
    for (event, at) in &told.events {
        match event {
            Event::OrderSourced { waiting, .. } => {
                for package in waiting {
                    since.insert(&package.fulfillment_order_id, *at);
                    waits.begun.push((*at, units(&package.lines)));
                }
            }
            Event::FulfillmentRejected { fulfillment_order_id, reopened, into, .. } => {
                split_off.insert(into.as_ref().unwrap_or(fulfillment_order_id), units(reopened));
            }
            Event::FulfillmentSplit { into, lines, .. } => {
                split_off.insert(into, units(lines));
            }
            Event::FulfillmentBackordered { fulfillment_order_id } => {
                since.insert(fulfillment_order_id, *at);
                waits.begun.push((*at, split_off[fulfillment_order_id]));
            }
            Event::StockGranted { from, package } => waits.filled.push((since[from], *at, units(&package.lines))),
            _ => {}
        }
    }
    waits
}

pub fn backordered(told: &Told) -> Vec<Counted> {
    waits(told).begun.into_iter().map(|(at, units)| Counted::new(at, units, 0)).collect()
}

pub fn backorder_age(told: &Told) -> Vec<Counted> {
    let lasted = |(since, at, _): (Timestamp, Timestamp, i64)| Counted::new(at, 1, at.as_millisecond() - since.as_millisecond());
    waits(told).filled.into_iter().map(lasted).collect()
}

pub fn backorders_by_date(told: &Told) -> Vec<Counted> {
    let Some(promised) = told.beginning.core.requested_delivery_date else { return vec![] };
    let by_date = |(_, at, units): (Timestamp, Timestamp, i64)| Counted::new(at, if at < end_of(promised) { units } else { 0 }, units);
    waits(told).filled.into_iter().map(by_date).collect()
}

/// Of what was released to a facility, at that time: what it gave back before, or after, it had begun to pick.
fn given_back(told: &Told, has_begun: bool) -> Vec<Counted> {
    let of = |part: &Part| {
        let back = part.given_back.iter().filter(|(_, begun)| *begun == has_begun).map(|(units, _)| units).sum();
        Some(Counted::new(part.released?, back, part.released_units).at_facility(&part.facility_id))
    };
    parts(told).values().filter_map(of).collect()
}

pub fn rejected(told: &Told) -> Vec<Counted> {
    given_back(told, false)
}

pub fn short_picked(told: &Told) -> Vec<Counted> {
    given_back(told, true)
}

/// Each release of a unit to a facility, and each unit that was ever released.
pub fn hops(told: &Told) -> Vec<Counted> {
    let Some(at) = first(told, |event| matches!(event, Event::FulfillmentReleased { .. })) else { return vec![] };
    let mut releases: BTreeMap<LineId, i64> = BTreeMap::new();
    for n in 1..=told.events.len() {
        let Event::FulfillmentReleased { fulfillment_order_id } = &told.events[n - 1].0 else { continue };
        let until = Told { beginning: told.beginning.clone(), events: told.events[..n].to_vec() };
        for (line_id, units) in &parts(&until)[fulfillment_order_id].lines {
            *releases.entry(line_id.clone()).or_default() += i64::from(*units);
        }
    }
    let ordered = ordered(told);
    let once = releases.iter().map(|(line_id, units)| *units.min(&ordered[line_id])).sum();
    vec![Counted::new(at, releases.values().sum(), once)]
}
