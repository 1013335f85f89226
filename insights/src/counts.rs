//! From the facts of an order to what is counted of it.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil, tz::TimeZone};
use oms_domain::{ids::FacilityId, money::Currency, placed::DeliveryMethod};
use serde::Serialize;

use crate::{
    CellKey,
    Measure::{self, *},
    OrderFacts, Sums, bucket_of, cell_of,
    facts::{FulfillmentFact, LineFact, MoneyFact, OrderFact},
};

/// So many of a measure in one cell, of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    pub measure: Measure,
    pub cell: Timestamp,
    /// Empty: of none.
    pub facility_id: String,
    pub currency: Option<Currency>,
    /// Empty: none.
    pub reason: String,
    /// Of durations; else none.
    pub bucket: Option<i16>,
    pub n: i64,
    pub sum: i64,
}

impl Count {
    /// Where it is added, for an order of the channel.
    pub fn key(&self, channel: &str) -> CellKey {
        CellKey {
            measure: self.measure,
            cell: self.cell,
            channel: channel.to_owned(),
            facility_id: self.facility_id.clone(),
            currency: self.currency,
            reason: self.reason.clone(),
            bucket: self.bucket,
        }
    }
}

type Key = (Measure, Timestamp, String, Option<Currency>, String, Option<i16>);

/// Counts by what they are of: those of one kind are one.
struct Counting(BTreeMap<Key, Sums>);

#[derive(Clone, Copy, Default)]
struct Of<'a> {
    facility_id: Option<&'a FacilityId>,
    currency: Option<Currency>,
    reason: &'a str,
}

impl OrderFacts {
    /// Everything that is counted of the order: for each measure, cell, facility, currency, reason and bucket one count at most.
    pub fn counts(&self) -> Vec<Count> {
        let mut counting = Counting(BTreeMap::new());
        let order = &self.order;
        counting.placed(order);
        counting.stages(order);
        counting.fill(order, &self.lines);
        counting.promised(order);
        self.fulfillments.iter().for_each(|fact| counting.fulfillment(fact));
        counting.releases(order, &self.lines);
        self.count_shipments(&mut counting);
        self.count_waits(&mut counting);
        self.count_cancellations(&mut counting);
        self.count_deliveries(&mut counting);
        counting.balances(order);
        self.money.iter().for_each(|fact| counting.money(fact, order.currency));
        counting.done()
    }

    fn count_shipments(&self, counting: &mut Counting) {
        let Some(first_at) = self.order.shipped_at else { return };
        counting.one(ShippedOrders, first_at);
        counting.add(Shipments, first_at, self.order.shipments);
        if self.order.facilities_shipped > 1 {
            counting.one(SplitOrders, first_at);
            if self.order.one_facility_had_all {
                counting.one(AvoidableSplits, first_at);
            }
        }
        for shipment in &self.shipments {
            let of = Of { facility_id: shipment.facility_id.as_ref(), currency: Some(self.order.currency), reason: "" };
            counting.put(ShippedValue, shipment.at, of, shipment.amount_minor);
        }
    }

    fn count_waits(&self, counting: &mut Counting) {
        for wait in &self.waits {
            let Some(filled_at) = wait.filled_at else {
                counting.add(BackorderedUnits, wait.since, wait.units);
                continue;
            };
            counting.time(BackorderTime, wait.since, filled_at, None);
            if let Some(promised) = self.order.promised_date {
                counting.add(DatedBackorders, filled_at, wait.units);
                if filled_at < end_of(promised) {
                    counting.add(PunctualBackorders, filled_at, wait.units);
                }
            }
        }
    }

    fn count_cancellations(&self, counting: &mut Counting) {
        for gone in &self.cancelled {
            let units: u64 = gone.line_units.values().map(|units| u64::from(*units)).sum();
            let reason = format!("{}.{}", gone.stage, if gone.by_request { "request" } else { "house" });
            counting.put(CancelledUnits, self.order.placed_at, Of { reason: &reason, ..Of::default() }, whole(units));
        }
        for asked in &self.cancellations_asked {
            counting.add(CancellationUnitsAsked, asked.at, asked.asked);
            counting.add(CancellationUnitsDone, asked.at, asked.done);
        }
    }

    /// What came back is taken from what was delivered first.
    fn count_deliveries(&self, counting: &mut Counting) {
        let mut back: BTreeMap<_, u64> = self.lines.iter().map(|line| (&line.line_id, line.units_returned)).collect();
        let mut deliveries: Vec<_> = self.deliveries.iter().collect();
        deliveries.sort_by_key(|delivery| delivery.at);
        for delivery in deliveries {
            let of = Of { facility_id: delivery.facility_id.as_ref(), ..Of::default() };
            counting.put(DeliveredUnits, delivery.at, of, whole(delivery.units));
            let left = back.entry(&delivery.line_id).or_default();
            let returned = (*left).min(delivery.units);
            *left -= returned;
            if returned > 0 {
                counting.put(ReturnedUnits, delivery.at, of, whole(returned));
            }
        }
    }
}

