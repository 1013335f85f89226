//! The carrier's HTTP calls.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::event_id;
use super::labels::{CARRIER, LabelRequest, Parcel, Party};
use super::{Carrier, document};
use crate::answer::{Answer, body, idempotency_key, refusal};

/// The most labels a list answers with.
const MOST_LISTED: usize = 1_000;

type Shared = State<Arc<Carrier>>;

pub(super) fn calls(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .route("/v1/labels", post(make).get(list))
        // One segment, two meanings, as in the table: a key to look up, a tracking number to void.
        .route("/v1/labels/{key}", get(find).delete(void))
        .route("/v1/labels/{key}/documents/{format}", get(document))
        .route("/v1/rates", post(rates))
        .route("/v1/manifests", post(manifest))
        .route("/v1/pickups", post(pick_up))
        .route("/v1/tracking/{tracking_number}", get(tracking))
        .route("/labels/{tracking_number}", get(print))
        .route("/track/{tracking_number}", get(track))
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

async fn document(State(carrier): Shared, Path((key, format)): Path<(String, String)>) -> Result<Response, Answer> {
    let books = carrier.books();
    let found = books.labels.by_key(&key).and_then(|parcel| document::document(parcel, &format));
    let (media_type, bytes) = found.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))?;
    Ok(([(CONTENT_TYPE, media_type)], bytes).into_response())
}

/// Two services, by weight; none for what it would not label.
async fn rates(State(carrier): Shared, bytes: Bytes) -> Result<Response, Answer> {
    let wanted: LabelRequest = body(&bytes)?;
    let (grams, reference) = (wanted.weight_g, format!("rate of {}", wanted.reference));
    let labelled = carrier.books().labels.decide("rate", LabelRequest { reference, ..wanted }, Timestamp::now());
    let rate = |(service, amount_minor, days): (&str, i64, u32)| json!({"carrier": CARRIER, "service": service, "amount_minor": amount_minor, "currency": "GBP", "delivery_days": days});
    let rates = [("standard", 300 + grams / 10, 3), ("express", 700 + grams / 5, 1)].map(rate);
    let rates = if labelled.is_ok() { rates.to_vec() } else { Vec::new() };
    Ok(Json(json!({"rates": rates})).into_response())
}

/// What was made under a key follows from it, so that nothing need be remembered.
fn made_up(what: &str, key: &str) -> String {
    format!("{what}-{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestBody {
    labels: Vec<String>,
}

async fn manifest(State(carrier): Shared, headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let (key, wanted): (_, ManifestBody) = (idempotency_key(&headers)?, body(&bytes)?);
    let books = carrier.books();
    let known = wanted.labels.iter().filter(|label| books.labels.by_key(label).is_some_and(|parcel| !parcel.voided)).count();
    let body = json!({"key": key, "reference": made_up("man", &key), "labels": known});
    Ok(Answer::new(StatusCode::CREATED, body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PickupBody {
    #[serde(rename = "from")]
    _from: Party,
    labels: Vec<String>,
    ready_at: Timestamp,
    until: Timestamp,
}

async fn pick_up(headers: HeaderMap, bytes: Bytes) -> Result<Answer, Answer> {
    let (key, wanted): (_, PickupBody) = (idempotency_key(&headers)?, body(&bytes)?);
    if wanted.labels.is_empty() || wanted.until <= wanted.ready_at {
        return Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_pick_up"));
    }
    Ok(Answer::new(StatusCode::CREATED, json!({"key": key, "confirmation": made_up("pick", &key)})))
}

async fn tracking(State(carrier): Shared, Path(number): Path<String>) -> Result<Response, Answer> {
    let (travels, books) = (carrier.listener().is_some(), carrier.books());
    let parcel = books.labels.parcel(&number)?;
    let scans = parcel.label.scans(Timestamp::now(), carrier.time_scale).filter(|_| travels && !parcel.voided);
    let scan = |(stage, at)| json!({"event_id": event_id(&number, stage), "status": stage, "occurred_at": at});
    Ok(Json(json!({"tracking_number": number, "scans": scans.map(scan).collect::<Vec<_>>()})).into_response())
}

/// For people.
async fn track(State(carrier): Shared, Path(number): Path<String>) -> Result<String, Answer> {
    let (travels, books) = (carrier.listener().is_some(), carrier.books());
    let parcel = books.labels.parcel(&number)?;
    let scans = parcel.label.scans(Timestamp::now(), carrier.time_scale).filter(|_| travels && !parcel.voided);
    let lines: Vec<String> = scans.map(|(stage, at)| format!("{at} {}\n", json!(stage).as_str().unwrap_or_default())).collect();
    Ok(format!("{CARRIER} {number}\n{}", lines.concat()))
}

/// The label to print.
async fn print(State(carrier): Shared, Path(number): Path<String>) -> Result<String, Answer> {
    let books = carrier.books();
    let parcel = books.labels.parcel(&number)?;
    let request = &parcel.label.request;
    let state = if parcel.voided { "VOID" } else { "" };
    Ok(format!(
        "{carrier} {number} {state}\n{service} {country} {weight_g} g\nparcel {reference}\n",
        carrier = CARRIER,
        service = request.service,
        country = request.country,
        weight_g = request.weight_g,
        reference = request.reference,
    ))
}
