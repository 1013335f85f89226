//! The activities that workflows call: names, inputs and outputs. The activities room implements them.

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{LabelOutcome, LabelRequest, Order, OrderCore, PaymentRequest, SourceRequest, SourcingAnswer, StockFact},
    payment::OperationOutcome,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Which order, and whether its life goes on or begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitRequest {
    pub order_id: OrderId,
    pub resumes: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admitted {
    Fresh(OrderCore),
    Resumed(Box<Order>),
}

/// Where the units of a round go; `at` is business time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInput {
    pub at: Timestamp,
    pub request: SourceRequest,
}

/// What became of the order since it was last recorded. Where its stock must be follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordInput {
    /// The order after `events`.
    pub order: Order,
    pub events: Vec<RecordedEvent>,
    /// What `events` say about stock that is not where the books have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stock_facts: Vec<StockFact>,
    /// The version before `events`.
    pub since: u64,
    pub at: Timestamp,
}

/// An event as it is kept and published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    pub seq: u64,
    pub at: Timestamp,
    pub kind: String,
    pub data: Value,
}

/// The house's own data: local activities, and the same on queue `data` when a database is slow.
pub struct Data;
#[activity_definitions]
impl Data {
    #[activity(name = "admit")]
    pub fn admit(_: AdmitRequest) -> Result<Admitted, ActivityError> {
        unimplemented!()
    }
    #[activity(name = "source")]
    pub fn source(_: SourceInput) -> Result<SourcingAnswer, ActivityError> {
        unimplemented!()
    }
    #[activity(name = "record")]
    pub fn record(_: RecordInput) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The payment gateway.
pub struct Payments;
#[activity_definitions]
impl Payments {
    /// Does one operation; answers Unknown when it was sent and no answer came.
    #[activity(name = "pay")]
    pub fn pay(_: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        unimplemented!()
    }
    /// Finds out what became of an operation; does it, under the same key, if the gateway never saw it.
    #[activity(name = "ask_payment")]
    pub fn ask_payment(_: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        unimplemented!()
    }
}

/// The carrier.
pub struct Shipping;
#[activity_definitions]
impl Shipping {
    #[activity(name = "book_label")]
    pub fn book_label(_: LabelRequest) -> Result<LabelOutcome, ActivityError> {
        unimplemented!()
    }

    /// Sees to it that no parcel travels under this label; one that the carrier never made is void already.
    #[activity(name = "void_label")]
    pub fn void_label(_: LabelRequest) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The markers that name the definitions in `#[activity(definition = ..)]`.
pub mod definitions {
    pub use super::{
        data::{Admit, Record, Source},
        payments::{AskPayment, Pay},
        shipping::{BookLabel, VoidLabel},
    };
}
