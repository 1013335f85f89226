//! The gateway's books: a list of operations, and the sums that follow from it. Pure: time comes in, nothing goes out.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::tokens::{Behavior, Decline};
use crate::answer::{Answer, refusal};

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
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Authorize {
        reference: String,
        amount_minor: i64,
        currency: String,
        token: String,
        /// That its holder proved who they are.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        proven: bool,
    },
    Capture {
        authorization_id: String,
        amount_minor: i64,
    },
    /// Takes all that is left.
    Void {
        authorization_id: String,
    },
    Refund {
        capture_id: String,
        amount_minor: i64,
    },
}

impl Request {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Authorize { .. } => Kind::Authorize,
            Self::Capture { .. } => Kind::Capture,
            Self::Void { .. } => Kind::Void,
            Self::Refund { .. } => Kind::Refund,
        }
    }

    /// The authorization to capture or void, or the capture to refund.
    fn parent(&self) -> Option<&str> {
        match self {
            Self::Authorize { .. } => None,
            Self::Capture { authorization_id, .. } | Self::Void { authorization_id } => Some(authorization_id),
            Self::Refund { capture_id, .. } => Some(capture_id),
        }
    }

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
    amount_minor: i64,
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

    /// An authorization, and what is left of it.
    ///
    /// # Errors
    /// The answer when there is none.
    pub(crate) fn authorization(&self, id: &str) -> Result<Answer, Answer> {
        let Funds { reference, currency, amount_minor, left_minor, voided, expires_at, .. } = self.funds(Kind::Authorize, id)?;
        let body = json!({
            "id": id, "kind": Kind::Authorize, "reference": reference, "amount_minor": amount_minor, "left_minor": left_minor,
            "currency": currency, "voided": voided, "expires_at": expires_at,
        });
        Ok(Answer::new(StatusCode::OK, body))
    }

    /// A capture, and what is left of it.
    ///
    /// # Errors
    /// The answer when there is none.
    pub(crate) fn capture(&self, id: &str) -> Result<Answer, Answer> {
        let Funds { reference, currency, amount_minor, left_minor, .. } = self.funds(Kind::Capture, id)?;
        let body = json!({
            "id": id, "kind": Kind::Capture, "reference": reference, "amount_minor": amount_minor, "left_minor": left_minor,
            "currency": currency,
        });
        Ok(Answer::new(StatusCode::OK, body))
    }

    /// All operations, oldest first.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.entries.iter().map(|entry| &entry.operation)
    }

    /// Operations after the position, oldest first, of these references or of all.
    pub(crate) fn list(&self, references: Option<&BTreeSet<&str>>, after: u64, limit: usize) -> Vec<&Operation> {
        // Positions count from 1, so the entry after a position has it for its index.
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let rest = self.entries.get(after..).unwrap_or_default();
        rest.iter()
            .map(|entry| &entry.operation)
            .filter(|operation| references.is_none_or(|wanted| wanted.contains(operation.reference.as_str())))
            .take(limit)
            .collect()
    }

    /// What the request is about.
    ///
    /// # Errors
    /// The answer to a token that is none, and to an authorization or capture that does not exist.
    pub(crate) fn subject(&self, request: &Request) -> Result<Subject, Answer> {
        let of = |funds: &Funds, amount_minor| Subject {
            reference: funds.reference.clone(),
            currency: funds.currency.clone(),
            behavior: funds.behavior,
            amount_minor,
        };
        match request {
            Request::Authorize { reference, amount_minor, currency, token, proven } => Ok(Subject {
                reference: reference.clone(),
                currency: currency.clone(),
                behavior: Behavior::of(token, *proven).ok_or_else(|| refusal(StatusCode::UNPROCESSABLE_ENTITY, "invalid_token"))?,
                amount_minor: *amount_minor,
            }),
            Request::Capture { authorization_id, amount_minor } => Ok(of(self.funds(Kind::Authorize, authorization_id)?, *amount_minor)),
            Request::Void { authorization_id } => {
                let funds = self.funds(Kind::Authorize, authorization_id)?;
                Ok(of(funds, funds.left_minor))
            }
            Request::Refund { capture_id, amount_minor } => Ok(of(self.funds(Kind::Capture, capture_id)?, *amount_minor)),
        }
    }

    /// What the books will say of a request under a key that is new. Changes nothing: see [`Ledger::record`].
    ///
    /// # Errors
    /// The answer to a request that concerns nothing in the books, and is not kept in them.
    pub(crate) fn decide(&self, key: &str, request: &Request, now: Timestamp) -> Result<Entry, Answer> {
        let subject = self.subject(request)?;
        let kind = request.kind();
        let id = format!("{}_{}", kind.prefix(), Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple());
        let (status, answer) = match self.verdict(request, &subject, now) {
            Verdict::Succeed => (Status::Succeeded, success(key, request, &id, &subject, now)),
            Verdict::Decline(decline) => (Status::Declined, declined(decline)),
            Verdict::Refuse(code) => (Status::Refused, refusal(StatusCode::CONFLICT, code)),
        };
        let operation = Operation {
            position: self.entries.len() as u64 + 1,
            key: key.to_owned(),
            kind,
            status,
            reference: subject.reference,
            id,
            parent: request.parent().map(str::to_owned),
            amount_minor: subject.amount_minor,
            currency: subject.currency,
            occurred_at: now,
            answer,
        };
        Ok(Entry { operation, fingerprint: request.fingerprint(), behavior: subject.behavior })
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
                amount_minor: operation.amount_minor,
                left_minor: operation.amount_minor,
                voided: false,
                expires_at: operation.occurred_at + behavior.lifetime(),
            };
            self.funds.insert(operation.id.clone(), funds);
        }
    }

    /// What an operation of this kind made.
    fn funds(&self, made_by: Kind, id: &str) -> Result<&Funds, Answer> {
        let funds = self.funds.get(id).filter(|_| id.starts_with(made_by.prefix()));
        funds.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))
    }

    fn verdict(&self, request: &Request, subject: &Subject, now: Timestamp) -> Verdict {
        let funds = request.parent().and_then(|parent| self.funds.get(parent));
        if let Some(code) = funds.and_then(|funds| funds.refuses(request.kind(), subject.amount_minor, now)) {
            return Verdict::Refuse(code);
        }
        let declined_before = || {
            let mut declined = self.entries.iter().filter(|entry| entry.operation.status == Status::Declined);
            declined.any(|entry| entry.operation.reference == subject.reference && entry.behavior == subject.behavior)
        };
        subject.behavior.declines(request.kind(), declined_before).map_or(Verdict::Succeed, Verdict::Decline)
    }
}

