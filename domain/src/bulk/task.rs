//! What a bulk operation asks of each order, and what came of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{ErrorCode, Rejection},
    ids::{BulkId, FacilityId, HoldId},
    order::{Cancellation, Command, FulfillmentOrder, FulfillmentRequest, HoldReason, Order, Request, decide},
};

/// What is done to each order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Operation {
    /// As a whole.
    Cancel,
    Hold {
        hold_id: HoldId,
        reason: HoldReason,
        expires_at: Option<Timestamp>,
    },
    /// Lifts the hold with this id.
    Release {
        hold_id: HoldId,
    },
    /// Lifts every hold for this reason, whoever placed it.
    ReleaseFor {
        reason: HoldReason,
    },
    /// Whatever a facility has not begun with goes elsewhere: to one facility, or to any other.
    Move {
        from: FacilityId,
        to: Option<FacilityId>,
        /// The facility lets go what it has accepted, too.
        consented: bool,
    },
}

impl Operation {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::ReleaseFor { .. } => "release_for",
            Self::Move { .. } => "move",
        }
    }
}

/// What a bulk operation is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub bulk_id: BulkId,
    pub operation: Operation,
    pub reason: String,
}

/// Holds that a bulk operation lifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifted<'a> {
    Hold(&'a HoldId),
    Reason(HoldReason),
}

/// How far an order went along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// Some of it.
    Partly,
    /// A facility has begun with it and must agree.
    Requested,
    /// There was nothing to do any more.
    Unchanged,
    Refused,
    /// The order could not be asked.
    Failed,
}

impl Outcome {
    pub const ALL: &[Self] = &[Self::Done, Self::Partly, Self::Requested, Self::Unchanged, Self::Refused, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partly => "partly",
            Self::Requested => "requested",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What came of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderOutcome {
    pub outcome: Outcome,
    /// Of the refusal or failure.
    pub code: Option<ErrorCode>,
    /// What a person should know, without personal data.
    pub why: Option<String>,
}

impl OrderOutcome {
    fn of(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, code: None, why: Some(why.into()) }
    }

    pub fn done() -> Self {
        Self { outcome: Outcome::Done, code: None, why: None }
    }

    /// Nothing of it has changed.
    pub fn refused(refusal: &Rejection) -> Self {
        Self { outcome: Outcome::Refused, code: Some(refusal.code), why: Some(refusal.message.clone()) }
    }

    /// It did not answer.
    pub fn failed(code: ErrorCode, why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, code: Some(code), why: Some(why.into()) }
    }
}

/// Orders by outcome.
pub type Counts = BTreeMap<Outcome, u64>;

impl Task {
    /// What the order is asked, each under a key by which a repeat is known for one.
    pub fn requests(&self, order: &Order) -> Vec<(String, Request)> {
        let whole = |request| vec![(format!("bulk:{}:{}", self.bulk_id, order.core.order_id), request)];
        match &self.operation {
            Operation::Cancel => {
                whole(Request::Cancel { cancellation_id: self.bulk_id.cancellation_id(), reason: self.reason.clone(), lines: None })
            }
            Operation::Hold { hold_id, reason, expires_at } => {
                whole(Request::PlaceHold { hold_id: hold_id.clone(), reason: *reason, expires_at: *expires_at })
            }
            Operation::Release { hold_id } => whole(Request::ReleaseHold { hold_id: hold_id.clone() }),
            Operation::ReleaseFor { reason } => {
                let held = order.holds.iter().filter(|hold| hold.reason == *reason);
                held.map(|hold| self.lift(order, &hold.hold_id)).collect()
            }
            Operation::Move { from, to, consented } => {
                let there = order.fulfillment_orders.iter().filter(|found| is_at(found, from) && found.status.holds_stock());
                there.map(|found| self.move_away(found, to.as_ref(), *consented)).collect()
            }
        }
    }

    fn lift(&self, order: &Order, hold_id: &HoldId) -> (String, Request) {
        (format!("bulk:{}:{}:{hold_id}", self.bulk_id, order.core.order_id), Request::ReleaseHold { hold_id: hold_id.clone() })
    }

    /// A hold that is not there need not be lifted.
    fn is_no_matter(&self, refusal: &Rejection) -> bool {
        match self.operation {
            Operation::Release { .. } | Operation::ReleaseFor { .. } => refusal.code == ErrorCode::NotFound,
            Operation::Cancel | Operation::Hold { .. } | Operation::Move { .. } => false,
        }
    }

