//! The payment gateway over HTTP (its calls and tokens: devstack's gateway module, which stands in for one).
//!
//! | status | an operation | a question by key or id |
//! | --- | --- | --- |
//! | 200, 201 of what was asked | `Succeeded` | what became of it |
//! | 200, 201 of something else | `Unexpected` | `Unexpected` |
//! | 200, 201 cut short, too large or no JSON | `Unknown` | `Unexpected` |
//! | 402 with a code | `Declined`, as it says | |
//! | 409 with a code | `Declined`, hard | |
//! | 404 with a code | `Unexpected` | there is none |
//! | 404 without one, 405 | `Unexpected` | `Unexpected` |
//! | 401, 403, 407, 402 without a code | `Denied` | `Denied` |
//! | 408, 425, 429, 409 in flight, 503 with `Retry-After` | `Busy` | `Busy` |
//! | any other 4xx with a code | `Refused` | `Refused` |
//! | any other 5xx, no answer | `Unknown` | `Unreachable` |
//! | not sent | `Unreachable` | `Unreachable` |
//! | a redirect, a 4xx without a code | `Unexpected` | `Unexpected` |

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use oms_domain::{
    money::{Currency, Money},
    payment::{Decline, OperationKind, OperationOutcome, is_gateway_reference},
};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::http::{Answer, Endpoint, HttpClient, InvalidBaseUrl, Lost, is_made};
use crate::ports::{Authorization, Capture, GatewayOperation, Operation, PaymentGateway, PaymentTerms, PortError};

const SYSTEM: &str = "payment gateway";

/// A gateway at a base URL.
#[derive(Debug, Clone)]
pub struct HttpGateway(Endpoint);

/// What the gateway did, in its own words.
#[derive(Debug, Deserialize)]
struct Made {
    key: String,
    kind: OperationKind,
    reference: String,
    /// What it acted on: an authorization, or a capture.
    #[serde(default)]
    parent: Option<String>,
    amount_minor: i64,
    currency: String,
}

#[derive(Debug, Deserialize)]
struct Done {
    id: String,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(flatten)]
    made: Made,
}

/// An operation as the gateway's books have it, with the answer that it got.
#[derive(Debug, Deserialize)]
struct Booked {
    #[serde(flatten)]
    made: Made,
    answer: GivenAnswer,
}

#[derive(Debug, Deserialize)]
struct GivenAnswer {
    http_status: u16,
    body: Value,
}

#[derive(Debug, Deserialize)]
struct Authorized {
    id: String,
    kind: OperationKind,
    reference: String,
    amount_minor: i64,
    left_minor: i64,
    currency: Currency,
    voided: bool,
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Captured {
    id: String,
    kind: OperationKind,
    reference: String,
    amount_minor: i64,
    currency: Currency,
}

impl HttpGateway {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Endpoint::new(SYSTEM, client, base_url).map(Self)
    }

    fn request(&self, asked: &GatewayOperation) -> Result<RequestBuilder, PortError> {
        let amount = asked.operation.amount();
        let amount_minor = || json!({"amount_minor": amount.minor()});
        let post = |path: &[&str], body: Value| {
            let request = self.0.request(Method::POST, path)?;
            Ok(request.header("Idempotency-Key", &asked.key).json(&body))
        };
        match &asked.operation {
            Operation::Authorize { token, three_d_secure, .. } => {
                let (reference, currency) = (&asked.reference, amount.currency());
                let mut body =
                    json!({"reference": reference, "amount_minor": amount.minor(), "currency": currency, "token": token.expose_secret()});
                if let Some(proof) = three_d_secure {
                    body["three_d_secure"] = json!(proof);
                }
                post(&["v1", "authorizations"], body)
            }
            Operation::Capture { authorization, .. } => post(&["v1", "authorizations", authorization, "captures"], amount_minor()),
            Operation::Void { authorization, .. } => post(&["v1", "authorizations", authorization, "void"], json!({})),
            Operation::Refund { capture, .. } => post(&["v1", "captures", capture, "refunds"], amount_minor()),
        }
    }

    async fn send(&self, asked: &GatewayOperation) -> Result<OperationOutcome, PortError> {
        match self.0.send(self.request(asked)?).await {
            Ok(answer) => self.read(asked, &answer),
            Err(Lost::NotSent(error)) => Err(error),
            // It may have been done: asking by key will tell.
            Err(Lost::Unheard(_)) => Ok(OperationOutcome::Unknown),
        }
    }

