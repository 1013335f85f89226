//! Money follows the units: authorized before anything is released, captured as it ships, voided when nothing is left to ship.

use super::Draft;
use crate::{
    ids::{PaymentId, RefundId},
    order::{Event, OrderStatus, money::operation_subject},
    payment::{Decline, Operation, OperationKind, OperationStatus, Payment},
    placed::PaymentMethod,
};

/// An operation to ask the gateway for.
pub(super) struct Ask {
    pub(super) payment_id: PaymentId,
    pub(super) kind: OperationKind,
    pub(super) amount_minor: i64,
    /// The reference of what it acts on.
    pub(super) acts_on: Option<String>,
    pub(super) refund_id: Option<RefundId>,
}

impl Draft {
    pub(super) fn ask(&mut self, ask: Ask) {
        let Ask { payment_id, kind, amount_minor, acts_on, refund_id } = ask;
        let used = self.order.payment(&payment_id).map_or(0, |payment| payment.operations.len());
        let number = u32::try_from(used).map_or(u32::MAX, |used| used + 1);
        self.emit(Event::PaymentAsked { payment_id, number, kind, amount_minor, acts_on, refund_id });
    }

    /// Asks each instrument for its part of what is still owed, in the order's own order. One that was declined is not asked again.
    pub(super) fn authorize(&mut self) {
        let mut owed = self.order.remaining_minor();
        let mut asked = Vec::new();
        for payment in &self.order.payments {
            let good_for = match payment.last(OperationKind::Authorize) {
                None if payment.is_answered_for() => payment.amount_minor,
                Some(op) if op.is_open() => op.amount_minor,
                Some(_) | None => payment.good_for_minor(),
            };
            let part = good_for.min(owed).max(0);
            owed -= part;
            if payment.is_answered_for() && payment.operations.is_empty() && part > 0 {
                asked.push((payment.payment_id.clone(), part));
            }
        }
        for (payment_id, amount_minor) in asked {
            self.ask(Ask { payment_id, kind: OperationKind::Authorize, amount_minor, acts_on: None, refund_id: None });
        }
    }

    /// Captures what was shipped and is not captured yet: one operation at a time per instrument, gift cards first.
    pub(super) fn capture(&mut self) {
        let mut due = self.order.uncaptured_minor();
        let mut ranked: Vec<Payment> = self.order.payments.clone();
        ranked.sort_by_key(Payment::capture_rank);
        for payment in ranked {
            if due <= 0 || payment.open_operation().is_some() {
                return;
            }
            let part = match payment.method {
                PaymentMethod::Card | PaymentMethod::GiftCard => payment.capturable_minor().min(due),
                PaymentMethod::Terms => payment.good_for_minor().min(due),
                // Until its goods are back and judged, nobody knows what it is worth.
                PaymentMethod::Credit if self.order.credit_settled.is_none() => 0,
                PaymentMethod::Credit => payment.capturable_minor().min(due),
                // Paid already: what is due is due beyond it.
                PaymentMethod::External => 0,
            };
            due -= part;
            if part <= 0 || self.order.is_blocked(OperationKind::Capture, &payment.payment_id) {
                continue;
            }
            match payment.live_authorizations().last() {
                Some((authorization, left)) => {
                    let acts_on = authorization.reference.clone();
                    let (kind, amount_minor) = (OperationKind::Capture, part.min(left));
                    self.ask(Ask { payment_id: payment.payment_id, kind, amount_minor, acts_on, refund_id: None });
                }
                None => self.emit(Event::InvoiceDue { payment_id: payment.payment_id, amount_minor: part }),
            }
        }
    }

    /// Voids what is authorized and will not be captured.
    pub(super) fn void_rest(&mut self) {
        self.void_where(|_, _| true);
    }

    /// Voids authorizations that were renewed: the new one came before the old is given up.
    pub(super) fn void_renewed(&mut self) {
        self.void_where(|payment, old| payment.operations.iter().any(|new| renews(new, old) && new.status == OperationStatus::Succeeded));
    }

    fn void_where(&mut self, unwanted: impl Fn(&Payment, &Operation) -> bool) {
        let mut asks = Vec::new();
        for payment in self.order.payments.iter().filter(|p| p.open_operation().is_none()) {
            if self.order.is_blocked(OperationKind::Void, &payment.payment_id) {
                continue;
            }
            if let Some((old, amount_minor)) = payment.live_authorizations().find(|(op, _)| unwanted(payment, op)) {
                let (payment_id, acts_on) = (payment.payment_id.clone(), old.reference.clone());
                asks.push(Ask { payment_id, kind: OperationKind::Void, amount_minor, acts_on, refund_id: None });
            }
        }
        asks.into_iter().for_each(|ask| self.ask(ask));
    }

    /// Anything that fails needs another try, or a person; but an authorization before approval is the customer's affair (see `advance`).
    pub(super) fn money_refused(&mut self, payment_id: &PaymentId, operation: &Operation, code: &str) {
        let created = self.order.status == OrderStatus::Created;
        let first = operation.kind == OperationKind::Authorize && operation.acts_on.is_none() && created;
        if !first {
            self.attend(&operation_subject(operation.kind, payment_id), &format!("the gateway refused: {code}"));
        }
    }
}

/// This authorization was asked for in place of that one.
pub(in crate::order) fn renews(new: &Operation, old: &Operation) -> bool {
    new.kind == OperationKind::Authorize && new.acts_on.is_some() && new.acts_on == old.reference
}

/// The last authorization failed in this way, and nothing else of the instrument is good.
pub(super) fn refused(payment: &Payment, how: Decline) -> bool {
    let last = payment.last(OperationKind::Authorize).filter(|op| op.status == OperationStatus::Failed);
    last.and_then(|op| op.decline.as_ref()).is_some_and(|(decline, _)| *decline == how) && payment.capturable_minor() == 0
}
