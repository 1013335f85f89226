//! Accounts and their keys. Each change is told to the audit trail in the statement that makes it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::{By, Reach, Role, Scope},
    error::ErrorCode,
    ids::{AccountId, FacilityId, KeyId},
    money::Currency,
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    api_key::{ApiKey, KeyHash},
    audit::AuditAction,
    error::StoreError,
    order_list::Page,
    store::Store,
};

/// What the ids of accounts begin with that are kept here: no declared one has such a name.
pub const ACCOUNT_PREFIX: &str = "acc-";
/// One in use, and the next: keys are changed without a pause.
const LIVE_KEYS_MAX: i64 = 2;

/// Somebody who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    pub account_id: AccountId,
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    pub created_at: Timestamp,
    /// The newest first.
    pub keys: Vec<KeyRow>,
}

/// An account that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    pub key_id: KeyId,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// A key with the account that it opens the door for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKey {
    pub key: KeyRow,
    pub hash: KeyHash,
    pub account_id: AccountId,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
}

/// An account's row as it crosses the border. A role that this version does not know gives nothing.
#[derive(Deserialize)]
struct Row {
    account_id: AccountId,
    name: String,
    roles: Vec<String>,
    facilities: Option<BTreeSet<FacilityId>>,
    channels: Option<BTreeSet<String>>,
    carriers: Option<BTreeSet<String>>,
    currencies: Option<BTreeSet<Currency>>,
    created_at: Timestamp,
    #[serde(default)]
    keys: Vec<KeyRow>,
}

#[derive(Deserialize)]
struct KeyAndAccount {
    key_sha256: KeyHash,
    #[serde(flatten)]
    key: KeyRow,
    account: Row,
}

impl Row {
    fn roles(&self) -> BTreeSet<Role> {
        self.roles.iter().filter_map(|name| Role::from_name(name)).collect()
    }

    fn scope(&self) -> Scope {
        Scope {
            facilities: Reach::from(self.facilities.clone()),
            channels: Reach::from(self.channels.clone()),
            carriers: Reach::from(self.carriers.clone()),
            currencies: Reach::from(self.currencies.clone()),
        }
    }
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        let (roles, scope) = (row.roles(), row.scope());
        Self { account_id: row.account_id, name: row.name, roles, scope, created_at: row.created_at, keys: row.keys }
    }
}

/// The columns of an account's row and its keys, as JSON.
macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "SELECT to_jsonb(a) || jsonb_build_object('keys', coalesce((
                SELECT jsonb_agg(to_jsonb(k) - '{key_sha256,account_id}'::text[] ORDER BY k.created_at DESC, k.key_id)
                FROM account_keys k WHERE k.account_id = a.account_id), '[]'))
            FROM accounts a ",
            $rest
        )
    };
}

const ADD_ACCOUNT: &str = "WITH added AS (
        INSERT INTO accounts (account_id, name, roles, facilities, channels, carriers, currencies)
        VALUES ($1, $2, $3, $4, $5, $8, $9) RETURNING *
    ), noted AS (
        INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
        SELECT $6 ->> 'kind', $6 ->> 'id', $6 ->> 'station', $6 ->> 'request_id', $7, account_id, to_jsonb(added) - '{account_id,created_at}'::text[] FROM added
    )
    SELECT to_jsonb(added) FROM added";

/// Nothing, when there is no room.
const ADD_KEY: &str = "WITH added AS (
        INSERT INTO account_keys (key_id, account_id, key_sha256, expires_at)
        SELECT $2, $1, $3, $4
        WHERE (SELECT count(*) FROM account_keys k
            WHERE k.account_id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())) < $7
        RETURNING *
    ), noted AS (
        INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
        SELECT $5 ->> 'kind', $5 ->> 'id', $5 ->> 'station', $5 ->> 'request_id', $6, key_id, jsonb_build_object('account_id', account_id, 'expires_at', expires_at) FROM added
    )
    SELECT to_jsonb(added) FROM added";

const REVOKE_KEY: &str = "WITH revoked AS (
        UPDATE account_keys SET revoked_at = now() WHERE account_id = $1 AND key_id = $2 AND revoked_at IS NULL RETURNING key_id, account_id
    ), noted AS (
        INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
        SELECT $3 ->> 'kind', $3 ->> 'id', $3 ->> 'station', $3 ->> 'request_id', $4, key_id, jsonb_build_object('account_id', account_id) FROM revoked
    )
    SELECT EXISTS (SELECT FROM account_keys WHERE account_id = $1 AND key_id = $2)";

