//! What returns ask of their order: to speak for units, and to pay for those that came back.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    ids::{LineId, ReturnId},
    order::{Credit, Event, Lines, lines::take},
};

/// Most returns of one order.
const RETURNS_MAX: usize = 1_000;

impl Draft {
    /// A return asks to speak for units that the customer has. The same return again has them already.
    pub(super) fn open_return(&mut self, id: &ReturnId, lines: &Lines, credit: Option<&Credit>) -> Result<(), Rejection> {
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        if let Some(known) = self.order.returned(id) {
            let pays_for = |credit: Option<&Credit>| credit.map(|credit| credit.order_id.clone());
            let same = known.announced == *lines && pays_for(known.credit.as_ref()) == pays_for(credit);
            return if same { Ok(()) } else { refuse(format!("return {id} exists with other units, or pays for another order")) };
        }
        if id.order_id().as_ref() != Some(&self.order.core.order_id) {
            return refuse(format!("return {id} is none of order {}", self.order.core.order_id));
        }
        if self.order.returns.len() >= RETURNS_MAX {
            return refuse(format!("an order has at most {RETURNS_MAX} returns"));
        }
        self.refuse_units_not_at_customer(lines)?;
        self.refuse_credit_beyond(lines, credit)?;
        self.emit(Event::ReturnOpened { return_id: id.clone(), lines: lines.clone(), credit: credit.cloned() });
        Ok(())
    }

    /// Returns and claims are for units that the customer has and nobody else speaks for.
    pub(super) fn refuse_units_not_at_customer(&self, lines: &Lines) -> Result<(), Rejection> {
        let returnable = self.order.returnable(None);
        for (line_id, wanted) in lines {
            let left = returnable.get(line_id).copied().unwrap_or(0);
            if *wanted > left || *wanted == 0 {
                return Err(Rejection::new(ErrorCode::RefusedByRule, self.why_not_returnable(line_id, *wanted, left)));
            }
        }
        Ok(())
    }

    /// What a person can do instead.
    fn why_not_returnable(&self, line_id: &LineId, wanted: u32, left: u32) -> String {
        let Some(units) = self.order.units().get(line_id).copied() else { return format!("the order has no line {line_id}") };
        let asked = format!("line {line_id}: {wanted} units cannot come back, {left} can");
        let unshipped = units.open + units.backordered + units.allocated;
        if unshipped > 0 {
            return format!("{asked}; {unshipped} have not shipped: cancel them instead (POST /v1/orders/{{order_id}}/cancellations)");
        }
        if units.in_transit > 0 {
            return format!("{asked}; {} are on their way to the customer: ask again once they have arrived", units.in_transit);
        }
        format!(
            "{asked}; of {} that the customer had, the others are back or another return or a claim speaks for them",
            units.delivered + units.picked_up
        )
    }

    /// A return has ended. Units it names beyond what was announced count as far as the customer has them and nobody else speaks for them: so
    /// more may come back than was announced, and never more than was delivered.
    pub(super) fn settle_return(&mut self, id: &ReturnId, lines: &Lines) -> Result<(), Rejection> {
        let Some(known) = self.order.returned(id).cloned() else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("the order knows no return {id}")));
        };
        if known.is_settled() {
            return Ok(());
        }
        let returned = take(&mut lines.clone(), &self.order.returnable(Some(id)));
        let amount_minor = self.order.refund_share_minor(&returned).min(self.order.refundable_minor()).max(0);
        self.emit(Event::ReturnSettled { return_id: id.clone(), lines: returned.clone(), amount_minor });
        if let Some(refund_id) = known.refund_id() {
            self.owe_back(refund_id, amount_minor, returned, "returned");
        }
        self.grant_credit(&known, amount_minor);
        Ok(())
    }
}