impl Counting {
    fn put(&mut self, measure: Measure, at: Timestamp, of: Of<'_>, sum: i64) {
        self.put_in(measure, at, of, None, sum);
    }

    fn put_in(&mut self, measure: Measure, at: Timestamp, of: Of<'_>, bucket: Option<i16>, sum: i64) {
        let facility_id = of.facility_id.map(ToString::to_string).unwrap_or_default();
        let sums = self.0.entry((measure, cell_of(at), facility_id, of.currency, of.reason.to_owned(), bucket)).or_default();
        sums.n += 1;
        sums.sum += sum;
    }

    fn add(&mut self, measure: Measure, at: Timestamp, sum: u64) {
        self.put(measure, at, Of::default(), whole(sum));
    }

    fn one(&mut self, measure: Measure, at: Timestamp) {
        self.add(measure, at, 1);
    }

    /// Of what has come before it began nothing is counted: a clock was wrong.
    fn time(&mut self, measure: Measure, from: Timestamp, to: Timestamp, facility_id: Option<&FacilityId>) {
        let ms = to.duration_since(from).as_millis().clamp(0, i64::MAX.into());
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        self.put_in(measure, to, Of { facility_id, ..Of::default() }, Some(bucket_of(ms)), ms);
    }

    fn placed(&mut self, order: &OrderFact) {
        let at = order.placed_at;
        self.one(Orders, at);
        self.add(OrderLines, at, order.lines_placed);
        self.add(OrderUnits, at, order.units_placed);
        self.put(OrderValue, at, Of { currency: Some(order.currency), ..Of::default() }, order.value_placed_minor);
    }

    fn stages(&mut self, order: &OrderFact) {
        let reached = [
            (ApprovedOrders, order.approved_at.is_some()),
            (SourcedOrders, order.sourced_at.is_some()),
            (ReleasedOrders, order.released_at.is_some()),
            (PackedOrders, order.packed_at.is_some()),
            (LeftOrders, order.shipped_at.is_some()),
            (DeliveredOrders, order.units_delivered > 0),
        ];
        reached.into_iter().filter(|(_, is_so)| *is_so).for_each(|(measure, _)| self.one(measure, order.placed_at));
        let times = [
            (ApproveTime, Some(order.received_at), order.approved_at),
            (SourceTime, order.sourcing_asked_at, order.sourced_at),
            (CycleTime, Some(order.placed_at), order.shipped_at),
        ];
        for (measure, from, to) in times {
            if let (Some(from), Some(to)) = (from, to) {
                self.time(measure, from, to, None);
            }
        }
    }

    fn fill(&mut self, order: &OrderFact, lines: &[LineFact]) {
        let Some(at) = order.shipped_at.or(order.ended_at) else { return };
        let wanted = |line: &LineFact| line.units_ordered.saturating_sub(line.units_cancelled_by_request);
        let wanted_lines: Vec<_> = lines.iter().filter(|line| wanted(line) > 0).collect();
        if wanted_lines.is_empty() {
            return;
        }
        let filled = |line: &LineFact| line.units_filled.min(wanted(line));
        let whole_lines = wanted_lines.iter().filter(|line| filled(line) == wanted(line)).count();
        self.add(FillableUnits, at, wanted_lines.iter().map(|line| wanted(line)).sum());
        self.add(FilledUnits, at, wanted_lines.iter().map(|line| filled(line)).sum());
        self.add(FillableLines, at, wanted_lines.len() as u64);
        self.add(FilledLines, at, whole_lines as u64);
        self.one(FillableOrders, at);
        if whole_lines == wanted_lines.len() {
            self.one(FilledOrders, at);
        }
    }

    fn promised(&mut self, order: &OrderFact) {
        if let Some(at) = order.delivered_at {
            match order.promised_date {
                None => self.one(UndatedDeliveries, at),
                Some(promised) => {
                    self.one(DatedDeliveries, at);
                    if at < end_of(promised) {
                        self.one(PunctualDeliveries, at);
                    } else {
                        self.time(PromiseSlip, end_of(promised), at, None);
                    }
                }
            }
        }
        let wanted = order.units_ordered.saturating_sub(order.units_cancelled_by_request);
        let Some(at) = order.delivered_at.or(order.ended_at).filter(|_| wanted > 0) else { return };
        let Some(promised) = order.promised_date else { return self.one(UndatedOrders, at) };
        self.one(DatedOrders, at);
        if order.delivered_at.is_some_and(|at| at < end_of(promised)) && order.units_delivered >= wanted {
            self.one(OtifOrders, at);
            if order.units_troubled == 0 && order.units_returned == 0 {
                self.one(PerfectOrders, at);
            }
        }
    }

