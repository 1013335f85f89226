//! Money that is owed back: each refund with an id and an explicit amount, paid by the instruments that gave it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Effect, Lines, Order, money::operation_subject};
use crate::{
    ids::RefundId,
    kinds::named,
    money::share_minor,
    payment::{Operation, OperationKind, OperationStatus, Payment},
};

/// What the order's own refunds begin with: so they never meet the ids that people choose for theirs.
pub(super) const AUTOMATIC: &str = "auto.";

named! {
    /// What money is given back for.
    #[derive(Default)]
    RefundOf {
        /// Units, or a gesture.
        #[default]
        Order = "order",
        /// Shipping, by itself: units that come back later are worth so much less.
        Shipping = "shipping",
        /// It was paid elsewhere, and bought nothing.
        Unused = "unused",
    }
}

impl RefundOf {
    pub(super) fn is_order(&self) -> bool {
        *self == Self::Order
    }
}

/// Money that someone, or a rule, gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub refund_id: RefundId,
    pub amount_minor: i64,
    pub reason: String,
    #[serde(default, skip_serializing_if = "RefundOf::is_order")]
    pub of: RefundOf,
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
        let promised = self.refunds.iter().filter(|refund| refund.of != RefundOf::Unused);
        self.shipped_minor - promised.map(|refund| refund.amount_minor).sum::<i64>()
    }

    /// What of the shipping that was charged nobody has been given back: with units, or by itself.
    pub fn refundable_shipping_minor(&self) -> i64 {
        let by_itself: i64 = self.refunds.iter().filter(|refund| refund.of == RefundOf::Shipping).map(|refund| refund.amount_minor).sum();
        let kept_minor: i64 = self.lines.values().map(|line| line.kept().minor.max(0)).sum();
        let (kept, due) = (u64::try_from(kept_minor + by_itself).unwrap_or(0), u64::try_from(self.total_minor()).unwrap_or(0));
        if due == 0 {
            return 0;
        }
        let with_units = share_minor(self.core.shipping_minor, 0, kept.min(due), due);
        (with_units - by_itself).min(kept_minor).min(self.refundable_minor()).max(0)
    }

    /// What came back for shipping alone, the units that were charged are worth less: each line's by its part of what was not given back.
    pub(super) fn take_shipping_out(&mut self, amount_minor: i64) {
        let worth = |kept_minor: i64| kept_minor.max(0).unsigned_abs();
        let all: u64 = self.lines.values().map(|line| worth(line.kept().minor)).sum();
        let mut before = 0;
        for line in self.lines.values_mut() {
            let upto = before + worth(line.kept().minor);
            if upto > before {
                line.worth_less(share_minor(amount_minor, before, upto, all));
            }
            before = upto;
        }
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
