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

macro_rules! kinds {
    ($( $variant:ident = $kind:literal, )+) => {
        impl Event {
            /// Every event's `type`.
            pub const KINDS: &[&str] = &[ $( $kind, )+ ];

            /// The event's `type`, as in its JSON.
            pub fn kind(&self) -> &'static str { match self { $( Self::$variant { .. } => $kind, )+ } }
        }
    };
}

kinds! {
    OrderPlaced = "order_placed",
    SourcingAsked = "sourcing_asked",
    OrderSourced = "order_sourced",
    PaymentAsked = "payment_asked",
    PaymentAnswered = "payment_answered",
    InvoiceDue = "invoice_due",
    OrderApproved = "order_approved",
    OrderProcessing = "order_processing",
    OrderRejected = "order_rejected",
    OrderExpired = "order_expired",
    OrderCompleted = "order_completed",
    OrderCancelled = "order_cancelled",
    HoldPlaced = "hold_placed",
    HoldReleased = "hold_released",
    PreorderDue = "preorder_due",
    FulfillmentReleased = "fulfillment_released",
    FulfillmentAccepted = "fulfillment_accepted",
    PickingStarted = "picking_started",
    Packed = "packed",
    Unpacked = "unpacked",
    FulfillmentRejected = "fulfillment_rejected",
    ShippingAsked = "shipping_asked",
    LabelAsked = "label_asked",
    LabelBooked = "label_booked",
    LabelRefused = "label_refused",
    FulfillmentShipped = "fulfillment_shipped",
    ParcelMoved = "parcel_moved",
    GrantsSeen = "grants_seen",
    StockGranted = "stock_granted",
    WaitingEnded = "waiting_ended",
    UnitsCancelled = "units_cancelled",
    CancellationRequested = "cancellation_requested",
    CancellationAnswered = "cancellation_answered",
    CancellationRecorded = "cancellation_recorded",
    AttentionRaised = "attention_raised",
    AttentionResolved = "attention_resolved",
}
