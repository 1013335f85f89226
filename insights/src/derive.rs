//! From an order's events to its facts: the order is followed as the rules follow it, and at each event that is counted something is noted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, LineId, RefundId, ReturnId},
    order::{Beginning, Event, LineState, Lines, Order},
};

use crate::{
    facts::{AskedCancellation, CancelledUnits, Delivery, FulfillmentFact, LineFact, MoneyFact, OrderFact, OrderFacts, Shipment, WaitFact},
    notes::units_of,
};

/// The facts of an order that began so and met these events, each with its time, in their order.
pub fn facts(beginning: Beginning, events: impl IntoIterator<Item = (Event, Timestamp)>) -> OrderFacts {
    let mut following = Following::new(Order::new(beginning.core, beginning.policy));
    for (event, at) in events {
        following.step(&event, at);
    }
    following.end()
}

/// An order on its way, and what was noted so far.
pub(crate) struct Following {
    pub(crate) order: Order,
    pub(crate) placed: (u64, u64, i64),
    pub(crate) times: StageTimes,
    pub(crate) fulfillments: BTreeMap<FulfillmentOrderId, FulfillmentFact>,
    pub(crate) shipments: Vec<Shipment>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) waits: Vec<WaitFact>,
    pub(crate) backordered: BTreeMap<LineId, u64>,
    pub(crate) released: BTreeMap<LineId, u64>,
    pub(crate) given_back: BTreeMap<LineId, u64>,
    pub(crate) cancelled: Vec<CancelledUnits>,
    /// A facility has just agreed: what is cancelled next is what it was asked for.
    pub(crate) has_agreed: bool,
    pub(crate) money: Vec<MoneyFact>,
    pub(crate) last_capture_at: Option<Timestamp>,
    pub(crate) returns_opened: BTreeMap<ReturnId, Timestamp>,
    pub(crate) refunds_done: BTreeSet<RefundId>,
    pub(crate) refunded_minor: i64,
}

#[derive(Default)]
pub(crate) struct StageTimes {
    pub(crate) sourcing_asked_at: Option<Timestamp>,
    pub(crate) approved_at: Option<Timestamp>,
    pub(crate) sourced_at: Option<Timestamp>,
    pub(crate) released_at: Option<Timestamp>,
    pub(crate) packed_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) last_at: Option<Timestamp>,
}

impl Following {
    fn new(order: Order) -> Self {
        Self {
            order,
            placed: (0, 0, 0),
            times: StageTimes::default(),
            fulfillments: BTreeMap::new(),
            shipments: Vec::new(),
            deliveries: Vec::new(),
            waits: Vec::new(),
            backordered: BTreeMap::new(),
            released: BTreeMap::new(),
            given_back: BTreeMap::new(),
            cancelled: Vec::new(),
            has_agreed: false,
            money: Vec::new(),
            last_capture_at: None,
            returns_opened: BTreeMap::new(),
            refunds_done: BTreeSet::new(),
            refunded_minor: 0,
        }
    }

    /// What an event is about is told from the order before it, and what it led to from the order after it.
    fn step(&mut self, event: &Event, at: Timestamp) {
        self.note_before(event, at);
        self.order.evolve(event, at);
        self.note_after(event, at);
        self.times.last_at = Some(at);
    }

    pub(crate) fn fact(&mut self, id: &FulfillmentOrderId) -> Option<&mut FulfillmentFact> {
        if !self.fulfillments.contains_key(id) {
            let found = self.order.fulfillment_order(id)?;
            let fact = FulfillmentFact::of(&self.order, found);
            self.fulfillments.insert(id.clone(), fact);
        }
        self.fulfillments.get_mut(id)
    }

    fn end(mut self) -> OrderFacts {
        let order = self.order_fact();
        let ids: Vec<FulfillmentOrderId> = self.order.fulfillment_orders.iter().map(|found| found.fulfillment_order_id.clone()).collect();
        ids.iter().for_each(|id| {
            self.fact(id);
        });
        let lines = self.line_facts();
        for found in &self.order.fulfillment_orders {
            if let Some(fact) = self.fulfillments.get_mut(&found.fulfillment_order_id) {
                fact.catch_up(found);
            }
        }
        let cancellation = |known: &oms_domain::order::Cancellation| AskedCancellation {
            at: known.at,
            asked: units_of(&known.cancelled) + units_of(&known.requested) + units_of(&known.too_late),
            done: units_of(&known.cancelled),
        };
        OrderFacts {
            order,
            lines,
            fulfillments: self.fulfillments.into_values().collect(),
            cancellations_asked: self.order.cancellations.iter().map(cancellation).collect(),
            shipments: self.shipments,
            deliveries: self.deliveries,
            waits: self.waits,
            cancelled: self.cancelled,
            money: self.money,
        }
    }

