//! Picklists: many fulfillment orders accepted and begun at once.

use jiff::Timestamp;
use oms_domain::ids::FacilityId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    problem::Problem,
    reader::{Node, integer, name, parsed},
};

/// Most fulfillment orders on one picklist.
const PICKLIST_MAX: i64 = 100;

/// The body of `POST /picklists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PicklistBody {
    #[schema(value_type = String)]
    pub facility_id: FacilityId,
    #[schema(minimum = 1, maximum = 100)]
    pub at_most: u32,
    /// Who picks; absent: the picklist's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picker: Option<String>,
}

impl PicklistBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let facility_id = fields.required("facility_id", parsed);
            let at_most = fields.required("at_most", integer(1..=PICKLIST_MAX));
            let picker = fields.optional("picker", name);
            Some(Self { facility_id: facility_id?, at_most: u32::try_from(at_most?).ok()?, picker: picker? })
        })
    }
}

/// A picklist, and what became of each fulfillment order that was to be picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PicklistView {
    pub picklist_id: String,
    pub facility_id: String,
    /// Who picks.
    pub picker: String,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    pub results: Vec<PicklistResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PicklistResult {
    pub fulfillment_order_id: String,
    /// How it stands now, as in lists of fulfillment orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether it is being picked now.
    pub picking: bool,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}
