//! The activities that workflows call: names, inputs and outputs. The activities room implements them.

use jiff::Timestamp;
use oms_domain::{
    access::By,
    ids::{OrderId, ReturnId},
    order::{
        Credit, LabelOutcome, LabelRequest, Lines, Order, OrderCore, PaymentRequest, ScreenRequest, SourceRequest, SourcingAnswer,
        StockFact, Verdict,
    },
    payment::OperationOutcome,
    returns::{self, Answer, Return},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// Which order; whether its life goes on or begins, what is recorded of it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitRequest {
    pub order_id: OrderId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admitted {
    Fresh(Box<OrderCore>),
    Resumed(Box<Order>),
    /// PostgreSQL was restored to an earlier day: it has the order's history only to this version.
    Behind {
        order: Box<Order>,
        stored_version: u64,
    },
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
    /// The recorded version that `events` come after.
    pub base: u64,
    /// What has changed after this version is told to stock and lists: `base`, or 0 where the books had been restored.
    pub since: u64,
    /// With the first events: the order as it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Box<OrderCore>>,
    pub at: Timestamp,
}

/// What became of a record. Whatever it met but the version it comes after, it has changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAnswer {
    pub outcome: RecordOutcome,
    /// The version that is recorded now.
    pub version: u64,
    /// Of the events that were sent, by kind and data without times.
    pub digest: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordOutcome {
    Appended,
    /// The same stands there already.
    Same,
    /// Something else stands there.
    Other,
    /// What it comes after is not recorded: the books were restored to an earlier day.
    Behind,
}

/// An event as it is kept and published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    pub seq: u64,
    pub at: Timestamp,
    pub kind: String,
    pub data: Value,
    /// Whose doing it was; absent: that was not said yet when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// What became of a return since it was last recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnProgress {
    /// The return after `events`.
    pub this: Return,
    pub events: Vec<RecordedEvent>,
    /// The recorded version that `events` come after.
    pub base: u64,
    pub at: Timestamp,
}

/// What a return asks of its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskOrder {
    pub order_id: OrderId,
    pub return_id: ReturnId,
    pub lines: Lines,
    /// What of their money is to pay for another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
}

/// What a return has come to, for the order that it pays for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellCredit {
    pub order_id: OrderId,
    pub return_id: ReturnId,
    pub amount_minor: i64,
}

/// A refund of a return that is seen through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowRefund {
    pub order_id: OrderId,
    pub return_id: ReturnId,
    /// How often the order is to have tried it again by now.
    pub retries: u32,
}

// The macro wants bodies and never runs them: workers run those of `oms-activities`, which name these definitions.
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
    pub fn record(_: RecordInput) -> Result<Option<RecordAnswer>, ActivityError> {
        unimplemented!()
    }
    /// The return as last recorded, if it is.
    #[activity(name = "read_return")]
    pub fn read_return(_: ReturnId) -> Result<Option<Return>, ActivityError> {
        unimplemented!()
    }
    #[activity(name = "record_return")]
    pub fn record_return(_: ReturnProgress) -> Result<Option<RecordAnswer>, ActivityError> {
        unimplemented!()
    }
}

/// Other workflows, spoken to in their own words.
pub struct Orders;
#[activity_definitions]
impl Orders {
    /// May these units come back? Agreed, or refused in the order's words.
    #[activity(name = "open_return")]
    pub fn open_return(_: AskOrder) -> Result<Answer, ActivityError> {
        unimplemented!()
    }
    /// How the return ended; answers with what the order owes for it.
    #[activity(name = "settle_return")]
    pub fn settle_return(_: AskOrder) -> Result<Answer, ActivityError> {
        unimplemented!()
    }
    /// The order that the return pays for is told what it has come to.
    #[activity(name = "settle_credit")]
    pub fn settle_credit(_: TellCredit) -> Result<Answer, ActivityError> {
        unimplemented!()
    }
    /// An operation of a credit: the order that owes it answers, as a gateway would.
    #[activity(name = "pay_by_credit")]
    pub fn pay_by_credit(_: PaymentRequest) -> Result<OperationOutcome, ActivityError> {
        unimplemented!()
    }
    /// Waits until the return's refund has reached the customer, or has failed.
    #[activity(name = "follow_refund")]
    pub fn follow_refund(_: FollowRefund) -> Result<Answer, ActivityError> {
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

/// The fraud check.
pub struct Fraud;

#[activity_definitions]
impl Fraud {
    #[activity(name = "screen")]
    pub fn screen(_: ScreenRequest) -> Result<Verdict, ActivityError> {
        unimplemented!()
    }
}

/// The carrier.
pub struct Shipping;
#[activity_definitions]
impl Shipping {
    /// A label for goods that come back.
    #[activity(name = "book_return_label")]
    pub fn book_return_label(_: returns::LabelRequest) -> Result<LabelOutcome, ActivityError> {
        unimplemented!()
    }
    /// Nothing travels under the return's label from then on.
    #[activity(name = "void_return_label")]
    pub fn void_return_label(_: ReturnId) -> Result<(), ActivityError> {
        unimplemented!()
    }
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
        data::{Admit, ReadReturn, Record, RecordReturn, Source},
        fraud::Screen,
        orders::{FollowRefund, OpenReturn, PayByCredit, SettleCredit, SettleReturn},
        payments::{AskPayment, Pay},
        shipping::{BookLabel, BookReturnLabel, VoidLabel, VoidReturnLabel},
    };
}
