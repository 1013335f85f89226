//! Plain counts of orders as a whole: as placed, how far they came, how they left, what was cancelled.

use std::collections::BTreeMap;

use oms_domain::{
    ids::LineId,
    order::{Event, Lines},
};

use super::{
    Counted,
    history::{
        Left, Parts, cancelled_units, delivered, ended_at, facilities, first, left, one_facility_had_all, ordered, parts, units, wanted,
    },
};
use crate::month::Told;

/// As placed.
fn placed(told: &Told, upper: i64, lower: i64) -> Vec<Counted> {
    vec![Counted::new(told.beginning.core.placed_at, upper, lower)]
}

fn lines_of(told: &Told) -> i64 {
    told.beginning.core.lines.len() as i64
}

fn units_of(told: &Told) -> i64 {
    ordered(told).values().sum()
}

pub fn orders(told: &Told) -> Vec<Counted> {
    placed(told, 1, 0)
}

pub fn lines_placed(told: &Told) -> Vec<Counted> {
    placed(told, lines_of(told), 0)
}

pub fn units_placed(told: &Told) -> Vec<Counted> {
    placed(told, units_of(told), 0)
}

pub fn lines_per_order(told: &Told) -> Vec<Counted> {
    placed(told, lines_of(told), 1)
}

pub fn value_placed(told: &Told) -> Vec<Counted> {
    placed(told, told.beginning.core.total_minor(), 0)
}

fn stage(told: &Told, is_reached: bool) -> Vec<Counted> {
    placed(told, i64::from(is_reached), 1)
}

pub fn approved(told: &Told) -> Vec<Counted> {
    stage(told, first(told, |event| matches!(event, Event::OrderApproved)).is_some())
}

pub fn sourced(told: &Told) -> Vec<Counted> {
    stage(told, first(told, |event| matches!(event, Event::OrderSourced { packages, .. } if !packages.is_empty())).is_some())
}

pub fn released(told: &Told) -> Vec<Counted> {
    stage(told, first(told, |event| matches!(event, Event::FulfillmentReleased { .. })).is_some())
}

pub fn packed(told: &Told) -> Vec<Counted> {
    stage(told, first(told, |event| matches!(event, Event::Packed { .. })).is_some())
}

pub fn shipped(told: &Told) -> Vec<Counted> {
    stage(told, !left(told).is_empty())
}

pub fn reached(told: &Told) -> Vec<Counted> {
    stage(told, !delivered(told).is_empty())
}

/// At the first shipment.
fn leaving(told: &Told, of: impl Fn(&[Left], &Parts) -> Option<(i64, i64)>) -> Vec<Counted> {
    let (left, parts) = (left(told), parts(told));
    let at = left.first().map(|one| one.at);
    at.and_then(|at| of(&left, &parts).map(|(upper, lower)| Counted::new(at, upper, lower))).into_iter().collect()
}

pub fn splits(told: &Told) -> Vec<Counted> {
    leaving(told, |left, parts| Some((i64::from(facilities(left, parts).len() > 1), 1)))
}

pub fn avoidable_splits(told: &Told) -> Vec<Counted> {
    let avoidable = i64::from(one_facility_had_all(told));
    leaving(told, |left, parts| (facilities(left, parts).len() > 1).then_some((avoidable, 1)))
}

pub fn shipments(told: &Told) -> Vec<Counted> {
    leaving(told, |left, _| Some((left.len() as i64, 1)))
}

fn fill(told: &Told, of: impl Fn(&BTreeMap<LineId, i64>, &Lines) -> (i64, i64)) -> Vec<Counted> {
    let (left, parts, wanted) = (left(told), parts(told), wanted(told));
    let at = left.first().map(|one| one.at).or(ended_at(told));
    let Some(at) = at.filter(|_| !wanted.is_empty()) else { return vec![] };
    let first = left.first().map(|one| (&parts[&one.id], one.at)).filter(|(part, at)| part.ship_by.is_none_or(|due| *at <= due));
    let none = Lines::new();
    let (upper, lower) = of(&wanted, first.map_or(&none, |(part, _)| &part.lines));
    vec![Counted::new(at, upper, lower)]
}

fn had(first: &Lines, id: &LineId, wanted: i64) -> i64 {
    first.get(id).map_or(0, |units| i64::from(*units)).min(wanted)
}

pub fn unit_fill(told: &Told) -> Vec<Counted> {
    fill(told, |wanted, first| (wanted.iter().map(|(id, units)| had(first, id, *units)).sum(), wanted.values().sum()))
}

pub fn line_fill(told: &Told) -> Vec<Counted> {
    fill(told, |wanted, first| (wanted.iter().filter(|(id, units)| had(first, id, **units) == **units).count() as i64, wanted.len() as i64))
}

pub fn order_fill(told: &Told) -> Vec<Counted> {
    fill(told, |wanted, first| (i64::from(wanted.iter().all(|(id, units)| had(first, id, *units) == *units)), 1))
}

pub fn cancelled(told: &Told) -> Vec<Counted> {
    placed(told, cancelled_units(told), units_of(told))
}

pub fn cancellation_success(told: &Told) -> Vec<Counted> {
    let mut asked = Vec::new();
    for (event, at) in &told.events {
        match event {
            Event::CancellationRecorded(record) => {
                let all = units(&record.cancelled) + units(&record.requested) + units(&record.too_late);
                asked.push((record.cancellation_id.clone(), Counted::new(*at, units(&record.cancelled), all)));
            }
            Event::CancellationAnswered { cancellation_id, lines, accepted: true, .. } => {
                asked.iter_mut().filter(|(id, _)| id == cancellation_id).for_each(|(_, counted)| counted.upper += units(lines));
            }
            _ => {}
        }
    }
    asked.into_iter().map(|(_, counted)| counted).collect()
}
