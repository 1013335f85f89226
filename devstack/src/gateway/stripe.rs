//! The same gateway in Stripe's shapes: the same books, the same tokens (as `payment_method`), under Stripe's paths.
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /v1/payment_intents` | 200 a PaymentIntent that is confirmed and to be captured by hand; 402 `card_error` |
//! | `POST /v1/payment_intents/{id}/capture` | 200; what `final_capture` does not keep is given back |
//! | `POST /v1/payment_intents/{id}/cancel` | 200; what was not captured is given back |
//! | `GET /v1/payment_intents/{id}` · `/search?query=metadata['oms_key']:'...'` | one · those that were made under the key |
//! | `POST /v1/refunds` · `GET /v1/refunds?payment_intent=` | 200 a Refund · those of one intent |
//!
//! Bodies are forms; each POST has an `Idempotency-Key`, which `metadata[oms_key]` repeats where something is made. Amounts are kept as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Gateway;
use super::ledger::{Kind, Ledger, Operation, Request, Status};
use crate::answer::{Answer, idempotency_key, refusal};

type Shared = State<Arc<Gateway>>;
type Pairs = Form<Vec<(String, String)>>;

pub(super) fn calls(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/payment_intents", post(create))
        .route("/v1/payment_intents/search", get(search))
        .route("/v1/payment_intents/{id}", get(retrieve))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", post(refund).get(refunds))
        .with_state(gateway)
}

/// An answer as Stripe would give it.
struct Refused(Answer);

impl From<Answer> for Refused {
    fn from(answer: Answer) -> Self {
        Self(answer)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.0.http_status;
        let code = self.0.body["code"].as_str().unwrap_or("unknown").to_owned();
        let (status, error) = match (status, code.as_str()) {
            (402, code) => (402, json!({"type": "card_error", "code": "card_declined", "decline_code": code})),
            (409, "authorization_expired") => (400, invalid("charge_expired_for_capture")),
            (409, "amount_exceeds_authorization" | "amount_exceeds_capture") => (400, invalid("amount_too_large")),
            (409, "key_in_flight") => (409, json!({"type": "idempotency_error", "code": "idempotency_key_in_use"})),
            (409, _) => (400, invalid("payment_intent_unexpected_state")),
            (422, "idempotency_key_reused") => (400, json!({"type": "idempotency_error"})),
            (404, _) => (404, invalid("resource_missing")),
            (400 | 422, code) => (400, invalid(code)),
            (status, code) => (status, json!({"type": "api_error", "code": code})),
        };
        Answer { http_status: status, body: json!({"error": error}) }.into_response()
    }
}

fn invalid(code: &str) -> Value {
    json!({"type": "invalid_request_error", "code": code})
}

/// The fields of a form, of which each stands once here.
fn fields(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().collect()
}

fn needed<'a>(fields: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Answer> {
    fields.get(name).map(String::as_str).ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "parameter_missing"))
}

fn amount(fields: &BTreeMap<String, String>, name: &str) -> Result<i64, Answer> {
    let amount = needed(fields, name)?.parse().ok().filter(|amount| *amount > 0);
    amount.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "parameter_invalid_integer"))
}

/// Stripe's ids and the books' differ in what they begin with.
fn booked(id: &str, stripe: &str, ours: &str) -> String {
    id.strip_prefix(stripe).map_or_else(|| id.to_owned(), |rest| format!("{ours}{rest}"))
}

fn authorization(intent: &str) -> String {
    booked(intent, "pi_", "auth_")
}

const PROOF: &str = "payment_method_options[card][three_d_secure]";

/// Whether 3-D Secure was done elsewhere before: then all that Stripe wants of it is there.
fn is_proven(fields: &BTreeMap<String, String>) -> Result<bool, Answer> {
    let any = fields.keys().any(|name| name.starts_with(PROOF));
    for name in ["version", "transaction_id", "cryptogram"].into_iter().filter(|_| any) {
        needed(fields, &format!("{PROOF}[{name}]"))?;
    }
    Ok(any)
}

async fn create(State(gateway): Shared, headers: HeaderMap, Form(pairs): Pairs) -> Result<Response, Refused> {
    let (key, fields) = (idempotency_key(&headers)?, fields(pairs));
    if needed(&fields, "metadata[oms_key]")? != key || needed(&fields, "capture_method")? != "manual" {
        return Err(refusal(StatusCode::BAD_REQUEST, "parameter_invalid").into());
    }
    let request = Request::Authorize {
        reference: needed(&fields, "metadata[order_id]")?.to_owned(),
        amount_minor: amount(&fields, "amount")?,
        currency: needed(&fields, "currency")?.to_uppercase(),
        token: needed(&fields, "payment_method")?.to_owned(),
        proven: is_proven(&fields)?,
    };
    let made = gateway.perform(key, request).await?;
    if made.http_status == 402 {
        return Err(made.into());
    }
    gateway.intent(made.body["id"].as_str().unwrap_or_default())
}

async fn capture(State(gateway): Shared, Path(id): Path<String>, headers: HeaderMap, Form(pairs): Pairs) -> Result<Response, Refused> {
    let (key, fields) = (idempotency_key(&headers)?, fields(pairs));
    if !fields.keys().any(|name| name.starts_with("metadata[op_")) {
        return Err(refusal(StatusCode::BAD_REQUEST, "parameter_missing").into());
    }
    let authorization_id = authorization(&id);
    let is_known = gateway.books().ledger.find(&key).is_some();
    if !is_known && gateway.closed().contains(&authorization_id) {
        return Err(refusal(StatusCode::CONFLICT, "nothing_left").into());
    }
    let request = Request::Capture { authorization_id: authorization_id.clone(), amount_minor: amount(&fields, "amount_to_capture")? };
    let made = gateway.perform(key, request).await?;
    if made.http_status >= 400 {
        return Err(made.into());
    }
    if fields.get("final_capture").is_none_or(|is_final| is_final != "false") {
        // The rest is the customer's again; it was no operation.
        gateway.closed().insert(authorization_id.clone());
    }
    gateway.intent(&authorization_id)
}

async fn cancel(State(gateway): Shared, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refused> {
    let authorization_id = authorization(&id);
    let made = gateway.perform(idempotency_key(&headers)?, Request::Void { authorization_id: authorization_id.clone() }).await?;
    if made.http_status >= 400 { Err(made.into()) } else { gateway.intent(&authorization_id) }
}

async fn retrieve(State(gateway): Shared, Path(id): Path<String>) -> Result<Response, Refused> {
    gateway.intent(&authorization(&id))
}

async fn search(State(gateway): Shared, Query(query): Query<BTreeMap<String, String>>) -> Result<Response, Refused> {
    let query = query.get("query").map(String::as_str).unwrap_or_default();
    let key = query.strip_prefix("metadata['oms_key']:'").and_then(|rest| rest.strip_suffix('\''));
    let key = key.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "parameter_invalid"))?;
    let books = gateway.books();
    let found = books.ledger.find(key).map(|entry| &entry.operation).filter(|operation| operation.kind == Kind::Authorize);
    let is_closed = found.is_some_and(|operation| gateway.closed().contains(&operation.id));
    let data: Vec<Value> = found.map(|operation| intent(&books.ledger, operation, is_closed)).into_iter().collect();
    Ok(Json(json!({"object": "search_result", "data": data, "has_more": false})).into_response())
}

/// The intent's capture that has enough left for it.
fn refundable(ledger: &Ledger, authorization: &str, amount: i64) -> Option<String> {
    let captures =
        ledger.operations().filter(|operation| operation.kind == Kind::Capture && operation.parent.as_deref() == Some(authorization));
    let mut left =
        captures.filter_map(|capture| Some((capture.id.clone(), ledger.capture(&capture.id).ok()?.body["left_minor"].as_i64()?)));
    left.find(|(_, left)| *left >= amount).map(|(id, _)| id)
}

async fn refund(State(gateway): Shared, headers: HeaderMap, Form(pairs): Pairs) -> Result<Response, Refused> {
    let (key, fields) = (idempotency_key(&headers)?, fields(pairs));
    if needed(&fields, "metadata[oms_key]")? != key {
        return Err(refusal(StatusCode::BAD_REQUEST, "parameter_invalid").into());
    }
    let (intent, amount_minor) = (needed(&fields, "payment_intent")?.to_owned(), amount(&fields, "amount")?);
    let known = gateway.books().ledger.find(&key).and_then(|entry| entry.operation.parent.clone());
    let capture_id = known.or_else(|| refundable(&gateway.books().ledger, &authorization(&intent), amount_minor));
    let capture_id = capture_id.ok_or_else(|| refusal(StatusCode::CONFLICT, "amount_exceeds_capture"))?;
    let made = gateway.perform(key.clone(), Request::Refund { capture_id, amount_minor }).await?;
    // The money was asked for and does not go: Stripe makes a refund that has failed.
    if made.http_status >= 400 && made.http_status != 402 {
        return Err(made.into());
    }
    let books = gateway.books();
    let made = books.ledger.find(&key).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))?;
    Ok(Json(refund_object(&made.operation, &intent)).into_response())
}

async fn refunds(State(gateway): Shared, Query(query): Query<BTreeMap<String, String>>) -> Result<Response, Refused> {
    let intent = query.get("payment_intent").ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "parameter_missing"))?;
    let (authorization, books) = (authorization(intent), gateway.books());
    let of_intent = |operation: &&Operation| {
        let capture = operation.parent.as_deref().and_then(|id| books.ledger.operations().find(|made| made.id == id));
        operation.kind == Kind::Refund && capture.and_then(|capture| capture.parent.as_deref()) == Some(&*authorization)
    };
    let data: Vec<Value> = books.ledger.operations().filter(of_intent).map(|operation| refund_object(operation, intent)).collect();
    Ok(Json(json!({"object": "list", "data": data, "has_more": false})).into_response())
}

fn refund_object(operation: &Operation, intent: &str) -> Value {
    let (status, reason) = match operation.status {
        Status::Succeeded => ("succeeded", Value::Null),
        Status::Declined | Status::Refused => ("failed", operation.answer.body["code"].clone()),
    };
    json!({
        "id": booked(&operation.id, "ref_", "re_"), "object": "refund", "amount": operation.amount_minor,
        "currency": operation.currency.to_lowercase(), "status": status, "failure_reason": reason, "payment_intent": intent,
        "metadata": {"oms_key": operation.key, "order_id": operation.reference},
    })
}

impl Gateway {
    /// The intent of an authorization.
    fn intent(&self, authorization: &str) -> Result<Response, Refused> {
        let books = self.books();
        let made = books.ledger.operations().find(|operation| operation.id == authorization && operation.kind == Kind::Authorize);
        let is_closed = self.closed().contains(authorization);
        let found = made.map(|operation| intent(&books.ledger, operation, is_closed));
        Ok(Json(found.ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))?).into_response())
    }
}

fn intent(ledger: &Ledger, made: &Operation, is_closed: bool) -> Value {
    let of = |kind| {
        move |operation: &&Operation| {
            operation.kind == kind && operation.status == Status::Succeeded && operation.parent.as_deref() == Some(&*made.id)
        }
    };
    let captures: Vec<&Operation> = ledger.operations().filter(of(Kind::Capture)).collect();
    let received: i64 = captures.iter().map(|operation| operation.amount_minor).sum();
    let mut metadata = json!({"oms_key": made.key, "order_id": made.reference});
    for capture in captures {
        let number = capture.key.rsplit(':').next().unwrap_or_default();
        metadata[format!("op_{number}")] = json!(capture.amount_minor.to_string());
    }
    let held = ledger.authorization(&made.id).ok().map(|answer| answer.body);
    let of_held = |field: &str| held.as_ref().map_or(Value::Null, |held| held[field].clone());
    let left = if is_closed { 0 } else { of_held("left_minor").as_i64().unwrap_or_default() };
    let status = match (made.status, of_held("voided").as_bool()) {
        (Status::Declined | Status::Refused, _) => "requires_payment_method",
        (Status::Succeeded, Some(true)) if received == 0 => "canceled",
        (Status::Succeeded, _) if left == 0 => "succeeded",
        (Status::Succeeded, _) => "requires_capture",
    };
    let ends = of_held("expires_at").as_str().and_then(|at| at.parse::<Timestamp>().ok()).map(Timestamp::as_second);
    json!({
        "id": booked(&made.id, "auth_", "pi_"), "object": "payment_intent", "amount": made.amount_minor, "amount_capturable": left,
        "amount_received": received, "currency": made.currency.to_lowercase(), "status": status, "capture_method": "manual",
        "metadata": metadata,
        "latest_charge": {"id": booked(&made.id, "auth_", "ch_"), "object": "charge",
            "payment_method_details": {"card": {"capture_before": ends}}},
        "last_payment_error": match made.status {
            Status::Succeeded => Value::Null,
            Status::Declined | Status::Refused => json!({"code": "card_declined", "decline_code": made.answer.body["code"]}),
        },
    })
}
