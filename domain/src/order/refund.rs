//! Money that is owed back: each refund with an id and an explicit amount, paid by the instruments that gave it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Effect, Lines, Order, money::operation_subject};
use crate::{
    ids::RefundId,
    payment::{Operation, OperationKind, OperationStatus, Payment},
};

/// What the order's own refunds begin with: so they never meet the ids that people choose for theirs.
pub(super) const AUTOMATIC: &str = "auto.";

/// Money that someone, or a rule, gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub refund_id: RefundId,
    pub amount_minor: i64,
    pub reason: String,
    /// The units whose exact share it is; none for a gesture.
    #[serde(default, skip_serializing_if = "Lines::is_empty")]
    pub lines: Lines,
    pub at: Timestamp,
    /// Done without a gateway: set off against what was not charged yet, or credited on an invoice.
    #[serde(default, skip_serializing_if = "super::is_no_money")]
    pub settled_minor: i64,
}

/// How far a refund has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundProgress {
    UnderWay,
    /// All of it has reached the customer.
    Done,
    /// It waits for someone, or for time: under this name it can be tried again.
    Stuck {
        subject: String,
        why: String,
    },
}

impl Order {
    /// How far the refund has come; none, if there is no such refund.
    pub fn refund_progress(&self, id: &RefundId) -> Option<RefundProgress> {
        let refund = self.refund(id)?;
        if self.given_back_minor(refund) >= refund.amount_minor {
            return Some(RefundProgress::Done);
        }
        let stuck = self.attention.iter().find(|known| known.wait.is_none() && self.names_a_refund(&known.subject));
        let stuck = stuck.map(|known| RefundProgress::Stuck { subject: known.subject.clone(), why: known.why.clone() });
        Some(stuck.unwrap_or(RefundProgress::UnderWay))
    }

    /// Whether a person must look at a refund under this name: the instrument's, for one that failed, or that of the call, for one that
    /// could not be made.
    fn names_a_refund(&self, subject: &str) -> bool {
        let calls = self.owed_effects().into_iter().filter_map(|effect| match effect {
            Effect::Pay(pay) if pay.kind == OperationKind::Refund => Some(Effect::Pay(pay).key()),
            Effect::Source(_) | Effect::Pay(_) | Effect::Screen(_) | Effect::BookLabel(_) | Effect::VoidLabel(_) => None,
        });
        let failed = |p: &Payment| operation_subject(OperationKind::Refund, &p.payment_id) == subject;
        self.payments.iter().any(failed) || calls.into_iter().any(|key| key == subject)
    }

    pub fn refund(&self, id: &RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.refund_id == *id)
    }

    /// What may still be promised back: what was shipped, less all that was promised before.
    pub fn refundable_minor(&self) -> i64 {
        self.shipped_minor - self.refunds.iter().map(|refund| refund.amount_minor).sum::<i64>()
    }

    /// What of a refund nobody has done or is doing.
    pub fn outstanding_minor(&self, refund: &Refund) -> i64 {
        refund.amount_minor - refund.settled_minor - self.refund_sum(refund, |op| op.is_open() || op.status == OperationStatus::Succeeded)
    }

    /// What of a refund has reached the customer.
    pub fn given_back_minor(&self, refund: &Refund) -> i64 {
        refund.settled_minor + self.refund_sum(refund, |op| op.status == OperationStatus::Succeeded)
    }

    fn refund_sum(&self, refund: &Refund, counts: impl Fn(&Operation) -> bool) -> i64 {
        let operations = self.payments.iter().flat_map(|payment| &payment.operations);
        let of_it = operations.filter(|op| op.kind == OperationKind::Refund && op.refund_id.as_ref() == Some(&refund.refund_id));
        of_it.filter(|op| counts(op)).map(|op| op.amount_minor).sum()
    }
}
