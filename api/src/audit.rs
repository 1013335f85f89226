//! The audit trail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What somebody did that is no event of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    pub audit_id: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Absent: nobody who is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    /// `account_made`, `key_made`, `key_revoked` or `authentication_refused`.
    #[schema(examples("key_made"))]
    pub action: String,
    /// An account or a key; absent: nothing that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub detail: Value,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// `machine`, `person`, `bench` or `house`.
    pub kind: String,
    pub id: String,
}
