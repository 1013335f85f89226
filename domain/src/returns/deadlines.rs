//! The return's part of the one table of waits: every wait has a deadline and a default.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Return, ReturnStatus, SCANS};
use crate::{
    policy::ms,
    waits::{heard_of_by, waits},
};

waits! {
    /// What a return can wait for.
    Wait {
        Approval = "return_approval", "return_approval_ms after asking, where no rule approves", "the return is declined", "support";
        Sending = "return_sending", "return_sending_ms after approval", "the return expires", "support";
        Transit = "return_transit", "return_transit_ms after the carrier took the goods", "the goods count as lost; what was sent with our label is paid back", "support";
        Rest = "return_rest", "return_rest_ms after the last goods came", "what has not come is not waited for", "the facility";
        Inspection = "return_inspection", "return_inspection_ms after the goods came", "the units go to manual review", "the facility";
        Review = "return_review", "return_review_ms after inspection", "the units in review are accepted and written off; goods the order never sold are rejected", "support";
        Retry = "return_retry", "retry_ms after an effect or a refund failed, retries_max times", "it is tried again", "finance";
    }
}

/// One wait of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    pub wait: Wait,
    /// What waits: the return, or the effect that failed.
    pub subject: String,
    pub due: Timestamp,
}

impl Return {
    /// Every deadline that is still to come, soonest first.
    pub fn deadlines(&self) -> Vec<Deadline> {
        let mut deadlines: Vec<Deadline> = self.wait().into_iter().collect();
        // After that a person must; and where the carrier contradicts itself there is nothing to try again.
        let tries_left = |subject: &str| self.attempt(subject) <= self.policy.retries_max.saturating_add(1);
        let again = |known: &&super::Attention| known.subject != SCANS && tries_left(&known.subject);
        let retry = |known: &super::Attention| self.deadline(Wait::Retry, &known.subject, known.since, self.policy.retry_ms);
        deadlines.extend(self.attention.iter().filter(again).map(retry));
        deadlines.sort_by(|a, b| (a.due, a.wait, &a.subject).cmp(&(b.due, b.wait, &b.subject)));
        deadlines
    }

    /// When something should be heard of the return, if it was last heard of at `at`: the next wait is over, or something asked outside has
    /// been answered, within minutes. None: it has ended, and nothing is owed any more.
    pub fn next_wait_at(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_closed() {
            return None;
        }
        let next = self.deadlines().first().map(|deadline| deadline.due);
        Some(heard_of_by(at, next, !self.pending_effects().is_empty()))
    }

    /// What the present state waits for.
    fn wait(&self) -> Option<Deadline> {
        let policy = &self.policy;
        let (wait, after_ms) = match self.status {
            ReturnStatus::Requested if self.is_answered() => (Wait::Approval, policy.return_approval_ms),
            ReturnStatus::Approved | ReturnStatus::LabelSent => (Wait::Sending, policy.return_sending_ms),
            ReturnStatus::InTransit => (Wait::Transit, policy.return_transit_ms),
            ReturnStatus::PartiallyReceived => (Wait::Rest, policy.return_rest_ms),
            ReturnStatus::Received | ReturnStatus::Inspected if self.goods.iter().any(|goods| goods.undecided() > 0) => {
                (Wait::Inspection, policy.return_inspection_ms)
            }
            ReturnStatus::Received | ReturnStatus::Inspected => (Wait::Review, policy.return_review_ms),
            ReturnStatus::RefundFailed if self.refund_retries < policy.retries_max => (Wait::Retry, policy.retry_ms),
            // Their effects are under way, or held up and waited for as such; or a person must say that it is tried again.
            ReturnStatus::Requested | ReturnStatus::Refunding | ReturnStatus::RefundFailed => return None,
            ReturnStatus::Closed | ReturnStatus::Declined | ReturnStatus::Cancelled | ReturnStatus::Expired | ReturnStatus::Lost => {
                return None;
            }
        };
        Some(self.deadline(wait, self.core.return_id.as_str(), self.status_since, after_ms))
    }

    fn deadline(&self, wait: Wait, subject: &str, since: Timestamp, after_ms: i64) -> Deadline {
        // Saturates at the end of the calendar, which is never reached.
        let due = since.saturating_add(ms(after_ms)).unwrap_or(Timestamp::MAX);
        let due = self.extended.get(&wait.of(subject)).map_or(due, |until| due.max(*until));
        Deadline { wait, subject: subject.to_owned(), due }
    }
}
