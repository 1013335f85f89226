//! The same carrier in EasyPost's shapes: the same labels, under EasyPost's paths.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v2/shipments` | 201 a Shipment with its rates: none for what the carrier does not take |
//! | `GET /v2/shipments/{id or reference}` | 200, 404 |
//! | `POST /v2/shipments/{id}/buy {"rate":{"id"}}` | 200 with label and tracking code; 422 `SHIPMENT.POSTAGE.EXISTS` |
//! | `GET /v2/shipments/{id}/label?file_format=PDF\|ZPL` | 200 with the address of the file |
//! | `POST /v2/shipments/{id}/refund` | 200, `refund_status` `submitted`, or `rejected` once the parcel has left |
//! | `POST /v2/trackers` · `POST /v2/scan_forms` | 200 a Tracker · 201 a ScanForm |
//!
//! A shipment that is not bought is forgotten with the process. The label's key is the shipment's reference.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Carrier;
use super::labels::{CARRIER, LabelRequest, Parcel, Party, Stage};
use crate::answer::{Answer, body};

pub(super) type Shared = State<Arc<Carrier>>;

const GRAMS_PER_OUNCE: f64 = 28.349_523_125;
const MM_PER_INCH: f64 = 25.4;

pub(super) fn calls(carrier: Arc<Carrier>) -> Router {
    Router::new()
        .route("/v2/shipments", post(create))
        .route("/v2/shipments/{id}", get(retrieve))
        .route("/v2/shipments/{id}/buy", post(buy))
        .route("/v2/shipments/{id}/label", get(label))
        .route("/v2/shipments/{id}/refund", post(refund))
        .route("/v2/trackers", post(tracker))
        .route("/v2/scan_forms", post(scan_form))
        .with_state(carrier)
}

pub(super) fn error(status: StatusCode, code: &str) -> Answer {
    Answer::new(status, json!({"error": {"code": code, "message": "see the code", "errors": []}}))
}