    fn order_fact(&self) -> OrderFact {
        let (order, times) = (&self.order, &self.times);
        let units = order.all_units();
        let (lines_placed, units_placed, value_placed_minor) = self.placed;
        let sum = |of: &BTreeMap<LineId, u64>| of.values().sum::<u64>();
        let claimed: u64 = order.claims.iter().map(|claim| units_of(&claim.lines)).sum();
        let facilities: BTreeSet<_> = self.shipments.iter().filter_map(|shipment| shipment.facility_id.as_ref()).collect();
        let captured_minor: i64 = order.payments.iter().map(|payment| payment.captured_minor()).sum();
        let being_captured: i64 = order.payments.iter().map(|payment| payment.charged_minor() - payment.captured_minor()).sum();
        let is_settled = units.unfinished() == 0;
        let mismatch_minor = order.uncaptured_minor();
        OrderFact {
            order_id: order.core.order_id.clone(),
            version: order.version,
            channel: order.core.channel.clone(),
            currency: order.core.currency,
            status: order.status,
            placed_at: order.core.placed_at,
            received_at: order.core.received_at,
            promised_date: order.core.requested_delivery_date,
            lines_placed,
            units_placed,
            value_placed_minor,
            sourcing_asked_at: times.sourcing_asked_at,
            approved_at: times.approved_at,
            sourced_at: times.sourced_at,
            released_at: times.released_at,
            packed_at: times.packed_at,
            shipped_at: self.shipments.first().map(|shipment| shipment.at),
            delivered_at: self.deliveries.iter().map(|delivery| delivery.at).max().filter(|_| is_settled),
            ended_at: times.ended_at,
            units_ordered: units.ordered,
            units_cancelled: units.cancelled,
            units_cancelled_by_request: self.cancelled.iter().filter(|gone| gone.by_request).map(|gone| units_of(&gone.line_units)).sum(),
            units_delivered: units.delivered + units.picked_up,
            units_returned: units.returned,
            shipments: self.shipments.len() as u64,
            facilities_shipped: facilities.len() as u64,
            one_facility_had_all: false,
            units_troubled: sum(&self.given_back) + units.lost + units.sent_back + units.replaced + claimed,
            shipped_minor: self.shipments.iter().map(|shipment| shipment.amount_minor).sum(),
            captured_minor,
            refunded_minor: self.refunded_minor,
            captured_ahead_minor: 0 - order.uncaptured_minor() - being_captured,
            mismatch_minor: Some(mismatch_minor).filter(|minor| *minor != 0 && order.is_closed()),
        }
    }

    fn line_facts(&self) -> Vec<LineFact> {
        let units = self.order.units();
        let first = self.shipments.first().filter(|shipment| shipment.is_punctual);
        let fact = |(id, state): (&LineId, &LineState)| {
            let core = self.order.core_line(id)?;
            let counted = units.get(id)?;
            let by_request = self.cancelled.iter().filter(|gone| gone.by_request).filter_map(|gone| gone.line_units.get(id));
            Some(LineFact {
                order_id: self.order.core.order_id.clone(),
                line_id: id.clone(),
                sku: core.sku.clone(),
                units_ordered: counted.ordered,
                units_cancelled: counted.cancelled,
                units_cancelled_by_request: by_request.map(|units| u64::from(*units)).sum(),
                units_filled: first.and_then(|shipment| shipment.lines.get(id)).map_or(0, |units| u64::from(*units)),
                units_shipped: counted.shipped,
                units_delivered: counted.delivered + counted.picked_up,
                units_returned: counted.returned,
                units_released: self.released.get(id).copied().unwrap_or(0),
                units_given_back: self.given_back.get(id).copied().unwrap_or(0),
                units_backordered: self.backordered.get(id).copied().unwrap_or(0),
                due_minor: state.due_minor,
            })
        };
        self.order.lines.iter().filter_map(fact).collect()
    }

    pub(crate) fn status_of(&self, id: &FulfillmentOrderId) -> Option<FulfillmentStatus> {
        self.order.fulfillment_order(id).map(|found| found.status)
    }

    pub(crate) fn lines_of(&self, id: &FulfillmentOrderId) -> Lines {
        self.order.fulfillment_order(id).map(|found| found.lines.clone()).unwrap_or_default()
    }
}
