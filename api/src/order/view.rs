//! The order as it stands: as placed, and what has become of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::Sku,
    order::{Order, OrderCore, Units},
    payment::{Operation, Payment},
    placed::PlacedOrder,
    policy::Policy,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    body::{LineBody, OrderHeading},
    heading, line_body, method_name,
};
use crate::{
    attention::AttentionView,
    cancellation::CancellationView,
    change::ChangeSetView,
    claim::ClaimView,
    decision::DecisionView,
    exchange::{ExchangeOfView, OrderExchangeView},
    fulfillment::FulfillmentOrderView,
    hold::HoldView,
    refund::RefundView,
    returns::OrderReturnView,
};

/// An order. Tokens are not shown again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    #[serde(flatten)]
    pub heading: OrderHeading,
    #[schema(examples("processing"))]
    pub status: String,
    /// Derived from the units: `unfulfilled`, `partially_fulfilled`, `fulfilled`, `partially_returned` or `returned`.
    pub fulfillment: String,
    /// The number of its last event.
    pub version: u64,
    pub needs_attention: bool,
    pub totals: TotalsView,
    pub lines: Vec<LineView>,
    pub holds: Vec<HoldView>,
    pub payments: Vec<PaymentView>,
    pub cancellations: Vec<CancellationView>,
    /// Change sets: those that were confirmed in their order, then those that were not, or not yet.
    pub changes: Vec<ChangeSetView>,
    pub refunds: Vec<RefundView>,
    /// What the customer was asked.
    pub decisions: Vec<DecisionView>,
    pub fulfillment_orders: Vec<FulfillmentOrderView>,
    pub returns: Vec<OrderReturnView>,
    pub claims: Vec<ClaimView>,
    /// The order whose returned units it is exchanged for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_of: Option<ExchangeOfView>,
    /// Orders that go out for returned units of this one.
    pub exchanges: Vec<OrderExchangeView>,
    /// What only a person can put right.
    pub attention: Vec<AttentionView>,
}

/// Money of the whole order, in minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotalsView {
    /// What the customer owes for the order as placed and changed.
    pub total_minor: i64,
    pub authorized_minor: i64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub voided_minor: i64,
}

/// A line as placed or added, and where its units are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineView {
    #[serde(flatten)]
    pub line: LineBody,
    pub units: UnitsView,
}

/// Where the units of a line are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnitsView {
    pub ordered: u64,
    /// Reserved at a facility.
    pub allocated: u64,
    /// Looking for a facility, or waiting for stock.
    pub unfilled: u64,
    pub shipped: u64,
    /// Of those shipped: still on their way.
    pub in_transit: u64,
    /// Of those shipped: delivered or picked up.
    pub delivered: u64,
    pub lost: u64,
    pub cancelled: u64,
    /// Of those shipped: came back.
    pub returned: u64,
}

/// An instrument and its operations. Status is derived from the sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    pub payment_id: String,
    pub method: String,
    pub amount_minor: i64,
    pub authorized_minor: i64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub voided_minor: i64,
    /// To be paid back where no gateway is asked: credited on an invoice, or due where it was paid.
    pub credited_minor: i64,
    pub operations: Vec<OperationView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    pub number: u32,
    /// `authorize`, `capture`, `void` or `refund`.
    pub kind: String,
    pub amount_minor: i64,
    /// `pending`, `succeeded`, `failed` or `unknown`.
    pub status: String,
    /// The gateway's reason, once it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<String>,
    /// What became of it a person has said, and no gateway.
    pub by_hand: bool,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderSummary {
    pub order_id: String,
    pub status: String,
    pub channel: String,
    pub customer_id: String,
    pub currency: String,
    pub total_minor: i64,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    pub needs_attention: bool,
    pub hold_reasons: Vec<String>,
    pub version: u64,
    /// With `?expand=order`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Box<OrderView>>,
}