/// Those that were used are marked on the way, once a minute.
const KEYS: &str = "WITH used AS (
        UPDATE account_keys SET last_used_at = now()
        WHERE key_id = ANY ($2) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    )
    SELECT to_jsonb(k) || jsonb_build_object('account', to_jsonb(a))
    FROM account_keys k JOIN accounts a USING (account_id) WHERE k.key_id = ANY ($1)";

impl Store {
    /// Makes an account. Errors: `account_conflict`.
    pub async fn add_account(&self, new: &NewAccount, by: &By) -> Result<Account, StoreError> {
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let query = sqlx::query_scalar(ADD_ACCOUNT)
            .bind(format!("{ACCOUNT_PREFIX}{}", Uuid::now_v7().simple()))
            .bind(&new.name)
            .bind(names(new.roles.iter().map(|role| role.name()).collect()))
            .bind(new.scope.facilities.only().map(|ids| names(ids.iter().map(FacilityId::as_str).collect())))
            .bind(new.scope.channels.only().map(|channels| names(channels.iter().map(String::as_str).collect())))
            .bind(Json(by))
            .bind(AuditAction::AccountMade.name())
            .bind(new.scope.carriers.only().map(|carriers| names(carriers.iter().map(String::as_str).collect())))
            .bind(new.scope.currencies.only().map(|currencies| names(currencies.iter().map(|currency| currency.code()).collect())));
        let row: Row = self.row(query).await?.ok_or(StoreError::Corrupt { what: "an account that was made" })?;
        Ok(row.into())
    }

    /// One account.
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let query = sqlx::query_scalar(select_accounts!("WHERE a.account_id = $1"));
        Ok(self.row::<Row>(query.bind(id.as_str())).await?.map(Account::from))
    }

    /// Accounts, the oldest first.
    pub async fn accounts_page(&self, after: Option<&str>, limit: u32) -> Result<Page<Account>, StoreError> {
        let query = sqlx::query_scalar(select_accounts!("WHERE $1::text IS NULL OR a.account_id > $1 ORDER BY a.account_id LIMIT $2"));
        let rows: Vec<Row> = self.rows(query.bind(after).bind(i64::from(limit) + 1)).await?;
        Ok(Page::cut(rows.into_iter().map(Account::from).collect(), limit, |last: &Account| last.account_id.to_string()))
    }

    /// Keeps a new key of an account. Errors: `account_not_found`, `too_many_keys`.
    pub async fn add_key(&self, id: &AccountId, key: &ApiKey, expires_at: Option<Timestamp>, by: &By) -> Result<KeyRow, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // Two at once must not both find room.
        let lock = sqlx::query("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE").bind(id.as_str());
        if lock.fetch_optional(&mut *transaction).await?.is_none() {
            return Err(StoreError::Refused { code: ErrorCode::AccountNotFound });
        }
        let query = sqlx::query_scalar(ADD_KEY)
            .bind(id.as_str())
            .bind(key.key_id.as_str())
            .bind(key.hash().to_string())
            .bind(expires_at.map(ToSqlx::to_sqlx))
            .bind(Json(by))
            .bind(AuditAction::KeyMade.name())
            .bind(LIVE_KEYS_MAX);
        let added: Option<Json<KeyRow>> = query.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        added.map(|Json(key)| key).ok_or(StoreError::Refused { code: ErrorCode::TooManyKeys })
    }

    /// From now on the key opens nothing. Whether the account has it.
    pub async fn revoke_key(&self, id: &AccountId, key_id: &KeyId, by: &By) -> Result<bool, StoreError> {
        let query =
            sqlx::query_scalar(REVOKE_KEY).bind(id.as_str()).bind(key_id.as_str()).bind(Json(by)).bind(AuditAction::KeyRevoked.name());
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// These keys, as far as there are any, in force or not; `used` ones are marked.
    pub async fn keys(&self, ids: &[String], used: &[String]) -> Result<Vec<AccountKey>, StoreError> {
        let rows: Vec<KeyAndAccount> = self.rows(sqlx::query_scalar(KEYS).bind(ids).bind(used)).await?;
        let key = |row: KeyAndAccount| {
            let (roles, scope) = (row.account.roles(), row.account.scope());
            AccountKey { key: row.key, hash: row.key_sha256, account_id: row.account.account_id, roles, scope }
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Whether there is an account or a person of the role that could come in.
    pub async fn has_live(&self, role: Role) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM accounts a JOIN account_keys k USING (account_id)
            WHERE $1 = ANY (a.roles) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
            OR EXISTS (SELECT FROM people p WHERE $1 = ANY (p.roles) AND p.password_hash IS NOT NULL AND p.disabled_at IS NULL)",
        );
        Ok(query.bind(role.name()).fetch_one(&self.pool).await?)
    }
}
