//! Each figure beside a plain count over the events themselves, by the days of three time zones. The counts here share no code with what
//! they are compared with: they know events alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId},
    order::{Event, Lines},
    parcel::ParcelAction,
    payment::{OperationKind, OperationOutcome},
};
use oms_insights::{Cells, Period, Step, Sums, facts, figure, value};

use crate::{
    month::{self, Told},
    seed,
};

const ZONES: [&str; 3] = ["Europe/London", "America/New_York", "Asia/Kathmandu"];

/// What was counted: upper and lower parts by day.
type ByDay = BTreeMap<Date, (i64, i64)>;

/// A plain count: for one order, the times at which something is to be added to the upper and lower part.
type Plain = fn(&Told) -> Vec<(Timestamp, i64, i64)>;

fn units(lines: &Lines) -> i64 {
    lines.values().map(|units| i64::from(*units)).sum()
}

fn firsts(told: &Told, is_it: impl Fn(&Event) -> bool) -> Option<Timestamp> {
    told.events.iter().find(|(event, _)| is_it(event)).map(|(_, at)| *at)
}

/// Those that left and were not taken back, in the order in which they left, with what they were charged.
fn left(told: &Told) -> Vec<(FulfillmentOrderId, Timestamp, i64)> {
    let mut left = Vec::new();
    for (event, at) in &told.events {
        match event {
            Event::FulfillmentShipped { fulfillment_order_id, amount_minor } => {
                left.push((fulfillment_order_id.clone(), *at, *amount_minor))
            }
            Event::FulfillmentUnshipped { fulfillment_order_id, .. } => left.retain(|(id, ..)| id != fulfillment_order_id),
            _ => {}
        }
    }
    left
}

/// Which facility has it, and by when it is to leave; parts have what they were split off from.
fn packages(told: &Told) -> BTreeMap<FulfillmentOrderId, (FacilityId, Option<Timestamp>, Lines)> {
    let mut known = BTreeMap::new();
    for (event, _) in &told.events {
        match event {
            Event::OrderSourced { packages, .. } => {
                packages
                    .iter()
                    .for_each(|p| drop(known.insert(p.fulfillment_order_id.clone(), (p.facility_id.clone(), p.ship_by, p.lines.clone()))));
            }
            Event::StockGranted { package: p, .. } => {
                known.insert(p.fulfillment_order_id.clone(), (p.facility_id.clone(), p.ship_by, p.lines.clone()));
            }
            Event::FulfillmentSplit { from, into, lines, .. } => {
                let (facility_id, ship_by, _) = known[from].clone();
                take(&mut known, from, lines);
                known.insert(into.clone(), (facility_id, ship_by, lines.clone()));
            }
            Event::UnitsCancelled { fulfillment_order_id: Some(id), lines, .. } => take(&mut known, id, lines),
            Event::FulfillmentRejected { fulfillment_order_id, reopened, into: Some(_), .. } => {
                take(&mut known, fulfillment_order_id, reopened)
            }
            _ => {}
        }
    }
    known
}

type Packages = BTreeMap<FulfillmentOrderId, (FacilityId, Option<Timestamp>, Lines)>;

fn take(known: &mut Packages, from: &FulfillmentOrderId, lines: &Lines) {
    let Some((.., held)) = known.get_mut(from) else { return };
    for (id, units) in lines {
        let has = held.entry(id.clone()).or_default();
        *has = has.saturating_sub(*units);
    }
    held.retain(|_, units| *units > 0);
}

fn orders(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, 1, 0)]
}

fn lines_placed(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, told.beginning.core.lines.len() as i64, 0)]
}

fn units_placed(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, told.beginning.core.lines.iter().map(|line| i64::from(line.quantity)).sum(), 0)]
}

fn lines_per_order(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, told.beginning.core.lines.len() as i64, 1)]
}

fn value_placed(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, told.beginning.core.total_minor(), 0)]
}

fn splits(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let (left, packages) = (left(told), packages(told));
    let from: BTreeSet<_> = left.iter().map(|(id, ..)| &packages[id].0).collect();
    left.first().map(|(_, at, _)| (*at, i64::from(from.len() > 1), 1)).into_iter().collect()
}

fn shipments(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let left = left(told);
    left.first().map(|(_, at, _)| (*at, left.len() as i64, 1)).into_iter().collect()
}

fn shipped_value(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    left(told).into_iter().map(|(_, at, minor)| (at, minor, 0)).collect()
}

fn on_time_ship(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let packages = packages(told);
    left(told).into_iter().filter_map(|(id, at, _)| Some((at, i64::from(at <= packages[&id].1?), 1))).collect()
}

