//! A pool of orders was decided again together, and this one is to exchange units. They are reserved where they go before they are called
//! back from where they are: an order that is too late, or too slow, keeps what it has.

use super::{Draft, fulfillment::within, legal::may_merge};
use crate::{
    error::{ErrorCode, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::FulfillmentOrderId,
    order::{Event, FulfillmentOrder, Reallocation, SourcingAnswer, Wait},
};

fn refused(why: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::RefusedByRule, why)
}

impl Draft {
    /// Asks to reserve where the units are to go. The same again, once it was done or while it is, is the same.
    pub(super) fn reallocate(&mut self, asked: &Reallocation) -> Result<(), Rejection> {
        let pooled = &self.order.pooled;
        if pooled.asked.as_ref() == Some(asked) || pooled.moved_by.as_ref() == Some(&asked.pool_id) {
            return Ok(());
        }
        let sourcing = self.order.sourcing;
        if sourcing.answered == 0 || sourcing.asked != sourcing.answered {
            return Err(refused("its units are being sourced"));
        }
        if pooled.moves >= self.order.policy.pool_moves_max {
            return Err(refused(format!("it was moved {} times, and is not moved again", pooled.moves)));
        }
        self.may_go_elsewhere(asked)?;
        self.emit(Event::SourcingAsked { round: sourcing.asked + 1, reallocation: Some(asked.clone()) });
        Ok(())
    }

    /// Stale is what a facility knows of by now, or what has lost units since the pool was decided.
    fn may_go_elsewhere(&self, asked: &Reallocation) -> Result<(), Rejection> {
        let leaving = asked.leaving.keys().map(|id| self.order.fulfillment_order(id).ok_or_else(|| refused(format!("there is no {id}"))));
        let leaving = leaving.collect::<Result<Vec<&FulfillmentOrder>, _>>()?;
        for found in &leaving {
            found.status.try_after(FulfillmentAction::CallBack)?;
            within(found, &asked.leaving[&found.fulfillment_order_id])?;
            let waits_on = self.order.extended.contains_key(&Wait::Remorse.of(found.fulfillment_order_id.as_str()));
            if found.replaces.is_some() || waits_on || found.group != leaving[0].group {
                return Err(refused("its units do not all travel alike"));
            }
        }
        let stays_one = asked.arriving.len() == 1 && leaving.iter().all(|found| found.lines == asked.leaving[&found.fulfillment_order_id]);
        if !asked.is_even() || !(self.order.core.allow_split || stays_one) {
            return Err(refused("what leaves is not what arrives, or is split and must not be"));
        }
        Ok(())
    }

    /// Everything is reserved where it goes: it is called back from where it was, unless that is too late now.
    pub(super) fn call_back(&mut self, answer: &SourcingAnswer) {
        let Some(asked) = self.order.pooled.asked.clone().filter(|_| !answer.packages.is_empty()) else { return };
        if self.may_go_elsewhere(&asked).is_err() {
            return;
        }
        for (id, reopened) in asked.leaving {
            let some = self.order.fulfillment_order(&id).is_some_and(|found| found.lines != reopened);
            let into = some.then(|| self.order.next_id());
            self.emit(Event::FulfillmentCalledBack { fulfillment_order_id: id, reopened, into });
        }
    }

    /// What arrived where units of the order stayed travels with them.
    pub(super) fn join(&mut self, answer: &SourcingAnswer) {
        for from in answer.packages.iter().map(|package| &package.fulfillment_order_id) {
            if let Some(into) = self.companion(from) {
                self.emit(Event::FulfillmentMerged { from: from.clone(), into });
            }
        }
    }

    fn companion(&self, id: &FulfillmentOrderId) -> Option<FulfillmentOrderId> {
        let arrived = self.order.fulfillment_order(id).filter(|found| found.status == FulfillmentStatus::Open)?;
        let stayed = self.order.fulfillment_orders.iter().find(|other| may_merge(other, arrived))?;
        Some(stayed.fulfillment_order_id.clone())
    }
}
