//! Signatures of webhooks: HMAC-SHA256 in hexadecimal.

use hmac::{Hmac, KeyInit, Mac};
use oms_domain::webhook::WebhookFlaw;
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::credential::Credential;

fn mac(secret: &Credential, parts: &[&[u8]]) -> Result<Hmac<Sha256>, WebhookFlaw> {
    let secret = secret.current().map_err(|_| WebhookFlaw::NoSecret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| WebhookFlaw::NoSecret)?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac)
}

/// Whether the parts, one after the other, are signed so: compared in a time that says nothing.
pub(super) fn verify(secret: &Credential, parts: &[&[u8]], signed: &str) -> Result<(), WebhookFlaw> {
    let signed = bytes(signed).ok_or(WebhookFlaw::Forged)?;
    mac(secret, parts)?.verify_slice(&signed).map_err(|_| WebhookFlaw::Forged)
}

/// As whoever speaks would sign it.
pub(super) fn sign(secret: &Credential, parts: &[&[u8]]) -> Result<String, WebhookFlaw> {
    Ok(mac(secret, parts)?.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) || hex.len() > 128 {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
