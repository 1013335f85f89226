//! Plain counts of promises: what left and was delivered by its date, and how.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use oms_domain::order::Event;

use super::{
    Counted,
    history::{cancelled_units, delivered, ended_at, left, ordered, parcels, parts, returned, units, wanted},
};
use crate::month::Told;

/// The first moment after a date, in UTC.
pub fn end_of(date: Date) -> Timestamp {
    date.tomorrow().unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn lost_units(told: &Told) -> i64 {
    parcels(told).values().filter(|parcel| parcel.is_lost).map(|parcel| units(&parcel.lines)).sum()
}

/// When the last units came, once nothing is to come any more.
pub fn last_delivered(told: &Told) -> Option<Timestamp> {
    let delivered = delivered(told);
    let there: i64 = delivered.iter().map(|one| one.units).sum();
    let open = ordered(told).values().sum::<i64>() - cancelled_units(told) - lost_units(told) - there;
    delivered.last().map(|one| one.at).filter(|_| open == 0)
}

pub fn on_time_ship(told: &Told) -> Vec<Counted> {
    let parts = parts(told);
    let dated = left(told).into_iter().filter_map(|one| {
        let part = &parts[&one.id];
        Some(Counted::new(one.at, i64::from(one.at <= part.ship_by?), 1).at_facility(&part.facility_id))
    });
    dated.collect()
}

pub fn undated_ships(told: &Told) -> i64 {
    let parts = parts(told);
    left(told).iter().filter(|one| parts[&one.id].ship_by.is_none()).count() as i64
}

pub fn on_time_delivery(told: &Told) -> Vec<Counted> {
    let dated = told.beginning.core.requested_delivery_date.zip(last_delivered(told));
    dated.map(|(promised, at)| Counted::new(at, i64::from(at < end_of(promised)), 1)).into_iter().collect()
}

pub fn undated_deliveries(told: &Told) -> i64 {
    i64::from(told.beginning.core.requested_delivery_date.is_none() && last_delivered(told).is_some())
}

/// When it was over, if anything was wanted of it.
fn over_at(told: &Told) -> Option<Timestamp> {
    last_delivered(told).or(ended_at(told)).filter(|_| !wanted(told).is_empty())
}

fn in_full_and_on_time(told: &Told, promised: Date) -> bool {
    let there: i64 = delivered(told).iter().map(|one| one.units).sum();
    last_delivered(told).is_some_and(|at| at < end_of(promised)) && there >= wanted(told).values().sum()
}

fn of_dated(told: &Told, is_it: impl Fn(Date) -> bool) -> Vec<Counted> {
    let dated = told.beginning.core.requested_delivery_date.zip(over_at(told));
    dated.map(|(promised, at)| Counted::new(at, i64::from(is_it(promised)), 1)).into_iter().collect()
}

pub fn otif(told: &Told) -> Vec<Counted> {
    of_dated(told, |promised| in_full_and_on_time(told, promised))
}

pub fn perfect(told: &Told) -> Vec<Counted> {
    let is_given_back = told.events.iter().any(|(event, _)| matches!(event, Event::FulfillmentRejected { .. }));
    let is_troubled = is_given_back || lost_units(told) > 0 || !returned(told).is_empty();
    of_dated(told, |promised| in_full_and_on_time(told, promised) && !is_troubled)
}

pub fn undated_orders(told: &Told) -> i64 {
    i64::from(told.beginning.core.requested_delivery_date.is_none() && over_at(told).is_some())
}

pub fn came_back(told: &Told) -> Vec<Counted> {
    let (mut back, parts) = (returned(told), parts(told));
    let share = |one: super::history::Delivered| {
        let left = back.entry(one.line_id).or_default();
        let returned = i64::from(*left).min(one.units);
        *left -= u32::try_from(returned).unwrap();
        Counted::new(one.at, returned, one.units).at_facility(&parts[&one.id].facility_id)
    };
    delivered(told).into_iter().map(share).collect()
}
