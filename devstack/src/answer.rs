//! What both simulators answer alike.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An answer that can be given again, word for word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) http_status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self { http_status: status.as_u16(), body }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body)).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A refusal with its stable code.
pub(crate) fn refusal(status: StatusCode, code: &str) -> Answer {
    Answer::new(status, json!({"status": "refused", "code": code}))
}

/// The request's `Idempotency-Key`: 1 to 255 visible characters.
///
/// # Errors
/// The answer to give without one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<String, Answer> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    match key {
        Some(key) if (1..=255).contains(&key.len()) => Ok(key.to_owned()),
        _ => Err(refusal(StatusCode::BAD_REQUEST, "idempotency_key_required")),
    }
}

/// The body, parsed.
///
/// # Errors
/// The answer to give to a body that is wrong: it says where, and does not quote it (it may hold a token).
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = json!({"line": error.line(), "column": error.column()});
        let body = json!({"status": "refused", "code": "invalid_request", "at": place});
        Answer::new(StatusCode::UNPROCESSABLE_ENTITY, body)
    })
}
