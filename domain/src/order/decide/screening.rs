//! Screens an order before it is approved.

use super::Draft;
use crate::{
    ids::HoldId,
    order::{Event, Hold, HoldReason, OrderStatus, Screening, Verdict},
};

/// The hold of an order that a person must look at.
const REVIEW: &str = "review.fraud";

impl Draft {
    /// Whether the fraud check stands in nobody's way; asks it first, if nobody has.
    pub(super) fn is_screened(&mut self) -> bool {
        match self.order.screening {
            _ if !self.order.policy.fraud_check => true,
            None => {
                self.emit(Event::ScreeningAsked);
                false
            }
            Some(Screening { verdict, .. }) => verdict.is_some(),
        }
    }

    /// The fraud check answered, or its time was over. A second answer, and one for an order that has gone on, changes nothing.
    pub(super) fn screened(&mut self, verdict: Verdict, by_default: bool) {
        let open = self.order.screening.is_some_and(|screening| screening.verdict.is_none());
        if !open || self.order.status != OrderStatus::Created {
            return;
        }
        self.emit(Event::ScreeningAnswered { verdict, by_default });
        match verdict {
            Verdict::Accepted => {}
            Verdict::Declined => {
                let reason = "the fraud check declined it".to_owned();
                self.end_unpaid(Event::OrderRejected { reason: reason.clone() }, &reason);
            }
            Verdict::Referred => self.hold_for_review(),
        }
    }

    /// Whether this is the question to the fraud check. Its failure needs nobody once the order has an answer: it changed nothing outside.
    pub(super) fn is_screening(&self, effect: &str) -> bool {
        self.order.screening.is_some() && self.order.screen_question().key() == effect
    }

    fn hold_for_review(&mut self) {
        let Ok(hold_id) = HoldId::parse(REVIEW) else { return };
        if !self.order.holds.iter().any(|hold| hold.hold_id == hold_id) {
            let hold = Hold { hold_id, reason: HoldReason::HighRiskOfFraud, placed_at: self.at, expires_at: None };
            self.emit(Event::HoldPlaced(hold));
        }
    }
}
