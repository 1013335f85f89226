//! What became of an order, in the store's terms.

use std::collections::BTreeSet;

use oms_allocation::Facility;
use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, Sku},
    order::{Beginning, CoreChange, Event, FulfillmentOrder, Order},
};
use oms_store::{FulfillmentRow, OrderRow, ParcelRow, Record, Recorded, RecordedEvent, StockTarget};
use oms_workflows::contracts::{RecordAnswer, RecordInput, RecordOutcome};

pub(super) fn record_of(input: RecordInput) -> Result<Record, serde_json::Error> {
    let RecordInput { order, events, stock_facts, base, since, beginning, at } = input;
    let beginning = beginning.map(|core| Beginning { core: *core, policy: order.policy.clone() });
    let planning = order.sourcing.asked > order.sourcing.answered;
    let events: Vec<_> = events.into_iter().map(|e| RecordedEvent { seq: e.seq, kind: e.kind, at: e.at, data: e.data, by: e.by }).collect();
    let again = if planning { waiting_ended(&events) } else { Vec::new() };
    let row = |found: &FulfillmentOrder| {
        let planned_again = again.contains(&found.fulfillment_order_id);
        FulfillmentRow { planned_again, ..fulfillment_row(&order, found) }
    };
    let fulfillment_orders = order.changed_since(since).map(row).collect();
    let row = order_row(&order, since, &events, at);
    Ok(Record {
        order_id: order.core.order_id.clone(),
        base,
        version: order.version,
        beginning: beginning.map(serde_json::to_value).transpose()?,
        events,
        commands: order.commands.since(base).cloned().collect(),
        row,
        fulfillment_orders,
        stock: order.stock_targets_since(since).into_iter().map(stock_target).collect(),
        grants_seen: order.grants_seen_since(since),
        stock_facts,
        planning,
        closed: order.status.is_final(),
        doc: serde_json::to_value(&order)?,
    })
}

/// Fulfillment orders that wait no longer, since their units are looked for anew.
fn waiting_ended(events: &[RecordedEvent]) -> Vec<FulfillmentOrderId> {
    let ended = events.iter().filter_map(|event| match serde_json::from_value(event.data.clone()) {
        Ok(Event::WaitingEnded { fulfillment_order_id }) => Some(fulfillment_order_id),
        Ok(_) | Err(_) => None,
    });
    ended.collect()
}

/// A facility that is full so many working days ahead takes what is released to it on the last of them.
const CAPACITY_HORIZON_DAYS: usize = 10;

/// Whether something in it is with a facility's queue, where it needs a token of the facility's capacity.
pub(super) fn releases(record: &Record) -> bool {
    record.fulfillment_orders.iter().any(is_released)
}

fn is_released(row: &FulfillmentRow) -> bool {
    row.status == FulfillmentStatus::Released.name()
}

/// Says until when each released one must ship, where no plan has; and on which days it could, where that is limited.
pub(super) fn name_ship_days(record: &mut Record, facilities: &[Facility], at: jiff::Timestamp) {
    for row in record.fulfillment_orders.iter_mut().filter(|row| is_released(row)) {
        let of = row.facility_id.as_ref().and_then(|id| facilities.iter().find(|facility| facility.facility_id == id.as_str()));
        let Some(facility) = of else { continue };
        let days = oms_allocation::ship_days(facility, at, CAPACITY_HORIZON_DAYS);
        // What came to it without a plan of its own leaves as soon as it can.
        let soonest = days.first().and_then(|day| oms_allocation::ship_by(facility, (*day, *day), None));
        row.ship_by = row.ship_by.or(soonest);
        if facility.daily_order_capacity.is_some() {
            row.ship_days = days;
        }
    }
}

fn stock_target(target: oms_domain::order::StockTarget) -> StockTarget {
    StockTarget {
        fulfillment_order_id: target.fulfillment_order_id,
        line_id: target.line_id,
        facility_id: target.facility_id,
        sku: target.sku,
        allocated: target.allocated,
        consumed: target.consumed,
        waiting: target.waiting,
        only_at: target.only_at.into_iter().collect(),
    }
}

