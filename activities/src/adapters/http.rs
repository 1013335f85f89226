//! What the HTTP adapters share: a client with limits, addresses that no id can bend, and what a status means.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use oms_domain::label::{LABEL_MAX_BYTES, LabelFormat};
use oms_store::LabelDocument;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, header::RETRY_AFTER, redirect::Policy};
use serde_json::Value;

use crate::ports::PortError;

/// Under the activities' own limit, so that a timeout is ours to interpret.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// No answer of a port is anywhere near as large.
const BODY_MAX_BYTES: usize = 1 << 20;
/// Longest address that people are sent to.
const URL_MAX_CHARS: usize = 200;
/// Longest code of a refusal that is taken over into the house's own words.
const CODE_MAX_CHARS: usize = 100;
/// A system that wants to be left alone for longer is asked again after this.
const BUSY_MAX: Duration = Duration::from_secs(60 * 60);

/// A client that all adapters can share: connections are kept, answers have a time limit, and nothing is sent on to another address.
#[derive(Debug, Clone)]
pub struct HttpClient(Client);

impl HttpClient {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::answering_within(ANSWER_WITHIN)
    }

    /// One with less patience, or more.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn answering_within(limit: Duration) -> Result<Self, reqwest::Error> {
        // A redirect would have a payment sent to wherever the answer says.
        let client = Client::builder().timeout(limit).connect_timeout(CONNECT_WITHIN).pool_max_idle_per_host(32).redirect(Policy::none());
        client.build().map(Self)
    }
}

/// A base URL that no adapter can work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the base URL of the {0} must be http:// or https:// and a host, such as https://api.example.com")]
pub struct InvalidBaseUrl(&'static str);

/// One system outside.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    system: &'static str,
    client: Client,
    base: Url,
}

/// No answer came.
#[derive(Debug)]
pub(super) enum Lost {
    /// It never reached the other side, and changed nothing there.
    NotSent(PortError),
    /// It may have been done.
    Unheard(PortError),
}

impl From<Lost> for PortError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotSent(error) | Lost::Unheard(error) => error,
        }
    }
}

impl Endpoint {
    pub(super) fn new(system: &'static str, client: HttpClient, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        let base = Url::parse(base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        Ok(Self { system, client: client.0, base: base.ok_or(InvalidBaseUrl(system))? })
    }

    /// A request to a path of these segments. Whatever a segment holds, it stays one: an id from outside names nothing but itself.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, PortError> {
        // Dots are what a URL cannot hold as a name.
        if path.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(PortError::Refused(format!("{}: an id that cannot be asked for", self.system)));
        }
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(self.client.request(method, url))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, Lost> {
        match request.send().await {
            Ok(response) => Ok(Answer::read(self.system, response).await),
            Err(error) => {
                let not_sent = error.is_connect() || error.is_builder();
                // Without its URL, which may hold a reference.
                let unreachable = PortError::Unreachable(format!("{}: {}", self.system, error.without_url()));
                Err(if not_sent { Lost::NotSent(unreachable) } else { Lost::Unheard(unreachable) })
            }
        }
    }

    /// A label document, as it is: its bytes are for the caller to look at.
    pub(super) async fn document(&self, request: RequestBuilder, format: LabelFormat) -> Result<LabelDocument, PortError> {
        let response = request
            .send()
            .await
            .map_err(|error| PortError::Unreachable(format!("{}, a label document: {}", self.system, error.without_url())))?;
        if !response.status().is_success() {
            return Err(Answer::read(self.system, response).await.failure());
        }
        match bounded(response, LABEL_MAX_BYTES, "is larger than two megabytes").await {
            Ok(bytes) => Ok(LabelDocument { format, bytes }),
            Err(flaw) => Err(PortError::Unexpected(format!("{}: a label document {flaw}", self.system))),
        }
    }

    /// A request to an address of the system's own, as it has said it, which shows nothing.
    pub(super) fn fetch(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// An address that people are sent to: at this very host, or at one of these, and never in clear across a network.
    pub(super) fn address(&self, text: &str, hosts: &[&str]) -> Option<Url> {
        let url = Url::parse(text).ok().filter(|_| text.len() <= URL_MAX_CHARS)?;
        let is_own = url.origin() == self.base.origin();
        let is_known = url.scheme() == "https" && url.host_str().is_some_and(|host| hosts.contains(&host));
        (is_own || is_known).then_some(url).filter(|url| url.username().is_empty() && url.password().is_none())
    }

    /// What came back is not of what was asked: `what` is another.
    pub(super) fn another(&self, what: &str) -> PortError {
        PortError::Unexpected(format!("{}: the answer is of another {what} than was asked for", self.system))
    }
}

