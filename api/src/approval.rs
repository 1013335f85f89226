//! What needs a second person, and how much the first one may give away.

use jiff::Timestamp;
use oms_domain::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actor::ActorView,
    reader::{Node, integer},
};

/// Something that a second person is asked about: just this, for this amount, of the order as it is, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    pub approval_id: String,
    /// `refund`, `claim`, `replacement`, `exchange` or `bulk`.
    #[schema(examples("refund"))]
    pub kind: String,
    /// `pending`, `approved` (whoever asked may ask again, and it is done), `declined`, `used` or `expired`.
    #[schema(examples("pending"))]
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// At this version of the order, and at no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_version: Option<u64>,
    /// What exactly: lines, a claim, a parcel, an operation.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Of a bulk operation: how many it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<u64>,
    pub asked_by: ActorView,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<ActorView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
}

/// The body of `PUT /limits/{currency}`; what is absent: as much as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitBody {
    /// What each may give away in a day (UTC), in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub per_day_minor: Option<i64>,
    /// What all of them may give away on one order, ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub per_order_minor: Option<i64>,
}

impl LimitBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let amount = || integer(0..=AMOUNT_MAX_MINOR);
            let (per_day, per_order) = (fields.optional("per_day_minor", amount()), fields.optional("per_order_minor", amount()));
            Some(Self { per_day_minor: per_day?, per_order_minor: per_order? })
        })
    }
}

/// Far above any sum, far below where sums of them overflow.
const AMOUNT_MAX_MINOR: i64 = 1_000_000_000_000;

/// What may be given away of a currency without a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitView {
    #[schema(value_type = String, examples("GBP"))]
    pub currency: Currency,
    /// Null: as much as they like.
    pub per_day_minor: Option<i64>,
    /// Null: as much as they like.
    pub per_order_minor: Option<i64>,
}

/// All of them; a currency that is not there has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    pub items: Vec<LimitView>,
}
