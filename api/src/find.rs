//! One search over everything that has a name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that is called what was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundView {
    /// `order`, `fulfillment_order`, `return`, `picklist`, `manifest`, `product` or `facility`.
    #[schema(examples("order"))]
    pub kind: String,
    pub id: String,
    /// The order that it is, or is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Where it is, if it is somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}
