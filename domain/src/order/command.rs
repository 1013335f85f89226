//! What can be asked of an order, answered to it, or reported of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Choice, CoreChange, CorePayment, Credit, HoldReason, Lines, Reallocation, RefundOf, RejectionReason, Resolution, Verdict, Wait,
};
use crate::{
    ids::{CancellationId, ChangeId, ClaimId, FacilityId, FulfillmentOrderId, HoldId, LineId, ParcelId, PaymentId, RefundId, ReturnId},
    kinds::named,
    parcel::ParcelAction,
    payment::OperationOutcome,
    webhook::GatewayReport,
};

/// Anything that reaches an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The order begins.
    Place,
    /// A person or a program asks; it may be refused. Under the same id again it is the same command, and does nothing.
    Request { command_id: String, request: Request },
    /// An effect of ours came back.
    Answer(Answer),
    /// Something happened in the world; never refused.
    Fact(Fact),
    /// Time has passed: what is due happens.
    Tick,
}

/// What people ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The whole order, or units of some lines.
    Cancel {
        cancellation_id: CancellationId,
        reason: String,
        lines: Option<Lines>,
    },
    /// Other quantities, lines, addresses or methods: all of it, or nothing. What names people is kept elsewhere, under the same id.
    Change {
        change_id: ChangeId,
        reason: String,
        changes: Vec<CoreChange>,
        /// The version that whoever asks has seen: refused if the order has gone on since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_version: Option<u64>,
    },
    /// Whoever asked for a change set does not want it any more, and no facility has answered for good.
    CancelChange {
        change_id: ChangeId,
    },
    PlaceHold {
        hold_id: HoldId,
        reason: HoldReason,
        expires_at: Option<Timestamp>,
    },
    ReleaseHold {
        hold_id: HoldId,
    },
    Fulfillment {
        fulfillment_order_id: FulfillmentOrderId,
        #[serde(flatten)]
        action: FulfillmentRequest,
    },
    /// Gives money back, also after the order's end; with lines, for these units.
    Refund {
        refund_id: RefundId,
        amount_minor: i64,
        reason: String,
        lines: Option<Lines>,
        #[serde(default, skip_serializing_if = "RefundOf::is_order")]
        of: RefundOf,
    },
    /// A return asks to speak for units that the customer has; none, when what comes back is not known yet.
    OpenReturn {
        return_id: ReturnId,
        lines: Lines,
        /// What of their money pays for another order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credit: Option<Credit>,
    },
    /// The customer wants their money back for units that do not come back.
    OpenClaim {
        claim_id: ClaimId,
        lines: Lines,
        reason: String,
    },
    ApproveClaim {
        claim_id: ClaimId,
    },
    DeclineClaim {
        claim_id: ClaimId,
        reason: String,
    },
    /// A return has ended: these units are back for good and their money is owed; the others may come back another time.
    SettleReturn {
        return_id: ReturnId,
        lines: Lines,
    },
    /// The order that a return's money pays for does not need so much of it; `number` is that of its operation.
    ReleaseCredit {
        return_id: ReturnId,
        number: u32,
        amount_minor: i64,
    },
    /// The return that pays for the order has ended, and brought so much.
    SettleCredit {
        return_id: ReturnId,
        amount_minor: i64,
    },
    /// The customer's answer to a question of ours.
    Decide {
        decision_id: String,
        choice: Choice,
    },
    /// What is done about a parcel that was lost or sent back.
    ResolveParcel {
        parcel_id: ParcelId,
        resolution: Resolution,
    },
    /// Another instrument pays what is missing; or one that was declined is tried again. What identifies it at the gateway is kept elsewhere.
    AddPayment {
        payment: CorePayment,
    },
    /// A person has found out what became of an operation of which the gateway does not speak.
    ResolvePayment {
        payment_id: PaymentId,
        number: u32,
        #[serde(flatten)]
        finding: Finding,
        reason: String,
    },
    /// The carrier was never heard to void a label: a person says what became of it.
    ResolveLabel {
        parcel_id: ParcelId,
        outcome: LabelFinding,
        reason: String,
    },
    /// Someone gives a wait more time.
    ExtendDeadline {
        wait: Wait,
        subject: String,
        until: Timestamp,
    },
    /// Units that no facility knows of yet are better off elsewhere, since a pool of orders was decided again together.
    Reallocate(Reallocation),
    /// What needed attention is tried again: an operation that was refused, an effect that gave up.
    Retry {
        subject: String,
    },
}

impl Request {
    /// What whoever asks has written in their own words.
    pub fn free_text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Cancel { reason, .. } | Self::Change { reason, .. } | Self::Refund { reason, .. } => Some(reason),
            Self::OpenClaim { reason, .. } | Self::DeclineClaim { reason, .. } => Some(reason),
            Self::ResolvePayment { reason, .. } | Self::ResolveLabel { reason, .. } => Some(reason),
            Self::Fulfillment { action: FulfillmentRequest::RefuseChange { reason }, .. } => reason.as_mut(),
            Self::CancelChange { .. } | Self::PlaceHold { .. } | Self::ReleaseHold { .. } | Self::Fulfillment { .. } => None,
            Self::OpenReturn { .. } | Self::SettleReturn { .. } | Self::ReleaseCredit { .. } | Self::SettleCredit { .. } => None,
            Self::ApproveClaim { .. } | Self::Decide { .. } | Self::ResolveParcel { .. } | Self::AddPayment { .. } => None,
            Self::ExtendDeadline { .. } | Self::Reallocate(_) | Self::Retry { .. } => None,
        }
    }
}

