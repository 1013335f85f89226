//! Who asks: from the key that is shown to the account it opens the door for.

mod cache;
mod declared;
mod passwords;
mod refusals;
mod sessions;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use oms_api::problem::Problem;
use oms_domain::{
    access::{Principal, PrincipalKind, Role, Scope},
    error::ErrorCode,
    ids::AccountId,
};
use oms_store::{ApiKey, KeyHash, Person, Session, Store, StoreError, Token, TokenKind};

pub use self::declared::{DeclaredAccount, DeclaredAccounts, InvalidAccounts};
pub(crate) use self::sessions::{Credential, Peer, is_browser, set_cookie};
use self::{cache::Cache, passwords::Passwords, refusals::Refusals};
use crate::failure::Failure;

/// The same for everybody, whatever was wrong with what they showed.
const HOW_TO_COME_IN: &str = "send `Authorization: Bearer KEY`; `oms account key create` makes a key, and `oms dev env` prints that of a \
                              development system; people log in at /v1/sessions";

/// Everybody who may come in: accounts that the configuration declares, those in the database, and people. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Identity {
    store: Store,
    pub(crate) passwords: Passwords,
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
    /// A name that nobody has, or another password.
    WrongPassword,
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
            Self::WrongPassword => "wrong_password",
        }
    }
}

impl Identity {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            passwords: Passwords::default(),
            declared: Arc::default(),
            cache: Arc::new(Cache::new(store.clone())),
            refusals: Arc::default(),
            store,
        }
    }

    pub(crate) fn declaring(self, declared: DeclaredAccounts) -> Self {
        Self { declared: Arc::new(declared), ..self }
    }

    /// The principal that the credential is of, out of memory in the common case.
    pub(crate) async fn of(&self, credential: Option<Credential<'_>>) -> Result<Arc<Principal>, Failure> {
        let Some(credential) = credential else { return Err(self.refuse(Refused::Missing, None)) };
        if let Some(token) = Token::parse(TokenKind::Session, credential.text()) {
            return self.of_session(self.store.session(&token.hash()).await?);
        }
        let key = ApiKey::parse(credential.text()).filter(|_| matches!(credential, Credential::Bearer(_)));
        let Some(key) = key else { return Err(self.refuse(Refused::Malformed, None)) };
        let hash = key.hash();
        if let Some(declared) = self.declared.find(&hash) {
            return Ok(declared);
        }
        let known = self.cache.find(&key.key_id).await?;
        let Some(known) = known.filter(|known| known.hash.matches(&hash)) else { return Err(self.refuse(Refused::Unknown, None)) };
        match known.refused(Timestamp::now()) {
            Some(why) => Err(self.refuse(why, Some(key.key_id.to_string()))),
            None => {
                known.mark_used();
                Ok(Arc::clone(&known.principal))
            }
        }
    }

    /// The same for what goes on by itself: nobody is taken to be there because of it.
    pub(crate) async fn still(&self, credential: Credential<'_>) -> Result<Arc<Principal>, Failure> {
        match Token::parse(TokenKind::Session, credential.text()) {
            Some(token) => self.of_session(self.store.watched_session(&token.hash()).await?),
            None => self.of(Some(credential)).await,
        }
    }

    /// A session is looked up each time: people are few, and one that was ended is over at once.
    fn of_session(&self, found: Option<Session>) -> Result<Arc<Principal>, Failure> {
        let Some(session) = found else { return Err(self.refuse(Refused::Expired, None)) };
        let person = person(session.person);
        let principal = match session.station {
            Some((station, facility)) => person.at_station(station, &facility),
            None => Some(person),
        };
        principal.map(Arc::new).ok_or_else(|| self.refuse(Refused::Expired, None))
    }

    /// Whose credential it was, if that is somebody of the house.
    pub(crate) fn refuse(&self, why: Refused, whose: Option<String>) -> Failure {
        self.refusals.count(why, whose);
        Problem::new(ErrorCode::Unauthenticated).detail(HOW_TO_COME_IN).into()
    }

    /// Tells the audit trail what was refused since the last time; how many rows that were.
    pub(crate) async fn tell_refusals(&self, store: &Store) -> Result<usize, StoreError> {
        self.refusals.tell(store).await
    }
}

/// Somebody who has logged in.
pub(crate) fn person(found: Person) -> Principal {
    Principal { kind: PrincipalKind::Person, id: found.person_id, roles: found.roles, scope: found.scope, station: None }
}

/// A machine's principal.
fn machine(id: AccountId, roles: BTreeSet<Role>, scope: Scope) -> Arc<Principal> {
    Arc::new(Principal { kind: PrincipalKind::Machine, id, roles, scope, station: None })
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
