//! What can be asked of a return, answered to it, or reported of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Disposition, GoodsRef, Origin, Settlement, Verdict, Wait};
use crate::{
    error::Rejection,
    ids::{FacilityId, LineId, Sku},
    order::{LabelFinding, LabelOutcome},
    parcel::ParcelAction,
};

/// Anything that reaches a return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The return begins.
    Open,
    /// A person or a program asks; it may be refused. Under the same id again it is the same command, and does nothing.
    Request { command_id: String, request: Request },
    /// An effect of ours came back.
    Answer(Answer),
    /// The carrier reports; never refused.
    Carrier(CarrierMove),
    /// Time has passed: what is due happens.
    Tick,
}

/// What people ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    Approve,
    Decline {
        reason: String,
    },
    Cancel {
        reason: String,
    },
    /// Goods have come: more, fewer or others than announced, or unannounced, at any facility.
    Receive {
        /// The same id again is the same delivery.
        receipt_id: String,
        facility_id: FacilityId,
        goods: Vec<ReceivedGoods>,
        /// Whether more is to come; unless said, that is so while announced units are missing.
        complete: Option<bool>,
    },
    Inspect {
        judged: Vec<Inspected>,
    },
    /// What failed is tried again now.
    Retry,
    /// The carrier was never heard to void the label: a person says what became of it.
    ResolveLabel {
        outcome: LabelFinding,
        reason: String,
    },
    /// Someone gives a wait more time.
    ExtendDeadline {
        wait: Wait,
        subject: String,
        until: Timestamp,
    },
}

impl Request {
    /// What whoever asks has written in their own words.
    pub fn free_text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Decline { reason } | Self::Cancel { reason } | Self::ResolveLabel { reason, .. } => Some(reason),
            Self::Approve | Self::Receive { .. } | Self::Inspect { .. } | Self::Retry | Self::ExtendDeadline { .. } => None,
        }
    }
}

/// Units that came: of a line of the order, or of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedGoods {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    pub quantity: u32,
}

/// Units that were judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    #[serde(flatten)]
    pub goods: GoodsRef,
    pub quantity: u32,
    pub verdict: Verdict,
    pub disposition: Disposition,
}

/// What effects come back with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The order lets the units come back.
    Agreed(Origin),
    Refused(Rejection),
    Label {
        /// What [`super::Return::attempt`] said of it when it was started.
        attempt: u32,
        outcome: LabelOutcome,
    },
    LabelVoided,
    /// The order knows how the return ended, and what it owes for it.
    Settled(Settlement),
    /// The order that it pays for knows what it has come to.
    CreditTold,
    /// All the money has reached the customer.
    Refunded,
    RefundFailed {
        /// How often it had been tried again by then.
        #[serde(default)]
        retries: u32,
        why: String,
    },
    /// An effect gave up.
    GaveUp {
        effect: String,
        /// What [`super::Return::attempt`] said of it when it was started.
        attempt: u32,
        why: String,
    },
}

/// A carrier's scan of the goods on their way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierMove {
    pub action: ParcelAction,
    pub occurred_at: Timestamp,
}
