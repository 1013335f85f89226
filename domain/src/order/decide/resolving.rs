//! What became of an operation of which the gateway does not speak, or of a label of which the carrier does not: a person looks it up there,
//! and says.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    ids::{ParcelId, PaymentId},
    order::{Effect, Event, Finding, LabelFinding, Order, Parcel, money::operation_subject},
    payment::{Operation, OperationOutcome, OperationStatus, Payment, operation_key},
};

impl Draft {
    /// The same finding again is the same. What was not done is asked for anew, if it is still wanted.
    pub(super) fn resolve_payment(&mut self, id: &PaymentId, number: u32, finding: &Finding, reason: &str) -> Result<(), Rejection> {
        let operation = self.order.payment(id).and_then(|payment| payment.operations.iter().find(|op| op.number == number)).cloned();
        let Some(operation) = operation else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("this order has no operation {number} of payment {id}")));
        };
        if operation.by_hand && says(&operation) == *finding {
            return Ok(());
        }
        self.order.refuse_finding(id, &operation)?;
        self.order.refuse_known_reference(&operation, finding)?;
        let (payment_id, finding, reason) = (id.clone(), finding.clone(), reason.to_owned());
        let (kind, amount_minor) = (operation.kind, operation.amount_minor);
        self.emit(Event::PaymentResolved { payment_id, number, kind, amount_minor, finding, reason });
        self.settle(&operation_subject(kind, id));
        Ok(())
    }

    /// The same finding again is the same.
    pub(super) fn resolve_label(&mut self, id: &ParcelId, outcome: LabelFinding, reason: &str) -> Result<(), Rejection> {
        let mut parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        let Some(parcel) = parcels.find(|p| p.parcel_id == *id) else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("this order has no parcel {id}")));
        };
        if parcel.label_finding == Some(outcome) {
            return Ok(());
        }
        let owed = self.order.labels_to_void().into_iter().find(|label| label.parcel_id == *id);
        let Some(effect) = owed.map(|label| Effect::VoidLabel(label).key()) else {
            return refuse_label(parcel, "the carrier is not asked to void a label of it");
        };
        if !self.order.gave_up.get(&effect).is_some_and(|known| known.waits) {
            return refuse_label(parcel, "the carrier is being asked: wait until it answers, or the call gives up");
        }
        self.emit(Event::LabelResolved { parcel_id: id.clone(), outcome, reason: reason.to_owned() });
        Ok(())
    }

    /// The gateway speaks after all. If it says otherwise than the person, somebody must look again: nothing is booked twice.
    pub(super) fn contradict(&mut self, id: &PaymentId, operation: &Operation, outcome: &OperationOutcome) {
        if operation.contradicted {
            return;
        }
        let why = match (operation.status, outcome) {
            (OperationStatus::Failed, OperationOutcome::Succeeded { reference, .. }) => {
                format!("a person said that it was not done, and the gateway says that it was, as {reference}")
            }
            // Without its code: a gateway may refuse again for another reason, and that is no second thing to look at.
            (OperationStatus::Succeeded, OperationOutcome::Declined { .. }) => {
                "a person said that it was done, and the gateway refused it".to_owned()
            }
            _ => return,
        };
        self.attend(&operation_key(&self.order.core.order_id, id, operation.number), &why);
    }
}

impl Order {
    /// A person may say it once sight of it was lost, or its call gave up; not of a credit, for which another order answers.
    fn refuse_finding(&self, id: &PaymentId, operation: &Operation) -> Result<(), Rejection> {
        let gave_up = || self.gave_up.get(&operation_key(&self.core.order_id, id, operation.number)).is_some_and(|known| known.waits);
        let open = match operation.status {
            OperationStatus::Unknown => true,
            OperationStatus::Pending => gave_up(),
            OperationStatus::Succeeded | OperationStatus::Failed => false,
        };
        if open && self.payment(id).is_some_and(Payment::uses_gateway) {
            return Ok(());
        }
        let status = operation.status.name();
        let why = match operation.status {
            OperationStatus::Pending => "the gateway is being asked: wait until it answers, or the call gives up",
            OperationStatus::Unknown => "another order answers for it",
            OperationStatus::Succeeded | OperationStatus::Failed => "it has been answered for good",
        };
        let message = format!("operation {} of payment {id} is {status}: {why}", operation.number);
        Err(Rejection { status: Some(status.to_owned()), ..Rejection::new(ErrorCode::IllegalTransition, message) })
    }

    /// The gateway gives each thing that it does an id of its own: what another operation has made, this one has not.
    fn refuse_known_reference(&self, operation: &Operation, finding: &Finding) -> Result<(), Rejection> {
        let Finding::Succeeded { reference, .. } = finding else { return Ok(()) };
        let mut operations = self.payments.iter().flat_map(|payment| &payment.operations);
        let known = operations.find(|op| op.reference.as_ref() == Some(reference));
        known.map_or(Ok(()), |known| {
            let (kind, asked) = (known.kind.as_str(), operation.kind.as_str());
            let why = format!("{reference} is a {kind} of this order already, and not what this {asked} has made");
            Err(Rejection::new(ErrorCode::RefusedByRule, why))
        })
    }
}

fn refuse_label(parcel: &Parcel, why: &str) -> Result<(), Rejection> {
    let status = parcel.status.name();
    let message = format!("parcel {} is {status}: {why}", parcel.parcel_id);
    Err(Rejection { status: Some(status.to_owned()), ..Rejection::new(ErrorCode::IllegalTransition, message) })
}

/// What was said of an operation by hand.
fn says(operation: &Operation) -> Finding {
    match &operation.reference {
        Some(reference) => Finding::Succeeded { reference: reference.clone(), expires_at: operation.expires_at },
        None => Finding::Failed,
    }
}
