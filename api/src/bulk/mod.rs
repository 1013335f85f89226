//! Operations on many orders.

mod read;
mod view;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    read::{AskedBulk, read_bulk},
    view::{BulkAnswer, BulkPreviewView, BulkResultView, BulkView, ForeseenView, OutcomesView},
};

/// The body of `POST /bulk`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkBody {
    /// Absent: one is made up. The same body again under its id is the same operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<String>,
    pub operation: OperationBody,
    #[schema(min_length = 1, max_length = 200, examples("a recall"))]
    pub reason: String,
    /// At least one condition, except for `move`, which is about what is at its facility anyway, and for `release` by reason, which is about
    /// what is held for it.
    #[serde(default)]
    pub selection: SelectionBody,
    /// True: nothing is kept or changed; the answer says what would be.
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000, default = 20)]
    pub orders_per_second: Option<u32>,
}

/// What is done to each order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OperationBody {
    /// The whole order; its reason is the bulk operation's, its `cancellation_id` the `bulk_id`.
    Cancel,
    Hold {
        #[schema(examples("other"))]
        hold_reason: String,
        /// Absent: the `bulk_id`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_id: Option<String>,
        /// Each hold is lifted by itself then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = DateTime)]
        expires_at: Option<Timestamp>,
    },
    /// Lifts one hold, or all for a reason: names either. An order that is not held so stays `unchanged`.
    Release {
        /// The hold with this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_id: Option<String>,
        /// Every hold for this reason, whoever placed it. Without a selection that names one, orders that are held for it are asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(examples("high_risk_of_fraud"))]
        hold_reason: Option<String>,
    },
    /// What a facility has not begun with goes elsewhere.
    Move {
        facility_id: String,
        /// Absent: wherever the plan finds it best.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_facility_id: Option<String>,
        /// The facility lets go what it has accepted, too.
        #[serde(default)]
        consented: bool,
    },
}

/// The orders for which everything given holds, as in `GET /orders`. Chosen once: what is placed later is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SelectionBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("processing"))]
    pub status: Option<String>,
    /// The customer's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The customer's email address; only its keyed hash is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A facility that ships some of it, or did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_attention: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub placed_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub placed_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_after: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
