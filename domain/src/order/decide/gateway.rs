//! What a gateway says unasked. Nothing in it moves money here: somebody looks, and says what is done.

use super::Draft;
use crate::{
    money::Money,
    order::{Effect, Event},
    webhook::{GatewayNews, GatewayReport},
};

impl Draft {
    /// Each report counts once, by its id.
    pub(super) fn gateway_reported(&mut self, report: &GatewayReport) {
        if report.news == GatewayNews::Moved {
            return self.ask_again();
        }
        if self.order.grants_seen.contains_key(&report.event_id) {
            return;
        }
        self.emit(Event::GrantsSeen { grant_ids: vec![report.event_id.clone()] });
        let amount = Money::new(report.amount_minor, report.currency);
        let (dispute, refund) = (format!("dispute {}", report.about), format!("refund {}", report.about));
        match report.news {
            GatewayNews::Disputed => {
                self.attend(&dispute, &format!("the customer's bank has taken {amount} back: answer the dispute at the gateway, in time"));
            }
            GatewayNews::DisputeWon => self.settle(&dispute),
            GatewayNews::DisputeLost => {
                self.settle(&dispute);
                self.attend(&dispute, &format!("the dispute is lost, and {amount} with it: see what came back, and write off the rest"));
            }
            GatewayNews::RefundFailed => {
                self.attend(
                    &refund,
                    &format!("the gateway says that {amount} did not reach the customer after all: pay it back otherwise"),
                );
            }
            GatewayNews::Moved => {}
        }
    }

    /// What the gateway was asked in vain, until that was given up, is asked once more: it has news of a payment, as of a capture that came
    /// late. Whatever has not been given up asks by itself.
    fn ask_again(&mut self) {
        let asked = self.order.owed_effects().into_iter().filter(|effect| matches!(effect, Effect::Pay(_)));
        let given_up = asked.map(|effect| effect.key()).filter(|key| self.order.gave_up.get(key).is_some_and(|known| known.waits));
        given_up.collect::<Vec<_>>().iter().for_each(|effect| self.settle(effect));
    }
}
