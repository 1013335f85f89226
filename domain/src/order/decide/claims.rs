//! Claims: opened for units that the customer has, answered by a person or a deadline, paid to the exact share.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    free_text::is_the_same,
    ids::ClaimId,
    order::{Claim, ClaimAction, ClaimStatus, Event, Lines, RefundProgress},
};

/// Most claims of one order.
const CLAIMS_MAX: usize = 1_000;

impl Draft {
    /// The same claim again is the same claim.
    pub(super) fn open_claim(&mut self, id: &ClaimId, lines: &Lines, reason: &str) -> Result<(), Rejection> {
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        if let Some(known) = self.order.claim(id) {
            let same = &known.lines == lines && is_the_same(&known.reason, reason);
            return if same { Ok(()) } else { refuse(format!("claim {id} exists with other units or another reason")) };
        }
        if id.order_id().as_ref() != Some(&self.order.core.order_id) {
            return refuse(format!("claim {id} is none of order {}", self.order.core.order_id));
        }
        if self.order.claims.len() >= CLAIMS_MAX || lines.is_empty() {
            return refuse(format!("a claim names units, and an order has at most {CLAIMS_MAX} claims"));
        }
        self.refuse_units_not_at_customer(lines)?;
        self.emit(Event::ClaimOpened { claim_id: id.clone(), lines: lines.clone(), reason: reason.to_owned() });
        Ok(())
    }

    /// Approved: the units' exact share is owed at once, from what is refunded before it, like every refund.
    pub(super) fn approve_claim(&mut self, id: &ClaimId) -> Result<(), Rejection> {
        let claim = self.answerable(id, ClaimAction::Approve)?;
        let amount_minor = self.order.refund_share_minor(&claim.lines).min(self.order.refundable_minor()).max(0);
        self.emit(Event::ClaimApproved { claim_id: id.clone(), amount_minor });
        if let Some(refund_id) = claim.refund_id() {
            self.owe_back(refund_id, amount_minor, claim.lines, "claimed");
        }
        Ok(())
    }

    pub(super) fn decline_claim(&mut self, id: &ClaimId, reason: &str) -> Result<(), Rejection> {
        self.answerable(id, ClaimAction::Decline)?;
        self.emit(Event::ClaimDeclined { claim_id: id.clone(), reason: reason.to_owned() });
        Ok(())
    }

    /// Nobody has answered by the deadline.
    pub(super) fn decline_by_default(&mut self, subject: &str) {
        if let Some(claim_id) = ClaimId::parse(subject).ok().filter(|id| self.answerable(id, ClaimAction::Decline).is_ok()) {
            self.emit(Event::ClaimDeclined { claim_id, reason: "nobody approved it in time".to_owned() });
        }
    }

    /// A claim whose money has reached the customer, or that led to none, is over.
    pub(super) fn close_claims(&mut self) {
        let is_paid = |claim: &&Claim| {
            let refund = claim.refund_id().and_then(|id| self.order.refund_progress(&id));
            claim.status == ClaimStatus::Approved && refund.is_none_or(|progress| progress == RefundProgress::Done)
        };
        let paid: Vec<ClaimId> = self.order.claims.iter().filter(is_paid).map(|claim| claim.claim_id.clone()).collect();
        for claim_id in paid {
            self.emit(Event::ClaimClosed { claim_id });
        }
    }

    fn answerable(&self, id: &ClaimId, action: ClaimAction) -> Result<Claim, Rejection> {
        let Some(claim) = self.order.claim(id) else {
            return Err(Rejection::new(ErrorCode::ClaimNotFound, format!("the order has no claim {id}")));
        };
        claim.status.try_after(action)?;
        Ok(claim.clone())
    }
}
