//! The gateway's books: a list of operations, and the sums that follow from it. Pure: time comes in, nothing goes out.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::tokens::{Behavior, Decline};
use crate::answer::{Answer, refusal};

/// How long an authorization holds the money.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Authorize,
    Capture,
    Void,
    Refund,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Authorize => "auth",
            Self::Capture => "cap",
            Self::Void => "void",
            Self::Refund => "ref",
        }
    }
}

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    /// The authorization to capture or void, or the capture to refund.
    pub(crate) parent: Option<String>,
    /// None for a void, which takes all that is left.
    pub(crate) amount_minor: Option<i64>,
    pub(crate) authorize: Option<Authorize>,
}

/// What only an authorization says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Authorize {
    pub(crate) reference: String,
    pub(crate) currency: String,
    pub(crate) token: String,
}

impl Request {
    /// Two requests with the same fingerprint are the same; a token cannot be read out of it.
    pub(crate) fn fingerprint(&self) -> Uuid {
        let text = json!(self).to_string();
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Succeeded,
    Declined,
    Refused,
}

/// An operation as the books have it, and as `GET /v1/operations/{key}` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    /// Counts from 1.
    pub(crate) position: u64,
    pub(crate) key: String,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) reference: String,
    /// What it made, when it succeeded: `auth_...`, `cap_...`, `void_...`, `ref_...`.
    pub(crate) id: String,
    /// The authorization captured or voided, or the capture refunded.
    pub(crate) parent: Option<String>,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) occurred_at: Timestamp,
    pub(crate) answer: Answer,
}

/// An operation, and what the gateway alone knows of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) operation: Operation,
    pub(crate) fingerprint: Uuid,
    pub(crate) behavior: Behavior,
}

/// Money that was set aside (an authorization) or taken (a capture), and how much of it is left.
#[derive(Debug)]
struct Funds {
    reference: String,
    currency: String,
    behavior: Behavior,
    left_minor: i64,
    voided: bool,
    expires_at: Timestamp,
}

/// All operations, and what is left of each authorization and capture.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    by_key: BTreeMap<String, usize>,
    funds: BTreeMap<String, Funds>,
}

