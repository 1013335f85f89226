//! What became of an order's fulfillment orders, parcels and units, told from its events alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId, ParcelId},
    order::{Event, Lines, SourcedPackage},
    parcel::ParcelAction,
};

use crate::month::Told;

pub fn units(lines: &Lines) -> i64 {
    lines.values().map(|units| i64::from(*units)).sum()
}

pub fn first(told: &Told, is_it: impl Fn(&Event) -> bool) -> Option<Timestamp> {
    told.events.iter().find(|(event, _)| is_it(event)).map(|(_, at)| *at)
}

pub fn ended_at(told: &Told) -> Option<Timestamp> {
    first(told, |event| matches!(event, Event::OrderCompleted | Event::OrderCancelled | Event::OrderRejected { .. } | Event::OrderExpired))
}

/// Units that left together, and were not taken back.
pub struct Left {
    pub id: FulfillmentOrderId,
    pub at: Timestamp,
    pub minor: i64,
}

/// In the order in which they left.
pub fn left(told: &Told) -> Vec<Left> {
    let mut left: Vec<Left> = Vec::new();
    for (event, at) in &told.events {
        match event {
            Event::FulfillmentShipped { fulfillment_order_id, amount_minor } => {
                left.push(Left { id: fulfillment_order_id.clone(), at: *at, minor: *amount_minor });
            }
            Event::FulfillmentUnshipped { fulfillment_order_id, .. } => left.retain(|one| one.id != *fulfillment_order_id),
            _ => {}
        }
    }
    left
}

/// A fulfillment order: whose it is, and when it was how far.
#[derive(Clone)]
pub struct Part {
    pub facility_id: FacilityId,
    pub ship_by: Option<Timestamp>,
    pub lines: Lines,
    pub released: Option<Timestamp>,
    pub accepted: Option<Timestamp>,
    pub packed: Option<Timestamp>,
    pub left: Option<Timestamp>,
    pub heard: Option<Timestamp>,
    pub released_units: i64,
    /// Given back, and whether picking had begun.
    pub given_back: Vec<(i64, bool)>,
    has_begun: bool,
    is_given_back: bool,
}

pub type Parts = BTreeMap<FulfillmentOrderId, Part>;

impl Part {
    fn new(package: &SourcedPackage) -> Self {
        Self {
            facility_id: package.facility_id.clone(),
            ship_by: package.ship_by,
            lines: package.lines.clone(),
            released: None,
            accepted: None,
            packed: None,
            left: None,
            heard: None,
            released_units: 0,
            given_back: Vec::new(),
            has_begun: false,
            is_given_back: false,
        }
    }

    fn lose(&mut self, lines: &Lines) {
        for (id, units) in lines {
            let has = self.lines.entry(id.clone()).or_default();
            *has = has.saturating_sub(*units);
        }
        self.lines.retain(|_, units| *units > 0);
    }

    /// A part that goes on under another number is as far as this, but what is only released is told anew.
    fn split(&mut self, lines: &Lines) -> Self {
        let mut part = self.clone();
        self.lose(lines);
        part.lines = lines.clone();
        (part.released_units, part.given_back) = (0, Vec::new());
        if self.released.is_some() {
            self.released_units -= units(lines);
            if self.accepted.is_some() || self.is_given_back {
                part.released_units = units(lines);
            } else {
                part.released = None;
            }
        }
        part
    }
}

/// Every fulfillment order that a facility ever had.
pub fn parts(told: &Told) -> Parts {
    let mut parts = Parts::new();
    for (event, at) in &told.events {
        follow(&mut parts, event, *at);
    }
    parts
}

fn follow(parts: &mut Parts, event: &Event, at: Timestamp) {
    let mut with = |id: &FulfillmentOrderId, change: &dyn Fn(&mut Part)| {
        if let Some(part) = parts.get_mut(id) {
            change(part);
        }
    };
    match event {
        Event::FulfillmentReleased { fulfillment_order_id: id } => with(id, &|part| {
            part.released.get_or_insert(at);
            part.released_units += units(&part.lines);
        }),
        Event::FulfillmentAccepted { fulfillment_order_id: id } => with(id, &|part| {
            part.accepted.get_or_insert(at);
        }),
        Event::PickingStarted { fulfillment_order_id: id, .. } => with(id, &|part| {
            part.accepted.get_or_insert(at);
            part.has_begun = true;
        }),
        Event::Packed { fulfillment_order_id: id, .. } => with(id, &|part| {
            part.packed.get_or_insert(at);
        }),
        Event::FulfillmentShipped { fulfillment_order_id: id, .. } => with(id, &|part| part.left = Some(at)),
        Event::FulfillmentUnshipped { fulfillment_order_id: id, .. } => with(id, &|part| part.left = None),
        Event::ParcelMoved { parcel_id, occurred_at, .. } => with(&parcel_id.fulfillment_order_id().unwrap(), &|part| {
            let word = part.left.map_or(*occurred_at, |left| left.max(*occurred_at));
            part.heard = Some(part.heard.map_or(word, |known| known.min(word)));
        }),
        Event::UnitsCancelled { fulfillment_order_id: Some(id), lines, .. } => with(id, &|part| part.lose(lines)),
        Event::FulfillmentRejected { fulfillment_order_id: id, rejection, reopened, into } => with(id, &|part| {
            part.given_back.push((units(&rejection.lines), part.has_begun));
            match into {
                Some(_) => part.lose(reopened),
                None => part.is_given_back = true,
            }
        }),
        Event::OrderSourced { packages, .. } => {
            packages.iter().for_each(|package| drop(parts.insert(package.fulfillment_order_id.clone(), Part::new(package))));
        }
        Event::StockGranted { package, .. } => drop(parts.insert(package.fulfillment_order_id.clone(), Part::new(package))),
        Event::FulfillmentSplit { from, into, lines, .. } => {
            if let Some(part) = parts.get_mut(from).map(|from| from.split(lines)) {
                parts.insert(into.clone(), part);
            }
        }
        _ => {}
    }
}

