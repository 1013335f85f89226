//! Stripe: PaymentIntents that are confirmed at once and captured by hand, in parts where the account may.
//!
//! | house | Stripe |
//! | --- | --- |
//! | authorize | `POST /v1/payment_intents`, `capture_method=manual`; the token is a payment method |
//! | capture | `POST /v1/payment_intents/{id}/capture`, `final_capture=false` where it may be captured in parts |
//! | void | `POST /v1/payment_intents/{id}/cancel`: gives back what is not captured |
//! | refund | `POST /v1/refunds` of the intent |
//! | by key | the operation's key is the `Idempotency-Key`, and stands in `metadata` (`oms_key`; of captures `op_<number>`), by which it is found |
//!
//! The id of a capture is the intent's and the number of the operation: `pi_1:3`. Stripe has none of its own.
//!
//! | status | an operation | a question |
//! | --- | --- | --- |
//! | 200 of what was asked | as the object's `status` says | what became of it |
//! | 200 of something else, cut short, over a megabyte, no JSON | `Unexpected`; `Unknown` where it cannot be read | `Unexpected` |
//! | 400 that the intent's state forbids (`payment_intent_unexpected_state`, `amount_too_large`, `charge_already_captured`, ...) | `Declined`, hard | |
//! | 400 `idempotency_error`: another operation has the key | `Unexpected` | |
//! | 400 of any other kind, 422 | `Refused` | `Refused` |
//! | 401, 403 | `Denied` | `Denied` |
//! | 402 `card_error` | `Declined`: soft where another try, or another card, may do | |
//! | 404 `resource_missing` | `Unexpected` | there is none |
//! | 409 (`idempotency_key_in_use`), 429 (`rate_limit`, `lock_timeout`) | `Busy`, for as long as `Retry-After` says | `Busy` |
//! | 5xx, no answer | `Unknown` | `Unreachable` |
//! | not sent | `Unreachable` | `Unreachable` |

mod amount;
mod form;
mod objects;
mod questions;
mod webhook;

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use oms_domain::{
    money::Currency,
    payment::{Decline, OperationOutcome, is_gateway_reference},
};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::{
    amount::to_stripe,
    objects::{Intent, KEY, ORDER, Refund},
};
use super::{
    credential::Credential,
    http::{Answer, Endpoint, HttpClient, InvalidBaseUrl, Lost},
};
use crate::ports::{Authorization, Capture, GatewayOperation, Operation, PaymentGateway, PaymentTerms, PortError};

const SYSTEM: &str = "Stripe";
pub const STRIPE_URL: &str = "https://api.stripe.com";
/// The version whose shapes these are.
const VERSION: &str = "2025-03-31.basil";
/// Keys may be forgotten after a day.
const KEYS_REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Search shows what is new within a minute.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// An account at Stripe.
#[derive(Debug, Clone)]
pub struct Stripe {
    endpoint: Endpoint,
    secret_key: Credential,
    captures_in_parts: bool,
}

/// What it refuses since the intent is not, or not any more, what the house thinks.
const STATE_ERRORS: [&str; 8] = [
    "payment_intent_unexpected_state",
    "amount_too_large",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_expired_for_capture",
    "capture_charge_authorization_expired",
    "charge_disputed",
    "amount_too_small",
];

/// After these the same card may do another time, or the customer may do something about it.
const SOFT_DECLINES: [&str; 12] = [
    "insufficient_funds",
    "authentication_required",
    "try_again_later",
    "processing_error",
    "issuer_not_available",
    "reenter_transaction",
    "approve_with_id",
    "call_issuer",
    "card_velocity_exceeded",
    "withdrawal_count_limit_exceeded",
    "do_not_honor",
    "generic_decline",
];

impl Stripe {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str, secret_key: Credential, captures_in_parts: bool) -> Result<Self, InvalidBaseUrl> {
        Ok(Self { endpoint: Endpoint::new(SYSTEM, client, base_url)?, secret_key, captures_in_parts })
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, PortError> {
        let secret_key = self.secret_key.current()?;
        let request = self.endpoint.request(method, path)?.bearer_auth(secret_key.expose_secret());
        Ok(request.header("Stripe-Version", VERSION))
    }

