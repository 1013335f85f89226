//! What an order owes and is owed, summed from its lines and its instruments (LIFECYCLE.md, Payment).

use super::{CoreLine, FulfillmentOrder, Lines, Order, Refund, RefundOf};
use crate::{
    ids::{LineId, PaymentId},
    payment::{OperationKind, Payment},
    placed::PaymentMethod,
};

impl Order {
    /// What these units cost if they are the next to be shipped. Those that are sent again cost nothing.
    pub fn share_minor(&self, lines: &Lines, sent_again: bool) -> i64 {
        lines.iter().filter_map(|(id, units)| Some(self.lines.get(id)?.clone().charge(*units, sent_again).minor)).sum()
    }

    /// What a fulfillment order costs if it is the next to leave.
    pub(super) fn cost_minor(&self, found: &FulfillmentOrder) -> i64 {
        self.share_minor(&found.lines, found.replaces.is_some())
    }

    /// What of its cost no instrument answers for, if it is the next to leave.
    pub(super) fn uncovered_minor(&self, found: &FulfillmentOrder) -> i64 {
        match self.cost_minor(found) {
            ..=0 => 0,
            cost => (cost + self.uncaptured_minor() - self.covered_minor()).max(0),
        }
    }

    /// The exact worth of units that were shipped and come back for good, with their tax, shipping and discount.
    pub fn refund_share_minor(&self, lines: &Lines) -> i64 {
        lines.iter().filter_map(|(id, units)| Some(self.lines.get(id)?.refund_share(*units).minor)).sum()
    }

    /// The line as placed.
    pub fn core_line(&self, id: &LineId) -> Option<&CoreLine> {
        self.core.lines.get(usize::from(self.lines.get(id)?.position))
    }

    /// What the customer owes for everything that is ordered, as it is now.
    pub fn total_minor(&self) -> i64 {
        self.lines.values().map(|line| line.due_minor).sum()
    }

    /// What is still to be charged when everything ships: the shares that are not spoken for.
    pub fn remaining_minor(&self) -> i64 {
        self.lines.values().map(|line| line.clone().charge(u32::MAX, true).minor).sum()
    }

    /// What the units are worth that nobody has shipped or cancelled.
    pub(super) fn unsettled_minor(&self) -> i64 {
        self.lines.values().map(|line| line.unsettled()).filter(|rest| rest.units > 0).map(|rest| rest.minor).sum()
    }

    pub fn payment(&self, id: &PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.payment_id == *id)
    }

    pub(super) fn payment_mut(&mut self, id: &PaymentId) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.payment_id == *id)
    }

    /// What no instrument answers for yet, of all that is or will be charged.
    pub fn shortfall_minor(&self) -> i64 {
        self.remaining_minor() + self.uncaptured_minor() - self.covered_minor()
    }

    /// What instruments answer for beyond what they were charged or used for.
    fn covered_minor(&self) -> i64 {
        let good_for: i64 = self.payments.iter().map(Payment::good_for_minor).sum();
        good_for - self.elsewhere_minor().min(self.shipped_minor)
    }

    /// Authorized, on terms, paid elsewhere, or nothing due.
    pub fn is_paid_for(&self) -> bool {
        self.shortfall_minor() <= 0 && self.payments.iter().all(|payment| payment.open_operation().is_none())
    }

    fn elsewhere_minor(&self) -> i64 {
        self.payments.iter().filter(|p| p.method == PaymentMethod::External).map(|p| p.amount_minor).sum()
    }

    /// Shares of shipped units that no instrument was charged or invoiced for yet. What was paid elsewhere pays first.
    pub fn uncaptured_minor(&self) -> i64 {
        let asked: i64 = self.payments.iter().map(Payment::charged_minor).sum();
        (self.shipped_minor - self.elsewhere_minor()).max(0) - asked - self.invoiced_minor - self.set_off_minor
    }

    /// Captured less refunded, over all instruments.
    pub fn net_captured_minor(&self) -> i64 {
        self.payments.iter().map(|p| p.captured_minor() - p.refunded_minor()).sum()
    }

    /// What an instrument can give back for a refund.
    pub(super) fn gives_back_minor(&self, payment: &Payment, refund: &Refund) -> i64 {
        match refund.of {
            RefundOf::Order | RefundOf::Shipping => self.gave_minor(payment),
            RefundOf::Unused => self.unused_minor(payment),
        }
    }

    /// What was paid elsewhere, bought nothing, and was not given back.
    pub(super) fn unused_minor(&self, payment: &Payment) -> i64 {
        let elsewhere = payment.method == PaymentMethod::External;
        if elsewhere { payment.amount_minor - self.used_elsewhere_minor(payment) - payment.unused_minor } else { 0 }
    }

    /// What an instrument gave, less what it was or is being given back.
    fn gave_minor(&self, payment: &Payment) -> i64 {
        match payment.method {
            PaymentMethod::Card | PaymentMethod::GiftCard | PaymentMethod::Credit => payment.refundable_minor(),
            PaymentMethod::Terms => payment.invoiced_minor - payment.credited_minor,
            PaymentMethod::External => self.used_elsewhere_minor(payment) - payment.credited_minor,
        }
    }

    /// How much of an external instrument the shipped units have used up, the first one first.
    fn used_elsewhere_minor(&self, payment: &Payment) -> i64 {
        let external = self.payments.iter().filter(|p| p.method == PaymentMethod::External);
        let before: i64 = external.take_while(|p| p.payment_id != payment.payment_id).map(|p| p.amount_minor).sum();
        (self.shipped_minor - before).clamp(0, payment.amount_minor)
    }

    /// Someone must say that this kind of operation may be tried again.
    pub(super) fn is_blocked(&self, kind: OperationKind, payment_id: &PaymentId) -> bool {
        let subject = operation_subject(kind, payment_id);
        self.attention.iter().any(|known| known.wait.is_none() && known.subject == subject)
    }
}

/// What an operation is called where a person must look at it.
pub(super) fn operation_subject(kind: OperationKind, payment_id: &PaymentId) -> String {
    format!("{} {payment_id}", kind.as_str())
}
