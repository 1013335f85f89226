//! A payment gateway that behaves like a real one, and badly on demand.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v1/authorizations {"reference","amount_minor","currency","token","three_d_secure"?}` | 201 `{"id","key","kind","status":"succeeded","reference","parent","amount_minor","currency","expires_at"}`; 402 `{"status":"declined","decline":"hard\|soft","code"}` |
//! | `POST /v1/authorizations/{id}/captures {"amount_minor"}` | 201, the same without an end, its parent the authorization; 402; 409 |
//! | `POST /v1/authorizations/{id}/void` | 201, with the amount that was not captured; 409 |
//! | `POST /v1/captures/{id}/refunds {"amount_minor"}` | 201, its parent the capture; 402; 409 |
//! | `GET /v1/authorizations/{id}` | 200 `{"id","kind","reference","amount_minor","left_minor","currency","voided","expires_at"}`; 404 |
//! | `GET /v1/captures/{id}` | 200 `{"id","kind","reference","amount_minor","left_minor","currency"}`; 404 |
//! | `GET /v1/operations/{key}` | the operation that ran under the idempotency key, with the answer it got; 404: it never ran |
//! | `GET /v1/operations?reference=a,b&after=&limit=` | `{"items","next_after"}`, by position |
//! | `POST /control {"down_for_ms","slow_ms","refuse_next","answer_next"}` | 204; `refuse_next` POSTs are answered 409 `refused_by_control` and not kept; `answer_next`: see [`crate::control`] |
//! | `GET /healthz` | 200 |
//!
//! The same in Stripe's shapes: see [`stripe`].
//!
//! Each POST needs an `Idempotency-Key` (400 without): the same key and request again get the first answer, another
//! request under it 422 `idempotency_key_reused`. 409 codes: `authorization_voided`, `authorization_expired`,
//! `amount_exceeds_authorization`, `amount_exceeds_capture`, `nothing_to_void`. Amounts are in minor units. Times are the
//! gateway's own, in real time; an authorization lasts 7 days.
//!
//! | token | what happens |
//! | --- | --- |
//! | `tok_decline_hard` | authorization declined, hard, `card_declined` |
//! | `tok_decline_soft` | authorization declined, soft, `insufficient_funds` |
//! | `tok_soft_once` | the first authorization of a reference declined, soft; later ones approved |
//! | `tok_timeout` | the authorization is made, but its first request is never answered |
//! | `tok_timeout_before` | the first request is never answered and makes nothing: asked by key, the gateway knows of none |
//! | `tok_timeout_capture` | as `tok_timeout`, for each capture |
//! | `tok_slow` | every operation takes 3 s, divided by the time scale |
//! | `tok_status_<status>_<n>` | that status to the first n attempts of any operation under one key, which do nothing; 429 with `Retry-After: 1` |
//! | `tok_errors_<n>` | 500 to the first n attempts of an authorization under one key, which do nothing |
//! | `tok_decline_capture` | authorized; each capture declined, hard, `capture_declined` |
//! | `tok_refund_fails` | authorized and captured; each refund declined, hard, `refund_failed` |
//! | `tok_wants_proof` | authorization declined, soft, `authentication_required`, unless a `three_d_secure` comes with it |
//! | `tok_lasts_<seconds>` | approved; an authorization lasts for so long, in place of a week |
//! | any other `tok_...` | approved |

mod ledger;
mod routes;
mod stripe;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;

use self::ledger::{Entry, Ledger, Request};
use self::tokens::Trouble;
use crate::answer::{Answer, refusal};
use crate::control::Control;
use crate::error::Result;
use crate::home::Home;
use crate::journal::Journal;
use crate::ports::Listen;
use crate::service::{Service, serve};

/// How long a slow operation takes at time scale 1.
const SLOW: Duration = Duration::from_secs(3);
/// Longer than any client waits, at any time scale.
const SILENCE: Duration = Duration::from_secs(10 * 60);

/// How the gateway is started.
#[derive(Debug, Clone)]
pub struct PaymentGatewayOptions {
    pub listen: Listen,
    /// Delays are divided by it.
    pub time_scale: u32,
}

/// A running payment gateway.
#[derive(Debug)]
pub struct PaymentGateway {
    url: String,
    service: Service,
}