/// Each line's units ordered, less those that somebody's cancellation took. What ends by itself is taken by nobody.
fn wanted(told: &Told) -> BTreeMap<LineId, i64> {
    let mut wanted: BTreeMap<LineId, i64> =
        told.beginning.core.lines.iter().map(|line| (line.line_id.clone(), i64::from(line.quantity))).collect();
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

fn ended_at(told: &Told) -> Option<Timestamp> {
    firsts(told, |event| matches!(event, Event::OrderCompleted | Event::OrderCancelled | Event::OrderRejected { .. } | Event::OrderExpired))
}

fn fill(told: &Told, of: impl Fn(&BTreeMap<LineId, i64>, &Lines) -> (i64, i64)) -> Vec<(Timestamp, i64, i64)> {
    let (left, packages, wanted) = (left(told), packages(told), wanted(told));
    let Some(at) = left.first().map(|(_, at, _)| *at).or(ended_at(told)).filter(|_| !wanted.is_empty()) else { return vec![] };
    let first = left.first().map(|(id, at, _)| (&packages[id], at)).filter(|((_, due, _), at)| due.is_none_or(|due| **at <= due));
    let none = Lines::new();
    let (upper, lower) = of(&wanted, first.map_or(&none, |((.., lines), _)| lines));
    vec![(at, upper, lower)]
}

fn had(first: &Lines, id: &LineId, wanted: i64) -> i64 {
    first.get(id).map_or(0, |units| i64::from(*units)).min(wanted)
}

fn unit_fill(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    fill(told, |wanted, first| (wanted.iter().map(|(id, units)| had(first, id, *units)).sum(), wanted.values().sum()))
}

fn line_fill(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    fill(told, |wanted, first| (wanted.iter().filter(|(id, units)| had(first, id, **units) == **units).count() as i64, wanted.len() as i64))
}

fn order_fill(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    fill(told, |wanted, first| (i64::from(wanted.iter().all(|(id, units)| had(first, id, *units) == *units)), 1))
}

fn authorizations(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let answered = |(event, at): &(Event, Timestamp)| match event {
        Event::PaymentAnswered { kind: OperationKind::Authorize, outcome: OperationOutcome::Succeeded { .. }, .. } => Some((*at, 1, 1)),
        Event::PaymentAnswered { kind: OperationKind::Authorize, outcome: OperationOutcome::Declined { .. }, .. } => Some((*at, 0, 1)),
        _ => None,
    };
    told.events.iter().filter_map(answered).collect()
}

fn moved(told: &Told, wanted: OperationKind) -> Vec<(Timestamp, i64, i64)> {
    let done = |(event, at): &(Event, Timestamp)| match event {
        Event::PaymentAnswered { kind, amount_minor, outcome: OperationOutcome::Succeeded { .. }, .. } if *kind == wanted => {
            Some((*at, *amount_minor, 0))
        }
        _ => None,
    };
    told.events.iter().filter_map(done).collect()
}

fn captured(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    moved(told, OperationKind::Capture)
}

fn refunded(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let by_hand = told.events.iter().filter_map(|(event, at)| match event {
        Event::RefundSetOff { amount_minor, .. } | Event::CreditDue { amount_minor, .. } => Some((*at, *amount_minor, 0)),
        _ => None,
    });
    moved(told, OperationKind::Refund).into_iter().chain(by_hand).collect()
}

fn cancelled(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let placed_at = told.beginning.core.placed_at;
    let gone: i64 =
        told.events.iter().map(|(event, _)| if let Event::UnitsCancelled { lines, .. } = event { units(lines) } else { 0 }).sum();
    let all = told.beginning.core.lines.iter().map(|line| i64::from(line.quantity)).sum();
    vec![(placed_at, gone, all)]
}

fn cancellation_success(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let mut asked = Vec::new();
    for (event, at) in &told.events {
        match event {
            Event::CancellationRecorded(record) => {
                asked.push((
                    record.cancellation_id.clone(),
                    *at,
                    units(&record.cancelled),
                    units(&record.cancelled) + units(&record.requested) + units(&record.too_late),
                ));
            }
            Event::CancellationAnswered { cancellation_id, lines, accepted: true, .. } => {
                asked.iter_mut().filter(|(id, ..)| id == cancellation_id).for_each(|(_, _, done, _)| *done += units(lines));
            }
            _ => {}
        }
    }
    asked.into_iter().map(|(_, at, done, all)| (at, done, all)).collect()
}

/// Units delivered, at the time that the carrier said, but not before they left.
fn delivered(told: &Told) -> Vec<(Timestamp, LineId, i64)> {
    let mut parcels = BTreeMap::new();
    let mut numbers: BTreeMap<FulfillmentOrderId, u32> = BTreeMap::new();
    let (left, mut delivered) = (left(told), Vec::new());
    for (event, _) in &told.events {
        match event {
            Event::Packed { fulfillment_order_id: id, parcels: packed } => {
                for parcel in packed {
                    let number = numbers.entry(id.clone()).or_default();
                    *number += 1;
                    parcels.insert(oms_domain::ids::ParcelId::of(id, *number), parcel.lines.clone());
                }
            }
            Event::FulfillmentUnshipped { fulfillment_order_id: id, .. } => {
                // The same again, under a new number.
                let number = numbers.entry(id.clone()).or_default();
                let lines = parcels[&oms_domain::ids::ParcelId::of(id, *number)].clone();
                *number += 1;
                parcels.insert(oms_domain::ids::ParcelId::of(id, *number), lines);
            }
            Event::ParcelMoved { parcel_id, action: ParcelAction::Deliver, occurred_at, .. } => {
                let of = parcel_id.fulfillment_order_id().unwrap();
                let left_at = left.iter().find(|(id, ..)| *id == of).map(|(_, at, _)| *at).unwrap();
                delivered.extend(parcels[parcel_id].iter().map(|(id, units)| (left_at.max(*occurred_at), id.clone(), i64::from(*units))));
            }
            _ => {}
        }
    }
    delivered
}

fn returned(told: &Told) -> Vec<(Timestamp, i64, i64)> {
    let mut back = Lines::new();
    for (event, _) in &told.events {
        if let Event::ReturnSettled { lines, .. } = event {
            back.extend(lines.clone());
        }
    }
    let mut delivered = delivered(told);
    delivered.sort();
    let share = |(at, id, units): (Timestamp, LineId, i64)| {
        let left = back.entry(id).or_default();
        let returned = i64::from(*left).min(units);
        *left -= u32::try_from(returned).unwrap();
        (at, returned, units)
    };
    delivered.into_iter().map(share).collect()
}

fn stage(told: &Told, is_it: impl Fn(&Event) -> bool) -> Vec<(Timestamp, i64, i64)> {
    vec![(told.beginning.core.placed_at, i64::from(firsts(told, is_it).is_some()), 1)]
}

/// The figures of which a plain count stands here.
const PLAIN: &[(&str, Plain)] = &[
    ("orders", orders),
    ("lines", lines_placed),
    ("units", units_placed),
    ("value", value_placed),
    ("lines_per_order", lines_per_order),
    ("unit_fill_rate", unit_fill),
    ("line_fill_rate", line_fill),
    ("order_fill_rate", order_fill),
    ("split_rate", splits),
    ("shipments_per_order", shipments),
    ("shipped_value", shipped_value),
    ("on_time_ship_rate", on_time_ship),
    ("authorization_rate", authorizations),
    ("captured_value", captured),
    ("refunded_value", refunded),
    ("cancellation_rate", cancelled),
    ("cancellation_success", cancellation_success),
    ("return_rate", returned),
    ("stage_approved", |told| stage(told, |event| matches!(event, Event::OrderApproved))),
    ("stage_released", |told| stage(told, |event| matches!(event, Event::FulfillmentReleased { .. }))),
    ("stage_packed", |told| stage(told, |event| matches!(event, Event::Packed { .. }))),
    ("stage_shipped", |told| vec![(told.beginning.core.placed_at, i64::from(!left(told).is_empty()), 1)]),
];

fn by_day(month: &[Told], plain: Plain, zone: &TimeZone) -> ByDay {
    let mut days = ByDay::new();
    for (at, upper, lower) in month.iter().flat_map(plain) {
        let day = days.entry(at.to_zoned(zone.clone()).date()).or_default();
        *day = (day.0 + upper, day.1 + lower);
    }
    days.retain(|_, counted| *counted != (0, 0));
    days
}

fn told_by_day(cells: &Cells, id: &str, period: &Period) -> ByDay {
    let found = figure(id).unwrap();
    let cuts = period.cuts(Step::Day).unwrap();
    let mut days = ByDay::new();
    for pair in cuts.windows(2) {
        let mut sums = BTreeMap::new();
        for (key, sum) in cells.0.iter().filter(|(key, _)| pair[0] <= key.cell && key.cell < pair[1]) {
            let all: &mut Sums = sums.entry((key.measure, key.bucket.unwrap_or(-1))).or_default();
            (all.n, all.sum) = (all.n + sum.n, all.sum + sum.sum);
        }
        let told = value(found, &sums);
        days.insert(pair[0].to_zoned(period.zone.clone()).date(), (told.numerator, told.denominator.unwrap_or(0)));
    }
    days.retain(|_, counted| *counted != (0, 0));
    days
}

/// What happened in a month, by type and how often.
fn kinds(month: &[Told]) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    month.iter().flat_map(|told| &told.events).for_each(|(event, _)| *kinds.entry(event.kind()).or_default() += 1);
    kinds
}

#[test]
fn each_figure_is_a_plain_count_by_the_days_of_three_zones_over_a_change_to_summer_time() {
    let month = month::month(seed(), 400);
    let kinds = kinds(&month);
    let expected = [
        "fulfillment_rejected",
        "fulfillment_split",
        "stock_granted",
        "units_cancelled",
        "return_settled",
        "fulfillment_unshipped",
        "parcel_moved",
    ];
    assert!(expected.iter().all(|kind| kinds.contains_key(kind)), "too little happened: {kinds:?}");
    let mut cells = Cells::default();
    for told in &month {
        cells.replace(&told.beginning.core.channel, &[], &facts(told.beginning.clone(), told.events.clone()).counts());
    }
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        let period = Period::days(Date::constant(2026, 3, 1), Date::constant(2026, 9, 30), zone.clone()).unwrap();
        for (id, plain) in PLAIN {
            let (told, counted) = (told_by_day(&cells, id, &period), by_day(&month, *plain, &zone));
            assert!(counted.len() > 5, "{id}: hardly anything was counted");
            assert_eq!(told, counted, "{id} in {name}");
        }
    }
}
