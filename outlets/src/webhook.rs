//! Webhooks: each event is a POST, signed as Standard Webhooks says.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT},
    redirect::Policy,
};

use crate::{
    guard::Guard,
    outlet::{Delivery, Failed, Outcome, Outlet},
    signature::{Secret, sign},
};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// What is kept of an answer; no more of it is read.
const ANSWER_MAX_BYTES: usize = 2_048;
/// Of whoever is busy and does not say for how long.
const BUSY_FOR: Duration = Duration::from_secs(30);
/// Connections that are kept to one receiver.
const IDLE_CONNECTIONS: usize = 16;

/// What all webhooks are sent through: no proxy, no redirect, and no address that the guard does not admit.
#[derive(Clone)]
pub struct WebhookSender {
    client: Client,
    guard: Guard,
}

/// One receiver.
#[derive(Clone)]
pub struct Webhook {
    sender: WebhookSender,
    url: String,
    secrets: Arc<[Secret]>,
}

impl WebhookSender {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(guard.clone()))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build()?;
        Ok(Self { client, guard })
    }

    /// What says where something may be sent.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    pub fn to(&self, url: &str, secrets: Vec<Secret>) -> Webhook {
        Webhook { sender: self.clone(), url: url.to_owned(), secrets: secrets.into() }
    }
}

impl Webhook {
    async fn post(&self, delivery: &Delivery) -> Outcome {
        let began = Instant::now();
        // An address is checked at each attempt: what the operator allows may have changed.
        let url = match self.sender.guard.check(&self.url) {
            Ok(url) => url,
            Err(refused) => return Outcome::Failed(Failed::of(began, format!("the URL {refused}"))),
        };
        match self.request(url, delivery).send().await {
            Ok(response) => answered(began, response).await,
            Err(error) => Outcome::Failed(Failed::of(began, why(&error))),
        }
    }

    fn request(&self, url: Url, delivery: &Delivery) -> reqwest::RequestBuilder {
        let (id, now) = (&delivery.event.id, Timestamp::now().as_second());
        self.sender
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("oms/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", sign(&self.secrets, id, now, &delivery.body))
            .body(delivery.body.clone())
    }
}

impl Outlet for Webhook {
    fn send<'a>(&'a self, batch: &'a [Delivery]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(batch.len());
            for delivery in batch {
                outcomes.push(self.post(delivery).await);
            }
            outcomes
        })
    }

    fn batch_max(&self) -> usize {
        1
    }
}

impl Failed {
    fn of(began: Instant, why: String) -> Self {
        Self { status: None, took: began.elapsed(), why, answer: None, leave_alone: None }
    }
}

async fn answered(began: Instant, response: Response) -> Outcome {
    let status = response.status();
    let leave_alone = leave_alone(status, response.headers());
    let answer = first_of(response).await;
    let took = began.elapsed();
    match status {
        status if status.is_success() => Outcome::Delivered { status: Some(status.as_u16()), took },
        StatusCode::GONE => Outcome::Gone { took },
        status => {
            let why = if status.is_redirection() { format!("{status}: redirects are not followed") } else { status.to_string() };
            Outcome::Failed(Failed { status: Some(status.as_u16()), took, why, answer: Some(answer), leave_alone })
        }
    }
}

/// For how long a receiver that answers so is left alone.
fn leave_alone(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(delay);
    let is_busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT);
    asked.filter(|_| !status.is_success()).or(is_busy.then_some(BUSY_FOR))
}

/// `Retry-After`: seconds, or a date.
fn delay(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Duration::try_from(at.duration_since(Timestamp::now())).ok()
}

/// The first of an answer; a receiver that goes on for ever is not listened to.
async fn first_of(mut response: Response) -> String {
    let mut first = Vec::new();
    while first.len() < ANSWER_MAX_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => first.extend_from_slice(&chunk[..chunk.len().min(ANSWER_MAX_BYTES - first.len())]),
            Ok(None) | Err(_) => break,
        }
    }
    // PostgreSQL keeps no NUL.
    String::from_utf8_lossy(&first).replace('\0', "\u{fffd}")
}

/// The causes, without the URL, which may hold a token.
fn why(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    match causes.last() {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    }
}
