//! Exchanges: an order that is paid by what another one owes back for its returned units. The origin answers for the credit as a gateway
//! answers for a card; the order that it pays for keeps a ledger of operations, as of any instrument.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Hold, Order, ReturnedUnits};
use crate::{
    ids::{OrderId, ReturnId},
    payment::Payment,
    placed::{Exchange, PaymentMethod},
};

/// The instrument by which an exchange's new order is paid.
pub const CREDIT: &str = "credit";
/// The hold of an order whose customer has still to send what it is exchanged for.
pub(super) const RETURN_ITEMS: &str = "return.items";

/// What of a return's money pays for another order, instead of going back. Kept by the order that owes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The order that it pays for.
    pub order_id: OrderId,
    /// Until the return is settled: at most so much. From then on: exactly this much.
    pub amount_minor: i64,
    /// What that order gave up, by the number of its operation: messages come more than once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub released: BTreeMap<u32, i64>,
}

impl Credit {
    /// A promise of at most so much.
    pub fn of(order_id: OrderId, amount_minor: i64) -> Self {
        Self { order_id, amount_minor, released: BTreeMap::new() }
    }
}

/// Whose units an order is exchanged for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreExchange {
    pub order_id: OrderId,
    pub return_id: ReturnId,
}

impl CoreExchange {
    pub(super) fn of(exchange: &Exchange) -> Self {
        Self { order_id: exchange.order_id.clone(), return_id: exchange.return_id.clone() }
    }
}

/// What the return has come to that pays for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledCredit {
    pub amount_minor: i64,
    pub at: Timestamp,
}

impl Order {
    /// Returns of it whose money pays for other orders.
    pub fn exchanges(&self) -> impl Iterator<Item = (&ReturnedUnits, &Credit)> {
        self.returns.iter().filter_map(|known| Some((known, known.credit.as_ref()?)))
    }

    /// It is paid by units that have not come back yet.
    pub fn awaits_goods(&self) -> bool {
        self.core.exchange.is_some() && self.credit_settled.is_none() && !self.status.is_final()
    }

    /// The hold that the goods lift when they come. Its wait is that for the goods.
    pub(super) fn is_for_goods(hold: &Hold) -> bool {
        hold.hold_id.as_str() == RETURN_ITEMS
    }

    /// Since when a payment is awaited: what was taken in long before it was begun has its time too, and an exchange is not asked for more
    /// before it is known what its goods were worth.
    pub(super) fn payment_since(&self) -> Timestamp {
        let begun = self.core.received_at.max(self.status_since);
        self.credit_settled.map_or(begun, |settled| settled.at.max(begun))
    }

    pub(super) fn credits(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|payment| payment.method == PaymentMethod::Credit)
    }

    fn credit_mut(&mut self, id: &ReturnId) -> Option<&mut Credit> {
        self.returns.iter_mut().find(|known| known.return_id == *id)?.credit.as_mut()
    }

    /// The return is settled: so much of its refund counts as given back.
    pub(super) fn grant_credit(&mut self, id: &ReturnId, amount_minor: i64) {
        if let Some(credit) = self.credit_mut(id) {
            credit.amount_minor = amount_minor;
        }
        self.count_as_given_back(id, amount_minor);
    }

    /// The other order does not need all of it: what the return has brought is owed back after all.
    pub(super) fn release_credit(&mut self, id: &ReturnId, number: u32, amount_minor: i64) {
        if let Some(credit) = self.credit_mut(id) {
            credit.amount_minor = credit.amount_minor.saturating_sub(amount_minor);
            credit.released.insert(number, amount_minor);
        }
        if self.returned(id).is_some_and(ReturnedUnits::is_settled) {
            self.count_as_given_back(id, amount_minor.saturating_neg());
        }
    }

    fn count_as_given_back(&mut self, id: &ReturnId, amount_minor: i64) {
        if let Some(refund_id) = self.returned(id).and_then(ReturnedUnits::refund_id) {
            self.settle_refund(&refund_id, amount_minor);
        }
    }

    /// What pays for it is known: the credit answers for no more.
    pub(super) fn settle_credit(&mut self, amount_minor: i64, at: Timestamp) {
        self.credit_settled = Some(SettledCredit { amount_minor, at });
        for payment in self.payments.iter_mut().filter(|payment| payment.method == PaymentMethod::Credit) {
            payment.amount_minor = payment.amount_minor.min(amount_minor);
        }
    }
}