/// A parcel, and what the carrier says that became of it.
pub struct Carried {
    pub lines: Lines,
    pub delivered: Option<Timestamp>,
    pub is_lost: bool,
}

/// Every parcel that was packed. Delivered: at the time that the carrier says, but not before it left.
pub fn parcels(told: &Told) -> BTreeMap<ParcelId, Carried> {
    let (left, mut all) = (left(told), BTreeMap::<ParcelId, Carried>::new());
    let mut packed: BTreeMap<&FulfillmentOrderId, (u32, Vec<Lines>)> = BTreeMap::new();
    for (event, _) in &told.events {
        let again: Option<(&FulfillmentOrderId, Vec<Lines>)> = match event {
            Event::Packed { fulfillment_order_id: id, parcels } => Some((id, parcels.iter().map(|p| p.lines.clone()).collect())),
            // The same again, under new numbers.
            Event::FulfillmentUnshipped { fulfillment_order_id: id, .. } => Some((id, packed[id].1.clone())),
            Event::ParcelMoved { parcel_id, action, occurred_at, .. } => {
                let (of, parcel) = (parcel_id.fulfillment_order_id().unwrap(), all.get_mut(parcel_id).unwrap());
                let left_at = left.iter().find(|one| one.id == of).unwrap().at;
                match action {
                    ParcelAction::Deliver => (parcel.delivered, parcel.is_lost) = (Some(left_at.max(*occurred_at)), false),
                    ParcelAction::Lose => parcel.is_lost = true,
                    _ => {}
                }
                None
            }
            _ => None,
        };
        if let Some((id, parcels)) = again {
            let known = packed.entry(id).or_default();
            known.1 = parcels;
            for lines in &known.1 {
                known.0 += 1;
                all.insert(ParcelId::of(id, known.0), Carried { lines: lines.clone(), delivered: None, is_lost: false });
            }
        }
    }
    all
}

/// Units of a line that reached the customer at once.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    pub at: Timestamp,
    pub line_id: LineId,
    pub units: i64,
    pub id: FulfillmentOrderId,
}

pub fn delivered(told: &Told) -> Vec<Delivered> {
    let of = |(parcel_id, parcel): (ParcelId, Carried)| {
        let id = parcel_id.fulfillment_order_id().unwrap();
        let lines = parcel.delivered.map(|at| parcel.lines.into_iter().map(move |line| (at, line)));
        lines.into_iter().flatten().map(move |(at, (line_id, units))| Delivered { at, line_id, units: units.into(), id: id.clone() })
    };
    let mut delivered: Vec<_> = parcels(told).into_iter().flat_map(of).collect();
    delivered.sort();
    delivered
}

pub fn ordered(told: &Told) -> BTreeMap<LineId, i64> {
    told.beginning.core.lines.iter().map(|line| (line.line_id.clone(), i64::from(line.quantity))).collect()
}

/// Each line's units ordered, less those that somebody's cancellation took. What ends by itself is taken by nobody.
pub fn wanted(told: &Told) -> BTreeMap<LineId, i64> {
    let mut wanted = ordered(told);
    let mut gone = |lines: &Lines| lines.iter().for_each(|(id, units)| *wanted.get_mut(id).unwrap() -= i64::from(*units));
    for (event, _) in &told.events {
        match event {
            Event::CancellationRecorded(record) => gone(&record.cancelled),
            Event::CancellationAnswered { lines, accepted: true, .. } => gone(lines),
            _ => {}
        }
    }
    wanted.into_iter().filter(|(_, units)| *units > 0).collect()
}

pub fn cancelled_units(told: &Told) -> i64 {
    told.events.iter().map(|(event, _)| if let Event::UnitsCancelled { lines, .. } = event { units(lines) } else { 0 }).sum()
}

pub fn returned(told: &Told) -> Lines {
    let mut back = Lines::new();
    for (event, _) in &told.events {
        if let Event::ReturnSettled { lines, .. } = event {
            back.extend(lines.clone());
        }
    }
    back
}

/// What the decision is taken to have shown: no event says it.
pub fn one_facility_had_all(told: &Told) -> bool {
    told.beginning.core.order_id.as_str().ends_with(['1', '3', '5', '7', '9'])
}

pub fn facilities(left: &[Left], parts: &Parts) -> BTreeSet<FacilityId> {
    left.iter().map(|one| parts[&one.id].facility_id.clone()).collect()
}
