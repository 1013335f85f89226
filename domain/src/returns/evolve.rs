//! What an event means: the only code that changes a return.

use jiff::Timestamp;

use super::{Attention, CarrierMove, Consent, Event, Goods, Inspected, Receipt, ReceivedGoods, Return, ReturnAction, ReturnStatus};
use crate::{
    ids::{LineId, Sku},
    parcel::ParcelAction,
};

impl Return {
    /// Applies an event that was decided at `at`.
    pub fn evolve(&mut self, event: &Event, at: Timestamp) {
        self.version += 1;
        match event {
            Event::ReturnRequested { .. } => self.status_since = at,
            Event::OrderAgreed { origin } => {
                self.consent = Consent::Given;
                self.origin = Some(origin.clone());
                self.status_since = at;
            }
            Event::OrderRefused { refusal } => {
                self.consent = Consent::Refused(refusal.clone());
                self.go(ReturnAction::Decline, at);
            }
            Event::ReturnApproved { .. } => self.go(ReturnAction::Approve, at),
            Event::ReturnDeclined { .. } => self.go(ReturnAction::Decline, at),
            Event::ReturnCancelled { .. } => self.go(ReturnAction::Cancel, at),
            Event::ReturnLabelSent { label } => {
                self.label = Some(label.clone());
                self.go(ReturnAction::SendLabel, at);
            }
            Event::ReturnLabelVoided => {
                if let Some(label) = &mut self.label {
                    label.voided = true;
                }
            }
            Event::ReturnLabelResolved { outcome, .. } => {
                if let Some(label) = &mut self.label {
                    label.finding = Some(*outcome);
                }
            }
            Event::GoodsInTransit { occurred_at } => {
                self.note_scan(ParcelAction::Transit, *occurred_at);
                self.go(ReturnAction::Transit, at);
            }
            Event::GoodsScanned { action, occurred_at } => self.note_scan(*action, *occurred_at),
            Event::GoodsLost { .. } => self.go(ReturnAction::Lose, at),
            Event::GoodsReceived { receipt_id, receipt, complete } => self.receive(receipt_id, receipt, *complete, at),
            Event::GoodsInspected { judged, .. } => {
                judged.iter().for_each(|inspected| self.judge(inspected));
                self.go(ReturnAction::Inspect, at);
            }
            Event::WaitingStopped => self.go(ReturnAction::StopWaiting, at),
            Event::RefundBegun => self.go(ReturnAction::Refund, at),
            Event::ReturnSettled(settlement) => {
                self.consent = Consent::Settled;
                self.settlement = Some(settlement.clone());
            }
            Event::CreditTold => self.credit_told = true,
            Event::RefundFailed { .. } => self.go(ReturnAction::FailRefund, at),
            Event::RefundRetried => {
                self.refund_retries += 1;
                self.go(ReturnAction::Retry, at);
            }
            Event::ReturnClosed => self.go(ReturnAction::Close, at),
            Event::ReturnExpired => self.go(ReturnAction::Expire, at),
            Event::DeadlineExtended { wait, subject, until } => {
                self.extended.insert(wait.of(subject), *until);
            }
            Event::AttentionRaised { subject, why } => {
                let times = self.gave_up.entry(subject.clone()).or_default();
                *times = times.saturating_add(1);
                self.attention.push(Attention { subject: subject.clone(), why: why.clone(), since: at });
            }
            Event::BooksRestored { .. } => {}
            Event::AttentionResolved { subject } => self.attention.retain(|known| known.subject != *subject),
        }
    }

    /// The latest counts, and that they were delivered, whenever that is told.
    fn note_scan(&mut self, action: ParcelAction, occurred_at: Timestamp) {
        let last = self.scanned.take().unwrap_or(CarrierMove { action, occurred_at });
        let action = if last.action == ParcelAction::Deliver { last.action } else { action };
        self.scanned = Some(CarrierMove { action, occurred_at: occurred_at.max(last.occurred_at) });
    }

    /// Events were decided in this state, so the row is there.
    fn go(&mut self, action: ReturnAction, at: Timestamp) {
        if let Some(next) = self.status.after(action).filter(|next| *next != self.status) {
            self.status = next;
            self.status_since = at;
        }
    }

    fn receive(&mut self, receipt_id: &str, receipt: &Receipt, complete: bool, at: Timestamp) {
        for came in &receipt.goods {
            self.put_down(receipt, came);
        }
        self.receipts.insert(receipt_id.to_owned(), receipt.clone());
        self.go(if complete { ReturnAction::ReceiveAll } else { ReturnAction::ReceivePart }, at);
        // Waiting for the rest begins anew with every delivery.
        self.status_since = at;
    }

    fn put_down(&mut self, receipt: &Receipt, came: &ReceivedGoods) {
        let Some((line_id, sku)) = self.identified(came) else { return };
        let known = self.goods.iter().position(|g| (&g.facility_id, &g.line_id, &g.sku) == (&receipt.facility_id, &line_id, &sku));
        let index = known.unwrap_or_else(|| {
            self.goods.push(Goods::new(receipt.facility_id.clone(), line_id, sku));
            self.goods.len() - 1
        });
        if let Some(goods) = self.goods.get_mut(index) {
            goods.received = goods.received.saturating_add(came.quantity);
        }
    }

    /// The line and SKU of what came: by the line it names; by its SKU, the announced line of it first. None: neither makes sense.
    pub(super) fn identified(&self, came: &ReceivedGoods) -> Option<(Option<LineId>, Sku)> {
        let skus = &self.origin.as_ref()?.skus;
        if let Some(line_id) = &came.line_id {
            let sku = skus.get(line_id)?;
            let fits = came.sku.as_ref().is_none_or(|named| named == sku);
            return fits.then(|| (Some(line_id.clone()), sku.clone()));
        }
        let sku = came.sku.clone()?;
        let announced = self.core.lines.iter().map(|line| &line.line_id).find(|id| skus.get(*id) == Some(&sku));
        let sold = || skus.iter().find(|(_, known)| **known == sku).map(|(id, _)| id);
        Some((announced.or_else(sold).cloned(), sku))
    }

    fn judge(&mut self, inspected: &Inspected) {
        let mut left = inspected.quantity;
        for goods in self.meant(&inspected.goods) {
            left -= goods.judge(left, inspected.verdict, inspected.disposition);
        }
    }

    /// All units that came are judged, and no more are awaited.
    pub(super) fn is_judged(&self) -> bool {
        matches!(self.status, ReturnStatus::Received | ReturnStatus::Inspected) && !self.is_undecided()
    }
}
