//! Standard Webhooks 1.0.0, symmetric: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// What deliveries are signed with: 24 to 64 bytes.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    pub fn new(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
    }

    /// As it is shown to people, once, and as every library of Standard Webhooks takes it.
    pub fn text(&self) -> SecretString {
        format!("{PREFIX}{}", STANDARD.encode(self.0.expose_secret())).into()
    }

    fn mac(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp_s.to_string().as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }

    fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, timestamp_s, body.as_bytes()).finalize().into_bytes()))
    }
}

/// `webhook-signature`: one signature for each secret, so that either is enough while they are changed.
pub fn sign(secrets: &[Secret], id: &str, timestamp_s: i64, body: &str) -> String {
    secrets.iter().map(|secret| secret.sign(id, timestamp_s, body)).collect::<Vec<_>>().join(" ")
}

/// A message is believed for so long after it was signed, and as long before.
const TOLERANCE_S: i64 = 5 * 60;

/// Whether somebody who knows one of the secrets has signed this, about now. In constant time.
pub fn verify(secrets: &[Secret], id: &str, timestamp: &str, signatures: &str, body: &[u8], now_s: i64) -> bool {
    let Ok(timestamp_s) = timestamp.parse::<i64>() else { return false };
    if timestamp_s.abs_diff(now_s) > TOLERANCE_S.unsigned_abs() || id.is_empty() {
        return false;
    }
    let shown = signatures.split(' ').filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok());
    shown.into_iter().any(|shown| secrets.iter().any(|secret| secret.mac(id, timestamp_s, body).verify_slice(&shown).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new(SecretSlice::from(vec![byte; 32]))
    }

    #[test]
    fn the_standards_own_library_takes_what_is_signed_and_nothing_that_was_changed() {
        let (id, body) = ("0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11", r#"{"type":"order.placed","data":{"order_id":"Ä1"}}"#);
        let now = jiff::Timestamp::now().as_second();
        let header = |name: &str, value: String| (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
        let headers: reqwest::header::HeaderMap = [
            header("webhook-id", id.to_owned()),
            header("webhook-timestamp", now.to_string()),
            header("webhook-signature", sign(&[secret(1), secret(2)], id, now, body)),
        ]
        .into_iter()
        .collect();
        for byte in [1, 2] {
            let reader = standardwebhooks::Webhook::new(secret(byte).text().expose_secret()).unwrap();
            reader.verify(body.as_bytes(), &headers).unwrap();
            assert!(reader.verify(body.replace("Ä1", "Ä2").as_bytes(), &headers).is_err());
        }
        let stranger_of_ours = [secret(3)];
        assert!(verify(&[secret(2)], id, &now.to_string(), headers["webhook-signature"].to_str().unwrap(), body.as_bytes(), now + 299));
        for (secrets, id, timestamp, body, at) in [
            (&stranger_of_ours[..], id, now.to_string(), body, now),
            (&[secret(1)][..], "other", now.to_string(), body, now),
            (&[secret(1)][..], id, (now + 1).to_string(), body, now),
            (&[secret(1)][..], id, now.to_string(), "{}", now),
            (&[secret(1)][..], id, now.to_string(), body, now + 301),
            (&[secret(1)][..], id, "soon".to_owned(), body, now),
        ] {
            assert!(!verify(secrets, id, &timestamp, headers["webhook-signature"].to_str().unwrap(), body.as_bytes(), at));
        }
        let stranger = standardwebhooks::Webhook::new(secret(3).text().expose_secret()).unwrap();
        assert!(stranger.verify(body.as_bytes(), &headers).is_err());
    }
}
