//! Screens an order before it is approved.

use super::{Draft, holds::FRAUD_REVIEW};
use crate::order::{Event, HoldReason, OrderStatus, Screening, Verdict};

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
            Verdict::Referred => {
                let why = if by_default { "the fraud check did not answer in time" } else { "the fraud check refers it to a person" };
                self.hold_for_review(FRAUD_REVIEW, HoldReason::HighRiskOfFraud, why);
            }
        }
    }
}