impl Ledger {
    /// The operation that ran under the key.
    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key).map(|&index| &self.entries[index])
    }

    /// The answer that this request got before under this key.
    ///
    /// # Errors
    /// The answer to another request under the key.
    pub(crate) fn first_answer(&self, key: &str, request: &Request) -> Result<Option<Answer>, Answer> {
        match self.find(key) {
            None => Ok(None),
            Some(entry) if entry.fingerprint == request.fingerprint() => Ok(Some(entry.operation.answer.clone())),
            Some(_) => Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")),
        }
    }

    /// Operations after the position, oldest first, of one reference or of all.
    pub(crate) fn list(&self, reference: Option<&str>, after: u64, limit: usize) -> Vec<&Operation> {
        self.entries
            .iter()
            .map(|entry| &entry.operation)
            .filter(|operation| operation.position > after)
            .filter(|operation| reference.is_none_or(|wanted| operation.reference == wanted))
            .take(limit)
            .collect()
    }

    /// How the request's instrument behaves.
    ///
    /// # Errors
    /// The answer to a token that is none, and to an authorization or capture that does not exist.
    pub(crate) fn behavior(&self, request: &Request) -> Result<Behavior, Answer> {
        match (&request.authorize, &request.parent) {
            (Some(authorize), _) => {
                Behavior::of(&authorize.token).ok_or_else(|| refusal(StatusCode::UNPROCESSABLE_ENTITY, "invalid_token"))
            }
            (None, Some(parent)) => self.parent(request.kind, parent).map(|funds| funds.behavior),
            (None, None) => Err(refusal(StatusCode::NOT_FOUND, "not_found")),
        }
    }

    /// What the books will say of a request under a key that is new. Changes nothing: see [`Ledger::record`].
    ///
    /// # Errors
    /// The answer to a request that concerns nothing in the books, and is not kept in them.
    pub(crate) fn decide(&self, key: &str, request: &Request, now: Timestamp) -> Result<Entry, Answer> {
        let behavior = self.behavior(request)?;
        let (reference, currency, amount_minor) = self.subject(request)?;
        let id = format!("{}_{}", request.kind.prefix(), Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple());
        let (status, answer) = match self.verdict(request, behavior, &reference, amount_minor, now) {
            Verdict::Succeed => (Status::Succeeded, success(request, &id, &currency, amount_minor, now)),
            Verdict::Decline(decline) => (Status::Declined, declined(decline)),
            Verdict::Refuse(code) => (Status::Refused, refusal(StatusCode::CONFLICT, code)),
        };
        let operation = Operation {
            position: self.entries.len() as u64 + 1,
            key: key.to_owned(),
            kind: request.kind,
            status,
            reference,
            id,
            parent: request.parent.clone(),
            amount_minor,
            currency,
            occurred_at: now,
            answer,
        };
        Ok(Entry { operation, fingerprint: request.fingerprint(), behavior })
    }

    /// Writes an entry into the books.
    pub(crate) fn record(&mut self, entry: Entry) {
        let operation = &entry.operation;
        if operation.status == Status::Succeeded {
            self.settle(operation, entry.behavior);
        }
        self.by_key.insert(operation.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    fn settle(&mut self, operation: &Operation, behavior: Behavior) {
        if let Some(parent) = operation.parent.as_ref().and_then(|parent| self.funds.get_mut(parent)) {
            parent.left_minor -= operation.amount_minor;
            parent.voided |= operation.kind == Kind::Void;
        }
        if matches!(operation.kind, Kind::Authorize | Kind::Capture) {
            let funds = Funds {
                reference: operation.reference.clone(),
                currency: operation.currency.clone(),
                behavior,
                left_minor: operation.amount_minor,
                voided: false,
                expires_at: operation.occurred_at + LIFETIME,
            };
            self.funds.insert(operation.id.clone(), funds);
        }
    }

    /// What the request takes from: an authorization for captures and voids, a capture for refunds.
    fn parent(&self, kind: Kind, id: &str) -> Result<&Funds, Answer> {
        let wanted = match kind {
            Kind::Refund => Kind::Capture,
            Kind::Authorize | Kind::Capture | Kind::Void => Kind::Authorize,
        };
        self.funds.get(id).filter(|_| id.starts_with(wanted.prefix())).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))
    }

    /// Reference, currency and amount.
    fn subject(&self, request: &Request) -> Result<(String, String, i64), Answer> {
        if let Some(authorize) = &request.authorize {
            let amount_minor = request.amount_minor.unwrap_or_default();
            return Ok((authorize.reference.clone(), authorize.currency.clone(), amount_minor));
        }
        let funds = self.parent(request.kind, request.parent.as_deref().unwrap_or_default())?;
        let amount_minor = request.amount_minor.unwrap_or(funds.left_minor);
        Ok((funds.reference.clone(), funds.currency.clone(), amount_minor))
    }

    fn verdict(&self, request: &Request, behavior: Behavior, reference: &str, amount_minor: i64, now: Timestamp) -> Verdict {
        let funds = request.parent.as_ref().and_then(|parent| self.funds.get(parent));
        if let Some(code) = funds.and_then(|funds| funds.refuses(request.kind, amount_minor, now)) {
            return Verdict::Refuse(code);
        }
        let declined_before = self.entries.iter().any(|entry| {
            entry.operation.reference == reference && entry.behavior == behavior && entry.operation.status == Status::Declined
        });
        behavior.declines(request.kind, declined_before).map_or(Verdict::Succeed, Verdict::Decline)
    }
}

enum Verdict {
    Succeed,
    Decline(Decline),
    Refuse(&'static str),
}

impl Funds {
    /// Why so much cannot be taken from it.
    fn refuses(&self, kind: Kind, amount_minor: i64, now: Timestamp) -> Option<&'static str> {
        match kind {
            Kind::Authorize => None,
            Kind::Capture | Kind::Void if self.voided => Some("authorization_voided"),
            Kind::Capture if now >= self.expires_at => Some("authorization_expired"),
            Kind::Capture if amount_minor > self.left_minor => Some("amount_exceeds_authorization"),
            Kind::Void if self.left_minor == 0 => Some("nothing_to_void"),
            Kind::Refund if amount_minor > self.left_minor => Some("amount_exceeds_capture"),
            Kind::Capture | Kind::Void | Kind::Refund => None,
        }
    }
}

fn success(request: &Request, id: &str, currency: &str, amount_minor: i64, now: Timestamp) -> Answer {
    let mut body = json!({
        "id": id, "status": "succeeded", "amount_minor": amount_minor, "currency": currency,
    });
    match request.kind {
        Kind::Authorize => body["expires_at"] = json!(now + LIFETIME),
        Kind::Capture | Kind::Void => body["authorization_id"] = json!(request.parent),
        Kind::Refund => body["capture_id"] = json!(request.parent),
    }
    Answer::new(StatusCode::CREATED, body)
}

fn declined(decline: Decline) -> Answer {
    let body = json!({"status": "declined", "decline": decline.decline, "code": decline.code});
    Answer::new(StatusCode::PAYMENT_REQUIRED, body)
}
