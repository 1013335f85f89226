//! What of an order somebody has to look at: whose it is, since when, and the one thing that settles it.

use jiff::Timestamp;

use super::{Attention, Decision, FulfillmentOrder, Hold, HoldReason, Order};
use crate::{access::Role, fulfillment::FulfillmentStatus, kinds::named, payment::operation_key};

named! {
    /// What kind of thing it is.
    ExceptionKind {
        /// Nothing goes on by itself.
        Attention = "attention",
        Hold = "hold",
        /// The customer was asked whether to wait.
        Decision = "decision",
        /// It waits for stock, and should have gone out by now.
        Backorder = "backorder",
    }
}

named! {
    /// What settles it.
    Settling {
        Retry = "retry",
        Release = "release",
        Decide = "decide",
        /// A person has to find out.
        Look = "look",
    }
}

/// Something of an order that somebody has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub kind: ExceptionKind,
    /// What it is about: an operation, a hold, a decision, a fulfillment order.
    pub subject: String,
    /// Why, for people, or the reason's name.
    pub why: String,
    pub since: Timestamp,
    /// When it is too late, if that is known.
    pub due: Option<Timestamp>,
    pub owner: Role,
    pub settling: Settling,
}

impl Order {
    /// Everything of it that somebody has to look at, the oldest first.
    pub fn exceptions(&self, now: Timestamp) -> Vec<Exception> {
        let attention = self.attention.iter().map(|found| self.of_attention(found));
        let holds = self.holds.iter().map(of_hold);
        let decisions = self.decisions.iter().filter(|decision| decision.choice.is_none()).map(|decision| self.of_decision(decision));
        let late = |part: &&FulfillmentOrder| part.status == FulfillmentStatus::Backordered && part.ship_by.is_some_and(|by| by < now);
        let backorders = self.fulfillment_orders.iter().filter(late).map(of_backorder);
        let mut all: Vec<Exception> = attention.chain(holds).chain(decisions).chain(backorders).collect();
        all.sort_by_key(|found| found.since);
        all
    }

    fn of_attention(&self, found: &Attention) -> Exception {
        let is_retried = found.wait.is_none() && self.may_be_retried(&found.subject);
        Exception {
            kind: ExceptionKind::Attention,
            subject: found.subject.clone(),
            why: found.why.clone(),
            since: found.since,
            due: None,
            owner: self.owner_of(found),
            settling: if is_retried { Settling::Retry } else { Settling::Look },
        }
    }

    /// Who extends a wait answers for it; money is finance's.
    fn owner_of(&self, found: &Attention) -> Role {
        let is_money = self.payments.iter().any(|payment| {
            payment.operations.iter().any(|op| operation_key(&self.core.order_id, &payment.payment_id, op.number) == found.subject)
        });
        match found.wait.and_then(super::Wait::extended_by) {
            Some("support") => Role::Support,
            Some("finance") => Role::Finance,
            Some("the facility") => Role::FacilityManager,
            Some(_) | None if is_money => Role::Finance,
            Some(_) | None => Role::Ops,
        }
    }

    fn of_decision(&self, decision: &Decision) -> Exception {
        let is_due = |deadline: &super::Deadline| deadline.wait == super::Wait::Decision && deadline.subject == decision.decision_id;
        Exception {
            kind: ExceptionKind::Decision,
            subject: decision.decision_id.clone(),
            why: decision.fulfillment_order_id.to_string(),
            since: decision.since,
            due: self.deadlines().iter().find(|deadline| is_due(deadline)).map(|deadline| deadline.due),
            owner: Role::Support,
            settling: Settling::Decide,
        }
    }
}

fn of_hold(hold: &Hold) -> Exception {
    let owner = match hold.reason {
        HoldReason::AwaitingPayment => Role::Finance,
        HoldReason::InventoryOutOfStock | HoldReason::UnknownDeliveryDate => Role::Ops,
        HoldReason::HighRiskOfFraud | HoldReason::IncorrectAddress | HoldReason::AwaitingReturnItems | HoldReason::Other => Role::Support,
    };
    Exception {
        kind: ExceptionKind::Hold,
        subject: hold.hold_id.to_string(),
        why: hold.reason.name().to_owned(),
        since: hold.placed_at,
        due: hold.expires_at,
        owner,
        settling: Settling::Release,
    }
}

fn of_backorder(part: &FulfillmentOrder) -> Exception {
    Exception {
        kind: ExceptionKind::Backorder,
        subject: part.fulfillment_order_id.to_string(),
        why: part.status.name().to_owned(),
        since: part.waiting_since.unwrap_or(part.since),
        due: part.ship_by,
        owner: Role::Support,
        settling: Settling::Look,
    }
}
