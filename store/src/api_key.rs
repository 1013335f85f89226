//! Keys that machines show: made here, shown once, and known afterwards by their hash alone.

use std::{fmt, str::FromStr};

use oms_domain::ids::KeyId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every key begins with, so that whoever finds one in a log or a repository knows what it is.
const PREFIX: &str = "oms_";
/// Hexadecimal digits of a key's id: 64 random bits.
const ID_DIGITS: usize = 16;
/// Of its secret: 256 random bits.
const SECRET_DIGITS: usize = 64;

/// A key as it is shown: `oms_<key id>_<secret>`.
#[derive(Clone)]
pub struct ApiKey {
    pub key_id: KeyId,
    text: SecretString,
}

/// What is kept of a key: the SHA-256 of its whole text, in hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

/// A text that is no hash of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the SHA-256 of a key, in 64 hexadecimal digits")]
pub struct InvalidKeyHash;

impl ApiKey {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no random numbers to give: nothing made then would be a secret.
    pub fn random() -> Self {
        let bytes = random_bytes::<{ (ID_DIGITS + SECRET_DIGITS) / 2 }>();
        let (id, secret) = bytes.split_at(ID_DIGITS / 2);
        let id = hex(id);
        let text = format!("{PREFIX}{id}_{}", hex(secret)).into();
        Self { key_id: KeyId::parse(id).expect("hexadecimal digits are an id"), text }
    }

    /// The key, if the text has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !digits(id, ID_DIGITS) || !digits(secret, SECRET_DIGITS) {
            return None;
        }
        Some(Self { key_id: KeyId::parse(id).ok()?, text: text.into() })
    }

    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.text)
    }

    /// The whole key: to be shown once, to whoever it was made for.
    pub fn text(&self) -> &SecretString {
        &self.text
    }
}

impl KeyHash {
    pub(crate) fn of(secret: &SecretString) -> Self {
        Self(Sha256::digest(secret.expose_secret()).into())
    }

    /// Whether they are the same, in a time that does not tell how much of them is.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for KeyHash {
    type Err = InvalidKeyHash;

    fn from_str(text: &str) -> Result<Self, InvalidKeyHash> {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(InvalidKeyHash);
        let mut bytes = [0_u8; 32];
        if text.len() != bytes.len() * 2 {
            return Err(InvalidKeyHash);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for KeyHash {
    type Error = InvalidKeyHash;

    fn try_from(text: String) -> Result<Self, InvalidKeyHash> {
        text.parse()
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}

/// What a secret is made of.
///
/// # Panics
/// When the system has no random numbers to give: nothing made then would be a secret.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random numbers");
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_known_by_its_hash() {
        let key = ApiKey::random();
        let text = key.text().expose_secret();
        assert_eq!(text.len(), 4 + 16 + 1 + 64);
        let read = ApiKey::parse(text).unwrap();
        assert_eq!((&read.key_id, read.hash()), (&key.key_id, key.hash()));
        assert!(key.hash().to_string().parse::<KeyHash>().unwrap().matches(&read.hash()));
        assert!(!ApiKey::random().hash().matches(&key.hash()), "no two are the same");
    }

    #[test]
    fn what_has_not_the_form_of_a_key_is_none() {
        let key = ApiKey::random();
        let text = key.text().expose_secret();
        let upper = text.to_uppercase();
        for wrong in ["", "oms_", "oms__", "oms_x_y", &text[1..], &text[..text.len() - 1], &upper, &format!("{text}0"), &format!(" {text}")]
        {
            assert!(ApiKey::parse(wrong).is_none(), "{wrong}");
        }
        for wrong in ["", "0", &"g".repeat(64), &"0".repeat(63), &"ä".repeat(32)] {
            assert!(wrong.parse::<KeyHash>().is_err(), "{wrong}");
        }
    }
}
