//! The API as a page's visitor sees it: asked in this process, with their credential and nothing else.

use std::fmt::Write;

use axum::{
    Json, Router,
    body::Body,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;

use crate::Carry;

/// What a visitor's browser has shown, and which page asks.
const SHOWN: [HeaderName; 5] =
    [header::AUTHORIZATION, header::COOKIE, header::HOST, header::ORIGIN, HeaderName::from_static("sec-fetch-site")];
/// Far more than any page reads.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is asked.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) api: Router,
    pub(crate) carry: Carry,
}

/// Asks as one visitor.
#[derive(Clone)]
pub(crate) struct Api {
    house: House,
    shown: HeaderMap,
    carried: Extensions,
}

/// What is told, or why not.
pub(crate) type Told<T> = Result<T, Box<Problem>>;

impl Api {
    pub(crate) fn of(house: &House, parts: &Parts) -> Self {
        let shown = SHOWN.into_iter().flat_map(|name| {
            let values = parts.headers.get_all(&name).iter().cloned().collect::<Vec<_>>();
            values.into_iter().map(move |value| (name.clone(), value))
        });
        let mut carried = Extensions::new();
        (house.carry)(&parts.extensions, &mut carried);
        Self { house: house.clone(), shown: shown.collect(), carried }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Told<T> {
        read(self.send(Method::GET, path.as_ref(), &[], Body::empty()).await).await
    }

    /// Under a key: the same form sent twice is one command.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: impl AsRef<str>, key: &str, body: &impl Serialize) -> Told<T> {
        self.write(Method::POST, path.as_ref(), &[(IDEMPOTENCY_KEY, key)], body).await
    }

    /// With more to say than the body does.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: &impl Serialize,
    ) -> Told<T> {
        read(self.send_json(method, path, headers, body).await?).await
    }

    /// Something goes away.
    pub(crate) async fn delete(&self, path: impl AsRef<str>, key: &str) -> Told<()> {
        done(self.send(Method::DELETE, path.as_ref(), &[(IDEMPOTENCY_KEY, key)], Body::empty()).await).await
    }

    /// The answer as it comes: with its headers.
    pub(crate) async fn send_json(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: &impl Serialize,
    ) -> Told<Response> {
        let json = serde_json::to_vec(body).map_err(|_| Box::new(Problem::new(ErrorCode::Internal)))?;
        let headers: Vec<_> = headers.iter().cloned().chain([(header::CONTENT_TYPE, "application/json")]).collect();
        Ok(self.send(method, path, &headers, Body::from(json)).await)
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(HeaderName, &str)], body: Body) -> Response {
        let Ok(uri) = path.parse() else { return nowhere() };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.shown.clone();
        *request.extensions_mut() = self.carried.clone();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(name.clone(), value);
            }
        }
        match self.house.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// What is too long for a path, or none for another reason, names nothing that there is.
fn nowhere() -> Response {
    let problem = Problem::new(ErrorCode::NotFound).detail("what was asked for cannot be a name of anything");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::NOT_FOUND);
    (status, Json(problem)).into_response()
}

/// The answer, when it is none that says no.
pub(crate) async fn done(response: Response) -> Told<()> {
    if response.status().is_success() { Ok(()) } else { read::<()>(response).await }
}

async fn read<T: DeserializeOwned>(response: Response) -> Told<T> {
    let status = response.status();
    let unreadable = || Box::new(Problem::new(ErrorCode::Internal).detail("the answer to what this page asked cannot be read"));
    let body = http_body_util::Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await.map_err(|_| unreadable())?.to_bytes();
    if status.is_success() {
        let body: &[u8] = if status == StatusCode::NO_CONTENT { b"null" } else { &body };
        return serde_json::from_slice(body).map_err(|error| {
            tracing::error!(error.message = %error, "a page cannot read what the API has answered");
            unreadable()
        });
    }
    Err(serde_json::from_slice(&body).unwrap_or_else(|_| unreadable()))
}

/// A path of the API: each part as it is, whatever is in it.
pub(crate) fn at(parts: &[&str]) -> String {
    parts.iter().fold("/v1".to_owned(), |path, part| format!("{path}/{}", encoded(part)))
}

/// With a query: what is not said is left out.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Percent-encoded, but for what stands for itself everywhere.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => drop(write!(out, "%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_a_path_is_not_found_and_leads_nowhere_else() {
        let root = Router::new().route("/", axum::routing::get(|| async { "[]" }));
        let house = House { api: root, carry: |_, _| {} };
        let (parts, ()) = Request::new(()).into_parts();
        let api = Api::of(&house, &parts);
        let told: Told<Vec<String>> = api.get(format!("/v1/{}", "x".repeat(70_000))).await;
        assert_eq!(told.unwrap_err().code, ErrorCode::NotFound);
        assert_eq!(api.get::<Vec<String>>("/").await.unwrap().len(), 0);
    }

    #[test]
    fn a_path_is_what_it_is_made_of() {
        assert_eq!(at(&["stock", "LEEDS", "a/b c"]), "/v1/stock/LEEDS/a%2Fb%20c");
        assert_eq!(with_query("/v1/orders", &[("status", ""), ("email", "a+b@c")]), "/v1/orders?email=a%2Bb%40c");
        assert_eq!(with_query("/v1/orders", &[("status", "")]), "/v1/orders");
    }
}
