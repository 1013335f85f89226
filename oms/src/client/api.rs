//! One HTTP client for all commands: paths, limits, and refusals as errors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use reqwest::{Body, Client, Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use uuid::Uuid;

use crate::exit::{self, Coded, Refused};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The server gives up a request after a minute; this gives its answer time to arrive.
const ANSWER_WITHIN: Duration = Duration::from_secs(65);
/// The largest feed anybody has sent took minutes.
const FEED_WITHIN: Duration = Duration::from_secs(4 * 60 * 60);
/// Items asked for at a time.
const PAGE: usize = 500;

/// The HTTP API of a server.
#[derive(Debug, Clone)]
pub struct Api {
    base: Url,
    http: Client,
    keys: Option<Arc<Keys>>,
    /// What is shown at the door.
    api_key: Option<SecretString>,
}

/// One call of the program: what it asks for has keys and ids that follow from the call's own, so that the call may be made again.
#[derive(Debug)]
struct Keys {
    call: String,
    /// The call in words, to be given again.
    repeat: String,
    posts: AtomicU32,
}

/// The namespace of ids that follow from a call's key.
const CALLS: Uuid = Uuid::from_u128(0x6f6d_732d_6361_6c6c_8000_6f6d_7363_616c);

/// What comes after the `?`; parameters without a value are left out.
pub type Query<'a> = &'a [(&'a str, Option<String>)];

impl Api {
    /// A client of the API at this base URL, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn new(url: &str) -> Result<Self> {
        let usage = |why: String| Coded::new(ErrorCode::ValidationFailed, format!("OMS_API (--api) is no address of an API: {why}"));
        let base = Url::parse(url).map_err(|error| usage(error.to_string()))?;
        if base.cannot_be_a_base() {
            return Err(usage("expected something like http://127.0.0.1:8080".to_owned()).into());
        }
        let http = Client::builder().connect_timeout(CONNECT_WITHIN).build().context("the HTTP client")?;
        Ok(Self { base, http, keys: None, api_key: None })
    }

    /// From now on every request shows this key.
    pub fn showing(self, api_key: Option<SecretString>) -> Self {
        Self { api_key, ..self }
    }

    /// From now on every POST goes under this key, or one that follows from it; `repeat` is the command that uses it again.
    pub fn keyed(self, call: String, repeat: String) -> Self {
        Self { keys: Some(Arc::new(Keys { call, repeat, posts: AtomicU32::new(0) })), ..self }
    }

    /// An id for something new: of a call that is made again under its key, the same one.
    pub fn new_id(&self, of: &str) -> String {
        match &self.keys {
            Some(keys) => Uuid::new_v5(&CALLS, format!("{} {of}", keys.call).as_bytes()).to_string(),
            None => Uuid::now_v7().to_string(),
        }
    }

    /// Reads something.
    pub async fn get(&self, path: &[&str], query: Query<'_>) -> Result<Value> {
        self.answer(self.request(Method::GET, path, query)?.timeout(ANSWER_WITHIN)).await
    }

    /// Reads something that is no JSON.
    pub async fn get_bytes(&self, path: &[&str], query: Query<'_>) -> Result<Bytes> {
        self.bytes(self.request(Method::GET, path, query)?.timeout(ANSWER_WITHIN)).await
    }

    /// Asks something that takes a body to say, and changes nothing.
    pub async fn ask(&self, path: &[&str], body: &Value) -> Result<Value> {
        let unkeyed = Self { keys: None, ..self.clone() };
        unkeyed.post(path, body).await
    }

    /// Sends a body and reads the answer.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.answer(self.request(Method::POST, path, &[])?.timeout(ANSWER_WITHIN).json(body)).await
    }

    /// Sends a body under a key of the caller's own.
    pub async fn post_under(&self, key: &str, path: &[&str], body: &Value) -> Result<Value> {
        let request = self.request(Method::POST, path, &[])?.timeout(ANSWER_WITHIN).header("idempotency-key", key);
        self.answer(request.json(body)).await
    }

    /// Sends a command that is meant for this version of its order alone, if one is given.
    pub async fn post_at(&self, path: &[&str], query: Query<'_>, version: Option<u64>, body: &Value) -> Result<Value> {
        let mut request = self.request(Method::POST, path, query)?.timeout(ANSWER_WITHIN).json(body);
        if let Some(version) = version {
            request = request.header("if-match", version);
        }
        self.answer(request).await
    }

    /// Sends a body as it is, with a preferred wait for its effect.
    pub async fn post_raw(&self, path: &[&str], body: Vec<u8>, wait: Option<u32>) -> Result<Value> {
        let mut request = self.request(Method::POST, path, &[])?.timeout(ANSWER_WITHIN).header("content-type", "application/json");
        if let Some(seconds) = wait {
            request = request.header("prefer", format!("wait={seconds}"));
        }
        self.answer(request.body(body)).await
    }

    /// Sends what somebody else signs, as they would: with nothing of ours.
    pub async fn post_signed(&self, path: &[&str], (name, signature): (&str, String), body: Vec<u8>) -> Result<Value> {
        let stranger = Self { keys: None, api_key: None, ..self.clone() };
        let request = stranger.request(Method::POST, path, &[])?.timeout(ANSWER_WITHIN).header(name, signature);
        stranger.answer(request.header("content-type", "application/json").body(body)).await
    }

    /// Streams a body of any size.
    pub async fn stream(&self, path: &[&str], query: Query<'_>, body: Body) -> Result<Value> {
        let request = self.request(Method::POST, path, query)?.timeout(FEED_WITHIN);
        self.answer(request.header("content-type", "application/octet-stream").body(body)).await
    }

    /// Any call: a path with its query, and a body of JSON.
    pub async fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Value> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).ok().filter(|url| url.as_str().starts_with(base));
        let url = url.ok_or_else(|| Coded::new(ErrorCode::ValidationFailed, format!("{path} is no path of the API")))?;
        let mut request = self.http.request(method, url).timeout(ANSWER_WITHIN);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        self.answer(request).await
    }

    /// Changes a part of something.
    pub async fn patch(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.answer(self.request(Method::PATCH, path, &[])?.timeout(ANSWER_WITHIN).json(body)).await
    }

    /// Puts something in its place.
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.answer(self.request(Method::PUT, path, &[])?.timeout(ANSWER_WITHIN).json(body)).await
    }

    /// Puts something in the place of whatever is there: a person says that with a file in hand.
    pub async fn replace(&self, path: &[&str], body: &Value) -> Result<Value> {
        match self.put(path, body).await {
            Err(error) if exit::code(&error) == Some(ErrorCode::PreconditionRequired) => {
                let request = self.request(Method::PUT, path, &[])?.timeout(ANSWER_WITHIN).header("if-match", "*");
                self.answer(request.json(body)).await
            }
            answered => answered,
        }
    }

    /// Removes something.
    pub async fn delete(&self, path: &[&str]) -> Result<Value> {
        self.answer(self.request(Method::DELETE, path, &[])?.timeout(ANSWER_WITHIN)).await
    }

    /// Reads a list page by page, until there are `at_most` items: the items, and the cursor after them, if there are more.
    pub async fn pages(&self, path: &[&str], query: Query<'_>, at_most: usize) -> Result<(Vec<Value>, Option<String>)> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let mut page_query = query.to_vec();
            page_query.push(("limit", Some(PAGE.min(at_most.saturating_sub(items.len()).max(1)).to_string())));
            page_query.push(("cursor", cursor.take()));
            let mut page = self.get(path, &page_query).await?;
            match page.get_mut("items").map(Value::take) {
                Some(Value::Array(more)) => items.extend(more),
                _ => return Err(self.not_ours("a list without items")),
            }
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || items.len() >= at_most {
                return Ok((items, cursor));
            }
        }
    }

    fn request(&self, method: Method, path: &[&str], query: Query<'_>) -> Result<RequestBuilder> {
        // These would name another place than their parent's child.
        if let Some(segment) = path.iter().find(|segment| ["", ".", ".."].contains(segment)) {
            return Err(Coded::new(ErrorCode::NotFound, format!("there is nothing with the id \"{segment}\"")).into());
        }
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // Pushing escapes what would change the path: an id with a slash stays an id, for the server to refuse.
            segments.pop_if_empty().extend(path);
        }
        let given: Vec<(&str, &str)> = query.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        Ok(self.http.request(method, url).query(&given))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value> {
        let body = self.bytes(request).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| self.not_ours("an answer that is not JSON"))
    }

    async fn bytes(&self, request: RequestBuilder) -> Result<Bytes> {
        let request = match &self.api_key {
            Some(api_key) => request.bearer_auth(api_key.expose_secret()),
            None => request,
        };
        let mut request = request.build()?;
        let keys = self.keys.as_ref().filter(|_| request.method() == Method::POST);
        if let Some(keys) = keys {
            request.headers_mut().insert("idempotency-key", keys.next().parse().context("--idempotency-key is no header's value")?);
        }
        let response = self.http.execute(request).await.map_err(|error| self.unanswered(keys, error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(response).await);
        }
        response.bytes().await.map_err(|error| self.unanswered(keys, error))
    }

    async fn refusal(&self, response: Response) -> anyhow::Error {
        let status = response.status();
        match response.json::<Problem>().await {
            Ok(problem) => Refused(Box::new(problem)).into(),
            Err(_) => self.not_ours(&format!("{status} without a problem document")),
        }
    }

    /// `keys`: those under which it was sent, if it was.
    fn unanswered(&self, keys: Option<&Arc<Keys>>, error: reqwest::Error) -> anyhow::Error {
        let base = shown(&self.base);
        let (in_time, sent) = (!error.is_timeout(), !error.is_connect());
        let error = anyhow::Error::from(error.without_url());
        if sent && let Some(keys) = keys {
            let what =
                if in_time { format!("the answer from {base} was lost: {error:#}") } else { format!("no answer in time from {base}") };
            let hint = format!("it may have happened. To have it happen once, give it again as\n  {}", keys.repeat);
            return Coded::new(ErrorCode::TimedOut, what).hint(hint).into();
        }
        if sent && !in_time {
            return Coded::new(ErrorCode::TimedOut, format!("no answer in time from {base}")).into();
        }
        Coded::new(ErrorCode::Unavailable, format!("no answer from {base}: {error:#}"))
            .hint("start everything with `oms dev`, or say where the API is with OMS_API or --api")
            .into()
    }

    fn not_ours(&self, what: &str) -> anyhow::Error {
        let message = format!("{} sent {what}: is it an order server of this version?", shown(&self.base));
        Coded::new(ErrorCode::Internal, message).into()
    }
}

/// The address without the password that may stand in it.
fn shown(base: &Url) -> Url {
    let mut base = base.clone();
    if base.password().is_some() {
        // An address that takes a password takes another one.
        let _ = base.set_password(Some("***"));
    }
    base
}

impl Keys {
    /// The key of the next POST: mostly there is one.
    fn next(&self) -> String {
        match self.posts.fetch_add(1, Ordering::Relaxed) {
            0 => self.call.clone(),
            before => format!("{}-{}", self.call, before + 1),
        }
    }
}
