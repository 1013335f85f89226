//! Every name that Temporal sees, built and parsed in one place. A rename here breaks running orders.

use oms_domain::ids::{BulkId, OrderId, ReturnId};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeKey;

/// Search attributes, none with personal data. `oms setup` registers them; a worker refuses to start without them.
pub const ORDER_STATUS: SearchAttributeKey<String> = SearchAttributeKey::keyword("OrderStatus");
/// Keyed hash of the customer's id.
pub const CUSTOMER_HASH: SearchAttributeKey<String> = SearchAttributeKey::keyword("CustomerHash");
pub const CHANNEL: SearchAttributeKey<String> = SearchAttributeKey::keyword("Channel");
pub const FACILITY_IDS: SearchAttributeKey<Vec<String>> = SearchAttributeKey::keyword_list("FacilityIds");
pub const NEEDS_ATTENTION: SearchAttributeKey<bool> = SearchAttributeKey::bool("NeedsAttention");

/// Name and type of each search attribute, as the server registers them.
pub const SEARCH_ATTRIBUTES: &[(&str, &str)] = &[
    ("OrderStatus", "Keyword"),
    ("CustomerHash", "Keyword"),
    ("Channel", "Keyword"),
    ("FacilityIds", "KeywordList"),
    ("NeedsAttention", "Bool"),
];

/// More would exceed what the server takes in one attribute (2 kB), and it would end the run.
pub const FACILITY_IDS_MAX: usize = 20;

/// The signals that bring granted stock, reservations that must give way, a carrier's events, and a gateway's.
pub const STOCK_ARRIVED: &str = "stock_arrived";
pub const STOCK_SHORTED: &str = "stock_shorted";
pub const CARRIER_EVENT: &str = "carrier_event";
pub const GATEWAY_EVENT: &str = "gateway_event";
/// The signal that more is recorded than the run knows.
pub const LOOK_AGAIN: &str = "look_again";

/// The signal that asks a run to hand over to a new one, on the build that is current by then; and the types of those that do.
pub const HAND_OVER: &str = "hand_over";
pub const HANDED_OVER: &[&str] = &["Order", "Return", "Bulk"];

/// The id of an order's workflow.
pub fn order_workflow_id(order_id: &OrderId) -> String {
    format!("order:{order_id}")
}

/// The order of a workflow id, if it is one of an order.
pub fn order_of_workflow_id(workflow_id: &str) -> Option<OrderId> {
    OrderId::parse(workflow_id.strip_prefix("order:")?).ok()
}

/// The id of a return's workflow.
pub fn return_workflow_id(return_id: &ReturnId) -> String {
    format!("return:{return_id}")
}

/// The return of a workflow id, if it is one of a return.
pub fn return_of_workflow_id(workflow_id: &str) -> Option<ReturnId> {
    ReturnId::parse(workflow_id.strip_prefix("return:")?).ok()
}

/// The id of a bulk operation's workflow.
pub fn bulk_workflow_id(bulk_id: &BulkId) -> String {
    format!("bulk:{bulk_id}")
}

/// The id of a schedule, and what its runs' ids begin with. Every installation on a server has its own.
pub fn maintenance_id(queues: &Queues, task: &str) -> String {
    format!("{}maintenance:{task}", queues.prefix)
}

/// The task queues, with the prefix that keeps one installation's tasks from another's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    pub prefix: String,
}

/// What a worker can serve: a queue for each thing that may be slow by itself, so that what waits for one takes no slot of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Workflows, and the house's own data as local activities.
    Orders,
    /// The same activities when a database is slow.
    Data,
    /// What waits for another workflow: a slot is held for as long as an order takes to answer.
    Relations,
    Payments,
    Fraud,
    Shipping,
    /// Orders by the thousand: the batches of bulk operations.
    Bulk,
}

impl Queue {
    pub const ALL: &[Queue] = &[Self::Orders, Self::Data, Self::Relations, Self::Payments, Self::Fraud, Self::Shipping, Self::Bulk];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Data => "data",
            Self::Relations => "relations",
            Self::Payments => "payments",
            Self::Fraud => "fraud",
            Self::Shipping => "shipping",
            Self::Bulk => "bulk",
        }
    }

    /// The queue with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|queue| queue.as_str() == name)
    }
}

impl Queues {
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The name of a queue at the server.
    pub fn name(&self, queue: Queue) -> String {
        format!("{}{}", self.prefix, queue.as_str())
    }
}