impl PaymentGateway {
    /// Starts it, with what a kept home remembers.
    ///
    /// # Errors
    /// When its journal cannot be read or no port can be had.
    pub fn start(home: &Arc<Home>, options: &PaymentGatewayOptions) -> Result<Self> {
        let control = Control::default();
        let gateway = Gateway::open(home, control.clone(), options.time_scale)?;
        let gateway = Arc::new(gateway);
        let app = control.over(routes::calls(Arc::clone(&gateway)).merge(stripe::calls(gateway)));
        let listener = options.listen.bind()?;
        let service = Service::start("payment-gateway", listener, async |listener, stop| serve(listener, app, stop).await)?;
        Ok(Self { url: service.url(), service })
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// # Errors
    /// When it has ended without having been asked to.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.service.check()
    }

    /// Stops it after the requests in flight.
    ///
    /// # Errors
    /// When it had failed.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }
}

/// What the gateway remembers.
struct Books {
    ledger: Ledger,
    journal: Journal,
}

/// The gateway behind its calls.
struct Gateway {
    books: Mutex<Books>,
    /// Attempts by key that left no operation in the books.
    attempts: Mutex<BTreeMap<String, u32>>,
    /// Authorizations of which nothing is left since one capture was to be the last: Stripe's intents.
    closed: Mutex<BTreeSet<String>>,
    control: Control,
    time_scale: u32,
}

impl Gateway {
    fn open(home: &Arc<Home>, control: Control, time_scale: u32) -> Result<Self> {
        let (journal, entries) = Journal::open::<Entry>(home, "payment-gateway")?;
        let mut ledger = Ledger::default();
        entries.into_iter().for_each(|entry| ledger.record(entry));
        Ok(Self {
            books: Mutex::new(Books { ledger, journal }),
            attempts: Mutex::default(),
            closed: Mutex::default(),
            control,
            time_scale: time_scale.max(1),
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request under its key, with the trouble that its token asks for.
    async fn perform(&self, key: String, request: Request) -> Result<Answer, Answer> {
        if let Some(first) = self.books().ledger.first_answer(&key, &request)? {
            return Ok(first);
        }
        if self.control.refuses() {
            return Err(refusal(StatusCode::CONFLICT, "refused_by_control"));
        }
        let trouble = self.books().ledger.subject(&request)?.behavior.trouble(request.kind());
        self.trouble_before(trouble, &key).await?;
        let answer = self.books().execute(&key, &request)?;
        if trouble == Trouble::SilentAfter {
            tokio::time::sleep(SILENCE).await;
        }
        Ok(answer)
    }

    async fn trouble_before(&self, trouble: Trouble, key: &str) -> Result<(), Answer> {
        match trouble {
            Trouble::Slow => tokio::time::sleep(SLOW / self.time_scale).await,
            Trouble::Errors(times) if self.attempt(key) <= times => {
                return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal_error"));
            }
            Trouble::Status(status, times) if self.attempt(key) <= times => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                return Err(refusal(status, "status_by_token"));
            }
            Trouble::SilentBefore if self.attempt(key) == 1 => {
                tokio::time::sleep(SILENCE).await;
                return Err(refusal(StatusCode::GATEWAY_TIMEOUT, "timeout"));
            }
            Trouble::None | Trouble::SilentAfter | Trouble::Errors(_) | Trouble::Status(..) | Trouble::SilentBefore => {}
        }
        Ok(())
    }

    fn closed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the attempts under a key, from 1.
    fn attempt(&self, key: &str) -> u32 {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(key.to_owned()).or_default();
        *attempt += 1;
        *attempt
    }
}

impl Books {
    /// Decides, and remembers before anybody is answered.
    fn execute(&mut self, key: &str, request: &Request) -> Result<Answer, Answer> {
        // A twin of this request may have run while this one was held up.
        if let Some(first) = self.ledger.first_answer(key, request)? {
            return Ok(first);
        }
        let entry = self.ledger.decide(key, request, Timestamp::now())?;
        if let Err(error) = self.journal.append(&entry) {
            tracing::error!(%error, "the payment gateway cannot write its journal");
            return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal_error"));
        }
        let answer = entry.operation.answer.clone();
        self.ledger.record(entry);
        Ok(answer)
    }
}