    async fn send(&self, asked: &GatewayOperation) -> Result<OperationOutcome, PortError> {
        let answer = match self.endpoint.send(self.operation(asked)?).await {
            Ok(answer) => answer,
            Err(Lost::NotSent(error)) => return Err(error),
            Err(Lost::Unheard(_)) => return Ok(OperationOutcome::Unknown),
        };
        match (answer.status, &answer.body) {
            (200, Ok(body)) => self.done(asked, body),
            (200..=299 | 500..=599, _) if !answer.is_busy() => Ok(OperationOutcome::Unknown),
            (402, Ok(body)) if answer.code().is_some() => Ok(declined(&answer, body)),
            (400, Ok(body)) if body["error"]["type"] == "idempotency_error" => Err(self.endpoint.another("key")),
            (400, _) if answer.code().is_some_and(|code| STATE_ERRORS.contains(&code)) => {
                Ok(OperationOutcome::Declined { decline: Decline::Hard, code: answer.code().unwrap_or_default().to_owned() })
            }
            _ => Err(answer.failure()),
        }
    }

    /// What the answer to an operation says became of it.
    fn done(&self, asked: &GatewayOperation, body: &Value) -> Result<OperationOutcome, PortError> {
        if let Operation::Refund { .. } = asked.operation {
            return self.refunded(asked, &self.read(body)?);
        }
        let intent: Intent = self.read(body)?;
        if let Some(on) = asked.operation.acts_on()
            && intent.id != on
        {
            return Err(self.endpoint.another("authorization"));
        }
        match &asked.operation {
            Operation::Authorize { .. } => self.authorized(asked, &intent),
            Operation::Capture { .. } => self.captured(asked, &intent).ok_or_else(|| self.endpoint.another("amount"))?,
            Operation::Void { .. } | Operation::Refund { .. } => Ok(voided(&intent).unwrap_or(OperationOutcome::Unknown)),
        }
    }

    fn read<T: DeserializeOwned>(&self, body: &Value) -> Result<T, PortError> {
        T::deserialize(body).map_err(|_| self.endpoint.another("kind"))
    }

