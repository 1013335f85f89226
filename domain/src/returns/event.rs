//! What has happened to a return, recorded in order and never changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Inspected, Label, Origin, Receipt, Settlement, Wait};
use crate::{error::Rejection, kinds::kinds, order::LabelFinding, parcel::ParcelAction};

/// `type` names the event in the return's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    ReturnRequested {
        units: u64,
    },
    OrderAgreed {
        origin: Origin,
    },
    OrderRefused {
        refusal: Rejection,
    },
    ReturnApproved {
        /// No person was needed.
        by_rule: bool,
    },
    ReturnDeclined {
        reason: String,
    },
    ReturnCancelled {
        reason: String,
    },
    ReturnLabelSent {
        label: Label,
    },
    ReturnLabelVoided,
    /// The carrier was never heard to void the label, and a person has found out what became of it.
    ReturnLabelResolved {
        outcome: LabelFinding,
        reason: String,
    },
    GoodsInTransit {
        occurred_at: Timestamp,
    },
    /// The carrier has scanned them again.
    GoodsScanned {
        action: ParcelAction,
        occurred_at: Timestamp,
    },
    GoodsLost {
        /// By the carrier's own word, or by its silence.
        assumed: bool,
    },
    GoodsReceived {
        receipt_id: String,
        #[serde(flatten)]
        receipt: Receipt,
        complete: bool,
    },
    GoodsInspected {
        judged: Vec<Inspected>,
        /// Nobody did; the deadline did.
        #[serde(default)]
        assumed: bool,
    },
    /// What has not come is not waited for any more.
    WaitingStopped,
    RefundBegun,
    ReturnSettled(Settlement),
    /// The order that it pays for knows what it has come to.
    CreditTold,
    RefundFailed {
        why: String,
    },
    RefundRetried,
    ReturnClosed,
    ReturnExpired,
    /// Someone gave a wait more time.
    DeadlineExtended {
        wait: Wait,
        subject: String,
        until: Timestamp,
    },
    /// An effect gave up, or a wait is overdue.
    AttentionRaised {
        subject: String,
        why: String,
    },
    AttentionResolved {
        subject: String,
    },
    /// The books had been restored to an earlier day: what this return had recorded after `from`, up to `to`, is missing there.
    BooksRestored {
        from: u64,
        to: u64,
    },
}

kinds! {
    ReturnRequested = "return_requested",
    OrderAgreed = "order_agreed",
    OrderRefused = "order_refused",
    ReturnApproved = "return_approved",
    ReturnDeclined = "return_declined",
    ReturnCancelled = "return_cancelled",
    ReturnLabelSent = "return_label_sent",
    ReturnLabelVoided = "return_label_voided",
    ReturnLabelResolved = "return_label_resolved",
    GoodsInTransit = "goods_in_transit",
    GoodsScanned = "goods_scanned",
    GoodsLost = "goods_lost",
    GoodsReceived = "goods_received",
    GoodsInspected = "goods_inspected",
    WaitingStopped = "waiting_stopped",
    RefundBegun = "refund_begun",
    ReturnSettled = "return_settled",
    CreditTold = "credit_told",
    RefundFailed = "refund_failed",
    RefundRetried = "refund_retried",
    ReturnClosed = "return_closed",
    ReturnExpired = "return_expired",
    DeadlineExtended = "deadline_extended",
    AttentionRaised = "attention_raised",
    AttentionResolved = "attention_resolved",
    BooksRestored = "books_restored",
}
