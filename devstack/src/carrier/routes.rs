//! The carrier's HTTP calls.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Carrier;
use super::labels::{LabelRequest, Parcel};
use crate::answer::{Answer, body, idempotency_key, refusal};

/// The most labels a list answers with.
const MOST_LISTED: usize = 1_000;

type Shared = State<Arc<Carrier>>;

pub(super) fn calls(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .route("/v1/labels", post(make).get(list))
        // One segment, two meanings, as in the table: a key to look up, a tracking number to void.
        .route("/v1/labels/{key}", get(find).delete(void))
        .route("/labels/{tracking_number}", get(print))
        .with_state(carrier)
}

async fn make(State(carrier): Shared, headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let wanted: LabelRequest = body(&bytes)?;
    carrier.make(&idempotency_key(&headers)?, wanted)
}

async fn find(State(carrier): Shared, Path(key): Path<String>) -> Result<Answer, Answer> {
    let books = carrier.books();
    let parcel = books.labels.by_key(&key);
    let parcel = parcel.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))?;
    let mut answer = parcel.label.answer(&carrier.url);
    answer.http_status = StatusCode::OK.as_u16();
    answer.body["voided"] = parcel.voided.into();
    Ok(answer)
}

async fn void(State(carrier): Shared, Path(number): Path<String>) -> Result<StatusCode, Answer> {
    carrier.void(&number)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: usize,
    limit: Option<usize>,
}

async fn list(State(carrier): Shared, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(100).clamp(1, MOST_LISTED);
    let books = carrier.books();
    let items: Vec<Value> = books.labels.all().skip(page.after).take(limit).map(listed).collect();
    // A full page may have a next one.
    let next = (items.len() == limit).then_some(page.after + limit);
    Json(json!({"items": items, "next_after": next})).into_response()
}

fn listed(parcel: &Parcel) -> Value {
    let label = &parcel.label;
    json!({"tracking_number": label.tracking_number, "key": label.key, "reference": label.request.reference, "voided": parcel.voided})
}

/// The label to print.
async fn print(State(carrier): Shared, Path(number): Path<String>) -> Result<String, Answer> {
    let books = carrier.books();
    let parcel = books.labels.parcel(&number)?;
    let request = &parcel.label.request;
    let state = if parcel.voided { "VOID" } else { "" };
    Ok(format!(
        "{carrier} {number} {state}\n{service} {country} {weight_g} g\nparcel {reference}\n",
        carrier = super::labels::CARRIER,
        service = request.service,
        country = request.country,
        weight_g = request.weight_g,
        reference = request.reference,
    ))
}