/// What the workflow is told of it, with the digest of what it sent.
pub(super) fn answer(recorded: Recorded, version: u64, digest: String) -> RecordAnswer {
    let (outcome, version) = match recorded {
        Recorded::Appended { .. } => (RecordOutcome::Appended, version),
        Recorded::Same { stored_version } => (RecordOutcome::Same, stored_version),
        Recorded::Other { stored_version } => (RecordOutcome::Other, stored_version),
        Recorded::Behind { stored_version } => (RecordOutcome::Behind, stored_version),
    };
    RecordAnswer { outcome, version, digest }
}

/// A second writer, restored books and a deficit are facts that someone may want to see.
pub(super) fn note(id: &str, version: u64, recorded: Recorded) {
    match recorded {
        Recorded::Appended { deficit_units: 0 } | Recorded::Same { .. } => {}
        Recorded::Appended { deficit_units } => {
            tracing::warn!(record.of = id, stock.deficit_units = deficit_units, "recorded units beyond what was there");
        }
        Recorded::Other { stored_version } => {
            tracing::warn!(record.of = id, record.version = version, stored_version, "somebody else has recorded: their record is adopted");
        }
        Recorded::Behind { stored_version } => {
            tracing::error!(record.of = id, record.version = version, stored_version, "the books are older than what they had recorded");
        }
    }
}

/// SKUs that the order has units of which are not cancelled.
fn skus_in(order: &Order) -> BTreeSet<&Sku> {
    let with_units = order.lines.iter().filter(|(_, line)| line.ordered > line.cancelled);
    with_units.filter_map(|(id, _)| Some(&order.core_line(id)?.sku)).collect()
}

/// SKUs that the order is to be found by from now on.
fn new_skus(order: &Order, since: u64) -> Vec<Sku> {
    let skus: BTreeSet<Sku> = if since == 0 {
        order.core.lines.iter().map(|line| line.sku.clone()).collect()
    } else {
        let (there, changes) = (skus_in(order), order.changes.iter().flat_map(|set| &set.changes));
        let more = |change: &CoreChange| match change {
            CoreChange::Increase { line_id, .. } => order.core_line(line_id).map(|line| line.sku.clone()),
            other => other.new_line().map(|line| line.sku.clone()),
        };
        changes.filter_map(more).filter(|sku| there.contains(sku)).collect()
    };
    skus.into_iter().collect()
}

/// SKUs that these events have taken out of it. An order that has ended is still found by what it was about.
fn gone_skus(order: &Order, events: &[RecordedEvent]) -> Vec<Sku> {
    let takes = |event: &RecordedEvent| {
        matches!(serde_json::from_value(event.data.clone()), Ok(Event::UnitsRemoved { .. } | Event::UnitsCancelled { .. }))
    };
    if order.status.is_final() || !events.iter().any(takes) {
        return Vec::new();
    }
    let all: BTreeSet<&Sku> = order.core.lines.iter().map(|line| &line.sku).collect();
    all.difference(&skus_in(order)).copied().cloned().collect()
}

fn order_row(order: &Order, since: u64, events: &[RecordedEvent], at: jiff::Timestamp) -> OrderRow {
    OrderRow {
        status: order.status.name().to_owned(),
        channel: order.core.channel.clone(),
        customer_id: order.core.customer_id.clone(),
        currency: order.core.currency,
        total_minor: order.total_minor(),
        placed_at: order.core.placed_at,
        updated_at: at,
        needs_attention: !order.attention.is_empty(),
        hold_reasons: order.holds.iter().map(|hold| hold.reason.name().to_owned()).collect(),
        next_wait_at: order.next_wait_at(at),
        skus: new_skus(order, since),
        gone_skus: gone_skus(order, events),
    }
}

fn fulfillment_row(order: &Order, found: &FulfillmentOrder) -> FulfillmentRow {
    let group = order.core.groups.get(usize::from(found.group));
    FulfillmentRow {
        fulfillment_order_id: found.fulfillment_order_id.clone(),
        facility_id: found.facility_id.clone(),
        status: found.shown_status().to_owned(),
        delivery_method: group.map_or(oms_domain::placed::DeliveryMethod::Standard, |group| group.method),
        ship_by: found.ship_by,
        updated_at: found.since,
        ship_days: Vec::new(),
        planned_again: false,
        parcels: found
            .parcels
            .iter()
            .map(|parcel| ParcelRow {
                parcel_id: parcel.parcel_id.clone(),
                carrier: parcel.carrier.clone(),
                tracking_number: parcel.tracking_number.clone(),
                status: parcel.status.name().to_owned(),
            })
            .collect(),
    }
}