named! {
    /// What became of a label that the carrier was to void, as a person has found out.
    LabelFinding {
        /// The carrier will not come for it.
        Voided = "voided",
        /// The carrier does not void it any more: it is paid for, and nothing goes under it.
        Kept = "kept",
    }
}

/// What became of an operation at the gateway, as a person has found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Finding {
    /// It was done; `reference` is the gateway's id of it.
    Succeeded {
        reference: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// It was not done: it may be asked for anew.
    Failed,
}

/// What an associate, or someone for them, does to a fulfillment order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum FulfillmentRequest {
    /// Now, whatever the remorse period says.
    Release,
    Accept,
    /// All units, or those of some lines.
    Reject {
        reason: RejectionReason,
        lines: Option<Lines>,
    },
    StartPicking {
        picker: String,
    },
    ShortPick {
        reason: RejectionReason,
        lines: Lines,
    },
    /// No parcels: one of everything.
    Pack {
        parcels: Vec<PackedParcel>,
    },
    Unpack,
    /// Without a tracking number the carrier is asked for a label first. Implies accepting, picking and packing.
    Ship {
        carrier: Option<String>,
        tracking_number: Option<String>,
    },
    /// These parcels alone, each with a label from the carrier; the others go on as a fulfillment order of their own.
    ShipParcels {
        parcels: Vec<ParcelId>,
    },
    /// Not with the carrier after all.
    Unship,
    /// For a pickup: the customer may come, with this code if there is one.
    Ready {
        code_hash: Option<String>,
    },
    /// The customer has it.
    Handover {
        code_hash: Option<String>,
    },
    /// The customer did not come.
    NoShow,
    /// All its parcels reached the customer.
    Deliver,
    /// Its units look for another facility: this one, or any other. An accepted one only with the facility's consent.
    Move {
        facility_id: Option<FacilityId>,
        consented: bool,
    },
    /// Some of its units go on as a fulfillment order of their own.
    Split {
        lines: Lines,
    },
    /// The units of another one of the same facility, in the same status, join it.
    Merge {
        other: FulfillmentOrderId,
    },
    /// These parcels were lost on their way; none named: all that are on it.
    MarkLost {
        parcels: Vec<ParcelId>,
    },
    AcceptCancellation,
    RefuseCancellation,
    /// The facility lets go of what a change set touches.
    AcceptChange,
    RefuseChange {
        reason: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedParcel {
    pub lines: Lines,
    pub weight_g: Option<u32>,
}

/// What effects come back with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Sourced(SourcingAnswer),
    Payment {
        payment_id: PaymentId,
        number: u32,
        outcome: OperationOutcome,
    },
    Label {
        parcel_id: ParcelId,
        /// That of the request.
        attempt: u32,
        outcome: LabelOutcome,
    },
    /// The carrier has voided a label, or never had it.
    LabelVoided {
        parcel_id: ParcelId,
    },
    /// The fraud check's answer.
    Screened {
        verdict: Verdict,
    },
    /// An effect gave up: a person must look, or it is tried again after a while.
    GaveUp {
        effect: String,
        /// What [`super::Order::attempt`] said of it when it was started.
        attempt: u32,
        why: String,
    },
}

/// Where the open units go. What was reserved is reserved already, in the transaction that this describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcingAnswer {
    pub round: u32,
    pub packages: Vec<SourcedPackage>,
    pub waiting: Vec<WaitingPackage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcedPackage {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub facility_id: FacilityId,
    pub group: u16,
    pub lines: Lines,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_by: Option<Timestamp>,
}

/// Units that no facility has, or that wait on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPackage {
    pub fulfillment_order_id: FulfillmentOrderId,
    pub group: u16,
    pub lines: Lines,
    /// Nothing ships before everything can.
    pub whole: bool,
    /// Somebody has stock, but a consignment of its own is not worth it yet.
    #[serde(default)]
    pub on_purpose: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LabelOutcome {
    Booked {
        carrier: String,
        tracking_number: String,
        /// Where people follow the parcel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking_url: Option<String>,
    },
    Refused {
        why: String,
    },
}

/// What the world reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Stock came for waiting units: granted, or offered, which is held for them until they have been planned with it.
    StockArrived {
        grants: Vec<Grant>,
        #[serde(default)]
        offers: Vec<Grant>,
    },
    /// A fact left fewer units than are reserved, and these reservations were chosen to give way, in the transaction that recorded it.
    StockShorted {
        shorts: Vec<Short>,
    },
    Carrier(CarrierReport),
    Gateway(GatewayReport),
}

/// Reserved units that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    pub short_id: String,
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    pub quantity: u32,
}

/// Stock for units that wait, in the transaction that made it possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub grant_id: String,
    pub fulfillment_order_id: FulfillmentOrderId,
    pub line_id: LineId,
    pub facility_id: FacilityId,
    pub quantity: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierReport {
    pub event_id: String,
    pub tracking_number: String,
    pub action: ParcelAction,
    pub occurred_at: Timestamp,
}
