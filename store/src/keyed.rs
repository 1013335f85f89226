//! What must be found or compared again, and is not to be read: kept as a hash that needs a key.

use hmac::{Hmac, KeyInit, Mac};
use oms_domain::ids::{CustomerId, FulfillmentOrderId, OrderId};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// HMAC-SHA256 in hex of the address, trimmed and in lower case, as people write the same one differently.
pub(crate) fn email_hash(key: &SecretString, email: &str) -> String {
    hex(&keyed(key.expose_secret().as_bytes(), email.trim().to_lowercase().as_bytes()))
}

/// The same of a code that a customer shows at one pickup. Under a key of its own, so that nothing else can be tried as a code; and at another
/// pickup the same code is another hash.
pub(crate) fn pickup_code_hash(key: &SecretString, id: &FulfillmentOrderId, code: &str) -> String {
    let key = keyed(key.expose_secret().as_bytes(), b"pickup codes");
    hex(&keyed(&key, format!("{id}:{code}").as_bytes()))
}

/// The same of what somebody wrote about an order, under a key of its own.
pub(crate) fn text_hash(key: &SecretString, order_id: &OrderId, text: &str) -> String {
    let key = keyed(key.expose_secret().as_bytes(), b"free texts");
    hex(&keyed(&key, format!("{order_id}:{text}").as_bytes()))
}

/// The same of the name that a checkout has for its customer, under a key of its own.
pub(crate) fn customer_hash(key: &SecretString, customer_id: &CustomerId) -> String {
    let key = keyed(key.expose_secret().as_bytes(), b"customers");
    hex(&keyed(&key, customer_id.as_str().as_bytes()))
}

/// The same of what somebody who calls says of their order, under a key of its own: half of it, of which there are more than enough.
pub(crate) fn lookup_hash(key: &SecretString, kind: &str, text: &str) -> String {
    let key = keyed(key.expose_secret().as_bytes(), b"lookups");
    hex(&keyed(&key, format!("{kind}:{text}").as_bytes())[..LOOKUP_BYTES])
}

/// The same of a name that somebody tries to come in under, with the place that they do it from.
pub(crate) fn login_place_hash(key: &SecretString, email: &str, place: &str) -> String {
    let key = keyed(key.expose_secret().as_bytes(), b"log-ins");
    hex(&keyed(&key, format!("{place} {email}").as_bytes()))
}

/// What an endpoint's deliveries are signed with: it follows from the ids, so that it need not be kept.
pub(crate) fn endpoint_secret(key: &SecretString, endpoint_id: &str, secret_id: &str) -> [u8; 32] {
    let key = keyed(key.expose_secret().as_bytes(), b"endpoints");
    keyed(&key, format!("{endpoint_id}:{secret_id}").as_bytes())
}
/// Bytes of the hash that a lookup has.
const LOOKUP_BYTES: usize = 16;

fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

    #[test]
    fn a_pickups_code_is_no_hash_without_the_key_and_none_at_another_pickup() {
        let (first, second) = (FulfillmentOrderId::parse("A-F1").unwrap(), FulfillmentOrderId::parse("A-F2").unwrap());
        let hash = |key: &str, id, code| pickup_code_hash(&SecretString::from(key), id, code);
        assert_eq!(hash("k", &first, "4711"), hash("k", &first, "4711"));
        for other in
            [hash("k", &first, "4712"), hash("k", &second, "4711"), hash("l", &first, "4711"), email_hash(&"k".into(), "A-F1:4711")]
        {
            assert_ne!(hash("k", &first, "4711"), other);
        }
    }
}
