//! Extractors whose refusals are problem documents: path, query, JSON body, and the headers the API reads.

use std::{
    convert::Infallible,
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Query, RawPathParams, Request, path::ErrorKind,
        rejection::PathRejection,
    },
    http::{HeaderMap, header, request::Parts},
};
use oms_api::{
    problem::Problem,
    reader::{Form, Node, read_json, read_value},
};
use oms_domain::error::ErrorCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{caller::Caller, failure::Failure};

/// The header that makes a POST repeatable.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Typed parts of the path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match <Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Failure::path(&wrong_part(parts, state, &rejection).await, rejection.body_text())),
        }
    }
}

/// The name, in the route's pattern, of the part that cannot be read: the one that can be no id, else the last.
async fn wrong_part<S: Send + Sync>(parts: &mut Parts, state: &S, rejection: &PathRejection) -> String {
    if let PathRejection::FailedToDeserializePathParams(error) = rejection
        && let ErrorKind::InvalidUtf8InPathParam { key } = error.kind()
    {
        return key.clone();
    }
    let Ok(params) = RawPathParams::from_request_parts(parts, state).await else { return "path".to_owned() };
    let no_id = |value: &str| !value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let wrong = params.iter().find(|(_, value)| no_id(value)).or_else(|| params.iter().last());
    wrong.map_or_else(|| "path".to_owned(), |(name, _)| name.to_owned())
}

/// The query's parameters, to be read like the fields of a body.
pub(crate) struct Params(Value);

impl Params {
    /// Reads the parameters; those not asked for are refused.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Failure> {
        read_value(&self.0, Form::Text, read).map_err(|mut errors| {
            for error in &mut errors {
                error.pointer = error.pointer.replacen('/', "?", 1);
            }
            Problem::validation(errors).into()
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::field("?", "must be parameters such as a=1&b=2"))?;
        let mut params = Map::new();
        for (name, value) in pairs.0 {
            if params.contains_key(&name) {
                return Err(Problem::field(format!("?{name}"), "comes twice").into());
            }
            params.insert(name, Value::String(value));
        }
        Ok(Self(Value::Object(params)))
    }
}

/// A JSON body, unread. An empty one counts as `{}`: many actions have nothing to say.
pub(crate) struct JsonBody(Bytes);

impl JsonBody {
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Failure> {
        let body: &[u8] = if self.0.is_empty() { b"{}" } else { &self.0 };
        read_json(body, read).map_err(Failure::from)
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let is_json = is_json(request.headers());
        // The layer before has bounded the body and read it whole.
        let broken = |_| Problem::new(ErrorCode::MalformedBody).detail("the body broke off");
        let body = Bytes::from_request(request, state).await.map_err(broken)?;
        if !body.is_empty() && !is_json {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType).detail("send application/json").into());
        }
        Ok(Self(body))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// `Prefer: wait=<seconds>` (RFC 7240), if it is there and can be read; what cannot is no preference.
pub(crate) struct PreferredWait(pub(crate) Duration);

impl<S: Send + Sync> OptionalFromRequestParts<S> for PreferredWait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        let values = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let mut preferences = values.flat_map(|value| value.split([',', ';'])).map(str::trim);
        let seconds = preferences.find_map(|preference| preference.strip_prefix("wait=")?.trim_matches('"').parse().ok());
        Ok(seconds.map(|seconds| Self(Duration::from_secs(seconds))))
    }
}

/// The id under which the order's workflow knows this command: the account's key on this path, so that a repeat is one command.
#[derive(Debug, Clone)]
pub(crate) struct CommandId {
    pub(crate) id: String,
    /// Nothing that came before can have had it.
    pub(crate) is_new: bool,
    /// To be said of the command by whoever hears it.
    pub(crate) repeated: Repeated,
}

/// Whether a request has turned out to be one that was answered before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repeated(Arc<AtomicBool>);

impl Repeated {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl CommandId {
    /// One that is made here, and for this request alone.
    pub(crate) fn new(id: String) -> Self {
        Self { id, is_new: true, repeated: Repeated::default() }
    }

    /// One that follows from what it is for, so that a repeat of that is one command.
    pub(crate) fn kept(id: String) -> Self {
        Self { id, is_new: false, repeated: Repeated::default() }
    }

    /// A part of what this one asks for, under an id of its own.
    pub(crate) fn part(&self, of: impl Display) -> Self {
        Self { id: format!("{}#{of}", self.id), ..self.clone() }
    }

    /// An id for something that the command makes and nobody has named: of a repeat the same one.
    pub(crate) fn made_up(&self) -> Uuid {
        Uuid::new_v5(&MADE_UP, self.id.as_bytes())
    }
}

/// The namespace of ids that follow from a command's.
const MADE_UP: Uuid = Uuid::from_u128(0x6f6d_732d_6d61_6465_8000_2d75_702d_6964);

impl<S: Send + Sync> FromRequestParts<S> for CommandId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let Some(key) = parts.headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok()) else {
            return Ok(Self::new(Uuid::now_v7().to_string()));
        };
        let account = parts.extensions.get::<Caller>().map_or("", |caller| caller.id.as_str());
        let repeated = parts.extensions.get::<Repeated>().cloned().unwrap_or_default();
        Ok(Self { id: format!("{account}{}#{key}", parts.uri.path()), is_new: false, repeated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wait(value: &str) -> Option<u64> {
        let (mut parts, ()) = axum::http::Request::builder().header("prefer", value).body(()).unwrap().into_parts();
        let Ok(wait) = <PreferredWait as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
        wait.map(|wait| wait.0.as_secs())
    }

    #[tokio::test]
    async fn a_preferred_wait_is_found_among_other_preferences() {
        assert_eq!(wait("wait=5").await, Some(5));
        assert_eq!(wait("respond-async, wait=10; foo=bar").await, Some(10));
        assert_eq!(wait("wait=soon").await, None);
        assert_eq!(wait("return=minimal").await, None);
    }

    #[test]
    fn json_is_told_by_its_media_type() {
        let with = |value: &'static str| HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
        assert!(is_json(&with("application/json; charset=utf-8")) && is_json(&with("Application/merge-patch+JSON")));
        assert!(!is_json(&with("text/json")) && !is_json(&with("application/x-www-form-urlencoded")) && !is_json(&HeaderMap::new()));
    }
}