    fn move_away(&self, found: &FulfillmentOrder, to: Option<&FacilityId>, consented: bool) -> (String, Request) {
        let fulfillment_order_id = found.fulfillment_order_id.clone();
        let action = FulfillmentRequest::Move { facility_id: to.cloned(), consented };
        (format!("bulk:{}:{fulfillment_order_id}", self.bulk_id), Request::Fulfillment { fulfillment_order_id, action })
    }

    /// What came of it: by the answers to the requests, and the order as it is after them.
    pub fn judge(&self, order: &Order, answers: &[Result<(), Rejection>]) -> OrderOutcome {
        let refusal = answers.iter().filter_map(|answer| answer.as_ref().err()).find(|refusal| !self.is_no_matter(refusal));
        match (refusal, answers.iter().any(Result::is_ok)) {
            (Some(refusal), false) => OrderOutcome::refused(refusal),
            (Some(refusal), true) => OrderOutcome { outcome: Outcome::Partly, ..OrderOutcome::refused(refusal) },
            (None, true) => self.accepted(order),
            (None, false) => self.nothing_asked(order),
        }
    }

    /// Which holds must have been lifted since it began where the order has none to lift any more, for that to be its own doing: an attempt
    /// whose answer was lost did it.
    pub fn lifts(&self, outcome: &OrderOutcome) -> Option<Lifted<'_>> {
        match &self.operation {
            Operation::Release { hold_id } if outcome.outcome == Outcome::Unchanged => Some(Lifted::Hold(hold_id)),
            Operation::ReleaseFor { reason } if outcome.outcome == Outcome::Unchanged => Some(Lifted::Reason(*reason)),
            Operation::Release { .. } | Operation::ReleaseFor { .. } => None,
            Operation::Cancel | Operation::Hold { .. } | Operation::Move { .. } => None,
        }
    }

    /// What would come of it now; the order is not asked.
    pub fn foresee(&self, order: &Order, at: Timestamp) -> OrderOutcome {
        let mut after = order.clone();
        let mut ask = |(command_id, request)| -> Result<(), Rejection> {
            after = decide(&after, &Command::Request { command_id, request }, at)?.state;
            Ok(())
        };
        let answers: Vec<Result<(), Rejection>> = self.requests(order).into_iter().map(&mut ask).collect();
        self.judge(&after, &answers)
    }

    fn accepted(&self, order: &Order) -> OrderOutcome {
        match self.operation {
            Operation::Hold { .. } | Operation::Release { .. } | Operation::ReleaseFor { .. } | Operation::Move { .. } => {
                OrderOutcome::done()
            }
            Operation::Cancel => {
                let id = self.bulk_id.cancellation_id();
                match order.cancellations.iter().find(|known| known.cancellation_id == id) {
                    Some(answered) => cancelled(answered),
                    None => OrderOutcome::failed(ErrorCode::Internal, "the order has no record of its cancellation"),
                }
            }
        }
    }

    /// Nothing of the order is at the facility any more: since it was moved away, perhaps by this very operation, or for other reasons.
    fn nothing_asked(&self, order: &Order) -> OrderOutcome {
        let moved = |from: &FacilityId| order.fulfillment_orders.iter().any(|f| is_at(f, from) && !f.rejections.is_empty());
        match &self.operation {
            Operation::Move { from, .. } if moved(from) => OrderOutcome::done(),
            Operation::Move { .. } => OrderOutcome::of(Outcome::Unchanged, "nothing of it is there any more"),
            Operation::Release { .. } | Operation::ReleaseFor { .. } => OrderOutcome::of(Outcome::Unchanged, "it is not held so"),
            Operation::Cancel | Operation::Hold { .. } => OrderOutcome::of(Outcome::Unchanged, "nothing to do"),
        }
    }
}

fn is_at(found: &FulfillmentOrder, facility_id: &FacilityId) -> bool {
    found.facility_id.as_ref() == Some(facility_id)
}

/// The order has answered for each unit.
fn cancelled(answered: &Cancellation) -> OrderOutcome {
    let Cancellation { cancelled, requested, too_late, .. } = answered;
    match (cancelled.is_empty(), requested.is_empty(), too_late.is_empty()) {
        (_, true, true) => OrderOutcome::done(),
        (true, true, false) => {
            OrderOutcome::refused(&Rejection::new(ErrorCode::RefusedByRule, "too late: everything has shipped or was gone before"))
        }
        (true, false, true) => OrderOutcome::of(Outcome::Requested, "a facility has begun with it and must agree"),
        (_, _, _) => {
            let [cancelled, requested, too_late] = [cancelled, requested, too_late].map(|lines| lines.values().sum::<u32>());
            let why = format!("{cancelled} units are cancelled, {requested} asked of a facility, {too_late} too late");
            OrderOutcome::of(Outcome::Partly, why)
        }
    }
}
