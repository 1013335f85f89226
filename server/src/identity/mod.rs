//! Who asks: from the key that is shown to the account it opens the door for.

mod cache;
mod declared;
mod refusals;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use oms_domain::{
    access::{Principal, PrincipalKind, Role, Scope},
    error::ErrorCode,
    ids::AccountId,
};
use oms_store::{ApiKey, KeyHash, Store, StoreError};

pub use self::declared::{DeclaredAccount, DeclaredAccounts, InvalidAccounts};
use self::{cache::Cache, refusals::Refusals};
use crate::failure::Failure;

/// Everybody who may come in: accounts that the configuration declares, and those in the database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Identity {
    declared: Arc<DeclaredAccounts>,
    cache: Arc<Cache>,
    refusals: Arc<Refusals>,
}

/// Why a credential was refused. The caller is not told which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refused {
    Missing,
    Malformed,
    Unknown,
    Expired,
    Revoked,
}

impl Refused {
    /// Its name in the audit trail.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Identity {
    pub(crate) fn new(store: Store) -> Self {
        Self { declared: Arc::default(), cache: Arc::new(Cache::new(store)), refusals: Arc::default() }
    }

    pub(crate) fn declaring(self, declared: DeclaredAccounts) -> Self {
        Self { declared: Arc::new(declared), ..self }
    }

    /// The principal that the credential is of, out of memory in the common case.
    pub(crate) async fn of(&self, credential: Option<&str>) -> Result<Arc<Principal>, Failure> {
        let Some(credential) = credential else { return Err(self.refuse(Refused::Missing, None)) };
        let Some(key) = ApiKey::parse(credential) else { return Err(self.refuse(Refused::Malformed, None)) };
        let hash = key.hash();
        if let Some(declared) = self.declared.find(&hash) {
            return Ok(declared);
        }
        let known = self.cache.find(&key.key_id).await?;
        let Some(known) = known.filter(|known| known.hash.matches(&hash)) else { return Err(self.refuse(Refused::Unknown, None)) };
        match known.refused(Timestamp::now()) {
            Some(why) => Err(self.refuse(why, Some(&key))),
            None => {
                known.mark_used();
                Ok(Arc::clone(&known.principal))
            }
        }
    }

    fn refuse(&self, why: Refused, key: Option<&ApiKey>) -> Failure {
        self.refusals.count(why, key.map(|key| &key.key_id));
        ErrorCode::Unauthenticated.into()
    }

    /// Tells the audit trail what was refused since the last time; how many rows that were.
    pub(crate) async fn tell_refusals(&self, store: &Store) -> Result<usize, StoreError> {
        self.refusals.tell(store).await
    }
}

/// A machine's principal.
fn machine(id: AccountId, roles: BTreeSet<Role>, scope: Scope) -> Arc<Principal> {
    Arc::new(Principal { kind: PrincipalKind::Machine, id, roles, scope })
}

/// A key of the database, as it was when it was last looked at.
pub(crate) struct Known {
    hash: KeyHash,
    principal: Arc<Principal>,
    expires_at: Option<Timestamp>,
    revoked: bool,
    used: std::sync::atomic::AtomicBool,
}

impl Known {
    fn refused(&self, now: Timestamp) -> Option<Refused> {
        if self.revoked {
            return Some(Refused::Revoked);
        }
        self.expires_at.is_some_and(|at| at <= now).then_some(Refused::Expired)
    }

    fn mark_used(&self) {
        self.used.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether it was since it was last asked.
    fn take_used(&self) -> bool {
        self.used.swap(false, std::sync::atomic::Ordering::Relaxed)
    }
}

impl From<oms_store::AccountKey> for Known {
    fn from(found: oms_store::AccountKey) -> Self {
        Self {
            hash: found.hash,
            principal: machine(found.account_id, found.roles, found.scope),
            expires_at: found.key.expires_at,
            revoked: found.key.revoked_at.is_some(),
            used: Default::default(),
        }
    }
}
