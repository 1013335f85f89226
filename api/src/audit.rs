//! The audit trail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::actor::ActorView;

/// What somebody did that is no event of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    pub audit_id: i64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Absent: nobody who is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    /// The request in which they did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `account_made`, `key_made`, `key_revoked`, `authentication_refused`, `person_made`, `person_changed`, `person_invited`, `password_set`,
    /// `logged_in`, `logged_out`, `station_made`, `station_removed`, `badge_given`, `personal_data_read`, `approval_given`, `approval_declined`
    /// or `giving_limit_changed`.
    #[schema(examples("key_made"))]
    pub action: String,
    /// An account or a key; absent: nothing that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub detail: Value,
}
