//! What a change set that is asked for or confirmed means to lines, units and payments.

use jiff::Timestamp;

use crate::{
    ids::{ChangeId, FulfillmentOrderId, LineId, PaymentId},
    money::share_minor,
    order::{ChangeAction, ChangeRequest, ConfirmedChange, CoreGroup, CoreLine, LineState, Lines, Order},
};

impl Order {
    pub(super) fn add_line(&mut self, line: &CoreLine) {
        let position = u16::try_from(self.core.lines.len()).unwrap_or(u16::MAX);
        let (ordered, due_minor) = (line.quantity, line.total_minor);
        self.lines.insert(line.line_id.clone(), LineState { position, ordered, open: ordered, due_minor, ..LineState::default() });
        self.core.lines.push(line.clone());
    }

    pub(super) fn add_units(&mut self, id: &LineId, quantity: u32, due_minor: i64) {
        if let Some(line) = self.lines.get_mut(id) {
            line.order_more(quantity, due_minor);
            line.open = line.open.saturating_add(quantity);
        }
    }

    pub(super) fn remove_units(&mut self, id: Option<&FulfillmentOrderId>, units: &Lines, at: Timestamp) {
        self.take_out(id, units, at);
        for (line_id, units) in units {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.order_less(*units);
            }
        }
    }

    pub(super) fn change_delivery(&mut self, group: u16, to: &CoreGroup) {
        if let Some(known) = self.core.groups.get_mut(usize::from(group)) {
            known.clone_from(to);
        }
    }

    /// Order-level money that came later: by the worth of what is still to ship, so that no unit is ever worth less than nothing.
    pub(super) fn share_among_unshipped(&mut self, minor: i64) {
        let by_value = self.unsettled_minor() > 0;
        let weight = |line: &LineState| {
            let rest = line.unsettled();
            if by_value { rest.minor.max(0).unsigned_abs() } else { u64::from(rest.units) }
        };
        let all: u64 = self.lines.values().map(weight).sum();
        let mut before = 0;
        for line in self.lines.values_mut().filter(|line| line.unsettled().units > 0) {
            let upto = before + weight(line);
            if upto > before {
                line.order_more(0, share_minor(minor, before, upto, all));
            }
            before = upto;
        }
    }

    /// Its units look for a facility, and none is ruled out for having had them.
    pub(super) fn reissue(&mut self, from: &FulfillmentOrderId, into: &FulfillmentOrderId, at: Timestamp) {
        let units = self.fulfillment_order(from).map(|found| found.lines.clone()).unwrap_or_default();
        self.reopen(from, &units, Some(into), at);
    }

    pub(super) fn raise_payment(&mut self, id: &PaymentId, by_minor: i64) {
        if let Some(payment) = self.payment_mut(id) {
            payment.amount_minor = payment.amount_minor.saturating_add(by_minor);
        }
    }

    pub(super) fn confirm(&mut self, change: &ConfirmedChange, at: Timestamp) {
        if self.sourcing.asked > self.sourcing.answered {
            self.outdated_groups.extend(&change.reissued_groups);
        }
        self.changes.push(change.clone());
        self.end_change(&change.change_id, ChangeAction::Confirm, None, at);
    }

    pub(in crate::order) fn request_change(&mut self, request: &ChangeRequest) {
        match self.change_requests.iter_mut().find(|known| known.change_id == request.change_id) {
            Some(known) => *known = request.clone(),
            None => self.change_requests.push(request.clone()),
        }
        request.asked.iter().for_each(|asked| self.touch(&asked.fulfillment_order_id, |_| {}));
    }

    pub(super) fn answer_change(&mut self, id: &ChangeId, from: &FulfillmentOrderId, accepted: bool) {
        let request = self.change_requests.iter_mut().find(|known| known.change_id == *id);
        let asked = request.and_then(|known| known.asked.iter_mut().find(|asked| asked.fulfillment_order_id == *from));
        if let Some(asked) = asked {
            asked.agreed = accepted;
        }
        self.touch(from, |_| {});
    }

    /// One that nobody was asked about has no request to end.
    pub(super) fn end_change(&mut self, id: &ChangeId, action: ChangeAction, why: Option<&String>, at: Timestamp) {
        if let Some(request) = self.change_requests.iter_mut().find(|known| known.change_id == *id) {
            request.status = request.status.after(action).unwrap_or(request.status);
            request.ended_at = Some(at);
            request.why = why.cloned();
        }
    }
}
