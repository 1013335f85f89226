//! How tests trouble a simulator from outside: `POST /control`, the same for each.
//!
//! `{"answer_next": {"times", "status", "headers", "body", "form", "done"}}` has the next calls answered with something else than they would be:
//! that status (200 unless said), those headers, that body as JSON (a string: as plain text). `form` is `whole`, `cut` (half of it, then the
//! connection ends) or `huge` (behind 100 MB of spaces). `done`: what the call asks for is done first; else nothing is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::refusal;

/// What is set; each `POST /control` replaces all of it, so an empty object ends the trouble.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Setting {
    /// Every call is answered 503 for so long. Real time, whatever the time scale.
    down_for_ms: u64,
    /// Every call takes so much longer. Real time, whatever the time scale.
    slow_ms: u64,
    /// So many of the next calls that would do something are refused for good.
    refuse_next: u32,
    answer_next: Option<Other>,
}

/// An answer in place of the call's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Other {
    times: u32,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
    form: Form,
    done: bool,
}

impl Default for Other {
    fn default() -> Self {
        Self { times: 1, status: 200, headers: BTreeMap::new(), body: Value::Null, form: Form::Whole, done: false }
    }
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Whole,
    Cut,
    Huge,
}

const MEGABYTE: &[u8] = &[b' '; 1 << 20];
const HUGE_MEGABYTES: usize = 100;
/// What was sent before is on its way by then.
const BEFORE_THE_CUT: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Trouble {
    down_until: Option<Instant>,
    slow: Duration,
    refuse_next: u32,
    answer_next: Option<Other>,
}

/// The current trouble of one simulator.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control(Arc<Mutex<Trouble>>);

impl Control {
    /// Puts the calls under this control, and adds `/control` and `/healthz`, which always answer.
    pub(crate) fn over(&self, calls: Router) -> Router {
        calls
            .layer(axum::middleware::from_fn_with_state(self.clone(), trouble))
            .route("/control", post(set).with_state(self.clone()))
            .route("/healthz", get(async || "ok\n"))
    }

    /// Whether the call at hand is to be refused; counts it.
    pub(crate) fn refuses(&self) -> bool {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refuses = trouble.refuse_next > 0;
        trouble.refuse_next = trouble.refuse_next.saturating_sub(1);
        refuses
    }

    /// The answer that the call at hand gets in place of its own; counts it.
    fn other_answer(&self) -> Option<Other> {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let other = trouble.answer_next.as_mut().filter(|other| other.times > 0)?;
        other.times -= 1;
        Some(other.clone())
    }

    fn now(&self) -> (bool, Duration) {
        let trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let down = trouble.down_until.is_some_and(|until| Instant::now() < until);
        (down, trouble.slow)
    }
}

async fn set(State(control): State<Control>, Json(setting): Json<Setting>) -> StatusCode {
    let down = Duration::from_millis(setting.down_for_ms);
    let trouble = Trouble {
        down_until: Instant::now().checked_add(down),
        slow: Duration::from_millis(setting.slow_ms),
        refuse_next: setting.refuse_next,
        answer_next: setting.answer_next,
    };
    *control.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    StatusCode::NO_CONTENT
}

async fn trouble(State(control): State<Control>, request: Request, next: Next) -> Response {
    let (down, slow) = control.now();
    tokio::time::sleep(slow).await;
    if down {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "down").into_response();
    }
    let Some(other) = control.other_answer() else { return next.run(request).await };
    if other.done {
        drop(next.run(request).await);
    }
    other.into_response()
}

impl IntoResponse for Other {
    fn into_response(self) -> Response {
        let (kind, text) = match self.body {
            Value::String(text) => ("text/html", text),
            json => ("application/json", json.to_string()),
        };
        let text = Bytes::from(text);
        let body = match self.form {
            Form::Whole => Body::from(text),
            Form::Cut => {
                let cut = stream::once(async {
                    tokio::time::sleep(BEFORE_THE_CUT).await;
                    Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
                });
                Body::from_stream(stream::iter([Ok(text.slice(..text.len() / 2))]).chain(cut))
            }
            Form::Huge => {
                let spaces = stream::repeat(Bytes::from_static(MEGABYTE)).take(HUGE_MEGABYTES);
                Body::from_stream(spaces.chain(stream::iter([text])).map(Ok::<_, Infallible>))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
