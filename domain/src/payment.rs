//! Money as a ledger of operations per instrument. Sums decide; an instrument's status is derived from them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{OrderId, PaymentId, RefundId},
    machine,
    placed::PaymentMethod,
    policy::ms,
};

machine! {
    /// Where one operation at the gateway stands.
    states OperationStatus {
        /// Asked for, or about to be.
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
        /// No answer: resolved by asking the gateway by key, never by trying a new operation.
        Unknown = "unknown",
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
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Authorize, Self::Capture, Self::Void, Self::Refund];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }

    /// What it is done to. An authorization stands by itself.
    pub fn acts_on(self) -> Option<Self> {
        match self {
            Self::Authorize => None,
            Self::Capture | Self::Void => Some(Self::Authorize),
            Self::Refund => Some(Self::Capture),
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
    /// What it acts on: the authorization's reference for a capture or void, the capture's for a refund, and for an authorization that
    /// of the one it renews.
    pub acts_on: Option<String>,
    /// The gateway's id of what was done, once it succeeded.
    pub reference: Option<String>,
    /// The gateway's reason, once it failed.
    pub decline: Option<(Decline, String)>,
    /// An authorization lasts until then.
    pub expires_at: Option<Timestamp>,
    /// An authorization that has expired: what was left of it cannot be captured.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lapsed: bool,
    /// The refund that it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    /// What became of it a person has said, and no gateway.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_hand: bool,
    /// The gateway has spoken after all, and said otherwise than the person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub contradicted: bool,
    /// When it took its present status.
    pub since: Timestamp,
}

impl Operation {
    /// An operation that the gateway is asked for.
    pub(crate) fn asked(number: u32, kind: OperationKind, amount_minor: i64, at: Timestamp) -> Self {
        Self {
            number,
            kind,
            amount_minor,
            status: OperationStatus::Pending,
            acts_on: None,
            reference: None,
            decline: None,
            expires_at: None,
            lapsed: false,
            refund_id: None,
            by_hand: false,
            contradicted: false,
            since: at,
        }
    }

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
    /// What a checkout has authorized with it, by the gateway's id: taken over once the gateway and the house's books agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    pub operations: Vec<Operation>,
    /// On terms: what it was invoiced for.
    #[serde(default, skip_serializing_if = "is_no_money")]
    pub invoiced_minor: i64,
    /// Given back without a gateway: credited on an invoice, or to be paid back where it was paid.
    #[serde(default, skip_serializing_if = "is_no_money")]
    pub credited_minor: i64,
    /// Paid elsewhere, and to be paid back there since it bought nothing.
    #[serde(default, skip_serializing_if = "is_no_money")]
    pub unused_minor: i64,
}

fn is_no_money(minor: &i64) -> bool {
    *minor == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Payment {
    /// Whether a gateway is asked at all.
    pub fn uses_gateway(&self) -> bool {
        match self.method {
            PaymentMethod::Card | PaymentMethod::GiftCard => true,
            PaymentMethod::Terms | PaymentMethod::External | PaymentMethod::Credit => false,
        }
    }

    /// Whether somebody answers for its operations: a gateway, or the order that owes a credit.
    pub fn is_answered_for(&self) -> bool {
        self.uses_gateway() || self.method == PaymentMethod::Credit
    }

    /// The order in which money is taken: a credit and a gift card first. What was paid elsewhere is not captured at all.
    pub fn capture_rank(&self) -> u8 {
        match self.method {
            PaymentMethod::External => 0,
            PaymentMethod::Credit => 1,
            PaymentMethod::GiftCard => 2,
            PaymentMethod::Card => 3,
            PaymentMethod::Terms => 4,
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

    /// What is left of a succeeded authorization or capture after what acts on it, counting what is still under way as done.
    pub fn left_minor(&self, operation: &Operation) -> i64 {
        let uses = |op: &&Operation| op.kind.acts_on() == Some(operation.kind);
        let acts = |op: &&Operation| op.acts_on.is_some() && op.acts_on == operation.reference && (Self::succeeded(op) || op.is_open());
        operation.amount_minor - self.operations.iter().filter(uses).filter(acts).map(|op| op.amount_minor).sum::<i64>()
    }

    /// The authorization that a capture or a void acts on, or the capture that a refund does, if only a person says that it was made.
    pub fn finding_acted_on(&self, operation: &Operation) -> Option<&Operation> {
        let parent = operation.kind.acts_on()?;
        let is_parent = |op: &&Operation| op.kind == parent && op.reference.is_some() && op.reference == operation.acts_on;
        self.operations.iter().find(|op| op.by_hand && is_parent(op))
    }

    /// Authorizations of which something is left to capture, the oldest first, with what is left.
    pub fn live_authorizations(&self) -> impl Iterator<Item = (&Operation, i64)> {
        let live = |op: &&Operation| op.kind == OperationKind::Authorize && Self::succeeded(op) && !op.lapsed;
        self.operations.iter().filter(live).map(|op| (op, self.left_minor(op))).filter(|(_, left)| *left > 0)
    }

    /// Captures of which something is left to refund, the oldest first, with what is left.
    pub fn refundable_captures(&self) -> impl Iterator<Item = (&Operation, i64)> {
        let done = |op: &&Operation| op.kind == OperationKind::Capture && Self::succeeded(op);
        self.operations.iter().filter(done).map(|op| (op, self.left_minor(op))).filter(|(_, left)| *left > 0)
    }

    /// What may still be captured.
    pub fn capturable_minor(&self) -> i64 {
        self.live_authorizations().map(|(_, left)| left).sum()
    }

    /// What was authorized and lapsed before it was captured or voided.
    pub fn lapsed_minor(&self) -> i64 {
        self.operations.iter().filter(|op| op.lapsed).map(|op| self.left_minor(op)).sum()
    }

    /// What it answers for beyond what it was charged or invoiced for.
    pub fn good_for_minor(&self) -> i64 {
        match self.method {
            PaymentMethod::Card | PaymentMethod::GiftCard | PaymentMethod::Credit => self.capturable_minor(),
            PaymentMethod::Terms => self.amount_minor - self.invoiced_minor + self.credited_minor,
            PaymentMethod::External => self.amount_minor,
        }
    }

    /// What its next authorization takes over, instead of asking for one.
    pub fn to_take_over(&self) -> Option<&str> {
        let taken = |op: &Operation| op.kind == OperationKind::Authorize && Self::succeeded(op);
        self.authorization.as_deref().filter(|_| !self.operations.iter().any(taken))
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

    /// How often in a row operations of a kind came to nothing: refused, or an authorization that is good for less than `lasting_ms` and
    /// of which nothing was captured.
    pub fn in_vain(&self, kind: OperationKind, lasting_ms: i64) -> u32 {
        let of_kind = self.operations.iter().rev().filter(|op| op.kind == kind);
        let vain = of_kind.take_while(|op| op.status == OperationStatus::Failed || self.is_in_vain(op, lasting_ms));
        u32::try_from(vain.count()).unwrap_or(u32::MAX)
    }

    fn is_in_vain(&self, operation: &Operation, lasting_ms: i64) -> bool {
        let captures = |op: &Operation| op.kind == OperationKind::Capture && op.status != OperationStatus::Failed;
        let is_short = operation.expires_at.is_some_and(|ends| ends.duration_since(operation.since) < ms(lasting_ms));
        is_short && !self.operations.iter().any(|op| captures(op) && op.acts_on == operation.reference)
    }

    /// The last operation of a kind.
    pub fn last(&self, kind: OperationKind) -> Option<&Operation> {
        self.operations.iter().rev().find(|op| op.kind == kind)
    }

    /// The order in which money is given back: an invoice is credited first, a gift card and a credit last.
    pub fn refund_rank(&self) -> u8 {
        match self.method {
            PaymentMethod::Terms => 0,
            PaymentMethod::Card => 1,
            PaymentMethod::External => 2,
            PaymentMethod::GiftCard => 3,
            PaymentMethod::Credit => 4,
        }
    }
}

/// Why an authorization that a checkout has made does not pay for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// The gateway knows of none with this id.
    Unknown,
    /// It was made for another order, or another order has taken it over.
    OfAnother,
    OtherCurrency,
    Voided,
    Expired,
    /// Less is left of it than it is to pay.
    TooLow,
}

impl TakeOver {
    /// As the decline's code, which says it all.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "authorization_unknown",
            Self::OfAnother => "authorization_of_another_order",
            Self::OtherCurrency => "authorization_in_another_currency",
            Self::Voided => "authorization_voided",
            Self::Expired => "authorization_expired",
            Self::TooLow => "authorization_too_low",
        }
    }
}

/// Why what a person took for an authorization or a capture of this order's is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfounded {
    /// The gateway knows of none with this id.
    Unknown,
    OfAnother,
    OtherCurrency,
    /// It is of more or less than the operation that it was taken for.
    OtherAmount,
}

impl Unfounded {
    /// As the decline's code, which says it all.
    pub fn code(self, of: OperationKind) -> &'static str {
        match (self, of) {
            (Self::Unknown, OperationKind::Capture) => "capture_unknown",
            (Self::OfAnother, OperationKind::Capture) => "capture_of_another_order",
            (Self::OtherCurrency, OperationKind::Capture) => "capture_in_another_currency",
            (Self::OtherAmount, OperationKind::Capture) => "capture_of_another_amount",
            (Self::Unknown, OperationKind::Authorize | OperationKind::Void | OperationKind::Refund) => "authorization_unknown",
            (Self::OfAnother, OperationKind::Authorize | OperationKind::Void | OperationKind::Refund) => "authorization_of_another_order",
            (Self::OtherCurrency, OperationKind::Authorize | OperationKind::Void | OperationKind::Refund) => {
                "authorization_in_another_currency"
            }
            (Self::OtherAmount, OperationKind::Authorize | OperationKind::Void | OperationKind::Refund) => {
                "authorization_of_another_amount"
            }
        }
    }
}

/// Longest id that a gateway may give to what it does.
pub const GATEWAY_REFERENCE_MAX_CHARS: usize = 255;

/// Whether a text can be a gateway's id of an authorization, a capture or a refund: letters, digits and `. _ : -`, the first of them a letter
/// or a digit. Such ids come from outside, and go into addresses.
pub fn is_gateway_reference(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    text.len() <= GATEWAY_REFERENCE_MAX_CHARS
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(legal)
}

/// The key under which the gateway knows an operation: deterministic, so that a repeat is recognized.
pub fn operation_key(order: &OrderId, payment: &PaymentId, number: u32) -> String {
    format!("{order}:{payment}:{number}")
}