/// As EasyPost says what the carrier's own calls refuse.
fn refused(answer: &Answer) -> Answer {
    let status = StatusCode::from_u16(answer.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = answer.body["code"].as_str().unwrap_or("unknown").to_uppercase();
    if status == StatusCode::NOT_FOUND { error(status, "NOT_FOUND") } else { error(status, &format!("SHIPMENT.{code}")) }
}

/// The id of the shipment of a label's key.
fn id_of(key: &str) -> String {
    format!("shp_{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).simple())
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn party(address: &Value) -> Option<Party> {
    Some(Party {
        name: text(address, "name")?,
        line1: text(address, "street1")?,
        line2: text(address, "street2"),
        city: text(address, "city")?,
        region: text(address, "state"),
        postal_code: text(address, "zip"),
        country: text(address, "country")?,
        phone: text(address, "phone"),
        email: text(address, "email"),
    })
}

/// What the carrier's own call would be asked; the parcel is what the key begins with.
fn request(shipment: &Value) -> Option<LabelRequest> {
    let (from, to) = (party(&shipment["from_address"])?, party(&shipment["to_address"])?);
    let parcel = &shipment["parcel"];
    let side = |name: &str| parcel[name].as_f64().map(|inches| (inches * MM_PER_INCH).round() as u32);
    let key = text(shipment, "reference").unwrap_or_default();
    Some(LabelRequest {
        reference: key.rsplit_once(':').map_or(key.as_str(), |(parcel, _)| parcel).to_owned(),
        facility_id: from.name.clone(),
        service: if shipment["is_return"] == true { "return" } else { "standard" }.to_owned(),
        country: to.country.clone(),
        postal_code: to.postal_code.clone(),
        weight_g: (parcel["weight"].as_f64()? * GRAMS_PER_OUNCE).round() as i64,
        size_mm: side("length").zip(side("width")).zip(side("height")).map(|((length, width), height)| [length, width, height]),
        from: Some(from),
        to: Some(to),
        contents: Vec::new(),
    })
}

/// What it would cost, in cents; none for what is not taken.
fn rates(carrier: &Carrier, id: &str, request: &LabelRequest) -> Vec<Value> {
    let reference = format!("rate of {}", request.reference);
    let asked = LabelRequest { reference, ..request.clone() };
    if carrier.books().labels.decide("rate", asked, Timestamp::now()).is_err() {
        return Vec::new();
    }
    let rate = |(service, cents, days): (&str, i64, u32)| {
        let rate = format!("{}.{:02}", cents / 100, cents % 100);
        json!({"id": format!("rate_{service}_{id}"), "object": "Rate", "carrier": CARRIER, "service": service, "rate": rate,
            "currency": "USD", "delivery_days": days, "shipment_id": id})
    };
    [("standard", 300 + request.weight_g / 10, 3), ("express", 700 + request.weight_g / 5, 1)].map(rate).to_vec()
}

async fn create(State(carrier): Shared, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let shipment = sent["shipment"].as_object().filter(|fields| !fields.is_empty());
    let shipment = shipment.map(|fields| Value::Object(fields.clone())).and_then(|shipment| Some((request(&shipment)?, shipment)));
    let (wanted, shipment) = shipment.ok_or_else(|| error(StatusCode::UNPROCESSABLE_ENTITY, "PARAMETER.REQUIRED"))?;
    let reference = text(&shipment, "reference");
    let id = reference.as_deref().map_or_else(|| format!("shp_{}", Uuid::new_v4().simple()), id_of);
    let made = json!({
        "id": id, "object": "Shipment", "reference": reference, "tracking_code": null, "refund_status": null,
        "rates": rates(&carrier, &id, &wanted), "selected_rate": null, "postage_label": null, "tracker": null, "scan_form": null, "messages": [],
    });
    if let Some(reference) = reference {
        carrier.shipments().insert(reference, (wanted, made.clone()));
    }
    Ok(Answer::new(StatusCode::CREATED, made))
}

impl Carrier {
    /// The label's key of an id or a reference.
    pub(super) fn key_of(&self, id: &str) -> Option<String> {
        if self.books().labels.by_key(id).is_some() || self.shipments().contains_key(id) {
            return Some(id.to_owned());
        }
        let unbought = self.shipments().keys().find(|key| id_of(key) == id).cloned();
        unbought.or_else(|| self.books().labels.all().map(|parcel| parcel.label.key.clone()).find(|key| id_of(key) == id))
    }

    fn shipment(&self, id: &str) -> Result<Value, Answer> {
        let missing = || error(StatusCode::NOT_FOUND, "NOT_FOUND");
        let key = self.key_of(id).ok_or_else(missing)?;
        if let Some(bought) = self.books().labels.by_key(&key).map(|parcel| self.bought(parcel)) {
            return Ok(bought);
        }
        self.shipments().get(&key).map(|(_, made)| made.clone()).ok_or_else(missing)
    }

    fn bought(&self, parcel: &Parcel) -> Value {
        let (key, number) = (&parcel.label.key, &parcel.label.tracking_number);
        let id = id_of(key);
        json!({
            "id": id, "object": "Shipment", "reference": key, "tracking_code": number,
            "refund_status": if parcel.voided { Value::from("submitted") } else { Value::Null }, "rates": [],
            "selected_rate": {"id": format!("rate_standard_{id}"), "carrier": CARRIER, "service": "standard", "rate": "3.00", "currency": "USD"},
            "postage_label": {"object": "PostageLabel", "label_url": null, "label_pdf_url": null, "label_zpl_url": null},
            "tracker": self.tracker(parcel), "scan_form": null, "messages": [],
        })
    }

    pub(super) fn tracker(&self, parcel: &Parcel) -> Value {
        let number = &parcel.label.tracking_number;
        let travels = self.listener().is_some() && !parcel.voided;
        let scans = parcel.label.scans(Timestamp::now(), self.time_scale).filter(|_| travels);
        let details: Vec<Value> = scans.map(|(stage, at)| detail(stage, at)).collect();
        let status = details.last().map_or_else(|| json!("unknown"), |last| last["status"].clone());
        json!({
            "id": format!("trk_{number}"), "object": "Tracker", "tracking_code": number, "carrier": CARRIER, "status": status,
            "tracking_details": details, "public_url": format!("{}/track/{number}", self.url),
        })
    }
}

/// EasyPost has no word of its own for what was handed over.
pub(super) fn detail(stage: Stage, at: Timestamp) -> Value {
    let status = match stage {
        Stage::HandedOver | Stage::InTransit => "in_transit",
        Stage::OutForDelivery => "out_for_delivery",
        Stage::Delivered => "delivered",
    };
    json!({"object": "TrackingDetail", "status": status, "datetime": at})
}

async fn retrieve(State(carrier): Shared, Path(id): Path<String>) -> Result<Answer, Answer> {
    Ok(Answer::new(StatusCode::OK, carrier.shipment(&id)?))
}

async fn buy(State(carrier): Shared, Path(id): Path<String>, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let found = carrier.shipment(&id)?;
    if !found["postage_label"].is_null() {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "SHIPMENT.POSTAGE.EXISTS"));
    }
    let is_offered = found["rates"].as_array().is_some_and(|rates| rates.iter().any(|rate| rate["id"] == sent["rate"]["id"]));
    let key = text(&found, "reference").filter(|_| is_offered);
    let key = key.ok_or_else(|| error(StatusCode::UNPROCESSABLE_ENTITY, "SHIPMENT.INVALID_RATE"))?;
    let wanted = carrier.shipments().get(&key).map(|(wanted, _)| wanted.clone());
    let wanted = wanted.ok_or_else(|| error(StatusCode::NOT_FOUND, "NOT_FOUND"))?;
    carrier.make(&key, wanted).map_err(|answer| refused(&answer))?;
    Ok(Answer::new(StatusCode::OK, carrier.shipment(&id)?))
}

async fn label(State(carrier): Shared, Path(id): Path<String>, Query(query): Query<BTreeMap<String, String>>) -> Result<Answer, Answer> {
    let (key, mut found) = (carrier.key_of(&id), carrier.shipment(&id)?);
    let format = query.get("file_format").map(|format| format.to_lowercase()).unwrap_or_default();
    let Some(key) = key.filter(|_| !found["postage_label"].is_null() && matches!(format.as_str(), "pdf" | "zpl" | "png")) else {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "SHIPMENT.LABEL.UNAVAILABLE"));
    };
    found["postage_label"][format!("label_{format}_url")] = json!(format!("{}/v1/labels/{key}/documents/{format}", carrier.url));
    Ok(Answer::new(StatusCode::OK, found))
}

