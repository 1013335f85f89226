//! What is noted at an event of money.

use jiff::Timestamp;
use oms_domain::{
    ids::{RefundId, ReturnId},
    order::{Event, Finding, RefundProgress},
    payment::{Decline, OperationKind, OperationOutcome},
};

use crate::{derive::Following, facts::MoneyFact};

impl Following {
    pub(crate) fn note_money(&mut self, event: &Event, at: Timestamp) {
        if let Event::PaymentAnswered { kind, amount_minor, outcome, .. } = event {
            match outcome {
                OperationOutcome::Succeeded { .. } => self.note_done(*kind, *amount_minor, at),
                OperationOutcome::Declined { decline, .. } => self.note_declined(*kind, *decline, at),
                OperationOutcome::Unknown => {}
            }
        }
        if let Event::PaymentResolved { kind, amount_minor, finding: Finding::Succeeded { .. }, .. } = event {
            self.note_moved(*kind, *amount_minor, at);
        }
        if let Event::RefundSetOff { amount_minor, .. } | Event::CreditDue { amount_minor, .. } = event {
            self.note_refunded(*amount_minor, at);
        }
        if let Event::ReturnOpened { return_id, .. } = event {
            self.returns_opened.insert(return_id.clone(), at);
        }
        self.note_returns_refunded(at);
    }

    fn note_done(&mut self, kind: OperationKind, minor: i64, at: Timestamp) {
        if kind == OperationKind::Authorize {
            self.money.push(MoneyFact::Authorization { at, declined: None });
        }
        self.note_moved(kind, minor, at);
    }

    fn note_declined(&mut self, kind: OperationKind, decline: Decline, at: Timestamp) {
        let declined = match decline {
            Decline::Hard => "hard",
            Decline::Soft => "soft",
        };
        if kind == OperationKind::Authorize {
            self.money.push(MoneyFact::Authorization { at, declined: Some(declined) });
        }
    }

    fn note_moved(&mut self, kind: OperationKind, minor: i64, at: Timestamp) {
        match kind {
            OperationKind::Capture => {
                let last_capture_at = self.last_capture_at.replace(at);
                let since = self
                    .shipments
                    .iter()
                    .map(|shipment| shipment.at)
                    .filter(|left| last_capture_at.is_none_or(|before| *left > before))
                    .min();
                let lag_ms = since.map(|left| at.duration_since(left).as_millis().try_into().unwrap_or(i64::MAX));
                self.money.push(MoneyFact::Captured { at, minor, lag_ms });
            }
            OperationKind::Refund => self.note_refunded(minor, at),
            OperationKind::Authorize | OperationKind::Void => {}
        }
    }

    fn note_refunded(&mut self, minor: i64, at: Timestamp) {
        self.refunded_minor += minor;
        self.money.push(MoneyFact::Refunded { at, minor });
    }

    /// Returns whose money has reached the customer, each once.
    fn note_returns_refunded(&mut self, at: Timestamp) {
        let owed: Vec<(ReturnId, RefundId)> =
            self.order.returns.iter().filter_map(|known| Some((known.return_id.clone(), known.refund_id()?))).collect();
        for (return_id, refund_id) in owed {
            let is_done = self.order.refund_progress(&refund_id) == Some(RefundProgress::Done);
            let Some(opened_at) = self.returns_opened.get(&return_id).copied().filter(|_| is_done) else { continue };
            if self.refunds_done.insert(refund_id) {
                let took_ms = at.duration_since(opened_at).as_millis().try_into().unwrap_or(i64::MAX);
                self.money.push(MoneyFact::ReturnRefunded { at, took_ms });
            }
        }
    }
}
