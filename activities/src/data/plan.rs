//! Plans a round of sourcing: the units of an order, by where and when they go, against what is available.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use oms_allocation::{
    Decision, Destination, Facility, Invalid, LineToSource, Options, OrderToSource, Outlook, Rules, Service, StockLevel, build_problem,
};
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId, Sku},
    order::{Lines, Reallocation, SourceRequest, SourcedPackage, SourcingAnswer, WaitingPackage},
    placed::{self, DeliveryMethod, PlacedLine, PlacedOrder},
};
use oms_store::Exclusion;

/// What a plan is made from.
pub(crate) struct Planner<'a> {
    pub order: &'a PlacedOrder,
    pub request: &'a SourceRequest,
    pub facilities: &'a [Facility],
    pub weights_g: &'a BTreeMap<Sku, u32>,
    pub rules: &'a Rules,
    /// Facilities that gave a line back and are not offered it again yet.
    pub exclusions: &'a [Exclusion],
    /// SKUs of which checkout was held some: their units do not wait for a better plan, as somebody has been told that they are there.
    pub held: BTreeSet<Sku>,
    /// The delivery date that checkout was promised, if the order names a promise.
    pub promised: Option<Date>,
    pub at: Timestamp,
}

/// A plan: where units go, and why.
pub(super) struct Planned {
    pub answer: SourcingAnswer,
    pub decisions: Vec<Decision>,
    /// What the plan leaves to others.
    pub left: Vec<StockLevel>,
}

impl Planned {
    /// Nothing is reserved, and nothing waits. Written down like any other plan, so that a repeat of its step does not answer otherwise.
    pub(super) fn nothing(request: &SourceRequest) -> Self {
        Self { answer: SourcingAnswer { round: request.round, packages: vec![], waiting: vec![] }, decisions: vec![], left: vec![] }
    }

    /// The explanation as it is kept.
    pub(super) fn briefly(&self) -> Vec<Decision> {
        self.decisions.iter().cloned().map(Decision::brief).collect()
    }

    /// There is something to explain.
    pub(super) fn decided(&self) -> bool {
        !self.decisions.is_empty()
    }

    /// Says which prices of stock it was planned by.
    pub(super) fn name_prices(&mut self, version: Option<String>) {
        for decision in &mut self.decisions {
            decision.stock_prices_version = version.clone();
        }
    }
}

/// Lines that travel alike: to the same place, by the same method, not before the same time.
type Batch<'a> = (Journey, Vec<(&'a PlacedLine, u32)>);

/// The delivery group, and the time before which nothing leaves.
type Journey = (u16, Option<Timestamp>);

