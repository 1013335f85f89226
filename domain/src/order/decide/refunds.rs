//! Refunds: an id and an explicit amount, paid back by the instruments that gave it, never more to one than it gave.

use super::{Draft, money::Ask};
use crate::{
    error::{ErrorCode, Rejection},
    free_text::is_the_same,
    ids::RefundId,
    order::{Event, Lines, Refund, RefundOf, refund::AUTOMATIC},
    payment::{OperationKind, OperationStatus, Payment},
    placed::PaymentMethod,
};

/// Most refunds of one order.
const REFUNDS_MAX: usize = 1_000;

impl Draft {
    /// Someone gives money back. The same refund again is the same refund.
    pub(super) fn ask_refund(
        &mut self,
        id: &RefundId,
        amount_minor: i64,
        lines: Option<&Lines>,
        reason: &str,
        of: RefundOf,
    ) -> Result<(), Rejection> {
        let lines = lines.cloned().unwrap_or_default();
        if let Some(known) = self.order.refund(id) {
            let same = (known.amount_minor, &known.lines, known.of) == (amount_minor, &lines, of) && is_the_same(&known.reason, reason);
            let refusal = || Rejection::new(ErrorCode::RefusedByRule, format!("refund {id} exists with another amount, lines or reason"));
            return if same { Ok(()) } else { Err(refusal()) };
        }
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        let (refundable, left_of) = match of {
            RefundOf::Order => (self.order.refundable_minor(), "what was shipped"),
            RefundOf::Shipping if !lines.is_empty() => return refuse("shipping is given back by itself, for no units".to_owned()),
            RefundOf::Shipping => (self.order.refundable_shipping_minor(), "the shipping that was charged"),
            RefundOf::Unused => return refuse("what bought nothing is given back by itself, at the end".to_owned()),
        };
        if id.as_str().starts_with(AUTOMATIC) {
            return refuse(format!("ids that begin with {AUTOMATIC} are the order's own"));
        }
        if amount_minor <= 0 || amount_minor > refundable {
            return refuse(format!("{amount_minor} cannot be given back: {refundable} is left of {left_of}"));
        }
        if self.order.refunds.len() >= REFUNDS_MAX {
            return refuse(format!("an order has at most {REFUNDS_MAX} refunds"));
        }
        for (line_id, units) in &lines {
            let line = self.order.lines.get(line_id);
            if line.is_none_or(|line| *units == 0 || line.refund_share(*units).units < *units) {
                return refuse(format!("line {line_id}: {units} units named, and not so many were charged and not given back yet"));
            }
        }
        let (refund_id, reason, at) = (id.clone(), reason.to_owned(), self.at);
        self.emit(Event::RefundAsked(Refund { refund_id, amount_minor, reason, of, lines, at, settled_minor: 0 }));
        Ok(())
    }

    /// The order owes this back from now on; together with what it gave back before, never more than was shipped.
    pub(super) fn owe_back(&mut self, refund_id: RefundId, amount_minor: i64, lines: Lines, reason: &str) {
        let amount_minor = amount_minor.min(self.order.refundable_minor());
        if amount_minor > 0 {
            let (reason, at) = (reason.to_owned(), self.at);
            let of = RefundOf::Order;
            self.emit(Event::RefundAsked(Refund { refund_id, amount_minor, reason, of, lines, at, settled_minor: 0 }));
        }
    }

    /// The order has ended: what was paid elsewhere and bought nothing is due back there. Who paid it out must hear of it.
    pub(super) fn give_back_unused(&mut self) {
        let unused: i64 = self.order.payments.iter().map(|payment| self.order.unused_minor(payment)).sum();
        let owed: i64 = self.order.refunds.iter().filter(|r| r.of == RefundOf::Unused).map(|r| self.order.outstanding_minor(r)).sum();
        let (amount_minor, of) = (unused - owed, RefundOf::Unused);
        if let Some(refund_id) = self.refund_id("unused").filter(|_| amount_minor > 0) {
            let (reason, lines, at) = ("paid, and nothing was bought with it".to_owned(), Lines::new(), self.at);
            self.emit(Event::RefundAsked(Refund { refund_id, amount_minor, reason, of, lines, at, settled_minor: 0 }));
        }
    }

    /// What is owed both ways is set off before anyone is charged.
    pub(super) fn set_off(&mut self) {
        let due = self.order.uncaptured_minor();
        let refund = self.order.refunds.iter().find(|refund| self.order.outstanding_minor(refund) > 0);
        if let Some(refund) = refund.filter(|_| due > 0) {
            let amount_minor = self.order.outstanding_minor(refund).min(due);
            self.emit(Event::RefundSetOff { refund_id: refund.refund_id.clone(), amount_minor });
        }
    }

    /// Gives back what is owed: an invoice is credited first, a gift card last; one operation at a time. One that is stuck stops no other.
    pub(super) fn refund(&mut self) {
        let mut ranked: Vec<Payment> = self.order.payments.clone();
        ranked.sort_by_key(Payment::refund_rank);
        let next = self.order.refunds.iter().filter(|refund| self.order.outstanding_minor(refund) > 0).find_map(|refund| {
            // Its turn, so no other instrument's.
            let payment = ranked.iter().find(|payment| self.order.gives_back_minor(payment, refund) > 0)?;
            let free = payment.open_operation().is_none() && !self.is_stuck(refund, payment);
            free.then(|| (refund.clone(), payment.clone()))
        });
        if let Some((refund, payment)) = next {
            let amount_minor = self.order.gives_back_minor(&payment, &refund).min(self.order.outstanding_minor(&refund));
            self.refund_from(&refund, payment, amount_minor);
        }
    }

    /// The instrument would not pay it, and nobody has said that it may be tried again.
    fn is_stuck(&self, refund: &Refund, payment: &Payment) -> bool {
        let last =
            payment.operations.iter().rev().find(|op| op.kind == OperationKind::Refund && op.refund_id.as_ref() == Some(&refund.refund_id));
        let failed = last.is_some_and(|op| op.status == OperationStatus::Failed && !op.by_hand);
        failed && self.order.is_blocked(OperationKind::Refund, &payment.payment_id)
    }

    fn refund_from(&mut self, refund: &Refund, payment: Payment, amount_minor: i64) {
        let refund_id = refund.refund_id.clone();
        match payment.method {
            PaymentMethod::Terms | PaymentMethod::External => {
                self.emit(Event::CreditDue { payment_id: payment.payment_id, refund_id, amount_minor });
            }
            PaymentMethod::Card | PaymentMethod::GiftCard | PaymentMethod::Credit => {
                let Some((capture, left)) = payment.refundable_captures().last() else { return };
                let (acts_on, amount_minor) = (capture.reference.clone(), amount_minor.min(left));
                let (payment_id, kind, refund_id) = (payment.payment_id.clone(), OperationKind::Refund, Some(refund_id));
                self.ask(Ask { payment_id, kind, amount_minor, acts_on, refund_id });
            }
        }
    }

    /// The order's own refund ids: by what it is for, and the version at which.
    pub(super) fn refund_id(&self, what: &str) -> Option<RefundId> {
        RefundId::parse(format!("{AUTOMATIC}{what}.{}", self.order.version)).ok()
    }
}
