//! The gateway's HTTP calls.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Gateway;
use super::ledger::Request;
use crate::answer::{Answer, body, idempotency_key, refusal};

/// The most operations a list answers with.
const MOST_LISTED: usize = 1_000;

pub(super) fn calls(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/authorizations", post(authorize))
        .route("/v1/authorizations/{id}", get(authorization))
        .route("/v1/authorizations/{id}/captures", post(capture))
        .route("/v1/authorizations/{id}/void", post(void))
        .route("/v1/captures/{id}", get(captured))
        .route("/v1/captures/{id}/refunds", post(refund))
        .route("/v1/operations/{key}", get(operation))
        .route("/v1/operations", get(operations))
        .with_state(gateway)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizationBody {
    reference: String,
    amount_minor: i64,
    currency: String,
    token: String,
    three_d_secure: Option<ThreeDSecure>,
}

/// As a checkout got it from EMV 3-D Secure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThreeDSecure {
    version: String,
    transaction_id: String,
    cryptogram: String,
    electronic_commerce_indicator: Option<String>,
}

impl ThreeDSecure {
    fn is_whole(&self) -> bool {
        let told = [&self.version, &self.transaction_id, &self.cryptogram].into_iter().chain(&self.electronic_commerce_indicator);
        told.into_iter().all(|text| !text.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmountBody {
    amount_minor: i64,
}

type Shared = State<Arc<Gateway>>;

async fn authorize(State(gateway): Shared, headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let wanted: AuthorizationBody = body(&bytes)?;
    let request = Request::Authorize {
        reference: wanted.reference,
        amount_minor: positive(wanted.amount_minor)?,
        currency: wanted.currency,
        token: wanted.token,
        proven: wanted.three_d_secure.is_some_and(|proof| proof.is_whole()),
    };
    gateway.perform(idempotency_key(&headers)?, request).await
}

async fn capture(State(gateway): Shared, Path(authorization_id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let wanted: AmountBody = body(&bytes)?;
    let request = Request::Capture { authorization_id, amount_minor: positive(wanted.amount_minor)? };
    gateway.perform(idempotency_key(&headers)?, request).await
}

async fn void(State(gateway): Shared, Path(authorization_id): Path<String>, headers: HeaderMap) -> Result<Answer, Answer> {
    gateway.perform(idempotency_key(&headers)?, Request::Void { authorization_id }).await
}

async fn refund(State(gateway): Shared, Path(capture_id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let wanted: AmountBody = body(&bytes)?;
    let request = Request::Refund { capture_id, amount_minor: positive(wanted.amount_minor)? };
    gateway.perform(idempotency_key(&headers)?, request).await
}

async fn authorization(State(gateway): Shared, Path(id): Path<String>) -> Result<Answer, Answer> {
    gateway.books().ledger.authorization(&id)
}

async fn captured(State(gateway): Shared, Path(id): Path<String>) -> Result<Answer, Answer> {
    gateway.books().ledger.capture(&id)
}

async fn operation(State(gateway): Shared, Path(key): Path<String>) -> Result<Response, Answer> {
    let books = gateway.books();
    let entry = books.ledger.find(&key);
    let entry = entry.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))?;
    Ok(Json(&entry.operation).into_response())
}

#[derive(Deserialize)]
struct Page {
    /// One, or several, separated by commas.
    reference: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn operations(State(gateway): Shared, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(100).clamp(1, MOST_LISTED);
    let books = gateway.books();
    let references = page.reference.as_deref().map(|references| references.split(',').collect());
    let items = books.ledger.list(references.as_ref(), page.after, limit);
    // A full page may have a next one.
    let next = items.last().filter(|_| items.len() == limit);
    Json(json!({"items": items, "next_after": next.map(|last| last.position)})).into_response()
}

fn positive(amount_minor: i64) -> Result<i64, Answer> {
    match amount_minor {
        1.. => Ok(amount_minor),
        _ => Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "invalid_amount")),
    }
}
