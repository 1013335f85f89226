//! Asks the customer about units without stock, and does what they say.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::FulfillmentStatus,
    order::{Choice, Decision, Event},
};

impl Draft {
    /// Whoever has units waiting is asked once, if the policy asks at all. What waits on purpose has stock.
    pub(super) fn ask_customer(&mut self) {
        if self.order.policy.decision_ms == 0 {
            return;
        }
        let waiting = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Backordered && !f.on_purpose);
        let unasked = waiting.filter(|f| !self.order.decisions.iter().any(|d| d.fulfillment_order_id == f.fulfillment_order_id));
        for fulfillment_order_id in unasked.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            let decision_id = format!("{fulfillment_order_id}-D");
            self.emit(Event::DecisionAsked(Decision { decision_id, fulfillment_order_id, since: self.at, choice: None }));
        }
    }

    /// The customer answers. The same answer again is the same answer.
    pub(super) fn decide_for(&mut self, decision_id: &str, choice: Choice) -> Result<(), Rejection> {
        let Some(decision) = self.order.decisions.iter().find(|d| d.decision_id == decision_id).cloned() else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("nobody was asked {decision_id}")));
        };
        match decision.choice {
            Some(known) if known == choice => Ok(()),
            Some(_) => Err(Rejection::new(ErrorCode::RefusedByRule, "this was answered otherwise before")),
            None => {
                self.decided(&decision, choice, false);
                Ok(())
            }
        }
    }

    /// Nobody answered in time.
    pub(super) fn decide_by_default(&mut self, decision_id: &str) {
        let open = self.order.decisions.iter().find(|d| d.decision_id == decision_id && d.choice.is_none()).cloned();
        if let Some(decision) = open {
            self.decided(&decision, self.order.policy.decision_default, true);
        }
    }

    fn decided(&mut self, decision: &Decision, choice: Choice, by_default: bool) {
        self.emit(Event::DecisionMade { decision_id: decision.decision_id.clone(), choice, by_default });
        let waiting = self.order.fulfillment_order(&decision.fulfillment_order_id).filter(|f| f.status == FulfillmentStatus::Backordered);
        if let (Choice::Drop, Some(lines)) = (choice, waiting.map(|f| f.lines.clone())) {
            self.cancel_some(Some(decision.fulfillment_order_id.clone()), lines, "the customer does without");
        }
    }
}
