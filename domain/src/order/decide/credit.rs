//! Both ends of an exchange: the order that owes money for returned units and lets another have it, and the one that is paid by it.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    ids::{HoldId, ReturnId},
    order::{Credit, Deadline, Event, Hold, HoldReason, Lines, Order, ReturnedUnits, credit::RETURN_ITEMS},
};

impl Draft {
    /// A credit is worth no more than its units.
    pub(super) fn refuse_credit_beyond(&self, lines: &Lines, credit: Option<&Credit>) -> Result<(), Rejection> {
        let Some(credit) = credit else { return Ok(()) };
        let worth_minor = self.order.refund_share_minor(lines).min(self.order.refundable_minor());
        if credit.amount_minor <= 0 || credit.amount_minor > worth_minor {
            let why = format!("these units are worth {worth_minor}: they cannot pay {} of order {}", credit.amount_minor, credit.order_id);
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        Ok(())
    }

    /// What the units brought pays for the other order first; the rest goes back.
    pub(super) fn grant_credit(&mut self, known: &ReturnedUnits, worth_minor: i64) {
        if let Some(credit) = &known.credit {
            let amount_minor = credit.amount_minor.min(worth_minor);
            self.emit(Event::CreditGranted { return_id: known.return_id.clone(), order_id: credit.order_id.clone(), amount_minor });
        }
    }

    /// The other order does not need it. The same operation again is the same; more than there is, is all there is.
    pub(super) fn release_credit(&mut self, id: &ReturnId, number: u32, amount_minor: i64) -> Result<(), Rejection> {
        let Some(credit) = self.order.returned(id).and_then(|known| known.credit.as_ref()) else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("no order is paid by return {id}")));
        };
        if credit.released.contains_key(&number) {
            return Ok(());
        }
        let amount_minor = amount_minor.clamp(0, credit.amount_minor);
        self.emit(Event::CreditReleased { return_id: id.clone(), number, amount_minor });
        Ok(())
    }

    /// What is exchanged waits for the goods it is exchanged for, unless the house trusts its customers.
    pub(super) fn await_goods(&mut self) {
        let Some(exchange) = self.order.core.exchange.clone().filter(|_| !self.order.policy.exchange_in_advance) else { return };
        let (hold_id, reason) = (HoldId::reserved(RETURN_ITEMS), HoldReason::AwaitingReturnItems);
        let why = Some(format!("the goods of return {} are awaited", exchange.return_id));
        self.emit(Event::HoldPlaced(Hold { hold_id, reason, placed_at: self.at, expires_at: None, why }));
    }

    /// The return has ended, and brought so much. Nothing: what has not gone out does not go.
    pub(super) fn settle_credit(&mut self, id: &ReturnId, amount_minor: i64) -> Result<(), Rejection> {
        if self.order.core.exchange.as_ref().is_none_or(|exchange| exchange.return_id != *id) {
            return Err(Rejection::new(ErrorCode::NotFound, format!("the order is not paid by return {id}")));
        }
        if self.order.credit_settled.is_some() || self.order.status.is_final() {
            return Ok(());
        }
        self.emit(Event::CreditSettled { amount_minor });
        if let Some(hold_id) = self.order.holds.iter().find(|hold| Order::is_for_goods(hold)).map(|hold| hold.hold_id.clone()) {
            self.emit(Event::HoldReleased { hold_id });
        }
        if amount_minor <= 0 {
            self.cancel_everything(&format!("the goods of return {id} did not come back"));
        }
        Ok(())
    }

    /// What was authorized of a credit and is not there counts no more.
    pub(super) fn lapse_credit(&mut self) {
        let Some(settled) = self.order.credit_settled else { return };
        let beyond = self.order.credits().filter(|p| p.charged_minor() + p.capturable_minor() > settled.amount_minor);
        let live = beyond.flat_map(|p| p.live_authorizations().map(move |(live, _)| (p.payment_id.clone(), live.number)));
        for (payment_id, number) in live.collect::<Vec<_>>() {
            self.emit(Event::AuthorizationLapsed { payment_id, number });
        }
    }

    /// The goods have not come, and nobody has said that they will: what has not gone out does not go; for what has, a person must look.
    pub(super) fn goods_overdue(&mut self, deadline: &Deadline) {
        self.cancel_everything("what it is exchanged for did not come back in time");
        let units = self.order.all_units();
        if units.shipped > 0 || units.unfinished() > 0 {
            self.overdue(deadline);
        }
    }
}