    fn is_of(&self, asked: &GatewayOperation, currency: Currency, order: Option<&str>) -> Result<(), PortError> {
        let checks = [("order", order == Some(asked.reference.as_str())), ("currency", currency == asked.operation.amount().currency())];
        checks.iter().find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(self.endpoint.another(what)))
    }

    fn authorized(&self, asked: &GatewayOperation, intent: &Intent) -> Result<OperationOutcome, PortError> {
        self.is_of(asked, intent.currency()?, intent.metadata.get(ORDER).map(String::as_str))?;
        if intent.metadata.get(KEY) != Some(&asked.key) {
            return Err(self.endpoint.another("key"));
        }
        if intent.amount != to_stripe(asked.operation.amount())? {
            return Err(self.endpoint.another("amount"));
        }
        if !is_gateway_reference(&intent.id) {
            return Err(self.endpoint.another("form of id"));
        }
        Ok(match intent.status.as_str() {
            // Captured meanwhile, or given back: it was made all the same.
            "requires_capture" | "succeeded" | "canceled" => {
                OperationOutcome::Succeeded { reference: intent.id.clone(), expires_at: intent.capture_before() }
            }
            "processing" => OperationOutcome::Unknown,
            "requires_payment_method" | "requires_action" | "requires_confirmation" => {
                declined_as(intent.why().unwrap_or("authentication_required"))
            }
            _ => return Err(self.endpoint.another("status")),
        })
    }

    /// The capture of this operation, as the intent's metadata has it; none if there is no such.
    fn captured(&self, asked: &GatewayOperation, intent: &Intent) -> Option<Result<OperationOutcome, PortError>> {
        let amount = intent.metadata.get(&part_of(&asked.key))?;
        let of = || {
            self.is_of(asked, intent.currency()?, intent.metadata.get(ORDER).map(String::as_str))?;
            if *amount != to_stripe(asked.operation.amount())?.to_string() {
                return Err(self.endpoint.another("amount"));
            }
            let reference = format!("{}:{}", intent.id, number_of(&asked.key));
            Ok(OperationOutcome::Succeeded { reference, expires_at: None })
        };
        Some(of())
    }

    fn refunded(&self, asked: &GatewayOperation, refund: &Refund) -> Result<OperationOutcome, PortError> {
        self.is_of(asked, refund.currency()?, refund.metadata.get(ORDER).map(String::as_str))?;
        let checks = [
            ("key", refund.metadata.get(KEY) == Some(&asked.key)),
            ("amount", refund.amount == to_stripe(asked.operation.amount())?),
            ("capture", asked.operation.acts_on().map(intent_of) == refund.payment_intent.as_deref()),
            ("form of id", is_gateway_reference(&refund.id)),
        ];
        if let Some((what, _)) = checks.iter().find(|(_, same)| !same) {
            return Err(self.endpoint.another(what));
        }
        Ok(match refund.status.as_deref() {
            Some("succeeded" | "pending") => OperationOutcome::Succeeded { reference: refund.id.clone(), expires_at: None },
            Some("failed" | "canceled") => {
                let code = refund.failure_reason.clone().unwrap_or_else(|| "refund_failed".to_owned());
                OperationOutcome::Declined { decline: Decline::Hard, code }
            }
            _ => OperationOutcome::Unknown,
        })
    }
}

/// The operation's number: what its key ends with.
fn number_of(key: &str) -> &str {
    key.rsplit_once(':').map_or(key, |(_, number)| number)
}

/// What a capture stands under in the intent's metadata, whose names are short.
fn part_of(key: &str) -> String {
    format!("op_{}", number_of(key))
}

/// The intent of a capture.
fn intent_of(capture: &str) -> &str {
    capture.split_once(':').map_or(capture, |(intent, _)| intent)
}

/// What is not captured was given back, whoever asked for it. None: something is left.
fn voided(intent: &Intent) -> Option<OperationOutcome> {
    let is_over = matches!(intent.status.as_str(), "canceled" | "succeeded") && intent.amount_capturable == 0;
    is_over.then(|| OperationOutcome::Succeeded { reference: format!("{}:void", intent.id), expires_at: None })
}

fn declined(answer: &Answer, body: &Value) -> OperationOutcome {
    declined_as(body["error"]["decline_code"].as_str().or(answer.code()).unwrap_or("card_declined"))
}

fn declined_as(why: &str) -> OperationOutcome {
    let decline = if SOFT_DECLINES.contains(&why) { Decline::Soft } else { Decline::Hard };
    OperationOutcome::Declined { decline, code: why.to_owned() }
}

impl PaymentGateway for Stripe {
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>> {
        async move { self.send(&operation).await }.boxed()
    }

    fn find(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>> {
        async move { self.ask(&operation).await }.boxed()
    }

    fn authorization(&self, id: &str) -> BoxFuture<'_, Result<Option<Authorization>, PortError>> {
        let id = id.to_owned();
        async move { self.authorization_of(&id).await }.boxed()
    }

    fn capture(&self, id: &str) -> BoxFuture<'_, Result<Option<Capture>, PortError>> {
        let id = id.to_owned();
        async move { self.capture_of(&id).await }.boxed()
    }

    fn terms(&self) -> PaymentTerms {
        PaymentTerms { keys_remembered: KEYS_REMEMBERED, found_within: FOUND_WITHIN, captures_in_parts: self.captures_in_parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reference_is_made_of() {
        assert_eq!((part_of("A1:default:12"), intent_of("pi_1:12"), intent_of("pi_1")), ("op_12".to_owned(), "pi_1", "pi_1"));
    }
}