    fn fulfillment(&mut self, fact: &FulfillmentFact) {
        let facility_id = fact.facility_id.as_ref();
        let of = Of { facility_id, ..Of::default() };
        // What is collected waits for its customer, which says nothing of anybody's work.
        let sent_at = fact.shipped_at.filter(|_| fact.delivery_method != DeliveryMethod::Pickup.as_str());
        let first_word = fact.handed_over_at.or(sent_at);
        let times = [
            (AcceptTime, fact.released_at, fact.accepted_at),
            (PickTime, fact.accepted_at, fact.packed_at),
            (PackTime, fact.packed_at, sent_at),
            (HandOverTime, sent_at, fact.handed_over_at),
            (DeliverTime, first_word, fact.delivered_at),
        ];
        for (measure, from, to) in times {
            if let (Some(from), Some(to)) = (from, to) {
                self.time(measure, from, to, facility_id);
            }
        }
        if let Some(left_at) = fact.shipped_at {
            match fact.ship_by {
                None => self.put(UndatedShipments, left_at, of, 1),
                Some(due) => {
                    self.put(DatedShipments, left_at, of, 1);
                    if left_at <= due {
                        self.put(PunctualShipments, left_at, of, 1);
                    }
                }
            }
        }
        let Some(released_at) = fact.released_at else { return };
        if fact.units_released > 0 {
            self.put(ReleasedUnits, released_at, of, whole(fact.units_released));
        }
        for given in &fact.given_back {
            let measure = if given.is_short_pick { ShortPickedUnits } else { RejectedUnits };
            self.put(measure, released_at, Of { reason: given.reason.name(), ..of }, whole(given.units));
        }
    }

    fn releases(&mut self, order: &OrderFact, lines: &[LineFact]) {
        let Some(at) = order.released_at else { return };
        let once = |line: &LineFact| line.units_released.min(line.units_ordered.max(line.units_shipped).max(line.units_cancelled));
        self.add(UnitReleases, at, lines.iter().map(|line| line.units_released).sum());
        self.add(UnitsReleased, at, lines.iter().map(once).sum());
    }

    fn balances(&mut self, order: &OrderFact) {
        let of = Of { currency: Some(order.currency), ..Of::default() };
        if order.captured_ahead_minor > 0 {
            self.put(CapturedNotShipped, order.placed_at, of, order.captured_ahead_minor);
        }
        if order.captured_ahead_minor < 0 {
            self.put(ShippedNotCaptured, order.placed_at, of, -order.captured_ahead_minor);
        }
        if let (Some(minor), Some(ended_at)) = (order.mismatch_minor, order.ended_at) {
            self.put(LedgerMismatches, ended_at, of, minor.abs());
        }
    }

    fn money(&mut self, fact: &MoneyFact, currency: Currency) {
        let of = Of { currency: Some(currency), ..Of::default() };
        match *fact {
            MoneyFact::Authorization { at, declined } => {
                let reason = declined.unwrap_or("given");
                self.put(AuthorizationsAsked, at, Of { reason, ..Of::default() }, 1);
                if declined.is_none() {
                    self.one(AuthorizationsGiven, at);
                }
            }
            MoneyFact::Captured { at, minor, lag_ms } => {
                self.put(CapturedValue, at, of, minor);
                if let Some(ms) = lag_ms {
                    self.put_in(CaptureLag, at, Of::default(), Some(bucket_of(ms)), ms);
                }
            }
            MoneyFact::Refunded { at, minor } => self.put(RefundedValue, at, of, minor),
            MoneyFact::ReturnRefunded { at, took_ms } => {
                self.put_in(ReturnRefundTime, at, Of::default(), Some(bucket_of(took_ms)), took_ms)
            }
        }
    }

    fn done(self) -> Vec<Count> {
        let count = |((measure, cell, facility_id, currency, reason, bucket), sums): (Key, Sums)| Count {
            measure,
            cell,
            facility_id,
            currency,
            reason,
            bucket,
            n: sums.n,
            sum: sums.sum,
        };
        self.0.into_iter().map(count).collect()
    }
}

/// The first moment after a promised date. Nobody knows the customer's own midnight: it is that of UTC.
fn end_of(date: civil::Date) -> Timestamp {
    let next = date.tomorrow().unwrap_or(date);
    next.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

fn whole(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
