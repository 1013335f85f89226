//! Change sets: what a customer wants otherwise, all of it or nothing.

mod read;
mod view;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    read::read_change_set,
    view::{
        AskedView, AvailableView, ChangeAnswer, ChangeAskedView, ChangePreviewView, ChangeSetView, ConfirmedChangeView, PreviewLineView,
    },
};
use crate::order::body::{AddressBody, LineBody};

/// The body of `POST /orders/{id}/changes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeSetBody {
    /// Absent: one is made up. The same set again under its id gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, examples("the customer called"))]
    pub reason: String,
    #[schema(min_items = 1, max_items = 100)]
    pub changes: Vec<ChangeBody>,
}

/// One change. No two of a set may be about the same line or delivery group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ChangeBody {
    /// More units, at the line's own price and tax.
    Increase {
        line_id: String,
        #[schema(minimum = 1, maximum = 1_000_000)]
        quantity: u32,
    },
    /// Fewer units: first of those that no facility has accepted.
    Decrease {
        line_id: String,
        #[schema(minimum = 1, maximum = 1_000_000)]
        quantity: u32,
    },
    /// Every unit that is not cancelled.
    Remove { line_id: String },
    /// A line with an id of its own.
    Add { line: LineBody },
    /// As many units of the line as the new one has are not ordered any more.
    Substitute { line_id: String, by: LineBody },
    /// Another address of a delivery group, until some of it has shipped.
    Address {
        /// Needed with more than one delivery group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery_group: Option<String>,
        ship_to: AddressBody,
    },
    /// Another shipping method. What the customer pays for shipping stays as it is, unless `price_minor` says otherwise.
    Method {
        /// Needed with more than one delivery group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery_group: Option<String>,
        /// `standard`, `express` or `pickup`.
        method: String,
        /// With method `pickup`: the store.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pickup_facility_id: Option<String>,
        /// Needed where nothing was to be delivered before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ship_to: Option<AddressBody>,
        /// What the customer pays for shipping now, before tax and discount, which stay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
        price_minor: Option<i64>,
    },
}
