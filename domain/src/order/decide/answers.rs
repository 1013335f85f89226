//! What effects come back with.

use super::Draft;
use crate::{
    ids::{ParcelId, PaymentId},
    order::{Event, LabelOutcome, Lines, SourcedPackage, SourcingAnswer, WaitingPackage, lines::take, money::operation_subject},
    parcel::ParcelStatus,
    payment::{OperationKind, OperationOutcome, OperationStatus},
};

impl Draft {
    /// Sourcing answered. Units that were cancelled meanwhile are left out: recording the event gives their stock back.
    pub(super) fn sourced(&mut self, answer: &SourcingAnswer) {
        if answer.round != self.order.sourcing.asked || answer.round <= self.order.sourcing.answered {
            return;
        }
        let pooled = self.order.pooled.asked.is_some();
        self.call_back(answer);
        let mut open = self.order.sourceable();
        let packages = answer.packages.iter().map(|p| SourcedPackage { lines: take(&mut open, &p.lines), ..p.clone() });
        let packages = packages.collect();
        // Nobody waits on purpose for longer than the order may: what was not worth a consignment by then waits for other stock.
        let may_wait = self.at < self.order.may_wait_until();
        let on_purpose = |p: &WaitingPackage| p.on_purpose && may_wait;
        let waiting = answer.waiting.iter();
        let waiting = waiting.map(|p| WaitingPackage { lines: take(&mut open, &p.lines), on_purpose: on_purpose(p), ..p.clone() });
        let waiting: Vec<WaitingPackage> = waiting.collect();
        let unfilled: Vec<_> = waiting.iter().map(|p| (p.fulfillment_order_id.clone(), p.lines.clone())).collect();
        let outdated = self.order.outdated_groups.clone();
        self.emit(Event::OrderSourced { round: answer.round, packages, waiting });
        self.drop_empty();
        if pooled {
            self.join(answer);
        }
        if !self.order.core.allow_backorder {
            for (id, lines) in unfilled {
                self.cancel_some(Some(id), lines, "out of stock, and the order does not wait");
            }
        }
        self.reissue(&outdated);
    }

    /// Fulfillment orders that the trimming left without a unit are cancelled.
    fn drop_empty(&mut self) {
        let empty = self.order.fulfillment_orders.iter().filter(|f| f.lines.is_empty() && !f.status.is_final());
        for id in empty.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            let (fulfillment_order_id, reason) = (Some(id), "cancelled while it was being sourced".to_owned());
            self.emit(Event::UnitsCancelled { fulfillment_order_id, lines: Lines::new(), reason });
        }
    }

    /// The gateway answered, or was lost sight of. A second answer to a settled operation changes nothing.
    pub(super) fn paid(&mut self, payment_id: &PaymentId, number: u32, outcome: &OperationOutcome) {
        let Some(payment) = self.order.payments.iter().find(|p| p.payment_id == *payment_id) else { return };
        let Some(operation) = payment.operations.iter().find(|op| op.number == number) else { return };
        let still_unknown = operation.status == OperationStatus::Unknown && *outcome == OperationOutcome::Unknown;
        let settled = matches!(operation.status, OperationStatus::Succeeded | OperationStatus::Failed);
        if settled || still_unknown {
            if operation.by_hand {
                let operation = operation.clone();
                self.contradict(payment_id, &operation, outcome);
            }
            return;
        }
        let (operation, kind, amount_minor) = (operation.clone(), operation.kind, operation.amount_minor);
        let payment_id = payment_id.clone();
        self.emit(Event::PaymentAnswered { payment_id: payment_id.clone(), number, kind, amount_minor, outcome: outcome.clone() });
        match outcome {
            OperationOutcome::Succeeded { .. } => {
                self.settle(&operation_subject(kind, &payment_id));
                match kind {
                    OperationKind::Authorize => self.doubt_short_ones(&payment_id),
                    OperationKind::Capture => self.captured_once(&payment_id, &operation),
                    OperationKind::Void | OperationKind::Refund => {}
                }
            }
            OperationOutcome::Declined { code, .. } => self.money_refused(&payment_id, &operation, code),
            OperationOutcome::Unknown => {}
        }
    }

    /// The carrier will not come for a parcel that was unpacked.
    pub(super) fn label_voided(&mut self, parcel_id: &ParcelId) {
        let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        if parcels.into_iter().any(|p| p.parcel_id == *parcel_id && p.status == ParcelStatus::Voided && p.label_at_carrier) {
            self.emit(Event::LabelVoided { parcel_id: parcel_id.clone() });
        }
    }

    /// The carrier answered this request for a label.
    pub(super) fn labelled(&mut self, parcel_id: &ParcelId, attempt: u32, outcome: &LabelOutcome) {
        let owner = parcel_id.fulfillment_order_id().and_then(|id| self.order.fulfillment_order(&id));
        let Some(parcel) = owner.and_then(|f| f.parcels.iter().find(|p| p.parcel_id == *parcel_id)) else { return };
        // Too late: such a label is not wanted any more, and is voided at the carrier under the same key.
        if parcel.status != ParcelStatus::LabelPending || parcel.label_attempts != attempt {
            return;
        }
        match outcome {
            LabelOutcome::Booked { carrier, tracking_number, tracking_url } => {
                let (carrier, tracking_number, tracking_url) = (carrier.clone(), tracking_number.clone(), tracking_url.clone());
                self.emit(Event::LabelBooked { parcel_id: parcel_id.clone(), carrier, tracking_number, tracking_url });
                self.settle(parcel_id.as_str());
            }
            LabelOutcome::Refused { why } => {
                self.emit(Event::LabelRefused { parcel_id: parcel_id.clone(), why: why.clone() });
                self.attend(parcel_id.as_str(), &format!("the carrier gave no label: {why}"));
            }
        }
    }
}
