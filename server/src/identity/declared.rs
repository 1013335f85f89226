//! Accounts that the configuration declares: there from the first moment, without a database.

use std::{collections::BTreeSet, str::FromStr, sync::Arc};

use oms_domain::{
    access::{Principal, Reach, Role, Scope},
    ids::{AccountId, FacilityId},
    money::Currency,
};
use oms_store::{ACCOUNT_PREFIX, KeyHash, PERSON_PREFIX};
use serde::{Deserialize, Serialize};

use super::machine;

/// One of them, as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAccount {
    /// It stands for the account's id.
    pub name: AccountId,
    pub roles: BTreeSet<Role>,
    /// Absent: all.
    #[serde(default)]
    pub facilities: Reach<FacilityId>,
    /// Absent: all.
    #[serde(default)]
    pub channels: Reach<String>,
    /// Whose scans it brings. Absent: all carriers'.
    #[serde(default)]
    pub carriers: Reach<String>,
    /// In which it places orders. Absent: all.
    #[serde(default)]
    pub currencies: Reach<Currency>,
    /// SHA-256 of the whole key, in hexadecimal digits.
    pub key_sha256: KeyHash,
}

impl DeclaredAccount {
    /// One that may do everything: for the house's own use, on one machine.
    pub fn of_all_roles(name: AccountId, key_sha256: KeyHash) -> Self {
        Self::of_roles(name, Role::all().collect(), key_sha256)
    }

    /// One of these roles that knows of everything.
    pub fn of_roles(name: AccountId, roles: BTreeSet<Role>, key_sha256: KeyHash) -> Self {
        let (facilities, channels, carriers, currencies) = (Reach::All, Reach::All, Reach::All, Reach::All);
        Self { name, roles, facilities, channels, carriers, currencies, key_sha256 }
    }
}

/// All of them. In the environment: as JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Vec<DeclaredAccount>")]
pub struct DeclaredAccounts(Vec<(KeyHash, Arc<Principal>)>);

/// Why accounts cannot be declared so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAccounts(String);

impl DeclaredAccounts {
    /// The account whose key has this hash. All are compared: how long that takes tells nothing.
    pub(super) fn find(&self, hash: &KeyHash) -> Option<Arc<Principal>> {
        let matching = self.0.iter().fold(None, |found, (known, principal)| if known.matches(hash) { Some(principal) } else { found });
        matching.cloned()
    }

    /// With one more.
    ///
    /// # Errors
    /// When its name or its key is another's.
    pub fn with(self, account: DeclaredAccount) -> Result<Self, InvalidAccounts> {
        if let Some(prefix) = [ACCOUNT_PREFIX, PERSON_PREFIX].into_iter().find(|prefix| account.name.as_str().starts_with(prefix)) {
            return Err(InvalidAccounts(format!("the name {} must not begin with {prefix}", account.name)));
        }
        let DeclaredAccount { facilities, channels, carriers, currencies, .. } = account;
        let scope = Scope { facilities, channels, carriers, currencies };
        let principal = machine(account.name, account.roles, scope);
        let mut all = self.0;
        // Twice the same, with two keys: one in use, and the next.
        if all.iter().any(|(hash, known)| hash.matches(&account.key_sha256) || (known.id == principal.id && *known != principal)) {
            return Err(InvalidAccounts(format!("there is another account {} or another with its key", principal.id)));
        }
        all.push((account.key_sha256, principal));
        Ok(Self(all))
    }
}

impl TryFrom<Vec<DeclaredAccount>> for DeclaredAccounts {
    type Error = InvalidAccounts;

    fn try_from(accounts: Vec<DeclaredAccount>) -> Result<Self, InvalidAccounts> {
        accounts.into_iter().try_fold(Self::default(), Self::with)
    }
}

impl FromStr for DeclaredAccounts {
    type Err = InvalidAccounts;

    fn from_str(text: &str) -> Result<Self, InvalidAccounts> {
        serde_json::from_str(text).map_err(|error| InvalidAccounts(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use oms_store::ApiKey;

    use super::*;

    #[test]
    fn accounts_are_read_from_json_and_found_by_their_keys_hash() {
        let key = ApiKey::random();
        let text = format!(r#"[{{"name":"till","roles":["checkout"],"channels":["shop"],"key_sha256":"{}"}}]"#, key.hash());
        let declared: DeclaredAccounts = text.parse().unwrap();
        let found = declared.find(&key.hash()).unwrap();
        assert_eq!((found.id.as_str(), found.sees_channel("shop"), found.sees_channel("web")), ("till", true, false));
        assert!(declared.find(&ApiKey::random().hash()).is_none());
    }

    #[test]
    fn what_is_no_account_is_refused() {
        let hash = ApiKey::random().hash();
        let one = |name: &str, role: &str| format!(r#"{{"name":"{name}","roles":["{role}"],"key_sha256":"{hash}"}}"#);
        let wrong = [
            one("acc-1", "ops"),
            one("per-1", "ops"),
            one("a b", "ops"),
            one("a", "king"),
            format!("{},{}", one("a", "ops"), one("b", "ops")),
        ];
        for accounts in wrong {
            assert!(format!("[{accounts}]").parse::<DeclaredAccounts>().is_err(), "{accounts}");
        }
    }
}
