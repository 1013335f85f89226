//! From a plan to what an order is asked to exchange: only what changes its place moves.

use std::collections::BTreeMap;

use oms_allocation::{Exchange, Package, PackageLine, Plan, UnitsAt};
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId},
    order::{Lines, Order, Reallocation},
};

/// Units by facility and line.
type Placed = BTreeMap<(FacilityId, LineId), u32>;

/// The packages it has now, one for each facility.
pub(super) fn packages(order: &Order) -> Vec<Package> {
    let mut by_facility: BTreeMap<FacilityId, Vec<PackageLine>> = BTreeMap::new();
    for ((facility_id, line_id), units) in placed(order) {
        by_facility.entry(facility_id).or_default().push(PackageLine { line_id: line_id.into(), quantity: units.into() });
    }
    let package = |(facility_id, lines): (FacilityId, _)| Package { facility_id: facility_id.into(), cost_milli: 0, lines, parts: None };
    by_facility.into_iter().map(package).collect()
}

fn placed(order: &Order) -> Placed {
    let mut placed = Placed::new();
    for found in order.unreleased() {
        let Some(facility_id) = &found.facility_id else { continue };
        for (line_id, units) in &found.lines {
            *placed.entry((facility_id.clone(), line_id.clone())).or_default() += units;
        }
    }
    placed
}

/// What leaves where there is more than planned, and arrives where there is less. None: the plan is of other units.
pub(super) fn reallocation(order: &Order, plan: &Plan, pool_id: &str) -> Option<Reallocation> {
    let (had, mut arriving) = (placed(order), BTreeMap::<FacilityId, Lines>::new());
    let mut surplus = had.clone();
    for package in &plan.packages {
        let facility_id = FacilityId::parse(&package.facility_id).ok()?;
        for line in &package.lines {
            let place = (facility_id.clone(), LineId::parse(&line.line_id).ok()?);
            let units = u32::try_from(line.quantity).ok()?;
            let stays = had.get(&place).copied().unwrap_or(0).min(units);
            surplus.entry(place.clone()).and_modify(|left| *left -= stays);
            if units > stays {
                arriving.entry(facility_id.clone()).or_default().insert(place.1, units - stays);
            }
        }
    }
    Some(Reallocation { pool_id: pool_id.to_owned(), leaving: leaving(order, surplus), arriving })
}

/// Takes the surplus out of fulfillment orders, the first first.
fn leaving(order: &Order, mut surplus: Placed) -> BTreeMap<FulfillmentOrderId, Lines> {
    let mut leaving = BTreeMap::<FulfillmentOrderId, Lines>::new();
    for found in order.unreleased() {
        let Some(facility_id) = &found.facility_id else { continue };
        for (line_id, units) in &found.lines {
            let Some(left) = surplus.get_mut(&(facility_id.clone(), line_id.clone())) else { continue };
            let taken = (*left).min(*units);
            *left -= taken;
            if taken > 0 {
                leaving.entry(found.fulfillment_order_id.clone()).or_default().insert(line_id.clone(), taken);
            }
        }
    }
    leaving
}

/// The same as units of SKUs, for the sequence of the pool's moves.
pub(super) fn exchange(order: &Order, asked: &Reallocation) -> Exchange {
    let facility = |id: &FulfillmentOrderId| order.fulfillment_order(id)?.facility_id.clone();
    let gives = asked.leaving.iter().filter_map(|(id, lines)| Some((facility(id)?, lines)));
    let takes = asked.arriving.iter().map(|(facility_id, lines)| (facility_id.clone(), lines));
    Exchange { takes: units_at(order, takes), gives: units_at(order, gives) }
}

fn units_at<'a>(order: &Order, parts: impl Iterator<Item = (FacilityId, &'a Lines)>) -> UnitsAt {
    let mut units_at = UnitsAt::new();
    for (facility_id, lines) in parts {
        for (line_id, units) in lines {
            if let Some(line) = order.core_line(line_id) {
                *units_at.entry((facility_id.to_string(), line.sku.to_string())).or_default() += i64::from(*units);
            }
        }
    }
    units_at
}
