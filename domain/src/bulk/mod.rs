//! One operation on many orders, batch by batch: what it asks of each, and when it goes on, waits or ends.

mod status;
mod task;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::{
    status::{BulkAction, BulkStatus, Wait},
    task::{Counts, Lifted, Operation, OrderOutcome, Outcome, Task},
};
use crate::{
    error::Rejection,
    event_id,
    ids::{BulkId, OrderId},
    policy::ms,
};

/// A batch is as many orders as it may ask in this time, so that a pause is never far.
const BATCH_SECONDS: u32 = 5;
const BATCH_MAX: u32 = 200;

/// What does not change about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkCore {
    pub bulk_id: BulkId,
    /// Orders that were chosen when it began; no other is asked.
    pub selected: u64,
    pub orders_per_second: u32,
    /// Business time.
    pub started_at: Timestamp,
    pub pause_ms: i64,
}

impl BulkCore {
    /// Orders that are asked before anybody looks whether to go on.
    pub fn batch_size(&self) -> u32 {
        self.orders_per_second.saturating_mul(BATCH_SECONDS).clamp(1, BATCH_MAX)
    }
}

/// A bulk operation as it is; small, whatever the number of its orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    pub core: BulkCore,
    /// Grows with every change.
    pub version: u64,
    pub status: BulkStatus,
    pub status_since: Timestamp,
    /// The last order that was asked; those after it come next.
    pub cursor: Option<OrderId>,
    pub counts: Counts,
    /// Why it paused by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What reaches a bulk operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A person asks; it may be refused.
    Request(Request),
    /// A batch was asked.
    Batch(Batch),
    /// The next batch cannot be asked.
    GaveUp { why: String },
    /// Time has passed: what is due happens.
    Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Again: the wait begins anew.
    Pause,
    Resume,
    Cancel,
}

impl Request {
    /// The request, in the words of a path.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "cancel" => Some(Self::Cancel),
            _ => None,
        }
    }

    fn action(self) -> BulkAction {
        match self {
            Self::Pause => BulkAction::Pause,
            Self::Resume => BulkAction::Resume,
            Self::Cancel => BulkAction::Cancel,
        }
    }
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its last order; none: it was empty.
    pub last: Option<OrderId>,
    pub counts: Counts,
    /// No order comes after it.
    pub end: bool,
}

impl Bulk {
    /// Of how far it has come, without times: the same for everybody who has decided the same.
    pub fn digest(&self) -> String {
        let progress = json!({"version": self.version, "status": self.status, "cursor": self.cursor, "counts": self.counts});
        event_id::digest([("bulk", &progress)])
    }

    /// As it begins.
    pub fn new(core: BulkCore) -> Self {
        let status_since = core.started_at;
        Self { core, version: 1, status: BulkStatus::Running, status_since, cursor: None, counts: Counts::new(), why: None }
    }

    /// Orders that were asked.
    pub fn asked(&self) -> u64 {
        self.counts.values().sum()
    }

    /// When a pause is over.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.status {
            // Saturates at the end of the calendar, which is never reached.
            BulkStatus::Paused => Some(self.status_since.saturating_add(ms(self.core.pause_ms)).unwrap_or(Timestamp::MAX)),
            BulkStatus::Running | BulkStatus::Completed | BulkStatus::Cancelled => None,
        }
    }

    /// What people can ask of it now.
    pub fn legal_actions(&self) -> Vec<&'static str> {
        let asked = [BulkAction::Pause, BulkAction::Resume, BulkAction::Cancel];
        asked.into_iter().filter(|action| self.status.after(*action).is_some()).map(BulkAction::name).collect()
    }

    /// As it is after the command, or the refusal, which changes nothing; only requests are refused.
    pub fn after(&self, command: &Command, at: Timestamp) -> Result<Self, Rejection> {
        match command {
            Command::Request(request) => {
                let status = self.status.try_after(request.action()).map_err(|refusal| refusal.offering(&self.legal_actions()))?;
                Ok(self.become_of(status, None, at))
            }
            Command::Batch(batch) => Ok(self.advanced(batch, at)),
            Command::GaveUp { why } => Ok(self.by_itself(BulkAction::Pause, Some(why), at)),
            Command::Tick if self.deadline().is_some_and(|due| due <= at) => Ok(self.by_itself(BulkAction::Cancel, None, at)),
            Command::Tick => Ok(self.clone()),
        }
    }

    fn become_of(&self, status: BulkStatus, why: Option<&str>, at: Timestamp) -> Self {
        Self { version: self.version + 1, status, status_since: at, why: why.map(str::to_owned), ..self.clone() }
    }

    /// Where the action is not possible, nothing changes.
    fn by_itself(&self, action: BulkAction, why: Option<&str>, at: Timestamp) -> Self {
        self.status.after(action).map_or_else(|| self.clone(), |status| self.become_of(status, why, at))
    }

    /// A batch counts whatever was asked meanwhile: its orders have been asked.
    fn advanced(&self, batch: &Batch, at: Timestamp) -> Self {
        let mut counts = self.counts.clone();
        for (outcome, orders) in &batch.counts {
            *counts.entry(*outcome).or_default() += orders;
        }
        let cursor = batch.last.clone().or_else(|| self.cursor.clone());
        let advanced = Self { version: self.version + 1, cursor, counts, ..self.clone() };
        if batch.end { advanced.by_itself(BulkAction::Complete, None, at) } else { advanced }
    }
}