impl OrderView {
    /// `order` is absent until the order's first event is recorded: it is shown as placed then. `titles` are those of its products.
    pub fn of(placed: &PlacedOrder, order: Option<&Order>, titles: &BTreeMap<Sku, String>) -> Self {
        let fresh;
        let order = match order {
            Some(order) => order,
            None => {
                fresh = Order::new(OrderCore::of(placed, placed.placed_at), Policy::default());
                &fresh
            }
        };
        let mut units = order.units();
        Self {
            heading: heading(placed),
            status: order.status.name().to_owned(),
            fulfillment: order.all_units().progress().as_str().to_owned(),
            version: order.version,
            needs_attention: !order.attention.is_empty(),
            totals: TotalsView::of(order),
            lines: placed
                .lines
                .iter()
                .map(|line| LineView {
                    line: line_body(placed, line),
                    units: units.remove(&line.line_id).map(UnitsView::from).unwrap_or_default(),
                })
                .collect(),
            holds: order.holds.iter().map(HoldView::from).collect(),
            payments: order.payments.iter().map(PaymentView::from).collect(),
            cancellations: order.cancellations.iter().map(|c| CancellationView::of(&placed.order_id, c)).collect(),
            changes: ChangeSetView::all(order),
            refunds: order.refunds.iter().map(|refund| RefundView::of(order, refund)).collect(),
            decisions: order.decisions.iter().map(|decision| DecisionView::of(order, decision)).collect(),
            fulfillment_orders: order
                .fulfillment_orders
                .iter()
                .map(|found| FulfillmentOrderView::of(placed, order, found, titles))
                .collect(),
            returns: order.returns.iter().map(OrderReturnView::from).collect(),
            claims: order.claims.iter().map(|claim| ClaimView::of(order, claim)).collect(),
            exchange_of: placed.exchange.as_ref().map(ExchangeOfView::from),
            exchanges: order.exchanges().map(|(returned, credit)| OrderExchangeView::of(returned, credit)).collect(),
            attention: order.attention.iter().map(|known| AttentionView::of(order, known)).collect(),
        }
    }
}

impl TotalsView {
    fn of(order: &Order) -> Self {
        let sum = |of: fn(&Payment) -> i64| order.payments.iter().map(of).sum();
        Self {
            total_minor: order.total_minor(),
            authorized_minor: sum(Payment::authorized_minor),
            captured_minor: sum(Payment::captured_minor),
            refunded_minor: sum(Payment::refunded_minor),
            voided_minor: sum(Payment::voided_minor),
        }
    }
}

impl From<Units> for UnitsView {
    fn from(units: Units) -> Self {
        Self {
            ordered: units.ordered,
            allocated: units.allocated,
            unfilled: units.open + units.backordered,
            shipped: units.shipped,
            in_transit: units.in_transit,
            delivered: units.delivered + units.picked_up,
            lost: units.lost,
            cancelled: units.cancelled,
            returned: units.returned + units.sent_back,
        }
    }
}

impl From<&Payment> for PaymentView {
    fn from(payment: &Payment) -> Self {
        Self {
            payment_id: payment.payment_id.to_string(),
            method: method_name(payment.method).to_owned(),
            amount_minor: payment.amount_minor,
            authorized_minor: payment.authorized_minor(),
            captured_minor: payment.captured_minor(),
            refunded_minor: payment.refunded_minor(),
            voided_minor: payment.voided_minor(),
            credited_minor: payment.credited_minor + payment.unused_minor,
            operations: payment.operations.iter().map(OperationView::from).collect(),
        }
    }
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        Self {
            number: operation.number,
            kind: operation.kind.as_str().to_owned(),
            amount_minor: operation.amount_minor,
            status: operation.status.name().to_owned(),
            declined: operation.decline.as_ref().map(|(_, code)| code.clone()),
            by_hand: operation.by_hand,
            since: operation.since,
        }
    }
}
