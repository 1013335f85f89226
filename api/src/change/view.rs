//! Change sets as they are shown: what was confirmed, is asked for, or would be. No address: the order itself shows the present one.

use oms_domain::{
    ids::{ChangeId, Sku},
    order::{Asked, ChangeRequest, ChangeStatus, CoreChange, CoreLine, FulfillmentOrder, Order},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{order::UnitsView, promise::PromiseView};

/// What became of a change set, or would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeAnswer {
    /// Confirmed at once, or asked for.
    Kept(ChangeSetView),
    /// With `dry_run`.
    Preview(ChangePreviewView),
}

/// A change set, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeSetView {
    pub change_id: String,
    pub order_id: String,
    /// `requested` while facilities are asked; then, or at once, `confirmed`; `declined`; or `cancelled` by whoever asked.
    #[schema(examples("confirmed"))]
    pub status: String,
    pub reason: String,
    /// When it came to its status.
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    pub changes: Vec<ConfirmedChangeView>,
    /// What the customer owes beyond what was owed before; less than nothing if less. Nothing for one that is not confirmed.
    pub difference_minor: i64,
    /// Fulfillment orders whose facilities are or were asked to let go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AskedView>,
    /// Requested: without an answer by then it is declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<jiff::Timestamp>,
    /// Declined: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A fulfillment order that a change set touches although its facility has accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedView {
    pub fulfillment_order_id: String,
    pub facility_id: Option<String>,
    /// The facility lets go.
    pub agreed: bool,
}

/// What a facility is asked to let go for, with `accept-change`, or not, with `refuse-change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeAskedView {
    pub change_id: String,
    pub reason: String,
    pub changes: Vec<ConfirmedChangeView>,
    /// Without an answer by then it is declined.
    #[schema(value_type = String, format = DateTime)]
    pub until: jiff::Timestamp,
    /// This facility has agreed, and others have not yet.
    pub agreed: bool,
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
    /// Fulfillment orders whose facilities would be asked to let go first; everything else here is as if they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AskedView>,
    /// Until when they could answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<jiff::Timestamp>,
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
    /// The change set with this id, if there is one.
    pub fn of(order: &Order, id: &ChangeId) -> Option<Self> {
        let (confirmed, request) = (order.change(id), order.change_request(id));
        let (reason, changes) = match (confirmed, request) {
            (Some(set), _) => (&set.reason, &set.changes),
            (None, request) => request.map(|request| (&request.reason, &request.changes))?,
        };
        let status = request.map_or(ChangeStatus::Confirmed, |request| request.status);
        let since = request.map(|request| request.ended_at.unwrap_or(request.since));
        Some(Self {
            change_id: id.to_string(),
            order_id: order.core.order_id.to_string(),
            status: status.name().to_owned(),
            reason: reason.clone(),
            at: confirmed.map(|set| set.at).or(since)?,
            changes: changes.iter().map(ConfirmedChangeView::from).collect(),
            difference_minor: confirmed.map_or(0, |set| set.difference_minor),
            asked: request.map(|request| AskedView::all(order, request)).unwrap_or_default(),
            until: order.change_due().filter(|_| status == ChangeStatus::Requested),
            why: request.and_then(|request| request.why.clone()),
        })
    }

    /// Those that were confirmed in their order, then those that were not, or not yet.
    pub fn all(order: &Order) -> Vec<Self> {
        let others = order.change_requests.iter().filter(|request| request.status != ChangeStatus::Confirmed);
        let ids = order.change_ids().into_iter().chain(others.map(|request| request.change_id.clone()));
        ids.filter_map(|id| Self::of(order, &id)).collect()
    }
}

impl AskedView {
    /// Of whom it is asked.
    pub fn all(order: &Order, request: &ChangeRequest) -> Vec<Self> {
        let view = |asked: &Asked| {
            let found = order.fulfillment_order(&asked.fulfillment_order_id);
            Self {
                fulfillment_order_id: asked.fulfillment_order_id.to_string(),
                facility_id: found.and_then(|found| found.facility_id.as_ref()).map(ToString::to_string),
                agreed: asked.agreed,
            }
        };
        request.asked.iter().map(view).collect()
    }
}

impl ChangeAskedView {
    /// What is asked about a fulfillment order, if something is.
    pub fn of(order: &Order, found: &FulfillmentOrder) -> Option<Self> {
        let request = order.open_change()?;
        let asked = request.asked.iter().find(|asked| asked.fulfillment_order_id == found.fulfillment_order_id)?;
        Some(Self {
            change_id: request.change_id.to_string(),
            reason: request.reason.clone(),
            changes: request.changes.iter().map(ConfirmedChangeView::from).collect(),
            until: order.change_due()?,
            agreed: asked.agreed,
        })
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
