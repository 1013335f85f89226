//! What Stripe says unasked, signed with the endpoint's secret and the time (<https://docs.stripe.com/webhooks#verify-manually>).

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    ids::OrderId,
    money::Money,
    webhook::{GatewayNews, GatewayReport, WebhookFact, WebhookFlaw},
};
use serde_json::Value;

use super::{Stripe, amount::from_stripe, objects::ORDER};
use crate::adapters::{credential::Credential, signature};

const SIGNATURE: &str = "stripe-signature";
/// What was signed longer ago may have been overheard.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

fn read<'a>(
    secret: &Credential,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<Said>, WebhookFlaw> {
    let header = header(SIGNATURE).ok_or(WebhookFlaw::Unsigned)?;
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let at = parts().find(|(name, _)| *name == "t").map(|(_, at)| at).ok_or(WebhookFlaw::Unsigned)?;
    // While a secret is being replaced there are two signatures.
    let mut signatures = parts().filter(|(name, _)| *name == "v1").map(|(_, signed)| signed).peekable();
    signatures.peek().ok_or(WebhookFlaw::Unsigned)?;
    let verified = signatures.map(|signed| signature::verify(secret, &[at.as_bytes(), b".", body], signed));
    verified.reduce(|one, other| one.or(other)).unwrap_or(Err(WebhookFlaw::Unsigned))?;
    let signed_at = at.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or(WebhookFlaw::Forged)?;
    if now.duration_since(signed_at).abs() > FRESH_FOR {
        return Err(WebhookFlaw::Old);
    }
    let event: Value = serde_json::from_slice(body).map_err(|_| WebhookFlaw::Unreadable)?;
    said(&event)
}

/// News of a payment, and where the order's id is to be found if not in it: a dispute names the intent alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) event_id: String,
    pub(super) news: GatewayNews,
    pub(super) about: String,
    pub(super) amount: Money,
    pub(super) order_id: Option<OrderId>,
    pub(super) intent: Option<String>,
}

fn said(event: &Value) -> Result<Option<Said>, WebhookFlaw> {
    let (kind, object) = (event["type"].as_str().ok_or(WebhookFlaw::Unreadable)?, &event["data"]["object"]);
    let news = match (kind, object["status"].as_str()) {
        ("charge.dispute.created", _) => GatewayNews::Disputed,
        ("charge.dispute.closed", Some("won" | "warning_closed")) => GatewayNews::DisputeWon,
        ("charge.dispute.closed", _) => GatewayNews::DisputeLost,
        ("charge.refund.updated" | "refund.failed" | "refund.updated", Some("failed")) => GatewayNews::RefundFailed,
        // What it is now is the gateway's to say, when it is asked.
        ("payment_intent.amount_capturable_updated" | "payment_intent.succeeded" | "payment_intent.payment_failed", _)
        | ("payment_intent.canceled" | "charge.captured" | "charge.expired", _) => GatewayNews::Moved,
        _ => return Ok(None),
    };
    let currency = object["currency"].as_str().and_then(|code| code.to_uppercase().parse().ok()).ok_or(WebhookFlaw::Unreadable)?;
    let amount = object["amount"].as_i64().and_then(|amount| from_stripe(amount, currency).ok()).ok_or(WebhookFlaw::Unreadable)?;
    let event_id = event["id"].as_str().filter(|id| id.len() <= 255).ok_or(WebhookFlaw::Unreadable)?;
    let about = object["id"].as_str().filter(|id| id.len() <= 255).ok_or(WebhookFlaw::Unreadable)?;
    let order_id = object["metadata"][ORDER].as_str().and_then(|id| id.parse().ok());
    let intent = object["payment_intent"].as_str().map(str::to_owned);
    Ok(Some(Said { event_id: event_id.to_owned(), news, about: about.to_owned(), amount, order_id, intent }))
}

impl Stripe {
    /// Disputes, and refunds that failed after all; nothing of what is about anything else, or of a payment that is no order's.
    ///
    /// # Errors
    /// When it is not Stripe who speaks, or not now, or what is said cannot be read, or looked up.
    pub async fn read_webhook<'a>(
        &self,
        secret: &Credential,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<WebhookFact>, WebhookFlaw> {
        let Some(said) = read(secret, header, body, now)? else { return Ok(Vec::new()) };
        let order_id = match (said.order_id, &said.intent) {
            (Some(order_id), _) => Some(order_id),
            (None, Some(intent)) => {
                let found = self.authorization_of(intent).await.map_err(|_| WebhookFlaw::Later)?;
                found.and_then(|found| found.reference.parse().ok())
            }
            (None, None) => None,
        };
        let Said { event_id, news, about, amount, .. } = said;
        let (amount_minor, currency) = (amount.minor(), amount.currency());
        let report = |order_id| WebhookFact::Gateway(GatewayReport { event_id, order_id, news, about, amount_minor, currency });
        Ok(order_id.map(report).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"id":"evt_1","type":"charge.dispute.created","data":{"object":{"id":"dp_1","amount":1234,"currency":"gbp",
        "status":"needs_response","metadata":{"order_id":"A1"}}}}"#;

    #[test]
    fn only_what_is_signed_with_the_secret_and_now_is_read() {
        let (secret, now) = (Credential::fixed("whsec_1".into()), Timestamp::from_second(1_800_000_000).unwrap());
        let signed_with = |secret: &Credential, at: i64, body: &str| {
            let at = at.to_string();
            let signed = signature::sign(secret, &[at.as_bytes(), b".", body.as_bytes()]).unwrap();
            format!("t={at},v1={signed},v0=00")
        };
        let read = |header: Option<&str>, body: &str| read(&secret, |_| header, body.as_bytes(), now);
        let good = signed_with(&secret, 1_800_000_000 - 60, BODY);
        let said = read(Some(&good), BODY).unwrap().unwrap();
        assert_eq!((said.news, said.amount.minor(), said.order_id), (GatewayNews::Disputed, 1_234, Some("A1".parse().unwrap())));
        assert_eq!(read(Some(&signed_with(&secret, 1_800_000_000 - 301, BODY)), BODY), Err(WebhookFlaw::Old));
        assert_eq!(read(Some(&good), &BODY.replace("1234", "1")), Err(WebhookFlaw::Forged));
        let stolen = signed_with(&Credential::fixed("other".into()), 1_800_000_000, BODY);
        assert_eq!(read(Some(&stolen), BODY), Err(WebhookFlaw::Forged));
        let rolled = format!("{stolen},{}", good.split_once(',').unwrap().1);
        assert_eq!(read(Some(&rolled), BODY), Err(WebhookFlaw::Forged), "of another time");
        let both = format!("{},v1={}", good, "00".repeat(32));
        assert!(read(Some(&both), BODY).is_ok(), "one of two secrets is the one");
        for header in [None, Some(""), Some("t=1"), Some("v1=00")] {
            assert_eq!(read(header, BODY), Err(WebhookFlaw::Unsigned), "{header:?}");
        }
        let of_something_else = BODY.replace("charge.dispute.created", "customer.created");
        assert_eq!(read(Some(&signed_with(&secret, 1_800_000_000, &of_something_else)), &of_something_else), Ok(None));
    }
}
