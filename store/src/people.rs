//! People: who they are, what they may, and how they are invited. Each change is told to the audit trail in the statement that makes it,
//! under their ids: names and addresses are nowhere but in their rows.

use std::{collections::BTreeSet, fmt, time::Duration};

use jiff::Timestamp;
use oms_domain::{
    access::{Reach, Role, Scope},
    error::ErrorCode,
    ids::{AccountId, FacilityId},
};
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{api_key::KeyHash, audit::AuditAction, error::StoreError, order_list::Page, store::Store, token::Token};

/// What the ids of people begin with: no declared account has such a name.
pub const PERSON_PREFIX: &str = "per-";
/// A name in an advisory lock: who is the first admin is decided by one at a time.
const FIRST_ADMIN_LOCK: i64 = 20_260;

/// Somebody who may come in with a password, or could.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    pub person_id: AccountId,
    pub email: String,
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    /// They have set a password: before, they are invited.
    pub has_come: bool,
    /// They have one with which they take stations over.
    pub has_badge: bool,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// Without what a log must not have.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("person_id", &self.person_id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Somebody who is to be.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// In lower case.
    pub email: String,
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
}

/// What is to be otherwise; None: as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonChange {
    pub roles: Option<BTreeSet<Role>>,
    pub scope: Option<Scope>,
    pub disabled: Option<bool>,
}

/// A person's row as it crosses the border. A role that this version does not know gives nothing.
#[derive(Deserialize)]
pub(crate) struct Row {
    pub person_id: AccountId,
    email: String,
    name: String,
    roles: Vec<String>,
    facilities: Option<BTreeSet<FacilityId>>,
    channels: Option<BTreeSet<String>>,
    has_come: bool,
    has_badge: bool,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

impl From<Row> for Person {
    fn from(row: Row) -> Self {
        let scope = Scope { facilities: Reach::from(row.facilities), channels: Reach::from(row.channels), ..Scope::default() };
        let roles = row.roles.iter().filter_map(|name| Role::from_name(name)).collect();
        let Row { person_id, email, name, has_come, has_badge, created_at, disabled_at, .. } = row;
        Self { person_id, email, name, roles, scope, has_come, has_badge, created_at, disabled_at }
    }
}

/// The columns of a person's row, as JSON.
macro_rules! select_people {
    ($from:literal) => {
        concat!(
            "SELECT to_jsonb(p) - '{password_hash,pin_hash,badge_sha256}'::text[] || jsonb_build_object('has_come', p.password_hash IS NOT NULL,
            'has_badge', p.badge_sha256 IS NOT NULL) FROM ",
            $from
        )
    };
}
pub(crate) use select_people;

/// Adds to the audit trail, from rows of a common table expression: whose doing it is ($1), and what ($2).
macro_rules! noted {
    ($subject_and_detail:literal) => {
        concat!(
            ", noted AS (
                INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
                SELECT $1 ->> 'kind', $1 ->> 'id', $1 ->> 'station', $1 ->> 'request_id', $2, ",
            $subject_and_detail,
            ") "
        )
    };
}
pub(crate) use noted;

const ADD: &str = concat!(
    "WITH added AS (
        INSERT INTO people (person_id, email, name, roles, facilities, channels) VALUES ($3, $4, $5, $6, $7, $8) RETURNING *
    )",
    noted!(
        "person_id, to_jsonb(added) - '{person_id,email,name,password_hash,pin_hash,badge_sha256,created_at,disabled_at}'::text[] FROM added"
    ),
    select_people!("added p")
);

/// Whoever may not come in any more, or may do something else, comes in anew.
const CHANGE: &str = concat!(
    "WITH changed AS (
        UPDATE people SET roles = coalesce($4, roles),
            facilities = CASE WHEN $5 THEN $6 ELSE facilities END, channels = CASE WHEN $5 THEN $7 ELSE channels END,
            disabled_at = CASE $8 WHEN true THEN coalesce(disabled_at, now()) WHEN false THEN NULL ELSE disabled_at END
        WHERE person_id = $3 RETURNING *
    ), ended AS (
        DELETE FROM sessions s USING changed c WHERE s.person_id = c.person_id
    )",
    noted!(
        "person_id, jsonb_build_object('roles', roles, 'facilities', facilities, 'channels', channels, 'disabled', disabled_at IS NOT NULL)
        FROM changed"
    ),
    select_people!("changed p")
);

/// The ones before are good for nothing any more.
const INVITE: &str = concat!(
    "WITH gone AS (
        DELETE FROM invitations WHERE person_id = $3
    ), made AS (
        INSERT INTO invitations (token_sha256, person_id, expires_at)
        SELECT $4, person_id, now() + make_interval(secs => $5) FROM people WHERE person_id = $3 AND disabled_at IS NULL
        RETURNING person_id, expires_at
    )",
    noted!("person_id, jsonb_build_object('expires_at', expires_at) FROM made"),
    "SELECT to_jsonb(expires_at) FROM made"
);

/// Whoever sets a password has logged in nowhere.
const ACCEPT: &str = concat!(
    "WITH used AS (
        DELETE FROM invitations WHERE token_sha256 = $3 AND expires_at > now() RETURNING person_id
    ), gone AS (
        DELETE FROM sessions s USING used u WHERE s.person_id = u.person_id
    ), came AS (
        UPDATE people p SET password_hash = $4 FROM used u WHERE p.person_id = u.person_id AND p.disabled_at IS NULL RETURNING p.person_id
    )",
    noted!("person_id, '{}'::jsonb FROM came"),
    "SELECT to_jsonb(person_id) FROM came"
);