    fn read(&self, asked: &GatewayOperation, answer: &Answer) -> Result<OperationOutcome, PortError> {
        match (answer.status, &answer.body) {
            (made, Ok(body)) if is_made(made) => self.done(asked, body),
            // Did it fail before or after the work? Only the books know.
            (200..=299 | 500..=599, _) if !answer.is_busy() => Ok(OperationOutcome::Unknown),
            (402 | 409, Ok(body)) if answer.refusal().is_some() => {
                let decline = body.get("decline").and_then(|how| Decline::deserialize(how).ok()).unwrap_or(Decline::Hard);
                Ok(OperationOutcome::Declined { decline, code: answer.refusal().unwrap_or_default().to_owned() })
            }
            _ => Err(answer.failure()),
        }
    }

    /// The operation was done, if that is what the answer is about.
    fn done(&self, asked: &GatewayOperation, body: &Value) -> Result<OperationOutcome, PortError> {
        let done = Done::deserialize(body).map_err(|_| self.0.another("kind"))?;
        self.is_of(asked, &done.made)?;
        if !is_gateway_reference(&done.id) {
            return Err(self.0.another("form of id"));
        }
        Ok(OperationOutcome::Succeeded { reference: done.id, expires_at: done.expires_at })
    }

    fn is_of(&self, asked: &GatewayOperation, made: &Made) -> Result<(), PortError> {
        let (operation, amount) = (&asked.operation, asked.operation.amount());
        // A void takes whatever is left at the gateway, which the answer says and nobody asked.
        let any_amount = operation.kind() == OperationKind::Void;
        let checks = [
            ("key", made.key == asked.key),
            ("kind", made.kind == operation.kind()),
            ("reference", made.reference == asked.reference),
            ("authorization or capture", made.parent.as_deref() == operation.acts_on()),
            ("amount", any_amount || made.amount_minor == amount.minor()),
            ("currency", made.currency == amount.currency().code()),
        ];
        checks.iter().find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(self.0.another(what)))
    }

    async fn ask(&self, asked: &GatewayOperation) -> Result<Option<OperationOutcome>, PortError> {
        let answer = self.0.send(self.0.request(Method::GET, &["v1", "operations", &asked.key])?).await?;
        match (answer.status, &answer.body) {
            (404, _) if answer.code() == Some("not_found") => Ok(None),
            (200, Ok(body)) => {
                let booked = Booked::deserialize(body).map_err(|_| self.0.another("kind"))?;
                self.is_of(asked, &booked.made)?;
                let GivenAnswer { http_status, body } = booked.answer;
                self.read(asked, &Answer::of_before(SYSTEM, http_status, body)).map(Some)
            }
            _ => Err(answer.failure()),
        }
    }

    /// What the gateway's books have under an id; none if there is no such.
    async fn look_up<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, PortError> {
        let answer = self.0.send(self.0.request(Method::GET, path)?).await?;
        match (answer.status, &answer.body) {
            (404, _) if answer.code() == Some("not_found") => Ok(None),
            (200, Ok(body)) => T::deserialize(body).map(Some).map_err(|_| self.0.another("kind")),
            _ => Err(answer.failure()),
        }
    }

    async fn authorized(&self, id: &str) -> Result<Option<Authorization>, PortError> {
        let Some(found) = self.look_up::<Authorized>(&["v1", "authorizations", id]).await? else { return Ok(None) };
        if found.id != id || found.kind != OperationKind::Authorize {
            return Err(self.0.another("id"));
        }
        let Authorized { reference, amount_minor, left_minor, currency, voided, expires_at, .. } = found;
        let money = |minor| Money::new(minor, currency);
        Ok(Some(Authorization { reference, amount: money(amount_minor), left: money(left_minor), voided, expires_at }))
    }

    async fn captured(&self, id: &str) -> Result<Option<Capture>, PortError> {
        let Some(found) = self.look_up::<Captured>(&["v1", "captures", id]).await? else { return Ok(None) };
        if found.id != id || found.kind != OperationKind::Capture {
            return Err(self.0.another("id"));
        }
        Ok(Some(Capture { reference: found.reference, amount: Money::new(found.amount_minor, found.currency) }))
    }
}

impl PaymentGateway for HttpGateway {
    fn operate(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<OperationOutcome, PortError>> {
        async move { self.send(&operation).await }.boxed()
    }

    fn find(&self, operation: GatewayOperation) -> BoxFuture<'_, Result<Option<OperationOutcome>, PortError>> {
        async move { self.ask(&operation).await }.boxed()
    }

    fn authorization(&self, id: &str) -> BoxFuture<'_, Result<Option<Authorization>, PortError>> {
        let id = id.to_owned();
        async move { self.authorized(&id).await }.boxed()
    }

    fn capture(&self, id: &str) -> BoxFuture<'_, Result<Option<Capture>, PortError>> {
        let id = id.to_owned();
        async move { self.captured(&id).await }.boxed()
    }

    /// Its books are the answer: for ever, and at once.
    fn terms(&self) -> PaymentTerms {
        PaymentTerms { keys_remembered: Duration::MAX, found_within: Duration::ZERO, captures_in_parts: true }
    }
}