/// What a request is about.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) reference: String,
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) behavior: Behavior,
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

fn success(key: &str, request: &Request, id: &str, subject: &Subject, now: Timestamp) -> Answer {
    let mut body = json!({
        "id": id, "key": key, "kind": request.kind(), "status": "succeeded", "reference": subject.reference, "parent": request.parent(),
        "amount_minor": subject.amount_minor, "currency": subject.currency,
    });
    if request.kind() == Kind::Authorize {
        body["expires_at"] = json!(now + subject.behavior.lifetime());
    }
    Answer::new(StatusCode::CREATED, body)
}

fn declined(decline: Decline) -> Answer {
    let body = json!({"status": "declined", "decline": decline.decline, "code": decline.code});
    Answer::new(StatusCode::PAYMENT_REQUIRED, body)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn perform(ledger: &mut Ledger, key: &str, request: &Request, now: Timestamp) -> Operation {
        let entry = ledger.decide(key, request, now).expect("a subject");
        let operation = entry.operation.clone();
        ledger.record(entry);
        operation
    }

    fn authorize(ledger: &mut Ledger, now: Timestamp) -> String {
        let (reference, currency, token) = ("1".into(), "GBP".into(), "tok_1".into());
        perform(ledger, "a", &Request::Authorize { reference, amount_minor: 1000, currency, token, proven: false }, now).id
    }

    #[test]
    fn an_expired_authorization_can_be_voided_but_not_captured() {
        let mut ledger = Ledger::default();
        let (now, lifetime) = (Timestamp::UNIX_EPOCH, Behavior::Approve.lifetime());
        let authorization_id = authorize(&mut ledger, now);
        let capture = Request::Capture { authorization_id: authorization_id.clone(), amount_minor: 1 };
        let last_moment = now + lifetime - SignedDuration::from_secs(1);
        assert_eq!(perform(&mut ledger, "c1", &capture, last_moment).status, Status::Succeeded);
        let late = perform(&mut ledger, "c2", &capture, now + lifetime);
        assert_eq!((late.status, &late.answer.body["code"]), (Status::Refused, &json!("authorization_expired")));
        let void = perform(&mut ledger, "v1", &Request::Void { authorization_id }, now + lifetime);
        assert_eq!((void.status, void.amount_minor), (Status::Succeeded, 999));
    }

    #[test]
    fn a_fully_captured_authorization_has_nothing_to_void() {
        let mut ledger = Ledger::default();
        let now = Timestamp::UNIX_EPOCH;
        let authorization_id = authorize(&mut ledger, now);
        let all = Request::Capture { authorization_id: authorization_id.clone(), amount_minor: 1000 };
        perform(&mut ledger, "c1", &all, now);
        let void = perform(&mut ledger, "v1", &Request::Void { authorization_id }, now);
        assert_eq!(void.answer.body["code"], "nothing_to_void");
    }
}
