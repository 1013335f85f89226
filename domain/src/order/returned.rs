//! Units that returns speak for. The order is the lock: whatever returns run beside it, each unit comes back once, and its money too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claim, ClaimAction, ClaimStatus, Credit, Lines, Order, lines::without, refund::AUTOMATIC};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{ClaimId, FacilityId, LineId, RefundId, ReturnId},
    parcel::ParcelStatus,
};

/// What one return has of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnedUnits {
    pub return_id: ReturnId,
    /// Announced: no other return may speak for them until this one is settled.
    pub announced: Lines,
    /// Back for good.
    #[serde(default, skip_serializing_if = "Lines::is_empty")]
    pub returned: Lines,
    /// What is owed for those; none until the return is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// What of it pays for another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
}

impl ReturnedUnits {
    /// The refund that the return led to, under the order's own name for it. The return's number tells it from all others.
    pub fn refund_id(&self) -> Option<RefundId> {
        RefundId::parse(format!("{AUTOMATIC}return.{}", self.return_id.number()?)).ok()
    }

    pub fn is_settled(&self) -> bool {
        self.amount_minor.is_some()
    }

    /// What nobody else may return.
    fn taken(&self) -> &Lines {
        if self.is_settled() { &self.returned } else { &self.announced }
    }
}

impl Order {
    /// What a return has of the order, once it has asked.
    pub fn returned(&self, id: &ReturnId) -> Option<&ReturnedUnits> {
        self.returns.iter().find(|known| known.return_id == *id)
    }

    /// Units that the customer has and no return speaks for; `except` is the return that asks.
    pub fn returnable(&self, except: Option<&ReturnId>) -> Lines {
        let at_customer = |units: super::Units| u32::try_from(units.delivered + units.picked_up).unwrap_or(u32::MAX);
        let mut left: Lines = self.units().into_iter().map(|(id, units)| (id, at_customer(units))).collect();
        for known in self.returns.iter().filter(|known| Some(&known.return_id) != except) {
            left = without(&left, known.taken());
        }
        for claim in self.claims.iter().filter(|claim| claim.holds_units()) {
            left = without(&left, &claim.lines);
        }
        left.retain(|_, units| *units > 0);
        left
    }

    /// When the first of these units reached the customer.
    pub fn delivered_at(&self, lines: &Lines) -> Option<Timestamp> {
        let among = |units: &Lines| units.keys().any(|id| lines.contains_key(id));
        let picked_up = self.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::PickedUp && among(&f.lines));
        let parcels = self.fulfillment_orders.iter().flat_map(|f| &f.parcels);
        let delivered = parcels.filter(|p| p.status == ParcelStatus::Delivered && among(&p.lines));
        picked_up.map(|f| f.since).chain(delivered.map(|p| p.since)).min()
    }

    /// The facility that sent these units, or anything of the order.
    pub fn sent_from(&self, lines: &Lines) -> Option<FacilityId> {
        let sent =
            || self.fulfillment_orders.iter().filter(|f| matches!(f.status, FulfillmentStatus::Shipped | FulfillmentStatus::PickedUp));
        let these = sent().find(|f| f.lines.keys().any(|id| lines.contains_key(id)));
        these.or_else(|| sent().next())?.facility_id.clone()
    }

    pub fn claim(&self, id: &ClaimId) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.claim_id == *id)
    }

    pub(super) fn open_claim(&mut self, id: &ClaimId, lines: &Lines, reason: &str, at: Timestamp) {
        let (lines, reason) = (lines.clone(), reason.to_owned());
        self.claims.push(Claim { claim_id: id.clone(), status: ClaimStatus::Opened, since: at, lines, reason, amount_minor: None });
    }

    pub(super) fn answer_claim(&mut self, id: &ClaimId, action: ClaimAction, amount_minor: Option<i64>, at: Timestamp) {
        let Some(claim) = self.claims.iter_mut().find(|claim| claim.claim_id == *id) else { return };
        if let Some(next) = claim.status.after(action) {
            claim.status = next;
            claim.since = at;
            claim.amount_minor = amount_minor.or(claim.amount_minor);
        }
    }

    pub(super) fn each_returned(&self, mut sum: impl FnMut(&LineId, u64)) {
        for (id, units) in self.returns.iter().flat_map(|known| &known.returned) {
            sum(id, u64::from(*units));
        }
    }

    pub(super) fn open_return(&mut self, id: &ReturnId, lines: &Lines, credit: Option<&Credit>) {
        let (announced, credit) = (lines.clone(), credit.cloned());
        self.returns.push(ReturnedUnits { return_id: id.clone(), announced, returned: Lines::new(), amount_minor: None, credit });
    }

    pub(super) fn settle_return(&mut self, id: &ReturnId, lines: &Lines, amount_minor: i64) {
        if let Some(known) = self.returns.iter_mut().find(|known| known.return_id == *id) {
            known.returned = lines.clone();
            known.amount_minor = Some(amount_minor);
        }
    }
}
