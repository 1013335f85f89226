//! What events mean to the money.

use jiff::Timestamp;

use crate::{
    ids::PaymentId,
    order::Order,
    payment::{Operation, OperationAction, OperationKind, OperationOutcome, OperationStatus},
};

impl Order {
    pub(super) fn open_operation(
        &mut self,
        id: &PaymentId,
        number: u32,
        (kind, amount_minor): (OperationKind, i64),
        acts_on: Option<&str>,
        at: Timestamp,
    ) {
        if let Some(payment) = self.payment_mut(id) {
            payment.operations.push(Operation {
                number,
                kind,
                amount_minor,
                status: OperationStatus::Pending,
                acts_on: acts_on.map(str::to_owned),
                reference: None,
                decline: None,
                expires_at: None,
                since: at,
            });
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