async fn refund(State(carrier): Shared, Path(id): Path<String>) -> Result<Answer, Answer> {
    let mut found = carrier.shipment(&id)?;
    let number = text(&found, "tracking_code").ok_or_else(|| error(StatusCode::UNPROCESSABLE_ENTITY, "SHIPMENT.REFUND.UNAVAILABLE"))?;
    found["refund_status"] = match carrier.void(&number) {
        Ok(()) => json!("submitted"),
        Err(answer) if answer.http_status == 409 => json!("rejected"),
        Err(answer) => return Err(refused(&answer)),
    };
    Ok(Answer::new(StatusCode::OK, found))
}

async fn tracker(State(carrier): Shared, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let number = sent["tracker"]["tracking_code"].as_str().unwrap_or_default();
    let books = carrier.books();
    let parcel = books.labels.parcel(number).map_err(|_| error(StatusCode::UNPROCESSABLE_ENTITY, "TRACKER.CREATE.ERROR"))?;
    Ok(Answer::new(StatusCode::OK, carrier.tracker(parcel)))
}

async fn scan_form(State(carrier): Shared, bytes: Bytes) -> Result<Answer, Answer> {
    let sent: Value = body(&bytes)?;
    let ids = sent["shipments"].as_array().into_iter().flatten().filter_map(|shipment| shipment["id"].as_str());
    let keys: Vec<String> = ids.filter_map(|id| carrier.key_of(id)).collect();
    let books = carrier.books();
    let codes: Vec<&str> = keys
        .iter()
        .filter_map(|key| Some(books.labels.by_key(key).filter(|parcel| !parcel.voided)?.label.tracking_number.as_str()))
        .collect();
    if codes.is_empty() {
        return Err(error(StatusCode::UNPROCESSABLE_ENTITY, "SCAN_FORM.CREATE.ERROR"));
    }
    let id = format!("sf_{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, codes.concat().as_bytes()).simple());
    Ok(Answer::new(StatusCode::CREATED, json!({"id": id, "object": "ScanForm", "status": "created", "tracking_codes": codes})))
}
