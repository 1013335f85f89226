//! What each event is called, in its JSON and wherever people read of it.

use super::Event;

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
    PaymentAdded = "payment_added",
    AuthorizationLapsed = "authorization_lapsed",
    RefundAsked = "refund_asked",
    ReturnOpened = "return_opened",
    ClaimOpened = "claim_opened",
    ClaimApproved = "claim_approved",
    ClaimDeclined = "claim_declined",
    ClaimClosed = "claim_closed",
    ReturnSettled = "return_settled",
    CreditGranted = "credit_granted",
    CreditReleased = "credit_released",
    CreditSettled = "credit_settled",
    RefundSetOff = "refund_set_off",
    CreditDue = "credit_due",
    ScreeningAsked = "screening_asked",
    ScreeningAnswered = "screening_answered",
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
    FulfillmentShorted = "fulfillment_shorted",
    FulfillmentCalledBack = "fulfillment_called_back",
    ShippingAsked = "shipping_asked",
    LabelAsked = "label_asked",
    LabelBooked = "label_booked",
    LabelRefused = "label_refused",
    FulfillmentShipped = "fulfillment_shipped",
    FulfillmentReady = "fulfillment_ready",
    FulfillmentPickedUp = "fulfillment_picked_up",
    FulfillmentUnshipped = "fulfillment_unshipped",
    LabelVoided = "label_voided",
    ParcelResolved = "parcel_resolved",
    ParcelMoved = "parcel_moved",
    GrantsSeen = "grants_seen",
    StockGranted = "stock_granted",
    WaitingEnded = "waiting_ended",
    FulfillmentSplit = "fulfillment_split",
    FulfillmentMoved = "fulfillment_moved",
    FulfillmentMerged = "fulfillment_merged",
    FulfillmentReissued = "fulfillment_reissued",
    LineAdded = "line_added",
    UnitsAdded = "units_added",
    UnitsRemoved = "units_removed",
    DeliveryChanged = "delivery_changed",
    ShippingPriced = "shipping_priced",
    PaymentRaised = "payment_raised",
    ChangeConfirmed = "change_confirmed",
    DecisionAsked = "decision_asked",
    DecisionMade = "decision_made",
    FulfillmentBackordered = "fulfillment_backordered",
    UnitsCancelled = "units_cancelled",
    CancellationRequested = "cancellation_requested",
    CancellationAnswered = "cancellation_answered",
    CancellationRecorded = "cancellation_recorded",
    DeadlineExtended = "deadline_extended",
    AttentionRaised = "attention_raised",
    EffectGaveUp = "effect_gave_up",
    AttentionResolved = "attention_resolved",
}
