//! Bodies of actions, for clients in Rust and for OpenAPI; reading them is in `action`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cancellation::LineUnits;

/// `reject`: the facility gives units back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectBody {
    /// `not_in_stock`, `mismatch`, `damaged`, `no_capacity` or `other`: it decides what becomes of the stock.
    #[schema(examples("not_in_stock"))]
    pub reason: String,
    /// Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineUnits>>,
}

/// `start-picking`: implies accepting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartPickingBody {
    /// An id, not a name.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub picker: String,
}

/// `short-pick`: fewer were found than were to be picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShortPickBody {
    pub reason: String,
    pub lines: Vec<ShortLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShortLine {
    pub line_id: String,
    #[schema(minimum = 1)]
    pub quantity_short: u32,
}

/// `pack`: without parcels, one of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackBody {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<PackedParcelBody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackedParcelBody {
    pub lines: Vec<LineUnits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<u32>,
}

/// `ready` and `handover` of a pickup: the code that the customer shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PickupBody {
    /// Only its hash is kept. A pickup that was made ready with a code is handed over to nobody without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub code: Option<String>,
}

/// `mark-lost`: without parcels, all that are on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkLostBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcels: Option<Vec<String>>,
}

/// `move`: its units look for another facility.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveBody {
    /// This one; absent: any other than where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<String>,
    /// The facility that has accepted it lets it go.
    #[serde(default)]
    pub consented: bool,
}

/// `split`: these units go on as a fulfillment order of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SplitBody {
    pub lines: Vec<LineUnits>,
}

/// `merge`: the units of this other one of the same facility and status join it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeBody {
    pub fulfillment_order_id: String,
}

/// `refuse-change`: the facility does not let go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefuseChangeBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}

/// `ship`: without a tracking number the carrier is asked for a label first. Implies accepting, picking and packing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShipBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// These parcels alone, with labels from the carrier; the others go on as a fulfillment order of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcels: Option<Vec<String>>,
}