impl Store {
    /// Makes a person, who is to be invited. Errors: `person_conflict`.
    pub async fn add_person(&self, new: &NewPerson) -> Result<Person, StoreError> {
        let query = sqlx::query_scalar(ADD)
            .bind(Json(self.acting()))
            .bind(AuditAction::PersonMade.name())
            .bind(format!("{PERSON_PREFIX}{}", Uuid::now_v7().simple()))
            .bind(&new.email)
            .bind(&new.name)
            .bind(role_names(&new.roles))
            .bind(facilities(&new.scope))
            .bind(channels(&new.scope));
        self.row::<Row>(query).await?.map(Person::from).ok_or(StoreError::Corrupt { what: "a person who was made" })
    }

    /// One of them.
    pub async fn person(&self, id: &AccountId) -> Result<Option<Person>, StoreError> {
        let query = sqlx::query_scalar(select_people!("people p WHERE p.person_id = $1"));
        Ok(self.row::<Row>(query.bind(id.as_str())).await?.map(Person::from))
    }

    /// People, those who were made first at the top.
    pub async fn people_page(&self, after: Option<&str>, limit: u32) -> Result<Page<Person>, StoreError> {
        let query = sqlx::query_scalar(select_people!("people p WHERE $1::text IS NULL OR p.person_id > $1 ORDER BY p.person_id LIMIT $2"));
        let rows: Vec<Row> = self.rows(query.bind(after).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows.into_iter().map(Person::from).collect(), limit, |last: &Person| last.person_id.to_string()))
    }

    /// Changes what they may, and ends their sessions. Errors: `person_not_found`.
    pub async fn change_person(&self, id: &AccountId, change: &PersonChange) -> Result<Person, StoreError> {
        let query = sqlx::query_scalar(CHANGE)
            .bind(Json(self.acting()))
            .bind(AuditAction::PersonChanged.name())
            .bind(id.as_str())
            .bind(change.roles.as_ref().map(role_names))
            .bind(change.scope.is_some())
            .bind(change.scope.as_ref().and_then(facilities))
            .bind(change.scope.as_ref().and_then(channels))
            .bind(change.disabled);
        let changed: Option<Row> = self.row(query).await?;
        changed.map(Person::from).ok_or(StoreError::Refused { code: ErrorCode::PersonNotFound })
    }

    /// Makes a link for them that is good once, for so long: until when. Errors: `person_not_found`, also of who may not come in.
    pub async fn invite(&self, id: &AccountId, token: &Token, lasts: Duration) -> Result<Timestamp, StoreError> {
        let query = sqlx::query_scalar(INVITE)
            .bind(Json(self.acting()))
            .bind(AuditAction::PersonInvited.name())
            .bind(id.as_str())
            .bind(token.hash().to_string())
            .bind(lasts.as_secs_f64());
        self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::PersonNotFound })
    }

    /// Whether somebody could set a password with it.
    pub async fn is_invitation(&self, token: &KeyHash) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM invitations WHERE token_sha256 = $1 AND expires_at > now())");
        Ok(query.bind(token.to_string()).fetch_one(&self.pool).await?)
    }

    /// Sets the password of whom the invitation is for, and uses it up. Errors: `invitation_not_found`.
    pub async fn accept_invitation(&self, token: &KeyHash, password_hash: &str) -> Result<AccountId, StoreError> {
        let query = sqlx::query_scalar(ACCEPT)
            .bind(Json(self.acting()))
            .bind(AuditAction::PasswordSet.name())
            .bind(token.to_string())
            .bind(password_hash);
        self.row(query).await?.ok_or(StoreError::Refused { code: ErrorCode::InvitationNotFound })
    }

    /// Invites the first admin, who may make all others: None, with nothing changed, when there is somebody who can do that already. Whoever was
    /// invited so and has not come is invited again.
    pub async fn first_admin(&self, email: &str, token: &Token, lasts: Duration) -> Result<Option<Timestamp>, StoreError> {
        let mut one_at_a_time = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(FIRST_ADMIN_LOCK).execute(&mut *one_at_a_time).await?;
        if self.has_live(Role::Admin).await? {
            return Ok(None);
        }
        let known = sqlx::query_scalar("SELECT to_jsonb(person_id) FROM people WHERE email = $1").bind(email);
        let person_id = match self.row(known).await? {
            Some(person_id) => person_id,
            None => {
                let new =
                    NewPerson { email: email.to_owned(), name: email.to_owned(), roles: [Role::Admin].into(), scope: Scope::default() };
                self.add_person(&new).await?.person_id
            }
        };
        let until = self.invite(&person_id, token, lasts).await?;
        one_at_a_time.commit().await?;
        Ok(Some(until))
    }
}

fn role_names(roles: &BTreeSet<Role>) -> Vec<String> {
    roles.iter().map(|role| role.name().to_owned()).collect()
}

fn facilities(scope: &Scope) -> Option<Vec<String>> {
    scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect())
}

fn channels(scope: &Scope) -> Option<Vec<String>> {
    scope.channels.only().map(|channels| channels.iter().cloned().collect())
}
