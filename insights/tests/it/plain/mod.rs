//! Each figure beside a plain count over the events themselves, by the days of three time zones, by channel, facility and currency. The counts here
//! share no code with what they are compared with: they know events alone.

mod history;
mod money;
mod orders;
mod promises;
mod stock;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use oms_domain::{ids::FacilityId, order::Event, payment::OperationKind};
use oms_insights::{BySums, Cells, FIGURES, Figure, How, Measure, Period, RELATIVE_ERROR, Step, Sums, facts, figure, value};

use self::history::one_facility_had_all;
use crate::{
    month::{self, Told},
    seed,
};

const ZONES: [&str; 3] = ["Europe/London", "America/New_York", "Asia/Kathmandu"];

/// What is to be added at a time, in a place: to the upper and lower part of a figure; of durations: how many, and how long.
pub struct Counted {
    at: Timestamp,
    facility_id: String,
    upper: i64,
    lower: i64,
}

impl Counted {
    fn new(at: Timestamp, upper: i64, lower: i64) -> Self {
        Self { at, facility_id: String::new(), upper, lower }
    }

    fn at_facility(self, facility_id: &FacilityId) -> Self {
        Self { facility_id: facility_id.to_string(), ..self }
    }
}

/// A plain count: what is counted of one order.
type Plain = fn(&Told) -> Vec<Counted>;

/// Each figure with its plain count.
const PLAIN: &[(&str, Plain)] = &[
    ("orders", orders::orders),
    ("lines", orders::lines_placed),
    ("units", orders::units_placed),
    ("value", orders::value_placed),
    ("lines_per_order", orders::lines_per_order),
    ("unit_fill_rate", orders::unit_fill),
    ("line_fill_rate", orders::line_fill),
    ("order_fill_rate", orders::order_fill),
    ("split_rate", orders::splits),
    ("avoidable_split_rate", orders::avoidable_splits),
    ("shipments_per_order", orders::shipments),
    ("cycle_time", times::cycle),
    ("approve_time", times::approve),
    ("source_time", times::source),
    ("accept_time", times::accept),
    ("pick_time", times::pick),
    ("pack_time", times::pack),
    ("hand_over_time", times::hand_over),
    ("deliver_time", times::deliver),
    ("stage_approved", orders::approved),
    ("stage_sourced", orders::sourced),
    ("stage_released", orders::released),
    ("stage_packed", orders::packed),
    ("stage_shipped", orders::shipped),
    ("stage_delivered", orders::reached),
    ("on_time_ship_rate", promises::on_time_ship),
    ("on_time_delivery_rate", promises::on_time_delivery),
    ("otif_rate", promises::otif),
    ("perfect_order_rate", promises::perfect),
    ("promise_slip", times::slip),
    ("backordered_units", stock::backordered),
    ("backorder_age", stock::backorder_age),
    ("backorder_filled_by_date", stock::backorders_by_date),
    ("rejection_rate", stock::rejected),
    ("short_pick_rate", stock::short_picked),
    ("hops_per_unit", stock::hops),
    ("cancellation_rate", orders::cancelled),
    ("cancellation_success", orders::cancellation_success),
    ("return_rate", promises::came_back),
    ("return_refund_time", money::return_refunds),
    ("shipped_value", money::shipped_value),
    ("refunded_value", money::refunded),
    ("captured_value", money::captured),
    ("captured_not_shipped", money::captured_not_shipped),
    ("shipped_not_captured", money::shipped_not_captured),
    ("authorization_rate", money::authorizations),
    ("capture_lag", times::capture),
    ("ledger_mismatches", money::mismatches),
];

/// What is left out and counted beside.
const LEFT_OUT: &[(&str, fn(&Told) -> i64)] = &[
    ("on_time_ship_rate", promises::undated_ships),
    ("on_time_delivery_rate", promises::undated_deliveries),
    ("otif_rate", promises::undated_orders),
    ("perfect_order_rate", promises::undated_orders),
];

/// The day in some zone, channel, facility and currency.
type Place = (Date, String, String, String);
/// Upper and lower parts.
type ByPlace = BTreeMap<Place, (i64, i64)>;

fn told_cells(month: &[Told]) -> Cells {
    let mut cells = Cells::default();
    for told in month {
        let facts = facts(told.beginning.clone(), told.events.clone()).decided(one_facility_had_all(told));
        cells.replace(&told.beginning.core.channel, &[], &facts.counts());
    }
    cells
}

fn by_place(month: &[Told], figure: &Figure, plain: Plain, zone: &TimeZone) -> ByPlace {
    let mut places = ByPlace::new();
    for told in month {
        let core = &told.beginning.core;
        let currency = if figure.is_money() { core.currency.to_string() } else { String::new() };
        for counted in plain(told) {
            let day = counted.at.to_zoned(zone.clone()).date();
            let place = places.entry((day, core.channel.clone(), counted.facility_id, currency.clone())).or_default();
            *place = (place.0 + counted.upper, place.1 + counted.lower);
        }
    }
    places.retain(|_, counted| *counted != (0, 0));
    places
}

