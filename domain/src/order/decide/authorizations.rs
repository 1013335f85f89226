//! What is still to be shipped stays authorized: renewed before it expires, covered again if it lapsed, by this instrument or another.

use super::{
    Draft,
    money::{Ask, refused},
};
use crate::{
    error::{ErrorCode, Rejection},
    ids::PaymentId,
    order::{CorePayment, Event, OrderStatus, money::operation_subject},
    payment::{Decline, Operation, OperationKind, Payment},
};

/// Most instruments of one order.
const PAYMENTS_MAX: usize = 20;

const TOO_SHORT: &str = "its authorizations end before anything is captured: no other is asked for";

impl Draft {
    /// What the checkout has authorized is looked up at once, while the stock is: it is given back, too, should nothing be left to pay for.
    pub(super) fn take_over(&mut self) {
        let new = |p: &&Payment| p.to_take_over().is_some() && p.operations.is_empty();
        for (payment_id, amount_minor) in
            self.order.payments.iter().filter(new).map(|p| (p.payment_id.clone(), p.amount_minor)).collect::<Vec<_>>()
        {
            self.ask(Ask { payment_id, kind: OperationKind::Authorize, amount_minor, acts_on: None, refund_id: None });
        }
    }

    /// What no instrument answers for is authorized again where there is room; where there is none, the order waits for a payment.
    pub(super) fn cover(&mut self) {
        let shortfall = self.order.shortfall_minor();
        if self.order.payments.iter().any(|p| p.open_operation().is_some()) {
            return;
        }
        if shortfall <= 0 {
            return self.lift_awaiting();
        }
        let able = self.order.payments.iter().find(|p| room_minor(p) > 0 && self.may_authorize(p));
        if let Some((payment_id, room)) = able.map(|p| (p.payment_id.clone(), room_minor(p))) {
            let amount_minor = shortfall.min(room);
            return self.ask(Ask { payment_id, kind: OperationKind::Authorize, amount_minor, acts_on: None, refund_id: None });
        }
        let declined = |p: &&Payment| refused(p, Decline::Soft) || refused(p, Decline::Hard);
        let payments = &self.order.payments;
        let missing = payments.iter().find(declined).or(payments.first()).map(|p| p.payment_id.clone());
        self.await_payment(missing.as_ref());
    }

    /// Not what was declined: that is the customer's affair at first, and a matter of another try later.
    fn may_authorize(&self, payment: &Payment) -> bool {
        let declined = refused(payment, Decline::Soft) || refused(payment, Decline::Hard);
        if self.order.status == OrderStatus::Created && declined {
            return false;
        }
        !self.order.is_blocked(OperationKind::Authorize, &payment.payment_id)
    }

    /// An authorization that is about to expire is renewed, for what will still be captured, before the old one is given up.
    pub(super) fn renew(&mut self, subject: &str) {
        let Some(wanted) = self.order.expiring().into_iter().find(|e| e.renewable && e.subject == subject) else { return };
        let (payment_id, acts_on) = (wanted.payment_id, Some(wanted.reference));
        let needed = self.order.remaining_minor() + self.order.uncaptured_minor();
        let amount_minor = wanted.left_minor.min(needed);
        self.ask(Ask { payment_id, kind: OperationKind::Authorize, amount_minor, acts_on, refund_id: None });
    }

    /// So many in a row that ended before they were of use: the next would, too. Somebody must look before there is another.
    pub(super) fn doubt_short_ones(&mut self, id: &PaymentId) {
        let policy = &self.order.policy;
        let in_vain = self.order.payment(id).map_or(0, |payment| payment.in_vain(OperationKind::Authorize, policy.renew_before_ms));
        if self.order.needs_authorizations() && in_vain > policy.retries_max {
            self.attend(&operation_subject(OperationKind::Authorize, id), TOO_SHORT);
        }
    }

    /// What needs no authorization any more needs nobody to look why there was none.
    pub(super) fn forget_authorizations(&mut self) {
        if self.order.attention.is_empty() || self.order.needs_authorizations() {
            return;
        }
        let subjects = self.order.payments.iter().map(|payment| operation_subject(OperationKind::Authorize, &payment.payment_id));
        subjects.collect::<Vec<_>>().iter().for_each(|subject| self.settle(subject));
    }

    /// Where nothing is captured in parts, nothing is left of what this has captured.
    pub(super) fn captured_once(&mut self, id: &PaymentId, capture: &Operation) {
        if self.order.policy.captures_in_parts {
            return;
        }
        let payment = self.order.payment(id).filter(|payment| payment.uses_gateway());
        let rest = payment.and_then(|payment| payment.live_authorizations().find(|(op, _)| op.reference == capture.acts_on));
        if let Some(number) = rest.map(|(authorization, _)| authorization.number) {
            self.emit(Event::AuthorizationLapsed { payment_id: id.clone(), number });
        }
    }

    pub(super) fn lapse(&mut self, subject: &str) {
        if let Some(expired) = self.order.expiring().into_iter().find(|expiring| expiring.subject == subject) {
            self.emit(Event::AuthorizationLapsed { payment_id: expired.payment_id, number: expired.number });
        }
    }

    /// Another instrument, or another try with one that was declined.
    pub(super) fn add_payment(&mut self, payment: &CorePayment) -> Result<(), Rejection> {
        let refuse = |why: String| Err(Rejection::new(ErrorCode::RefusedByRule, why));
        if let Some(known) = self.order.payment(&payment.payment_id).cloned() {
            if (known.method, known.amount_minor) != (payment.method, payment.amount_minor) {
                return refuse(format!("payment {} exists with another method or amount", payment.payment_id));
            }
            self.try_again(&known);
            return Ok(());
        }
        if payment.amount_minor <= 0 {
            return refuse("a payment must be of more than nothing".to_owned());
        }
        if self.order.payments.len() >= PAYMENTS_MAX {
            return refuse(format!("an order has at most {PAYMENTS_MAX} payments"));
        }
        self.emit(Event::PaymentAdded(payment.clone()));
        self.take_over();
        Ok(())
    }

    fn try_again(&mut self, known: &Payment) {
        self.settle(&operation_subject(OperationKind::Authorize, &known.payment_id));
        let amount_minor = self.order.shortfall_minor().min(room_minor(known));
        let declined = refused(known, Decline::Soft) || refused(known, Decline::Hard);
        if declined && amount_minor > 0 && known.open_operation().is_none() {
            let payment_id: PaymentId = known.payment_id.clone();
            self.ask(Ask { payment_id, kind: OperationKind::Authorize, amount_minor, acts_on: None, refund_id: None });
        }
    }
}

/// How much more than it has paid, and is good for, it was given to pay.
fn room_minor(payment: &Payment) -> i64 {
    if !payment.is_answered_for() {
        return 0;
    }
    // What a credit gave back, the order that granted it has given to the customer.
    let again_minor = if payment.uses_gateway() { payment.refunded_minor() } else { 0 };
    payment.amount_minor + again_minor - payment.charged_minor() - payment.capturable_minor()
}
