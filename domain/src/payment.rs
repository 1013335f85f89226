//! Money as a ledger of operations per instrument. Sums decide; an instrument's status is derived from them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{OrderId, PaymentId},
    machine,
    placed::PaymentMethod,
};

machine! {
    /// Where one operation at the gateway stands.
    states OperationStatus {
        /// Asked for, or about to be.
        Pending = "Pending",
        Succeeded = "Succeeded",
        Failed = "Failed",
        /// No answer: resolved by asking the gateway by key, never by trying a new operation.
        Unknown = "Unknown",
    }
    /// What the gateway answers.
    actions OperationAction {
        Succeed = "succeed",
        Fail = "fail",
        LoseSight = "lose-sight",
    }
    transitions {
        Pending | Unknown, Succeed => Succeeded;
        Pending | Unknown, Fail => Failed;
        Pending, LoseSight => Unknown;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    Authorize,
    Capture,
    Void,
    Refund,
}

impl OperationKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

/// What the gateway said, as the adapter understood it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum OperationOutcome {
    /// `reference` is the gateway's id of what it did.
    Succeeded {
        reference: String,
        expires_at: Option<Timestamp>,
    },
    Declined {
        decline: Decline,
        code: String,
    },
    /// Sent, and no answer came.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// This instrument will not pay.
    Hard,
    /// It may pay later, or another may.
    Soft,
}

/// One operation of an instrument's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Counted from 1 within the instrument.
    pub number: u32,
    pub kind: OperationKind,
    pub amount_minor: i64,
    pub status: OperationStatus,
    /// What it acts on: the authorization's reference for a capture or void, the capture's for a refund.
    pub acts_on: Option<String>,
    /// The gateway's id of what was done, once it succeeded.
    pub reference: Option<String>,
    /// The gateway's reason, once it failed.
    pub decline: Option<(Decline, String)>,
    /// An authorization lasts until then.
    pub expires_at: Option<Timestamp>,
    /// When it took its present status.
    pub since: Timestamp,
}

impl Operation {
    /// Asked for, and not answered for good.
    pub fn is_open(&self) -> bool {
        match self.status {
            OperationStatus::Pending | OperationStatus::Unknown => true,
            OperationStatus::Succeeded | OperationStatus::Failed => false,
        }
    }
}

/// One instrument of an order, with its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub payment_id: PaymentId,
    pub method: PaymentMethod,
    /// How much of the order it was given to pay.
    pub amount_minor: i64,
    pub operations: Vec<Operation>,
}

impl Payment {
    /// Whether a gateway is asked at all.
    pub fn uses_gateway(&self) -> bool {
        match self.method {
            PaymentMethod::Card | PaymentMethod::GiftCard => true,
            PaymentMethod::Terms | PaymentMethod::External => false,
        }
    }

    /// Gift cards are captured first and refunded last. What was paid elsewhere is not captured at all.
    pub fn capture_rank(&self) -> u8 {
        match self.method {
            PaymentMethod::External => 0,
            PaymentMethod::GiftCard => 1,
            PaymentMethod::Card => 2,
            PaymentMethod::Terms => 3,
        }
    }

    fn sum(&self, kind: OperationKind, counts: impl Fn(&Operation) -> bool) -> i64 {
        self.operations.iter().filter(|op| op.kind == kind && counts(op)).map(|op| op.amount_minor).sum()
    }
    fn succeeded(op: &Operation) -> bool {
        op.status == OperationStatus::Succeeded
    }

    pub fn authorized_minor(&self) -> i64 {
        self.sum(OperationKind::Authorize, Self::succeeded)
    }
    pub fn captured_minor(&self) -> i64 {
        self.sum(OperationKind::Capture, Self::succeeded)
    }
    /// Captured, or being captured.
    pub fn charged_minor(&self) -> i64 {
        self.sum(OperationKind::Capture, |op| Self::succeeded(op) || op.is_open())
    }
    pub fn refunded_minor(&self) -> i64 {
        self.sum(OperationKind::Refund, Self::succeeded)
    }
    pub fn voided_minor(&self) -> i64 {
        self.sum(OperationKind::Void, Self::succeeded)
    }

    /// What may still be captured: live authorizations less captures and voids, counting those still under way as done.
    pub fn capturable_minor(&self) -> i64 {
        let spoken_for = |op: &Operation| Self::succeeded(op) || op.is_open();
        self.authorized_minor() - self.sum(OperationKind::Capture, spoken_for) - self.sum(OperationKind::Void, spoken_for)
    }

    /// What may still be refunded.
    pub fn refundable_minor(&self) -> i64 {
        let spoken_for = |op: &Operation| Self::succeeded(op) || op.is_open();
        self.captured_minor() - self.sum(OperationKind::Refund, spoken_for)
    }

    /// The operation under way, if any: one at a time per instrument.
    pub fn open_operation(&self) -> Option<&Operation> {
        self.operations.iter().find(|op| op.is_open())
    }

    /// The last operation of a kind.
    pub fn last(&self, kind: OperationKind) -> Option<&Operation> {
        self.operations.iter().rev().find(|op| op.kind == kind)
    }

    /// The reference of the authorization that captures and voids act on.
    pub fn authorization(&self) -> Option<&str> {
        let live = |op: &&Operation| op.kind == OperationKind::Authorize && Self::succeeded(op);
        self.operations.iter().rev().find(live)?.reference.as_deref()
    }
}

/// The key under which the gateway knows an operation: deterministic, so that a repeat is recognized.
pub fn operation_key(order: &OrderId, payment: &PaymentId, number: u32) -> String {
    format!("{order}:{payment}:{number}")
}
