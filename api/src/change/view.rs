//! Change sets as they are shown: what was confirmed, or would be. No address: the order itself shows the present one.

use oms_domain::{
    ids::{OrderId, Sku},
    order::{ConfirmedChange, CoreChange, CoreLine, Order},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{order::UnitsView, promise::PromiseView};

/// What became of a change set, or would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeAnswer {
    Confirmed(ChangeSetView),
    /// With `dry_run`.
    Preview(ChangePreviewView),
}

/// A change set that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeSetView {
    pub change_id: String,
    pub order_id: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    pub changes: Vec<ConfirmedChangeView>,
    /// What the customer owes beyond what was owed before; less than nothing if less.
    pub difference_minor: i64,
}

/// One change of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfirmedChangeView {
    /// `increase`, `decrease`, `remove`, `add`, `substitute`, `address` or `method`.
    pub change: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The line that it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_line_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub new_sku: Option<Sku>,
    /// The index of the delivery group that goes elsewhere or otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_group_index: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the customer pays for shipping since, if the change said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_minor: Option<i64>,
}

/// What a change set would do, by the order and the stock as they are now. Nothing is reserved: both may go on meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangePreviewView {
    pub order_id: String,
    /// The version that it is worked out from: send it as `If-Match` to have the change at this version or not at all.
    pub version: u64,
    pub difference_minor: i64,
    /// What the customer would owe for everything.
    pub total_minor: i64,
    /// What no instrument was given to pay yet: the order would wait for a payment.
    pub unpaid_minor: i64,
    /// Each line of the order as it would be.
    pub lines: Vec<PreviewLineView>,
    /// Fulfillment orders that would be called back; their units look for a facility anew.
    pub reissued: Vec<String>,
    /// Of each SKU that would look for a facility.
    pub availability: Vec<AvailableView>,
    /// How what looks for a facility would be sent, a delivery group each. None for a pickup.
    pub promises: Vec<PromiseView>,
}

/// A line as it is, and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewLineView {
    pub line_id: String,
    pub sku: String,
    pub units: UnitsView,
    pub would_be: UnitsView,
}

/// How much of a SKU is wanted and there, in units, over all facilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailableView {
    pub sku: String,
    pub wanted: u64,
    /// With what the change itself sets free.
    pub available: i64,
}

impl ChangeSetView {
    pub fn of(order_id: &OrderId, set: &ConfirmedChange) -> Self {
        Self {
            change_id: set.change_id.to_string(),
            order_id: order_id.to_string(),
            reason: set.reason.clone(),
            at: set.at,
            changes: set.changes.iter().map(ConfirmedChangeView::from).collect(),
            difference_minor: set.difference_minor,
        }
    }
}

impl From<&CoreChange> for ConfirmedChangeView {
    fn from(change: &CoreChange) -> Self {
        let line_id = change.line_id().map(ToString::to_string);
        let (new_line_id, new_sku) = change.new_line().map(|line: &CoreLine| (line.line_id.to_string(), line.sku.clone())).unzip();
        let (word, quantity) = match change {
            CoreChange::Increase { quantity, .. } => ("increase", Some(*quantity)),
            CoreChange::Decrease { quantity, .. } => ("decrease", Some(*quantity)),
            CoreChange::Remove { .. } => ("remove", None),
            CoreChange::Add { line } => ("add", Some(line.quantity)),
            CoreChange::Substitute { by, .. } => ("substitute", Some(by.quantity)),
            CoreChange::Redirect { .. } => ("address", None),
            CoreChange::Method { .. } => ("method", None),
        };
        let to = match change {
            CoreChange::Method { to, .. } => Some(to),
            CoreChange::Increase { .. } | CoreChange::Decrease { .. } | CoreChange::Remove { .. } => None,
            CoreChange::Add { .. } | CoreChange::Substitute { .. } | CoreChange::Redirect { .. } => None,
        };
        let (method, price_minor) = (to.map(|to| to.method.as_str().to_owned()), to.and_then(|to| to.price_minor));
        Self { change: word.to_owned(), line_id, quantity, new_line_id, new_sku, delivery_group_index: change.group(), method, price_minor }
    }
}

impl PreviewLineView {
    /// Every line of the order after the change.
    pub fn of(before: &Order, after: &Order) -> Vec<Self> {
        let (was, mut would_be) = (before.units(), after.units());
        let line = |line: &CoreLine| Self {
            line_id: line.line_id.to_string(),
            sku: line.sku.to_string(),
            units: was.get(&line.line_id).copied().map(UnitsView::from).unwrap_or_default(),
            would_be: would_be.remove(&line.line_id).map(UnitsView::from).unwrap_or_default(),
        };
        after.core.lines.iter().map(line).collect()
    }
}
