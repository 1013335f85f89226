//! People: who they are, what they may, and how they come in.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oms_domain::{
    access::{
        Role,
        login::{password_flaw, plain_email},
    },
    ids::FacilityId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, boolean, choice, name, parsed, prose, text};

/// Most facilities and channels that one person knows of, where they do not know of all.
const NAMED_MAX: usize = 1_000;
const NAME_MAX_CHARS: usize = 100;
/// Far longer than any that is taken.
const SECRET_MAX_CHARS: usize = 1_000;

/// The body of `POST /people`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonBody {
    /// They log in with it. No other person has it.
    #[schema(min_length = 3, max_length = 254, examples("kim@example.com"))]
    pub email: String,
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub roles: BTreeSet<Role>,
    /// They know of these alone; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub facilities: Option<BTreeSet<FacilityId>>,
    /// The same of channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeSet<String>>,
}

impl PersonBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (email, called) = (fields.required("email", email), fields.required("name", text(NAME_MAX_CHARS)));
            let roles = fields.required("roles", roles);
            let (facilities, channels) = (fields.optional("facilities", facilities), fields.optional("channels", channels));
            Some(Self { email: email?, name: called?, roles: roles?, facilities: facilities?, channels: channels? })
        })
    }
}

/// The body of `PATCH /people/{person_id}`: what is absent stays as it is. Their sessions end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonChangeBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub roles: Option<BTreeSet<Role>>,
    /// What they know of, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachBody>,
    /// They may not come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// What somebody knows of; what is absent: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReachBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub facilities: Option<BTreeSet<FacilityId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeSet<String>>,
}

impl PersonChangeBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (roles, disabled) = (fields.optional("roles", roles), fields.optional("disabled", boolean));
            let reach = fields.optional("reach", ReachBody::read);
            Some(Self { roles: roles?, reach: reach?, disabled: disabled? })
        })
    }
}

impl ReachBody {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (facilities, channels) = (fields.optional("facilities", facilities), fields.optional("channels", channels));
            Some(Self { facilities: facilities?, channels: channels? })
        })
    }
}

fn email(node: &Node<'_>) -> Option<String> {
    let text = text(NAMED_MAX)(node)?;
    plain_email(&text).or_else(|| node.error("must be an e-mail address of at most 254 bytes"))
}

fn roles(node: &Node<'_>) -> Option<BTreeSet<Role>> {
    Some(node.list(1, Role::NAMED.len(), choice(Role::NAMED))?.into_iter().collect())
}

fn facilities(node: &Node<'_>) -> Option<BTreeSet<FacilityId>> {
    Some(node.list(1, NAMED_MAX, parsed)?.into_iter().collect())
}

fn channels(node: &Node<'_>) -> Option<BTreeSet<String>> {
    Some(node.list(1, NAMED_MAX, name)?.into_iter().collect())
}

/// Somebody who may come in with a password, or could.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    pub person_id: String,
    pub email: String,
    pub name: String,
    pub roles: Vec<String>,
    /// Null: all.
    pub facilities: Option<Vec<String>>,
    /// Null: all.
    pub channels: Option<Vec<String>>,
    /// `invited`, `active` or `disabled`.
    #[schema(examples("active"))]
    pub status: String,
    /// They can take stations over.
    pub has_badge: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// In the answer that makes it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationView>,
}

/// A secret with which somebody sets their password, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    pub token: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// The body of `POST /invitations/accept`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptInvitationBody {
    pub token: String,
    #[schema(min_length = 12, max_length = 256, format = Password)]
    pub password: String,
}

impl AcceptInvitationBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (token, password) = (fields.required("token", text(SECRET_MAX_CHARS)), fields.required("password", new_password));
            Some(Self { token: token?, password: password? })
        })
    }
}

fn new_password(node: &Node<'_>) -> Option<String> {
    let password = prose(SECRET_MAX_CHARS)(node)?;
    match password_flaw(&password) {
        Some(flaw) => node.error(flaw),
        None => Some(password),
    }
}

/// The body of `POST /sessions`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginBody {
    pub email: String,
    #[schema(format = Password)]
    pub password: String,
}

impl LoginBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (email, password) =
                (fields.required("email", text(SECRET_MAX_CHARS)), fields.required("password", prose(SECRET_MAX_CHARS)));
            Some(Self { email: email?, password: password? })
        })
    }
}

/// Who is in, and what they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// `machine` or `person`.
    pub kind: String,
    /// The account or the person.
    pub id: String,
    /// What a person is called, to themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    /// Null: all.
    pub facilities: Option<Vec<String>>,
    /// Null: all.
    pub channels: Option<Vec<String>>,
    /// The station that they have taken over.
    pub station_id: Option<String>,
    /// Shown to whoever has logged in without a browser, once: to be sent as a bearer. A browser gets a cookie instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

crate::secret::without_what_a_log_must_not_have!(PersonBody PersonView InvitationView AcceptInvitationBody LoginBody);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reader::read_json;

    fn pointers<T>(body: &Value, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Vec<String> {
        match read_json(body.to_string().as_bytes(), read) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|error| error.pointer).collect(),
        }
    }

    #[test]
    fn a_person_has_an_address_a_name_and_roles_that_there_are() {
        let right = json!({"email": "Kim@Example.com", "name": "Kim", "roles": ["support"]});
        assert_eq!(read_json(right.to_string().as_bytes(), PersonBody::read).unwrap().email, "kim@example.com");
        let wrong = json!({"email": "kim", "name": "", "roles": ["king"], "facilities": ["a b"]});
        assert_eq!(pointers(&wrong, PersonBody::read), ["/email", "/name", "/roles/0", "/facilities/0"]);
    }

    #[test]
    fn a_password_that_is_too_short_is_named_and_not_repeated() {
        let body = json!({"token": "t", "password": "short"});
        let problem = read_json(body.to_string().as_bytes(), AcceptInvitationBody::read).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/password");
        assert!(!format!("{problem:?}").contains("short\""));
        assert!(!format!("{:?}", LoginBody { email: "a@b".into(), password: "secret".into() }).contains("secret"));
    }
}