impl Planner<'_> {
    /// Plans every batch, each against what the ones before left.
    pub(super) fn plan(&self, mut stock: Vec<StockLevel>) -> Result<Planned, Invalid> {
        let mut number = self.request.first_number;
        let mut planned = Planned::nothing(self.request);
        for ((group, _), lines) in self.batches() {
            let decision =
                build_problem(&self.to_source(group, &lines), self.facilities, &stock, self.rules, self.at)?.decide(Options::default());
            self.take(&decision, group, &lines, &mut number, &mut planned.answer, &mut stock);
            planned.decisions.push(decision);
        }
        planned.left = stock;
        Ok(planned)
    }

    /// The units as one problem. None: they do not all travel alike, and are none to be decided together.
    pub(crate) fn alike(&self) -> Option<OrderToSource> {
        let [((group, _), lines)] = &self.batches()[..] else { return None };
        Some(self.to_source(*group, lines))
    }

    /// Plans exactly what a pool has decided, or nothing, when the rules do not let it any more.
    pub(super) fn exactly(&self, asked: &Reallocation, stock: &[StockLevel]) -> Result<Planned, Invalid> {
        let [((group, _), lines)] = &self.batches()[..] else { return Ok(Planned::nothing(self.request)) };
        let sourcing = build_problem(&self.to_source(*group, lines), self.facilities, stock, self.rules, self.at)?;
        let arriving = asked.arriving.iter().flat_map(|(id, lines)| lines.iter().map(move |(line, units)| (id, line, i64::from(*units))));
        let Some(mut decision) = sourcing.explain(arriving.map(|(id, line, units)| (id.as_str(), line.as_str(), units))) else {
            return Ok(Planned::nothing(self.request));
        };
        decision.pool_id = Some(asked.pool_id.clone());
        let mut number = self.request.first_number;
        let package = |(facility_id, lines): (&FacilityId, &Lines)| SourcedPackage {
            fulfillment_order_id: self.next(&mut number),
            facility_id: facility_id.clone(),
            group: *group,
            lines: lines.clone(),
            ship_by: sourcing.outlook(facility_id.as_str()).and_then(|outlook| self.ship_by(facility_id.as_str(), outlook)),
        };
        let packages = asked.arriving.iter().map(package).collect();
        let answer = SourcingAnswer { round: self.request.round, packages, waiting: vec![] };
        Ok(Planned { answer, decisions: vec![decision], left: vec![] })
    }

    pub(super) fn batches(&self) -> Vec<Batch<'_>> {
        let mut batches: BTreeMap<Journey, Vec<(&PlacedLine, u32)>> = BTreeMap::new();
        for line in &self.order.lines {
            if let Some(units) = self.request.lines.get(&line.line_id) {
                batches.entry((line.delivery_group, line.fulfill_at)).or_default().push((line, *units));
            }
        }
        batches.into_iter().collect()
    }

    pub(super) fn to_source(&self, group: u16, lines: &[(&PlacedLine, u32)]) -> OrderToSource {
        let delivery = self.order.delivery_groups.get(usize::from(group));
        let (address, pickup_facility_id) = match delivery.map(|d| &d.destination) {
            Some(placed::Destination::Address(address)) => (Some(address), None),
            Some(placed::Destination::Pickup { facility_id, address }) => (address.as_ref(), Some(facility_id.to_string())),
            None => (None, None),
        };
        OrderToSource {
            order_id: self.order.order_id.to_string(),
            channel: self.order.channel.clone(),
            destination: Destination {
                country: address.map(|a| a.country.clone()).unwrap_or_default(),
                position: address
                    .and_then(|a| a.position)
                    .map(|p| oms_allocation::Position { latitude: p.latitude, longitude: p.longitude }),
            },
            service: match delivery.map(|d| d.method) {
                Some(DeliveryMethod::Express) => Service::Express,
                Some(DeliveryMethod::Standard | DeliveryMethod::Pickup) | None => Service::Standard,
            },
            pickup_facility_id,
            requested_delivery_date: self.wanted_by(),
            allow_split: self.order.allow_split,
            packages_already: i64::from(self.request.packages_already),
            open_packages: self.request.joinable.iter().map(ToString::to_string).collect(),
            lines: lines.iter().map(|(line, units)| self.line(line, *units)).collect(),
        }
    }

    /// The date that was asked for or promised.
    fn wanted_by(&self) -> Option<Date> {
        self.order.requested_delivery_date.or(self.promised)
    }

    fn ship_by(&self, facility_id: &str, outlook: &Outlook) -> Option<Timestamp> {
        let facility = self.facilities.iter().find(|facility| facility.facility_id == facility_id)?;
        oms_allocation::ship_by(facility, (outlook.ship_date, outlook.delivery_date), self.wanted_by())
    }

    fn line(&self, line: &PlacedLine, units: u32) -> LineToSource {
        let mut rejected_by = self.excluded(&line.line_id);
        if let Some(wanted) = self.request.wanted.get(&line.line_id) {
            // A person has said where: nowhere else, and there even if it once gave the line back.
            rejected_by = self.facilities.iter().map(|f| f.facility_id.clone()).filter(|id| id != wanted.as_str()).collect();
        }
        LineToSource {
            line_id: line.line_id.to_string(),
            sku: line.sku.to_string(),
            category: None,
            quantity: i64::from(units),
            unit_weight_g: self.weights_g.get(&line.sku).copied().map_or(0, i64::from),
            unfilled_penalty_minor: (self.at < self.request.may_wait_until && !self.held.contains(&line.sku))
                .then(|| line.unfilled_penalty_minor.unwrap_or(line.unit_price_minor)),
            rejected_by,
        }
    }

    fn excluded(&self, line_id: &LineId) -> Vec<String> {
        self.exclusions.iter().filter(|excluded| excluded.line_id == *line_id).map(|excluded| excluded.facility_id.to_string()).collect()
    }

    /// Turns a decision into packages and waiting units, and takes what it uses out of the stock.
    fn take(
        &self,
        decision: &Decision,
        group: u16,
        lines: &[(&PlacedLine, u32)],
        number: &mut u32,
        answer: &mut SourcingAnswer,
        stock: &mut [StockLevel],
    ) {
        let mut left: BTreeMap<&str, (&PlacedLine, u32)> =
            lines.iter().map(|(line, units)| (line.line_id.as_str(), (*line, *units))).collect();
        for package in &decision.packages {
            let mut taken: BTreeMap<LineId, u32> = BTreeMap::new();
            for part in &package.lines {
                let (Some((line, rest)), Ok(units)) = (left.get_mut(part.line_id.as_str()), u32::try_from(part.quantity)) else { continue };
                *rest -= units;
                taken.insert(line.line_id.clone(), units);
                if let Some(level) = stock.iter_mut().find(|s| s.facility_id == package.facility_id && s.sku == line.sku.as_str()) {
                    level.available -= i64::from(units);
                }
            }
            let Ok(facility_id) = package.facility_id.parse() else { continue };
            let ship_by = self.ship_by(&package.facility_id, &package.outlook);
            answer.packages.push(SourcedPackage { fulfillment_order_id: self.next(number), facility_id, group, lines: taken, ship_by });
        }
        for on_purpose in [false, true] {
            let waits = |line: &PlacedLine| self.could_be_filled(decision, line, stock) == on_purpose;
            let lines = left.values().filter(|(line, units)| *units > 0 && waits(line)).map(|(line, units)| (line.line_id.clone(), *units));
            let lines: BTreeMap<LineId, u32> = lines.collect();
            if !lines.is_empty() {
                let (fulfillment_order_id, whole) = (self.next(number), !self.order.allow_split);
                answer.waiting.push(WaitingPackage { fulfillment_order_id, group, lines, whole, on_purpose });
            }
        }
    }

    /// Whether a facility that may ship the line still has some of it, so that what waits of it waits on purpose.
    fn could_be_filled(&self, decision: &Decision, line: &PlacedLine, stock: &[StockLevel]) -> bool {
        let sku = line.sku.as_str();
        let eligible = |facility_id: &str| decision.problem.availability.iter().any(|s| s.sku == sku && s.facility_id == facility_id);
        self.at < self.request.may_wait_until && stock.iter().any(|s| s.sku == sku && s.available > 0 && eligible(&s.facility_id))
    }

    fn next(&self, number: &mut u32) -> FulfillmentOrderId {
        let id = FulfillmentOrderId::of(&self.order.order_id, *number);
        *number += 1;
        id
    }
}
