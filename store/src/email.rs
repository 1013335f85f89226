//! Customers are found by email without the email being kept: under a hash that needs a key.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// HMAC-SHA256 in hex of the address, trimmed and in lower case, as people write the same one differently.
pub(crate) fn email_hash(key: &SecretString, email: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(email.trim().to_lowercase().as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_written_in_two_ways_has_one_hash_and_another_key_another() {
        let key = SecretString::from("k");
        let hash = email_hash(&key, "a@example.com");
        assert_eq!(hash, email_hash(&key, " A@Example.com "));
        assert_ne!(hash, email_hash(&SecretString::from("l"), "a@example.com"));
        assert_eq!(hash.len(), 64);
    }
}