/// What a system outside said.
#[derive(Debug)]
pub(super) struct Answer {
    system: &'static str,
    pub(super) status: u16,
    retry_after: Option<Duration>,
    /// JSON, or why there is none.
    pub(super) body: Result<Value, &'static str>,
}

impl Answer {
    async fn read(system: &'static str, response: Response) -> Self {
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(delay);
        Self { system, status: response.status().as_u16(), retry_after, body: body(response).await }
    }

    /// One that was given before, as the system's books have it.
    pub(super) fn of_before(system: &'static str, status: u16, body: Value) -> Self {
        Self { system, status, retry_after: None, body: Ok(body) }
    }

    /// The reason it gives: none if what speaks is not the system itself, but something on the way to it.
    pub(super) fn code(&self) -> Option<&str> {
        let body = self.body.as_ref().ok()?;
        // Ours stand at the top, others' within `error`; where there is no code there may be a kind.
        let said = body.get("code").or_else(|| body.pointer("/error/code")).or_else(|| body.pointer("/error/type"));
        let code = said?.as_str()?;
        (1..=CODE_MAX_CHARS).contains(&code.len()).then_some(code).filter(|code| code.bytes().all(|byte| byte.is_ascii_graphic()))
    }

    /// It has understood, and says no: which 409 means as well as that the first request under the key is not done yet.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.code().filter(|code| *code != "key_in_flight")
    }

    /// Not now, and when.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.status, 408 | 409 | 425 | 429) || self.status == 503 && self.retry_after.is_some()
    }

    /// What it means, wherever the adapter does not know better.
    pub(super) fn failure(&self) -> PortError {
        let why = format!("{}: {} {}", self.system, self.status, self.code().unwrap_or_default());
        let why = why.trim_end().to_owned();
        match self.status {
            _ if self.is_busy() => PortError::Busy { after: self.retry_after, why },
            // 402: an account of ours that is not in order. Where customers pay, the adapter knows better.
            401 | 402 | 403 | 407 => PortError::Denied(why),
            // What is asked to do something has no such place, or this answers another question: neither is a refusal.
            404 | 405 => PortError::Unexpected(format!("{why}: there is nothing at the address that was asked")),
            400..=499 if self.code().is_some() => PortError::Refused(why),
            500..=599 => PortError::Unreachable(why),
            _ => {
                let flaw = self.body.as_ref().err().copied().unwrap_or("is none that was asked for");
                PortError::Unexpected(format!("{why}: the answer {flaw}"))
            }
        }
    }
}

/// The body, as far as it may go.
async fn body(response: Response) -> Result<Value, &'static str> {
    let bytes = bounded(response, BODY_MAX_BYTES, "is larger than a megabyte").await?;
    serde_json::from_slice(&bytes).map_err(|_| "is no JSON")
}

async fn bounded(mut response: Response, max_bytes: usize, too_large: &'static str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "was cut short")? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// `Retry-After`: seconds, or a date.
fn delay(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse().map(Duration::from_secs).ok();
    let until = || {
        let at = rfc2822::parse(text.trim()).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
    };
    seconds.or_else(until).map(|delay| delay.min(BUSY_MAX))
}

/// Whether a status is one with which a thing was made, or had been made before.
pub(super) fn is_made(status: u16) -> bool {
    [StatusCode::OK, StatusCode::CREATED].iter().any(|made| made.as_u16() == status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment_whatever_it_holds() {
        // The process installs its provider at start; a test of one module has no start.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoint = Endpoint::new("gateway", HttpClient::new().unwrap(), "http://gateway.example/base/").unwrap();
        let url = |id| endpoint.request(Method::GET, &["v1", id, "captures"]).map(|request| request.build().unwrap().url().to_string());
        assert_eq!(url("auth_1").unwrap(), "http://gateway.example/base/v1/auth_1/captures");
        assert_eq!(url("x/../../refunds?a#b%2f").unwrap(), "http://gateway.example/base/v1/x%2F..%2F..%2Frefunds%3Fa%23b%252f/captures");
        for dots in ["", ".", ".."] {
            assert!(matches!(url(dots), Err(PortError::Refused(_))), "{dots:?}");
        }
        for wrong in ["gateway.example", "ftp://gateway.example", "mailto:gateway"] {
            assert!(Endpoint::new("gateway", HttpClient::new().unwrap(), wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        assert_eq!(delay(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(delay("86400"), Some(BUSY_MAX));
        assert_eq!(delay("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(delay("Tue, 31 Dec 2199 23:59:59 GMT"), Some(BUSY_MAX));
        assert_eq!(delay("soon"), None);
    }
}
