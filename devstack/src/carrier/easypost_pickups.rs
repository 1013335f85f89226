//! Pickups in EasyPost's shapes.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v2/pickups` | 201 a Pickup with its rates; 422 without a shipment that is bought |
//! | `GET /v2/pickups/{id or reference}` | 200, 404 |
//! | `POST /v2/pickups/{id}/buy {"carrier","service"}` | 200, with its confirmation |
//!
//! They are forgotten with the process.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Carrier;
use super::easypost::{Shared, error};
use super::labels::CARRIER;
use crate::answer::{Answer, body};

pub(super) fn calls(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .route("/v2/pickups", post(create))
        .route("/v2/pickups/{id}", get(retrieve))
        .route("/v2/pickups/{id}/buy", post(buy))
        .with_state(carrier)
}

async fn create(State(carrier): Shared, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let pickup = &sent["pickup"];
    let shipments = pickup["shipments"].as_array().into_iter().flatten().filter_map(|shipment| shipment["id"].as_str());
    let is_bought = |key: &String| carrier.books().labels.by_key(key).is_some_and(|parcel| !parcel.voided);
    let any = shipments.filter_map(|id| carrier.key_of(id)).any(|key| is_bought(&key));
    let reference =
        pickup["reference"].as_str().filter(|_| any && pickup["min_datetime"].is_string() && pickup["max_datetime"].is_string());
    let reference = reference.ok_or_else(|| error(StatusCode::UNPROCESSABLE_ENTITY, "PARAMETER.REQUIRED"))?;
    let id = format!("pickup_{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, reference.as_bytes()).simple());
    let rate = json!({"object": "PickupRate", "carrier": CARRIER, "service": "NextDay", "rate": "0.00", "currency": "USD"});
    let made =
        json!({"id": id, "object": "Pickup", "reference": reference, "status": "unknown", "confirmation": null, "pickup_rates": [rate]});
    carrier.pickups().entry(id).or_insert_with(|| made.clone());
    Ok(Answer::new(StatusCode::CREATED, made))
}

async fn retrieve(State(carrier): Shared, Path(id): Path<String>) -> Result<Answer, Answer> {
    let pickups = carrier.pickups();
    let found = pickups.values().find(|pickup| pickup["id"] == *id || pickup["reference"] == *id);
    found.map(|pickup| Answer::new(StatusCode::OK, pickup.clone())).ok_or_else(|| error(StatusCode::NOT_FOUND, "NOT_FOUND"))
}

async fn buy(State(carrier): Shared, Path(id): Path<String>, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let mut pickups = carrier.pickups();
    let pickup = pickups.get_mut(&id).ok_or_else(|| error(StatusCode::NOT_FOUND, "NOT_FOUND"))?;
    if sent["carrier"] != CARRIER || sent["service"] != "NextDay" {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "PICKUP.INVALID_RATE"));
    }
    pickup["status"] = json!("scheduled");
    pickup["confirmation"] = json!(format!("SIM{}", &id[id.len() - 8..]));
    Ok(Answer::new(StatusCode::OK, pickup.clone()))
}
