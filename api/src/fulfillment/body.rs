//! Bodies of actions, for clients in Rust and for OpenAPI; reading them is in `action`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cancellation::LineUnits;

/// The body of any action. Those not named here take `{}`, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ActionBody {
    Reject(RejectBody),
    StartPicking(StartPickingBody),
    ShortPick(ShortPickBody),
    Pack(PackBody),
    Ship(ShipBody),
}

/// `reject`: the facility gives units back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectBody {
    /// `NotInStock`, `Mismatch`, `Damaged`, `NoCapacity` or `Other`: it decides what becomes of the stock.
    #[schema(examples("NotInStock"))]
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

/// `ship`: without a tracking number the carrier is asked for a label first. Implies accepting, picking and packing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShipBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
}
