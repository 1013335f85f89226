//! What EasyPost says unasked, signed with the webhook's secret (<https://docs.easypost.com/guides/webhooks-guide#hmac-validation>).

use oms_domain::webhook::{WebhookFact, WebhookFlaw};
use serde::Deserialize;
use serde_json::Value;

use super::objects::Tracker;
use crate::{
    adapters::{credential::Credential, signature},
    ports::TrackedScan,
};

const SIGNATURE: &str = "x-hmac-signature";
const PREFIX: &str = "hmac-sha256-hex=";

/// Scans of parcels; nothing of what is about anything else.
///
/// # Errors
/// When it is not EasyPost who speaks, or what is said cannot be read.
pub fn read<'a>(secret: &Credential, header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<Vec<WebhookFact>, WebhookFlaw> {
    let signed = header(SIGNATURE).and_then(|value| value.strip_prefix(PREFIX)).ok_or(WebhookFlaw::Unsigned)?;
    signature::verify(secret, &[body], signed)?;
    let event: Value = serde_json::from_slice(body).map_err(|_| WebhookFlaw::Unreadable)?;
    let is_of_tracker = event["description"].as_str().is_some_and(|description| description.starts_with("tracker."));
    if !is_of_tracker {
        return Ok(Vec::new());
    }
    let tracker = Tracker::deserialize(&event["result"]).map_err(|_| WebhookFlaw::Unreadable)?;
    let carrier = tracker.carrier.clone().ok_or(WebhookFlaw::Unreadable)?;
    let scan = |scan: TrackedScan| WebhookFact::Scan {
        event_id: scan.event_id,
        carrier: carrier.clone(),
        tracking_number: tracker.tracking_code.clone(),
        action: scan.action,
        occurred_at: scan.occurred_at,
    };
    Ok(tracker.scans().into_iter().map(scan).collect())
}

/// The header that goes with what a stand-in for EasyPost says: its name and its value.
///
/// # Errors
/// When the secret cannot be read.
pub fn signature(secret: &Credential, body: &[u8]) -> Result<(&'static str, String), WebhookFlaw> {
    Ok((SIGNATURE, format!("{PREFIX}{}", signature::sign(secret, &[body])?)))
}

#[cfg(test)]
mod tests {
    use oms_domain::parcel::ParcelAction;

    use super::*;

    const BODY: &str = r#"{"description":"tracker.updated","result":{"id":"trk_1","tracking_code":"EZ1","carrier":"USPS","status":"delivered",
        "tracking_details":[{"status":"delivered","datetime":"2025-02-08T10:00:00Z"},{"status":"pre_transit","datetime":"2025-02-06T10:00:00Z"},
        {"status":"in_transit","datetime":"2025-02-07T10:00:00Z"}]}}"#;

    #[test]
    fn only_what_is_signed_with_the_secret_is_read() {
        let secret = Credential::fixed("s\u{e9}cret".into());
        let good = format!("{PREFIX}{}", signature::sign(&secret, &[BODY.as_bytes()]).unwrap());
        let read = |value: Option<&str>, body: &str| read(&secret, |_| value, body.as_bytes());
        let facts = read(Some(&good), BODY).unwrap();
        let actions = facts.iter().map(|fact| match fact {
            WebhookFact::Scan { action, event_id, .. } => (*action, event_id.as_str()),
            WebhookFact::Gateway(_) => panic!("{fact:?}"),
        });
        let expected = [(ParcelAction::Transit, "trk_1-1738922400-in_transit"), (ParcelAction::Deliver, "trk_1-1739008800-delivered")];
        assert_eq!(actions.collect::<Vec<_>>(), expected);
        assert_eq!(read(Some(&good), &BODY.replace("EZ1", "EZ2")), Err(WebhookFlaw::Forged));
        let other = format!("{PREFIX}{}", signature::sign(&Credential::fixed("x".into()), &[BODY.as_bytes()]).unwrap());
        assert_eq!(read(Some(&other), BODY), Err(WebhookFlaw::Forged));
        assert_eq!(read(None, BODY), Err(WebhookFlaw::Unsigned));
        assert_eq!(read(Some("sha1=00"), BODY), Err(WebhookFlaw::Unsigned));
    }
}
