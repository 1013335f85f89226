//! What the events of one order come to: when it reached each of its stages, where its units went, and what became of its money. Nothing that
//! names its customer.

use jiff::{Timestamp, civil::Date};
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId, OrderId, Sku},
    money::Currency,
    order::{OrderStatus, RejectionReason},
};
use serde::Serialize;

/// Everything that is counted of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderFacts {
    pub order: OrderFact,
    pub fulfillments: Vec<FulfillmentFact>,
    pub lines: Vec<LineFact>,
    /// Handed out and not taken back, in that order: each of one fulfillment order.
    pub(crate) shipments: Vec<Shipment>,
    pub deliveries: Vec<Delivery>,
    pub waits: Vec<WaitFact>,
    pub cancelled: Vec<CancelledUnits>,
    pub(crate) cancellations_asked: Vec<AskedCancellation>,
    pub(crate) money: Vec<MoneyFact>,
}

impl OrderFacts {
    /// What no event says, and the decision where its units come from does: whether one facility had all of them, and time for them.
    pub fn decided(mut self, one_facility_had_all: bool) -> Self {
        self.order.one_facility_had_all = one_facility_had_all;
        self
    }
}

/// The order as a whole; a row of the table of orders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrderFact {
    pub order_id: OrderId,
    /// The last event's number.
    pub version: u64,
    pub channel: String,
    pub currency: Currency,
    pub status: OrderStatus,
    pub placed_at: Timestamp,
    pub received_at: Timestamp,
    pub promised_date: Option<Date>,
    pub lines_placed: u64,
    pub units_placed: u64,
    pub value_placed_minor: i64,
    pub sourcing_asked_at: Option<Timestamp>,
    pub approved_at: Option<Timestamp>,
    pub sourced_at: Option<Timestamp>,
    pub released_at: Option<Timestamp>,
    pub packed_at: Option<Timestamp>,
    pub shipped_at: Option<Timestamp>,
    /// When the last units reached the customer, once nothing is under way any more.
    pub delivered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub units_ordered: u64,
    /// Of those: cancelled since somebody asked for it.
    pub units_cancelled_by_request: u64,
    pub units_cancelled: u64,
    pub units_delivered: u64,
    pub units_returned: u64,
    pub shipments: u64,
    pub facilities_shipped: u64,
    /// When it was first decided where its units come from, a facility had all of them, and time for them.
    pub one_facility_had_all: bool,
    /// Units that a facility gave back, were lost, sent back or claimed.
    pub units_troubled: u64,
    pub shipped_minor: i64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    /// Captured beyond what left; less than nothing: left, and not captured.
    pub captured_ahead_minor: i64,
    /// By how much a closed order does not add up.
    pub mismatch_minor: Option<i64>,
}

/// A fulfillment order, and how it went; a row of its table. Each time is the first of its kind, but for leaving, which may be taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FulfillmentFact {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub order_id: OrderId,
    /// The last that had it.
    pub facility_id: Option<FacilityId>,
    pub status: &'static str,
    pub delivery_method: &'static str,
    pub units: u64,
    pub ship_by: Option<Timestamp>,
    pub released_at: Option<Timestamp>,
    pub accepted_at: Option<Timestamp>,
    pub picking_at: Option<Timestamp>,
    pub packed_at: Option<Timestamp>,
    pub shipped_at: Option<Timestamp>,
    pub handed_over_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub units_released: u64,
    pub units_given_back: u64,
    pub shipped_minor: i64,
    #[serde(skip)]
    pub given_back: Vec<GivenBack>,
    /// When the last of the parcels was delivered that were so far.
    #[serde(skip)]
    pub(crate) last_parcel_at: Option<Timestamp>,
}

/// Units that a facility gave back.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenBack {
    pub reason: RejectionReason,
    /// It had begun to pick.
    pub is_short_pick: bool,
    pub units: u64,
}

/// A line of the order; a row of its table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineFact {
    pub order_id: OrderId,
    pub line_id: LineId,
    pub sku: Sku,
    pub units_ordered: u64,
    pub units_cancelled: u64,
    pub units_cancelled_by_request: u64,
    /// In the first shipment, if it left by its date.
    pub units_filled: u64,
    pub units_shipped: u64,
    pub units_delivered: u64,
    pub units_returned: u64,
    pub units_released: u64,
    pub units_given_back: u64,
    pub units_backordered: u64,
    pub due_minor: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shipment {
    pub(crate) fulfillment_order_id: FulfillmentOrderId,
    pub(crate) facility_id: Option<FacilityId>,
    pub(crate) at: Timestamp,
    pub(crate) is_punctual: bool,
    pub(crate) lines: oms_domain::order::Lines,
    pub(crate) amount_minor: i64,
}

/// Units of a line that reached the customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub at: Timestamp,
    pub facility_id: Option<FacilityId>,
    pub line_id: LineId,
    pub units: u64,
}

/// Units that waited for stock.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitFact {
    pub since: Timestamp,
    pub units: u64,
    /// When they got it. None: they began to wait then.
    pub filled_at: Option<Timestamp>,
}

/// Units that were cancelled.
#[derive(Debug, Clone, PartialEq)]
pub struct CancelledUnits {
    pub line_units: oms_domain::order::Lines,
    /// How far they were: `before_release`, `released` or `accepted`.
    pub stage: &'static str,
    /// Since somebody asked for it; else the house did it by itself.
    pub by_request: bool,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskedCancellation {
    pub(crate) at: Timestamp,
    pub(crate) asked: u64,
    pub(crate) done: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MoneyFact {
    /// An authorization was answered; None: it was given.
    Authorization {
        at: Timestamp,
        declined: Option<&'static str>,
    },
    /// After a shipment that no capture had come after.
    Captured {
        at: Timestamp,
        minor: i64,
        lag_ms: Option<i64>,
    },
    Refunded {
        at: Timestamp,
        minor: i64,
    },
    ReturnRefunded {
        at: Timestamp,
        took_ms: i64,
    },
}
