//! What has happened to an order. Events are facts of ours: recorded in order, published, never changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Cancellation, ChangeRequest, Choice, ConfirmedChange, CoreGroup, CoreLine, CorePayment, Credit, Decision, FacilityRejection, Finding,
    Hold, LabelFinding, Lines, PackedParcel, Reallocation, Refund, Resolution, SourcedPackage, Verdict, Wait, WaitingPackage, is_false,
    line_state::is_none_of_them,
};
use crate::{
    ids::{
        CancellationId, ChangeId, ClaimId, FacilityId, FulfillmentOrderId, HoldId, LineId, OrderId, ParcelId, PaymentId, RefundId, ReturnId,
    },
    parcel::ParcelAction,
    payment::{OperationKind, OperationOutcome},
};

/// `type` names the event in the order's timeline; what others are told of it is said in `public_event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    OrderPlaced {
        lines: usize,
        units: u64,
        total_minor: i64,
        /// [`super::RULES`] then.
        #[serde(default, skip_serializing_if = "is_none_of_them")]
        rules: u32,
    },
    SourcingAsked {
        round: u32,
        /// What it is asked for, if not for what looks for a facility: units that are to be exchanged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reallocation: Option<Reallocation>,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund_id: Option<RefundId>,
    },
    PaymentAnswered {
        payment_id: PaymentId,
        number: u32,
        kind: OperationKind,
        amount_minor: i64,
        #[serde(flatten)]
        outcome: OperationOutcome,
    },
    /// A person has said what became of an operation of which the gateway does not speak.
    PaymentResolved {
        payment_id: PaymentId,
        number: u32,
        kind: OperationKind,
        amount_minor: i64,
        #[serde(flatten)]
        finding: Finding,
        reason: String,
    },
    /// On terms: an invoice for what was shipped is due.
    InvoiceDue {
        payment_id: PaymentId,
        amount_minor: i64,
    },
    /// Another instrument pays.
    PaymentAdded(CorePayment),
    /// An authorization expired: what was left of it cannot be captured.
    AuthorizationLapsed {
        payment_id: PaymentId,
        number: u32,
    },
    /// Money is owed back.
    RefundAsked(Refund),
    /// Units that the customer has are to come back.
    ReturnOpened {
        return_id: ReturnId,
        lines: Lines,
        /// What of their money pays for another order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credit: Option<Credit>,
    },
    /// The customer wants their money back for units that do not come back.
    ClaimOpened {
        claim_id: ClaimId,
        lines: Lines,
        reason: String,
    },
    ClaimApproved {
        claim_id: ClaimId,
        amount_minor: i64,
    },
    ClaimDeclined {
        claim_id: ClaimId,
        reason: String,
    },
    /// Its money has reached the customer.
    ClaimClosed {
        claim_id: ClaimId,
    },
    /// Units are back for good; their money is owed. Units that were to come back and are not named may come back another time.
    ReturnSettled {
        return_id: ReturnId,
        lines: Lines,
        amount_minor: i64,
    },
    /// So much of a return's money pays for another order.
    CreditGranted {
        return_id: ReturnId,
        order_id: OrderId,
        amount_minor: i64,
    },
    /// The other order does not need so much of it: it goes back, once it is owed.
    CreditReleased {
        return_id: ReturnId,
        number: u32,
        amount_minor: i64,
    },
    /// The return that pays for this order has ended, and brought so much.
    CreditSettled {
        amount_minor: i64,
    },
    /// Part of it was set off against what was not charged yet.
    RefundSetOff {
        refund_id: RefundId,
        amount_minor: i64,
    },
    /// Part of it is due where no gateway is asked: as a credit on an invoice, or where it was paid.
    CreditDue {
        payment_id: PaymentId,
        refund_id: RefundId,
        amount_minor: i64,
    },
    /// The fraud check is asked.
    ScreeningAsked,
    ScreeningAnswered {
        verdict: Verdict,
        /// Nobody answered in time.
        #[serde(default, skip_serializing_if = "is_false")]
        by_default: bool,
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
    /// Its stock is not there after all: these units look for another place.
    FulfillmentShorted {
        fulfillment_order_id: FulfillmentOrderId,
        reopened: Lines,
        /// Where they went, if the fulfillment order goes on without them; else it is Incomplete itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<FulfillmentOrderId>,
    },
    /// These units are reserved elsewhere, where they are better off together with other orders.
    FulfillmentCalledBack {
        fulfillment_order_id: FulfillmentOrderId,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking_url: Option<String>,
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
    /// Its units wait for the customer.
    FulfillmentReady {
        fulfillment_order_id: FulfillmentOrderId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code_hash: Option<String>,
    },
    /// Its units were handed to the customer; their share of the money is due.
    FulfillmentPickedUp {
        fulfillment_order_id: FulfillmentOrderId,
        amount_minor: i64,
    },
    /// The carrier does not have it yet: its labels are void, and what was charged for it is owed back.
    FulfillmentUnshipped {
        fulfillment_order_id: FulfillmentOrderId,
        amount_minor: i64,
        /// What of that had been given back before: it is not owed a second time, and not charged again when it ships again.
        #[serde(default, skip_serializing_if = "super::is_no_money")]
        given_before_minor: i64,
    },
    /// The carrier will not come for it.
    LabelVoided {
        parcel_id: ParcelId,
    },
    /// The carrier was never heard to void its label, and a person has found out what became of it.
    LabelResolved {
        parcel_id: ParcelId,
        outcome: LabelFinding,
        reason: String,
    },
    /// What is done about a parcel that was lost or sent back.
    ParcelResolved {
        parcel_id: ParcelId,
        resolution: Resolution,
        /// Where its units look for a facility, if they are sent again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<FulfillmentOrderId>,
    },
    ParcelMoved {
        parcel_id: ParcelId,
        action: ParcelAction,
        occurred_at: Timestamp,
        #[serde(default)]
        assumed: bool,
        /// The carrier's, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
    },
    /// Grants, hints and shorts of stock were seen, of use or not: each counts once.
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
    /// Units of a fulfillment order go on under another number: split off, moved, or to wait apart.
    FulfillmentSplit {
        from: FulfillmentOrderId,
        into: FulfillmentOrderId,
        lines: Lines,
        /// Packed ones that go along; they are numbered anew.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parcels: Vec<ParcelId>,
    },
    /// It was called back from its facility: its units look for another one.
    FulfillmentMoved {
        from: FulfillmentOrderId,
        into: FulfillmentOrderId,
        /// Where a person wants them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted: Option<FacilityId>,
    },
    /// The units of one joined those of another.
    FulfillmentMerged {
        from: FulfillmentOrderId,
        into: FulfillmentOrderId,
    },
    /// Where or how its units go has changed: they look for a facility anew, under another number.
    FulfillmentReissued {
        from: FulfillmentOrderId,
        into: FulfillmentOrderId,
    },
    /// A line is ordered as well.
    LineAdded(CoreLine),
    /// More units of a line are ordered.
    UnitsAdded {
        line_id: LineId,
        quantity: u32,
        /// What they cost together.
        due_minor: i64,
    },
    /// Units of a fulfillment order, or units not yet sourced, are not ordered any more.
    UnitsRemoved {
        fulfillment_order_id: Option<FulfillmentOrderId>,
        lines: Lines,
    },
    DeliveryChanged {
        group: u16,
        to: CoreGroup,
    },
    /// The customer pays so much more for shipping, or less than nothing more: shared by the units that are still to ship.
    ShippingPriced {
        group: u16,
        by_minor: i64,
    },
    /// An instrument pays so much more.
    PaymentRaised {
        payment_id: PaymentId,
        by_minor: i64,
    },
    ChangeConfirmed(ConfirmedChange),
    /// A change set touches what facilities have accepted: they are asked; again, when others have it by now.
    ChangeRequested(ChangeRequest),
    ChangeAnswered {
        change_id: ChangeId,
        fulfillment_order_id: FulfillmentOrderId,
        accepted: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It is not made: a facility will not let go, or has not said so in time, or the order has gone on.
    ChangeDeclined {
        change_id: ChangeId,
        why: String,
    },
    /// Whoever asked for it does not want it any more.
    ChangeCancelled {
        change_id: ChangeId,
    },
    /// The customer is asked what to do about units that have no stock.
    DecisionAsked(Decision),
    DecisionMade {
        decision_id: String,
        choice: Choice,
        /// Nobody answered in time.
        #[serde(default, skip_serializing_if = "is_false")]
        by_default: bool,
    },
    /// Nobody is asked again: its units wait for stock.
    FulfillmentBackordered {
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
    /// A request to cancel was answered: what is asked of facilities, their own answers settle.
    CancellationRecorded(Cancellation),
    /// Someone gave a wait more time.
    DeadlineExtended {
        wait: Wait,
        subject: String,
        until: Timestamp,
    },
    /// A person must look at this.
    AttentionRaised {
        subject: String,
        why: String,
        /// The wait that is overdue, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Wait>,
        /// The carrier's event about the parcel, if it is for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event_id: Option<String>,
    },
    /// Something outside could not be done, however often it was tried.
    EffectGaveUp {
        effect: String,
        why: String,
    },
    /// What needed attention has gone on.
    AttentionResolved {
        subject: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Wait>,
    },
    /// The books had been restored to an earlier day: what this order had recorded after `from`, up to `to`, is missing there.
    BooksRestored {
        from: u64,
        to: u64,
    },
}
