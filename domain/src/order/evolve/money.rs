//! What events mean to the money.

use jiff::Timestamp;

use crate::{
    ids::{PaymentId, RefundId},
    order::{Finding, Order, Refund, RefundOf},
    payment::{Operation, OperationAction, OperationOutcome, operation_key},
};

impl Order {
    pub(super) fn open_operation(&mut self, id: &PaymentId, operation: Operation) {
        if let Some(payment) = self.payment_mut(id) {
            payment.operations.push(operation);
        }
    }

    pub(super) fn lapse(&mut self, id: &PaymentId, number: u32) {
        let payment = self.payment_mut(id);
        if let Some(operation) = payment.and_then(|p| p.operations.iter_mut().find(|op| op.number == number)) {
            operation.lapsed = true;
        }
    }

    pub(super) fn invoice(&mut self, id: &PaymentId, amount_minor: i64) {
        self.invoiced_minor = self.invoiced_minor.saturating_add(amount_minor);
        if let Some(payment) = self.payment_mut(id) {
            payment.invoiced_minor = payment.invoiced_minor.saturating_add(amount_minor);
        }
    }

    pub(super) fn credit(&mut self, id: &PaymentId, refund_id: &RefundId, amount_minor: i64) {
        let unused = self.refund(refund_id).is_some_and(|refund| refund.of == RefundOf::Unused);
        if let Some(payment) = self.payment_mut(id) {
            let sum = if unused { &mut payment.unused_minor } else { &mut payment.credited_minor };
            *sum = sum.saturating_add(amount_minor);
        }
        self.settle_refund(refund_id, amount_minor);
    }

    pub(super) fn owe_back(&mut self, refund: &Refund) {
        if refund.of == RefundOf::Shipping {
            self.take_shipping_out(refund.amount_minor);
        }
        for (id, units) in &refund.lines {
            if let Some(line) = self.lines.get_mut(id) {
                let share = line.refund_share(*units);
                line.refunded.add(share);
            }
        }
        self.refunds.push(refund.clone());
    }

    pub(in crate::order) fn settle_refund(&mut self, id: &RefundId, amount_minor: i64) {
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.refund_id == *id) {
            refund.settled_minor = refund.settled_minor.saturating_add(amount_minor);
        }
    }

    /// A person has found out what became of an operation.
    pub(super) fn resolve_operation(&mut self, id: &PaymentId, number: u32, finding: &Finding, at: Timestamp) {
        let payment = self.payment_mut(id);
        let Some(operation) = payment.and_then(|p| p.operations.iter_mut().find(|op| op.number == number)) else { return };
        let action = match finding {
            Finding::Succeeded { reference, expires_at } => {
                (operation.reference, operation.expires_at) = (Some(reference.clone()), *expires_at);
                OperationAction::Succeed
            }
            Finding::Failed => OperationAction::Fail,
        };
        (operation.by_hand, operation.since) = (true, at);
        operation.status = operation.status.after(action).unwrap_or(operation.status);
    }

    /// The attention that a gateway's late word has raised is kept with the operation that it is of: it is raised once.
    pub(super) fn note_contradiction(&mut self, subject: &str) {
        let order_id = self.core.order_id.clone();
        for payment in &mut self.payments {
            let payment_id = payment.payment_id.clone();
            let is_subject = |op: &&mut Operation| op.by_hand && operation_key(&order_id, &payment_id, op.number) == subject;
            payment.operations.iter_mut().filter(is_subject).for_each(|op| op.contradicted = true);
        }
    }

    pub(super) fn answer_operation(&mut self, id: &PaymentId, number: u32, outcome: &OperationOutcome, at: Timestamp) {
        let Some(payment) = self.payment_mut(id) else { return };
        let Some(operation) = payment.operations.iter_mut().find(|op| op.number == number) else { return };
        let action = match outcome {
            OperationOutcome::Succeeded { reference, expires_at } => {
                operation.reference = Some(reference.clone());
                operation.expires_at = *expires_at;
                OperationAction::Succeed
            }
            OperationOutcome::Declined { decline, code } => {
                operation.decline = Some((*decline, code.clone()));
                OperationAction::Fail
            }
            OperationOutcome::Unknown => OperationAction::LoseSight,
        };
        operation.status = operation.status.after(action).unwrap_or(operation.status);
        operation.since = at;
    }
}
