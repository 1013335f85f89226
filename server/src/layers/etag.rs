//! Strong entity tags of what is read: who has it already is told so, and who puts something in its place says what they have seen.

use std::convert::Infallible;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// Bytes of the digest that a tag has.
const TAG_BYTES: usize = 16;

/// The version of what an answer shows, which its tag begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version(pub(crate) u64);

/// Tags what is read, and answers 304 to who has it. Answers are whole in memory, but for streams of events, which have no end to wait for.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || is_stream(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return Failure::from(ErrorCode::Internal).into_response() };
    let tag = of_bytes(parts.extensions.get().copied(), &bytes);
    let is_known = known.as_ref().and_then(|known| known.to_str().ok()).is_some_and(|known| names(known, &tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    if !is_known {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}

fn is_stream(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn of_bytes(version: Option<Version>, bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    version.map_or_else(|| format!("\"{digest}\""), |Version(version)| format!("\"{version}-{digest}\""))
}

/// Whether a list of tags names this one. Weak ones may stand for other bytes.
fn names(list: &str, tag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|one| one.trim() == tag)
}

/// What the caller has seen of what they put something in the place of.
pub(crate) struct Seen(Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(header::IF_MATCH).cloned()))
    }
}

impl Seen {
    /// What is there is replaced by whoever says that they have seen it, and nothing is by whoever thinks that there is something.
    pub(crate) fn refuse_unless(&self, there: Option<&impl Serialize>) -> Result<(), Failure> {
        let Some(there) = there else {
            let nothing = || Problem::new(ErrorCode::PreconditionFailed).detail("there is nothing yet that could be replaced");
            return if self.0.is_none() { Ok(()) } else { Err(nothing().into()) };
        };
        let Some(seen) = self.0.as_ref().map(|seen| seen.to_str().unwrap_or_default()) else {
            let detail = "send If-Match with the ETag that reading it has shown, or * to replace whatever is there";
            return Err(Problem::new(ErrorCode::PreconditionRequired).detail(detail).into());
        };
        let bytes = serde_json::to_vec(there).map_err(|_| ErrorCode::Internal)?;
        if names(seen, &of_bytes(None, &bytes)) { Ok(()) } else { Err(ErrorCode::PreconditionFailed.into()) }
    }
}

/// The version of an order that a caller has seen: the number, or the tag that begins with it.
pub(crate) fn seen_version(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|text| text.trim_matches('"').split('-').next()?.parse().ok());
    version
        .map(Some)
        .ok_or_else(|| Problem::field("If-Match:", "must be the order's version, or the ETag that reading it has shown").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_number_and_from_a_tag() {
        let read = |value: &str| seen_version(&HeaderMap::from_iter([(header::IF_MATCH, value.parse().unwrap())])).map_err(drop);
        assert_eq!(read("4"), Ok(Some(4)));
        assert_eq!(read("\"4\""), Ok(Some(4)));
        assert_eq!(read(&of_bytes(Some(Version(31)), b"x")), Ok(Some(31)));
        assert!(read("*").is_err() && read("W/\"4\"").is_err());
        assert_eq!(seen_version(&HeaderMap::new()).map_err(drop), Ok(None));
    }

    #[test]
    fn what_is_there_is_replaced_by_whoever_has_seen_it() {
        let there = serde_json::json!({"a": 1});
        let tag = of_bytes(None, there.to_string().as_bytes());
        let code = |seen: Option<&str>, there: Option<&serde_json::Value>| {
            let seen = Seen(seen.map(|seen| HeaderValue::from_str(seen).unwrap()));
            seen.refuse_unless(there).map_err(|Failure(problem)| problem.code)
        };
        assert_eq!(code(None, None), Ok(()));
        assert_eq!(code(None, Some(&there)), Err(ErrorCode::PreconditionRequired));
        for seen in [tag.as_str(), "*", &format!("\"other\", {tag}")] {
            assert_eq!(code(Some(seen), Some(&there)), Ok(()), "{seen}");
            assert_eq!(code(Some(seen), None), Err(ErrorCode::PreconditionFailed), "{seen}");
        }
        for seen in ["\"other\"", "W/\"1\"", &format!("W/{tag}"), ""] {
            assert_eq!(code(Some(seen), Some(&there)), Err(ErrorCode::PreconditionFailed), "{seen}");
        }
    }
}
