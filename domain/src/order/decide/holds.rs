//! Holds: several at once, each blocking approval and release until it is lifted.

use jiff::Timestamp;

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    ids::{HoldId, ID_MAX_CHARS, PaymentId},
    order::{Event, FulfillmentOrder, Hold, HoldReason, Order},
    payment::OperationKind,
};

/// Most holds at once.
const HOLDS_MAX: usize = 100;
/// What the order's own holds begin with: so they never meet the ids that people choose for theirs.
const AWAITING: &str = "awaiting.";
/// That of an exchange: the goods lift it, or a person who trusts in them.
const RETURN: &str = "return.";
/// Those that a person lifts who has looked at the order.
const REVIEW: &str = "review.";
const ADDRESS_REVIEW: &str = "review.address";
pub(super) const FRAUD_REVIEW: &str = "review.fraud";

impl Draft {
    /// The same hold again is the same hold.
    pub(super) fn place_hold(&mut self, hold_id: &HoldId, reason: HoldReason, expires_at: Option<Timestamp>) -> Result<(), Rejection> {
        if let Some(known) = self.order.holds.iter().find(|hold| hold.hold_id == *hold_id) {
            if known.reason == reason && known.expires_at == expires_at {
                return Ok(());
            }
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("hold {hold_id} exists with another reason or expiry")));
        }
        if let Some(own) = [AWAITING, REVIEW, RETURN].iter().find(|own| hold_id.as_str().starts_with(**own)) {
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("ids that begin with {own} are the order's own")));
        }
        if self.order.holds.len() >= HOLDS_MAX {
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("an order has at most {HOLDS_MAX} open holds")));
        }
        self.emit(Event::HoldPlaced(Hold { hold_id: hold_id.clone(), reason, placed_at: self.at, expires_at, why: None }));
        Ok(())
    }

    pub(super) fn release_hold(&mut self, hold_id: &HoldId) -> Result<(), Rejection> {
        if !self.order.holds.iter().any(|hold| hold.hold_id == *hold_id) {
            return Err(Rejection::new(ErrorCode::NotFound, format!("there is no open hold {hold_id}")));
        }
        if hold_id.as_str().starts_with(AWAITING) {
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("hold {hold_id} is lifted by a payment, not by hand")));
        }
        self.emit(Event::HoldReleased { hold_id: hold_id.clone() });
        Ok(())
    }

    /// What is owed is covered again, so the order waits for no payment any more.
    pub(super) fn lift_awaiting(&mut self) {
        let ours = self.order.holds.iter().filter(|hold| hold.hold_id.as_str().starts_with(AWAITING));
        for hold_id in ours.map(|hold| hold.hold_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::HoldReleased { hold_id });
        }
    }

    /// Waits for a person, who is told why.
    pub(super) fn hold_for_review(&mut self, hold_id: &'static str, reason: HoldReason, why: &str) {
        let hold_id = HoldId::reserved(hold_id);
        self.emit(Event::HoldPlaced(Hold { hold_id, reason, placed_at: self.at, expires_at: None, why: Some(why.to_owned()) }));
    }

    /// An address that looks wrong waits for a person, or for a better one.
    pub(super) fn review_addresses(&mut self) {
        let flaw = self.order.core.groups.iter().find_map(|group| group.address_flaw);
        let held = self.order.holds.iter().find(|hold| hold.hold_id.as_str() == ADDRESS_REVIEW).map(|hold| hold.hold_id.clone());
        match (flaw, held) {
            (Some(flaw), None) => self.hold_for_review(ADDRESS_REVIEW, HoldReason::IncorrectAddress, flaw.why()),
            (None, Some(hold_id)) => self.emit(Event::HoldReleased { hold_id }),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    pub(super) fn may_go_out(&self, found: &FulfillmentOrder) -> Result<(), Rejection> {
        self.order.why_it_stays(found).map_or(Ok(()), |why| Err(Rejection::new(ErrorCode::RefusedByRule, why)))
    }

    /// Waits for the customer: a payment lifts the hold, or its deadline ends the order. No instrument: any will do.
    pub(super) fn await_payment(&mut self, payment_id: Option<&PaymentId>) {
        let Some(hold_id) = awaiting(payment_id.map_or("payment", PaymentId::as_str)) else { return };
        if !self.order.holds.iter().any(|hold| hold.hold_id == hold_id) {
            let payment = payment_id.and_then(|id| self.order.payment(id));
            let why = payment.and_then(|p| {
                let (_, code) = p.last(OperationKind::Authorize)?.decline.as_ref()?;
                Some(format!("payment {}: {code}", p.payment_id))
            });
            let hold = Hold { hold_id, reason: HoldReason::AwaitingPayment, placed_at: self.at, expires_at: None, why };
            self.emit(Event::HoldPlaced(hold));
        }
    }
}

impl Order {
    /// Held by a person, a check or missing goods; or not paid for. A hold for a payment holds back only what the payment is for.
    pub(super) fn why_it_stays(&self, found: &FulfillmentOrder) -> Option<String> {
        if let Some(hold) = self.holds.iter().find(|hold| !hold.hold_id.as_str().starts_with(AWAITING)) {
            return Some(format!("hold {} ({}) is open: it leaves once that is lifted", hold.hold_id, hold.reason.name()));
        }
        let uncovered_minor = self.uncovered_minor(found);
        let why = || format!("{uncovered_minor} minor units of what it costs are not paid for: it leaves once a payment answers for them");
        (uncovered_minor > 0).then(why)
    }
}

/// The hold for an instrument that has not paid. An id as long as an id may be is cut: one hold may then stand for two instruments.
fn awaiting(payment_id: &str) -> Option<HoldId> {
    HoldId::parse(format!("{AWAITING}{payment_id}").chars().take(ID_MAX_CHARS).collect::<String>()).ok()
}
