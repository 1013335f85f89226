//! How tests trouble a simulator from outside: `POST /control`, the same for each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

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
}

#[derive(Debug, Default)]
struct Trouble {
    down_until: Option<Instant>,
    slow: Duration,
    refuse_next: u32,
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
    next.run(request).await
}
