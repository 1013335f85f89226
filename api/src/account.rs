//! Accounts and their keys.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oms_domain::{access::Role, ids::FacilityId, money::Currency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, carrier_name, choice, name, parsed, text, timestamp};

/// Most facilities and channels that one account names.
const NAMED_MAX: usize = 1_000;

/// The body of `POST /accounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountBody {
    /// No other account has it.
    #[schema(min_length = 1, max_length = 100, examples("checkout of the shop"))]
    pub name: String,
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub roles: BTreeSet<Role>,
    /// It knows of these alone; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub facilities: Option<BTreeSet<FacilityId>>,
    /// The same of channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeSet<String>>,
    /// It brings the scans of these carriers alone; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<BTreeSet<String>>,
    /// It places orders in these currencies alone; absent: in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub currencies: Option<BTreeSet<Currency>>,
}

impl AccountBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let called = fields.required("name", text(100));
            let roles = fields.required("roles", |node| node.list(1, Role::NAMED.len(), choice(Role::NAMED)));
            let facilities = fields.optional("facilities", |node| node.list(1, NAMED_MAX, parsed));
            let channels = fields.optional("channels", |node| node.list(1, NAMED_MAX, name));
            let carriers = fields.optional("carriers", |node| node.list(1, NAMED_MAX, carrier_name));
            let currencies = fields.optional("currencies", |node| node.list(1, NAMED_MAX, parsed));
            Some(Self {
                name: called?,
                roles: roles?.into_iter().collect(),
                facilities: facilities?.map(|ids| ids.into_iter().collect()),
                channels: channels?.map(|channels| channels.into_iter().collect()),
                carriers: carriers?.map(|carriers| carriers.into_iter().collect()),
                currencies: currencies?.map(|currencies| currencies.into_iter().collect()),
            })
        })
    }
}

/// Somebody who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    pub account_id: String,
    pub name: String,
    pub roles: Vec<String>,
    /// Null: all.
    pub facilities: Option<Vec<String>>,
    /// Null: all.
    pub channels: Option<Vec<String>>,
    /// Null: all.
    pub carriers: Option<Vec<String>>,
    /// Null: all.
    pub currencies: Option<Vec<String>>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The newest first.
    pub keys: Vec<KeyView>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    pub key_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// To the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// The body of `POST /accounts/{account_id}/keys`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyBody {
    /// It opens nothing from then on; absent: it does not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl KeyBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { expires_at: fields.optional("expires_at", timestamp)? }))
    }
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeKeyView {
    /// The whole key, to be shown as `Authorization: Bearer`. Here and never again: of an answer that is repeated it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub made: KeyView,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    #[test]
    fn an_account_is_read_with_its_roles_and_what_is_none_is_named() {
        let read = |body: serde_json::Value| read_json(body.to_string().as_bytes(), AccountBody::read);
        let account = read(json!({"name": "till", "roles": ["checkout", "carrier"], "channels": ["shop"]})).unwrap();
        assert_eq!((account.roles.len(), account.facilities, account.channels.map(|channels| channels.len())), (2, None, Some(1)));
        let problem = read(json!({"name": "", "roles": ["king"], "facilities": [], "scope": 1})).unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/roles/0", "/facilities", "/scope"]);
    }
}
