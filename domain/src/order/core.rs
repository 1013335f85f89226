//! What the rules need of an order as placed. No names, addresses, emails or tokens: this travels through the workflow.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{CoreExchange, LineState};
use crate::{
    address::AddressFlaw,
    ids::{CustomerId, FacilityId, LineId, OrderId, PaymentId, Sku},
    money::{Currency, share_minor},
    payment::Payment,
    placed::{DeliveryGroup, DeliveryMethod, Destination, Instrument, PaymentMethod, PlacedLine, PlacedOrder},
};

/// The order without personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderCore {
    pub order_id: OrderId,
    pub channel: String,
    /// A keyed hash of it, in what travels.
    pub customer_id: CustomerId,
    /// As whoever sent it says, and not after we had it.
    pub placed_at: Timestamp,
    /// When we had it, in business time: what is waited for is counted from here.
    pub received_at: Timestamp,
    pub currency: Currency,
    pub lines: Vec<CoreLine>,
    pub groups: Vec<CoreGroup>,
    pub payments: Vec<CorePayment>,
    /// Shipping and its tax, less shipping and order discounts: spread over the lines by their value.
    pub order_level_minor: i64,
    /// Of that: what shipping costs, with its tax and less its own discounts.
    #[serde(default)]
    pub shipping_minor: i64,
    pub requested_delivery_date: Option<Date>,
    pub allow_split: bool,
    pub allow_backorder: bool,
    pub cancel_after: Option<Timestamp>,
    /// It is exchanged for units of another order, and paid by them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<CoreExchange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreLine {
    pub line_id: LineId,
    pub sku: Sku,
    pub quantity: u32,
    /// What the customer owes for the whole line: price, tax and discount.
    pub total_minor: i64,
    /// Index into `groups`.
    #[serde(default, skip_serializing_if = "is_first")]
    pub group: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfill_at: Option<Timestamp>,
}

fn is_first(group: &u16) -> bool {
    *group == 0
}

/// How a group of lines is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreGroup {
    pub method: DeliveryMethod,
    /// Where it is handed over, for a pickup.
    pub pickup_facility_id: Option<FacilityId>,
    /// What is wrong with where it goes: a person must look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_flaw: Option<AddressFlaw>,
    /// What the customer pays for it, before tax and discount. Of an order from before prices were kept, nobody knows here; of a change:
    /// it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_minor: Option<i64>,
}

/// An instrument without what identifies it at the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorePayment {
    pub payment_id: PaymentId,
    pub method: PaymentMethod,
    pub amount_minor: i64,
    /// An authorization the checkout made, and when it says that it expires.
    pub authorization: Option<(String, Option<Timestamp>)>,
}

impl OrderCore {
    /// The core of an order as placed, and taken in then.
    pub fn of(order: &PlacedOrder, received_at: Timestamp) -> Self {
        let lines: Vec<CoreLine> = order.lines.iter().map(|line| CoreLine::of(line, order.taxes_included)).collect();
        let order_level_minor = order.total_minor() - lines.iter().map(|l| l.total_minor).sum::<i64>();
        Self {
            order_id: order.order_id.clone(),
            channel: order.channel.clone(),
            customer_id: order.customer.customer_id.clone(),
            placed_at: order.placed_at.min(received_at),
            received_at,
            currency: order.currency,
            lines,
            groups: order.delivery_groups.iter().map(CoreGroup::of).collect(),
            payments: order.payments.iter().map(CorePayment::of).collect(),
            order_level_minor,
            shipping_minor: order.shipping_minor(),
            requested_delivery_date: order.requested_delivery_date,
            allow_split: order.allow_split,
            allow_backorder: order.allow_backorder,
            cancel_after: order.cancel_after,
            exchange: order.exchange.as_ref().map(CoreExchange::of),
        }
    }

    /// What the customer owes for everything.
    pub fn total_minor(&self) -> i64 {
        self.lines.iter().map(|l| l.total_minor).sum::<i64>() + self.order_level_minor
    }

    /// The lines at the start. Each carries its part of the order-level money, by value: so no unit is ever worth less than nothing,
    /// and a dear line bears more of a discount than a cheap one. Free lines alone carry it by their units.
    pub(super) fn line_states(&self) -> BTreeMap<LineId, LineState> {
        let by_value = self.lines.iter().any(|line| line.total_minor > 0);
        let weight = |line: &CoreLine| if by_value { line.total_minor.max(0).unsigned_abs() } else { u64::from(line.quantity) };
        let all: u64 = self.lines.iter().map(weight).sum();
        let mut before = 0;
        let mut state = |(line, position): (&CoreLine, u16)| {
            let upto = before + weight(line);
            let part_minor = share_minor(self.order_level_minor, before, upto, all);
            before = upto;
            let due_minor = line.total_minor + part_minor;
            (line.line_id.clone(), LineState { position, ordered: line.quantity, open: line.quantity, due_minor, ..LineState::default() })
        };
        self.lines.iter().zip(0..).map(&mut state).collect()
    }

    /// Units over all lines.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|l| u64::from(l.quantity)).sum()
    }
}

impl CoreLine {
    /// The core of a line. Its price contains the tax, or does not.
    pub fn of(line: &PlacedLine, taxes_included: bool) -> Self {
        let tax_minor = if taxes_included { 0 } else { line.tax_minor };
        Self {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            total_minor: line.unit_price_minor * i64::from(line.quantity) - line.discount_minor + tax_minor,
            group: line.delivery_group,
            fulfill_at: line.fulfill_at,
        }
    }
}

impl CoreGroup {
    fn of(group: &DeliveryGroup) -> Self {
        let (pickup_facility_id, address_flaw) = match &group.destination {
            Destination::Address(address) => (None, AddressFlaw::of(address)),
            // Nothing is sent to the address of an invoice.
            Destination::Pickup { facility_id, .. } => (Some(facility_id.clone()), None),
        };
        Self { method: group.method, pickup_facility_id, address_flaw, price_minor: Some(group.price_minor) }
    }
}

impl CorePayment {
    /// The instrument as the rules need it.
    pub fn of(instrument: &Instrument) -> Self {
        Self {
            payment_id: instrument.payment_id.clone(),
            method: instrument.method,
            amount_minor: instrument.amount_minor,
            authorization: instrument.authorization.as_ref().map(|a| (a.id.clone(), a.expires_at)),
        }
    }

    /// The instrument's ledger at the start. An authorization that the checkout made is nothing yet but a claim.
    pub(super) fn opened(&self) -> Payment {
        Payment {
            payment_id: self.payment_id.clone(),
            method: self.method,
            amount_minor: self.amount_minor,
            authorization: self.authorization.as_ref().map(|(reference, _)| reference.clone()),
            operations: Vec::new(),
            invoiced_minor: 0,
            credited_minor: 0,
            unused_minor: 0,
        }
    }
}
