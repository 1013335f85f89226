//! A fraud check.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v1/screenings {"reference","amount_minor","currency","customer_id","country"}` | 200 `{"verdict":"accepted\|declined\|referred"}`; the same order gets the same verdict |
//! | `POST /control {"down_for_ms","slow_ms","refuse_next"}` | 204; `refuse_next` screenings are answered 422 `refused_by_control` |
//! | `GET /healthz` | 200 |
//!
//! | request | verdict |
//! | --- | --- |
//! | `customer_id` ends in `-fraudster` | `declined` |
//! | `customer_id` ends in `-suspect`, or `amount_minor` over 10,000,000 | `referred` |
//! | any other | `accepted` |

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, body, refusal};
use crate::control::Control;
use crate::error::Result;
use crate::ports::Listen;
use crate::service::{Service, serve};

/// Above this a person decides, in minor units.
const LARGE_MINOR: i64 = 10_000_000;

/// How the fraud check is started.
#[derive(Debug, Clone)]
pub struct FraudOptions {
    /// Where it listens.
    pub listen: Listen,
}

/// A running fraud check. It remembers nothing: a verdict follows from the question.
#[derive(Debug)]
pub struct FraudService {
    service: Service,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[expect(dead_code, reason = "a real check keeps it; this one takes it, and judges by the customer and the amount")]
    reference: String,
    amount_minor: i64,
    #[expect(dead_code, reason = "as above")]
    currency: String,
    customer_id: String,
    #[expect(dead_code, reason = "as above")]
    country: String,
}

impl FraudService {
    /// Starts it.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(options: &FraudOptions) -> Result<Self> {
        let control = Control::default();
        let app = control.over(Router::new().route("/v1/screenings", post(screen)).with_state(control.clone()));
        let listener = options.listen.bind()?;
        let service = Service::start("fraud-check", listener, async |listener, stop| serve(listener, app, stop).await)?;
        Ok(Self { service })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.service.url()
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

async fn screen(State(control): State<Control>, bytes: Bytes) -> std::result::Result<Json<Value>, Answer> {
    let question: Question = body(&bytes)?;
    if control.refuses() {
        return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "refused_by_control"));
    }
    let verdict = match question.customer_id.as_str() {
        id if id.ends_with("-fraudster") => "declined",
        id if id.ends_with("-suspect") || question.amount_minor > LARGE_MINOR => "referred",
        _ => "accepted",
    };
    Ok(Json(json!({"verdict": verdict})))
}
