//! What has happened to an order. Events are facts of ours: recorded in order, published, never changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cancellation, FacilityRejection, Hold, Lines, PackedParcel, SourcedPackage, Wait, WaitingPackage};
use crate::{
    ids::{CancellationId, FulfillmentOrderId, HoldId, ParcelId, PaymentId},
    parcel::ParcelAction,
    payment::{OperationKind, OperationOutcome},
};

/// `type` names the event in the timeline and in `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    OrderPlaced {
        lines: usize,
        units: u64,
        total_minor: i64,
    },
    SourcingAsked {
        round: u32,
    },
    OrderSourced {
        round: u32,
        packages: Vec<SourcedPackage>,
        waiting: Vec<WaitingPackage>,
    },
    PaymentAsked {
        payment_id: PaymentId,
        number: u32,
        kind: OperationKind,
        amount_minor: i64,
        acts_on: Option<String>,
    },
    PaymentAnswered {
        payment_id: PaymentId,
        number: u32,
        kind: OperationKind,
        amount_minor: i64,
        #[serde(flatten)]
        outcome: OperationOutcome,
    },
    /// On terms: an invoice for what was shipped is due.
    InvoiceDue {
        payment_id: PaymentId,
        amount_minor: i64,
    },
    OrderApproved,
    OrderProcessing,
    OrderRejected {
        reason: String,
    },
    OrderExpired,
    OrderCompleted,
    OrderCancelled,
    HoldPlaced(Hold),
    HoldReleased {
        hold_id: HoldId,
    },
    /// A preorder's time has come.
    PreorderDue {
        fulfillment_order_id: FulfillmentOrderId,
    },
    FulfillmentReleased {
        fulfillment_order_id: FulfillmentOrderId,
    },
    FulfillmentAccepted {
        fulfillment_order_id: FulfillmentOrderId,
    },
    PickingStarted {
        fulfillment_order_id: FulfillmentOrderId,
        picker: Option<String>,
    },
    Packed {
        fulfillment_order_id: FulfillmentOrderId,
        parcels: Vec<PackedParcel>,
    },
    Unpacked {
        fulfillment_order_id: FulfillmentOrderId,
    },
    /// A facility gave units back.
    FulfillmentRejected {
        fulfillment_order_id: FulfillmentOrderId,
        #[serde(flatten)]
        rejection: FacilityRejection,
        /// The units that look for another facility: less those that someone had asked to cancel, and all that stay together.
        reopened: Lines,
        /// Where they went, if the fulfillment order goes on without them; else it is Incomplete itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<FulfillmentOrderId>,
    },
    ShippingAsked {
        fulfillment_order_id: FulfillmentOrderId,
    },
    LabelAsked {
        parcel_id: ParcelId,
    },
    LabelBooked {
        parcel_id: ParcelId,
        carrier: String,
        tracking_number: String,
    },
    LabelRefused {
        parcel_id: ParcelId,
        why: String,
    },
    /// Its units left the facility; their share of the money is due.
    FulfillmentShipped {
        fulfillment_order_id: FulfillmentOrderId,
        amount_minor: i64,
    },
    ParcelMoved {
        parcel_id: ParcelId,
        action: ParcelAction,
        occurred_at: Timestamp,
        #[serde(default)]
        assumed: bool,
    },
    /// Grants of stock were seen, of use or not: each counts once.
    GrantsSeen {
        grant_ids: Vec<String>,
    },
    /// Waiting units got stock and go on as a fulfillment order of the granting facility.
    StockGranted {
        from: FulfillmentOrderId,
        package: SourcedPackage,
    },
    /// Waiting units are sourced again.
    WaitingEnded {
        fulfillment_order_id: FulfillmentOrderId,
    },
    /// Units of a fulfillment order, or units not yet sourced.
    UnitsCancelled {
        fulfillment_order_id: Option<FulfillmentOrderId>,
        lines: Lines,
        reason: String,
    },
    CancellationRequested {
        fulfillment_order_id: FulfillmentOrderId,
        cancellation_id: CancellationId,
        lines: Lines,
    },
    CancellationAnswered {
        fulfillment_order_id: FulfillmentOrderId,
        cancellation_id: CancellationId,
        lines: Lines,
        accepted: bool,
    },
    CancellationRecorded(Cancellation),
    /// A person must look at this.
    AttentionRaised {
        subject: String,
        why: String,
        /// The wait that is overdue, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Wait>,
    },
    /// What needed attention has gone on.
    AttentionResolved {
        subject: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Wait>,
    },
}

impl Event {
    /// The event's `type`, as in its JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OrderPlaced { .. } => "order_placed",
            Self::SourcingAsked { .. } => "sourcing_asked",
            Self::OrderSourced { .. } => "order_sourced",
            Self::PaymentAsked { .. } => "payment_asked",
            Self::PaymentAnswered { .. } => "payment_answered",
            Self::InvoiceDue { .. } => "invoice_due",
            Self::OrderApproved => "order_approved",
            Self::OrderProcessing => "order_processing",
            Self::OrderRejected { .. } => "order_rejected",
            Self::OrderExpired => "order_expired",
            Self::OrderCompleted => "order_completed",
            Self::OrderCancelled => "order_cancelled",
            Self::HoldPlaced(_) => "hold_placed",
            Self::HoldReleased { .. } => "hold_released",
            Self::PreorderDue { .. } => "preorder_due",
            Self::FulfillmentReleased { .. } => "fulfillment_released",
            Self::FulfillmentAccepted { .. } => "fulfillment_accepted",
            Self::PickingStarted { .. } => "picking_started",
            Self::Packed { .. } => "packed",
            Self::Unpacked { .. } => "unpacked",
            Self::FulfillmentRejected { .. } => "fulfillment_rejected",
            Self::ShippingAsked { .. } => "shipping_asked",
            Self::LabelAsked { .. } => "label_asked",
            Self::LabelBooked { .. } => "label_booked",
            Self::LabelRefused { .. } => "label_refused",
            Self::FulfillmentShipped { .. } => "fulfillment_shipped",
            Self::ParcelMoved { .. } => "parcel_moved",
            Self::GrantsSeen { .. } => "grants_seen",
            Self::StockGranted { .. } => "stock_granted",
            Self::WaitingEnded { .. } => "waiting_ended",
            Self::UnitsCancelled { .. } => "units_cancelled",
            Self::CancellationRequested { .. } => "cancellation_requested",
            Self::CancellationAnswered { .. } => "cancellation_answered",
            Self::CancellationRecorded(_) => "cancellation_recorded",
            Self::AttentionRaised { .. } => "attention_raised",
            Self::AttentionResolved { .. } => "attention_resolved",
        }
    }
}
