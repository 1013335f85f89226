//! Plain counts of durations: one of each, and so many milliseconds.

use jiff::Timestamp;
use oms_domain::order::Event;

use super::{
    Counted,
    history::{Part, Parts, first, left, parcels, parts},
    promises::{end_of, last_delivered},
};
use crate::month::Told;

/// Told when it is over; what clocks put the wrong way round took no time.
fn lasted(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Counted> {
    let (from, to) = from.zip(to)?;
    Some(Counted::new(to, 1, (to.as_millisecond() - from.as_millisecond()).max(0)))
}

fn one(from: Option<Timestamp>, to: Option<Timestamp>) -> Vec<Counted> {
    lasted(from, to).into_iter().collect()
}

pub fn cycle(told: &Told) -> Vec<Counted> {
    one(Some(told.beginning.core.placed_at), left(told).first().map(|one| one.at))
}

pub fn approve(told: &Told) -> Vec<Counted> {
    one(Some(told.beginning.core.received_at), first(told, |event| matches!(event, Event::OrderApproved)))
}

pub fn source(told: &Told) -> Vec<Counted> {
    let found = first(told, |event| matches!(event, Event::OrderSourced { packages, .. } if !packages.is_empty()));
    one(first(told, |event| matches!(event, Event::SourcingAsked { .. })), found)
}

/// Of each fulfillment order, where it was.
fn each(parts: &Parts, of: impl Fn(&Part) -> Option<Counted>) -> Vec<Counted> {
    parts.values().filter_map(|part| Some(of(part)?.at_facility(&part.facility_id))).collect()
}

pub fn accept(told: &Told) -> Vec<Counted> {
    each(&parts(told), |part| lasted(part.released, part.accepted))
}

pub fn pick(told: &Told) -> Vec<Counted> {
    each(&parts(told), |part| lasted(part.accepted, part.packed))
}

pub fn pack(told: &Told) -> Vec<Counted> {
    each(&parts(told), |part| lasted(part.packed, part.left))
}

pub fn hand_over(told: &Told) -> Vec<Counted> {
    each(&parts(told), |part| lasted(part.left, part.heard))
}

/// A fulfillment order is there with its last parcel, whichever was told last.
pub fn deliver(told: &Told) -> Vec<Counted> {
    let (parts, parcels) = (parts(told), parcels(told));
    let there = |(id, part): (_, &Part)| {
        // Those that were packed before it left for good were voided, and nothing was heard of them.
        let own = parcels.iter().filter(|(parcel_id, _)| parcel_id.fulfillment_order_id().as_ref() == Some(id)).map(|(_, parcel)| parcel);
        let (mut units, mut last) = (0, None);
        for parcel in own.filter(|parcel| parcel.delivered.is_some()) {
            units += super::history::units(&parcel.lines);
            last = last.max(parcel.delivered);
        }
        let is_there = part.left.is_some() && units == super::history::units(&part.lines);
        Some(lasted(part.heard.or(part.left), last.filter(|_| is_there))?.at_facility(&part.facility_id))
    };
    parts.iter().filter_map(there).collect()
}

pub fn slip(told: &Told) -> Vec<Counted> {
    let promised = told.beginning.core.requested_delivery_date;
    let late = promised.zip(last_delivered(told)).filter(|(promised, at)| *at >= end_of(*promised));
    late.map(|(promised, at)| one(Some(end_of(promised)), Some(at))).unwrap_or_default()
}

/// From leaving to the next capture of the order's money, if nothing was captured in between.
pub fn capture(told: &Told) -> Vec<Counted> {
    let (mut out, mut since): (Vec<(&oms_domain::ids::FulfillmentOrderId, Timestamp)>, Option<Timestamp>) = (Vec::new(), None);
    let mut lags = Vec::new();
    for (event, at) in &told.events {
        match event {
            Event::FulfillmentShipped { fulfillment_order_id, .. } => out.push((fulfillment_order_id, *at)),
            Event::FulfillmentUnshipped { fulfillment_order_id, .. } => out.retain(|(id, _)| id != &fulfillment_order_id),
            event if super::money::is_captured(event) => {
                let oldest = out.iter().map(|(_, left)| *left).filter(|left| since.is_none_or(|since| *left > since)).min();
                lags.extend(lasted(oldest, Some(*at)));
                since = Some(*at);
            }
            _ => {}
        }
    }
    lags
}

/// The exact duration that so much of a hundred take no longer than.
pub fn percentile(counted: &[Counted], percent: usize) -> i64 {
    let mut sorted: Vec<i64> = counted.iter().map(|one| one.lower).collect();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}
