//! Handing parcels over to carriers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, text};

/// Longest code that a scanner reads.
const CODE_MAX_CHARS: usize = 200;

/// The body of `POST /facilities/{facility_id}/handover/scans`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoverScanBody {
    /// A parcel's id or its tracking number.
    #[schema(min_length = 1, max_length = 200)]
    pub code: String,
}

impl HandoverScanBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { code: fields.required("code", text(CODE_MAX_CHARS))? }))
    }
}

/// What came of a scan at the handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoverScanView {
    /// `added`; `already`: it is on a manifest; `not_waiting`: it has no label, or has left; `unknown`: the facility has no such parcel.
    #[schema(examples("added"))]
    pub result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The manifest that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_id: Option<String>,
}

/// What waits at a facility for its carriers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoverView {
    pub facility_id: String,
    /// By carrier. 500 at most.
    pub parcels: Vec<WaitingParcelView>,
    /// There are more than are shown.
    pub has_more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingParcelView {
    pub parcel_id: String,
    pub carrier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// The open manifest that it was scanned onto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_id: Option<String>,
}

/// What a carrier was handed at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestView {
    pub manifest_id: String,
    pub facility_id: String,
    pub carrier: String,
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// Absent: parcels are still scanned onto it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// In the order in which they were scanned.
    pub parcels: Vec<ManifestParcelView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestParcelView {
    pub parcel_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub scanned_at: Timestamp,
}
