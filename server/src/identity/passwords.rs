//! Passwords: argon2id, a few at a time, since each costs memory and time on purpose.

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{Error, SaltString},
};
use oms_domain::error::ErrorCode;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Computed at a time: 19 MB each, and a core.
const AT_ONCE: usize = 2;
/// Bytes of a salt, as RFC 9106 advises.
const SALT_BYTES: usize = 16;

/// What is compared for a name that nobody has: it takes as long.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash(b"nobody's").unwrap_or_default());

/// Hashes and compares them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// What is kept of a password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Failure> {
        let hashed = self.compute(move || hash(password.expose_secret().as_bytes())).await?;
        hashed.map_err(|error| {
            tracing::error!(error.message = %error, "a password could not be hashed");
            ErrorCode::Internal.into()
        })
    }

    /// Whether it is the one; of nobody it never is.
    pub(crate) async fn matches(&self, password: SecretString, kept: Option<String>) -> Result<bool, Failure> {
        let is_somebodys = kept.is_some();
        let verified = self.compute(move || verify(password.expose_secret().as_bytes(), kept.as_deref().unwrap_or(&NOBODYS))).await?;
        Ok(verified && is_somebodys)
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(|_| ErrorCode::Unavailable)?;
        // The place goes with the work: who hangs up does not make room for a third.
        let computed = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        computed.await.map_err(|_| ErrorCode::Internal.into())
    }
}

fn hash(password: &[u8]) -> Result<String, Error> {
    let mut salt = [0_u8; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| Error::Crypto)?;
    let salt = SaltString::encode_b64(&salt)?;
    Ok(Argon2::default().hash_password(password, &salt)?.to_string())
}

fn verify(password: &[u8], kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|kept| Argon2::default().verify_password(password, &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_a_hash_of_its_own_and_nobodys_is_none() {
        let passwords = Passwords::default();
        let secret = |text: &str| SecretString::from(text);
        let (one, two) = (passwords.hash(secret("correct horse")).await.unwrap(), passwords.hash(secret("correct horse")).await.unwrap());
        assert!(one != two && one.starts_with("$argon2id$") && !one.contains("horse"));
        assert!(passwords.matches(secret("correct horse"), Some(one.clone())).await.unwrap());
        for (tried, kept) in [("correct horsf", Some(one)), ("nobody's", None), ("x", Some("no hash".to_owned()))] {
            assert!(!passwords.matches(secret(tried), kept).await.unwrap(), "{tried}");
        }
    }
}
