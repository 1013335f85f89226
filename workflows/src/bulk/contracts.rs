//! What a bulk operation's workflow starts with, hears, asks of activities, and ends with. Which orders it is about, and why, stays in
//! the store: nothing here is personal data, and nothing grows with their number.

use jiff::Timestamp;
use oms_domain::{
    bulk::{Batch, Bulk, BulkStatus, Counts, Request},
    clock::BusinessClock,
    ids::{BulkId, OrderId},
};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use crate::{messages::history_max, names::Queues};

/// What a run starts with: the operation as it begins, or as the run before has left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BulkInput {
    pub bulk: Bulk,
    /// The version that is durable; 0: none is.
    #[serde(default)]
    pub recorded: u64,
    #[serde(default)]
    pub clock: BusinessClock,
    #[serde(default)]
    pub queues: Queues,
    #[serde(default = "history_max")]
    pub history_max: u32,
}

/// What a run ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkResult {
    pub status: BulkStatus,
    pub counts: Counts,
}

/// A request to a bulk operation, with the id under which a repeat is recognized (it is also the update's id).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRequest {
    pub command_id: String,
    pub request: Request,
}

/// What it is now, and that is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkAnswer {
    pub version: u64,
    pub status: BulkStatus,
}

/// The next orders to ask, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchInput {
    pub bulk_id: BulkId,
    pub after: Option<OrderId>,
    pub at_most: u32,
    pub orders_per_second: u32,
}

/// How it stands, at `at` in business time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkProgress {
    pub bulk: Bulk,
    pub at: Timestamp,
}

/// It is durable. The first builds' records answered nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRecorded {
    /// Of what was sent ([`Bulk::digest`]).
    pub digest: String,
}

// The macro wants bodies and never runs them: workers run those of `oms-activities`, which name these definitions.
/// Queue `bulk`; the record is a local activity.
pub struct Bulks;
#[activity_definitions]
impl Bulks {
    /// Asks each order of the batch that has not been asked, and keeps what came of it.
    #[activity(name = "ask_batch")]
    pub fn ask_batch(_: BatchInput) -> Result<Batch, ActivityError> {
        unimplemented!()
    }
    #[activity(name = "record_bulk")]
    pub fn record_bulk(_: BulkProgress) -> Result<Option<BulkRecorded>, ActivityError> {
        unimplemented!()
    }
}

/// The markers that name the definitions in `#[activity(definition = ..)]`.
pub mod definitions {
    pub use super::bulks::{AskBatch, RecordBulk};
}