fn told_by_place(cells: &Cells, figure: &Figure, period: &Period) -> ByPlace {
    let mut sums: BTreeMap<Place, BySums> = BTreeMap::new();
    let measures: Vec<Measure> = figure.measures().collect();
    let cuts = period.cuts(Step::Day).unwrap();
    for (key, sum) in cells.0.iter().filter(|(key, _)| measures.contains(&key.measure)) {
        let day = cuts.partition_point(|cut| *cut <= key.cell) - 1;
        let day = cuts[day].to_zoned(period.zone.clone()).date();
        let currency = key.currency.filter(|_| figure.is_money()).map(|currency| currency.to_string()).unwrap_or_default();
        let place = sums.entry((day, key.channel.clone(), key.facility_id.clone(), currency)).or_default();
        let all: &mut Sums = place.entry((key.measure, key.bucket.unwrap_or(-1))).or_default();
        (all.n, all.sum) = (all.n + sum.n, all.sum + sum.sum);
    }
    let parts = |sums: &BySums| {
        let told = value(figure, sums);
        match figure.how {
            How::Times(_) => (told.numerator, sums.values().map(|sum| sum.sum).sum()),
            How::Total(_) | How::Quotient { .. } => (told.numerator, told.denominator.unwrap_or(0)),
        }
    };
    let mut places: ByPlace = sums.iter().map(|(place, sums)| (place.clone(), parts(sums))).collect();
    places.retain(|_, counted| *counted != (0, 0));
    places
}

/// What happened in a month, by type and how often.
fn kinds(month: &[Told]) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    month.iter().flat_map(|told| &told.events).for_each(|(event, _)| *kinds.entry(event.kind()).or_default() += 1);
    kinds
}

fn spring(zone: &str) -> Period {
    Period::days(Date::constant(2026, 3, 1), Date::constant(2026, 9, 30), TimeZone::get(zone).unwrap()).unwrap()
}

#[test]
fn each_figure_is_a_plain_count_by_day_channel_facility_and_currency_over_a_change_to_summer_time() {
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
    // The plain counts know nothing of these.
    let unknown = ["waiting_ended", "fulfillment_merged", "fulfillment_moved", "claim_opened", "line_added"];
    let is_sent_again = |event: &Event| matches!(event, Event::ParcelResolved { into: Some(_), .. });
    let again = month.iter().flat_map(|told| &told.events).any(|(event, _)| is_sent_again(event));
    assert!(!again && unknown.iter().all(|kind| !kinds.contains_key(kind)), "{kinds:?}");
    let cells = told_cells(&month);
    for zone in ZONES {
        let period = spring(zone);
        for (id, plain) in PLAIN {
            let found = figure(id).unwrap();
            let (told, counted) = (told_by_place(&cells, found, &period), by_place(&month, found, *plain, &period.zone));
            assert!(counted.len() > 5 || *id == "ledger_mismatches", "{id}: hardly anything was counted");
            assert_eq!(told, counted, "{id} in {zone}");
        }
    }
}

#[test]
fn every_figure_has_a_plain_count_and_so_has_what_it_leaves_out() {
    let ids = |left_out: bool| FIGURES.iter().filter(move |figure| !left_out || figure.left_out.is_some()).map(|figure| figure.id);
    assert_eq!(PLAIN.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(), ids(false).collect());
    assert_eq!(LEFT_OUT.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(), ids(true).collect());
}

#[test]
fn what_is_left_out_is_counted_and_percentiles_are_those_of_all_durations() {
    let month = month::month(seed(), 400);
    let cells = told_cells(&month);
    let mut sums = BySums::new();
    for (key, sum) in &cells.0 {
        let all = sums.entry((key.measure, key.bucket.unwrap_or(-1))).or_default();
        (all.n, all.sum) = (all.n + sum.n, all.sum + sum.sum);
    }
    for (id, plain) in LEFT_OUT {
        let left_out: i64 = month.iter().map(plain).sum();
        assert!(left_out > 0, "{id}");
        assert_eq!(value(figure(id).unwrap(), &sums).left_out, Some(left_out), "{id}");
    }
    for (id, plain) in PLAIN.iter().filter(|(id, _)| matches!(figure(id).unwrap().how, How::Times(_))) {
        let told = value(figure(id).unwrap(), &sums);
        let counted: Vec<Counted> = month.iter().flat_map(plain).collect();
        for (percent, told) in [(50, told.value), (90, told.p90), (99, told.p99)] {
            let (told, exact) = (told.unwrap(), times::percentile(&counted, percent) as f64);
            assert!((told - exact).abs() <= exact * (RELATIVE_ERROR + 1e-9), "{id} p{percent}: {told}, and it is {exact}");
        }
    }
}

/// Orders whose money is right have none, and one whose captures nobody made has one.
#[test]
fn an_order_that_is_closed_and_was_not_charged_is_a_mismatch() {
    let mut month = month::month(seed(), 200);
    let is_charge = |event: &Event| match event {
        Event::PaymentAsked { kind, .. } | Event::PaymentAnswered { kind, .. } => *kind == OperationKind::Capture,
        _ => false,
    };
    let is_closed = |told: &&mut Told| history::ended_at(told).is_some() && !history::left(told).is_empty();
    let odd = month.iter_mut().find(is_closed).unwrap();
    odd.events.retain(|(event, _)| !is_charge(event));
    let found = figure("ledger_mismatches").unwrap();
    let period = spring("UTC");
    let (told, counted) = (told_by_place(&told_cells(&month), found, &period), by_place(&month, found, money::mismatches, &period.zone));
    assert_eq!(told, counted);
    assert_eq!(told.values().map(|(n, _)| n).sum::<i64>(), 1);
}
