//! What people do to an order: each a form that becomes one request, and the order again, which says what became of it.

use axum::{extract::Path, http::Method, response::Response};
use jiff::{civil::DateTime, tz::TimeZone};
use oms_domain::money::Currency;
use serde_json::{Map, Value, json};

use super::order;
use crate::{
    api::{Told, at, encoded},
    form::{Fields, number, object},
    frame::{Shown, Stop},
    visitor::Visitor,
};

/// The order's page again.
async fn back(mut visitor: Visitor, told: Told<Value>, done: &str, id: &str) -> Shown {
    let answered: Result<Option<Response>, Stop> = visitor.then(told, done, &format!("/console/orders/{}", encoded(id)));
    match answered? {
        Some(response) => Ok(response),
        None => order::shown(&visitor, id).await,
    }
}

/// The whole order, unless units are named.
pub(crate) async fn cancel(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let lines = form.units("quantity");
    let lines = if form.get("which") == "some" { Value::from(lines) } else { Value::Null };
    let body = object(&[("reason", form.get("reason").into()), ("lines", lines)]);
    let told: Told<Value> = visitor.api.post(at(&["orders", &id, "cancellations"]), form.key(), &body).await;
    let done = told.as_ref().map_or("cancelled", cancelled);
    back(visitor, told, done, &id).await
}

/// What became of a cancellation, in a word.
fn cancelled(answer: &Value) -> &'static str {
    let has = |name: &str| answer.get(name).and_then(Value::as_array).is_some_and(|units| !units.is_empty());
    match (has("cancelled"), has("requested"), has("too_late")) {
        (_, true, _) => "cancellation-requested",
        (true, false, true) => "cancelled-in-part",
        (true, false, false) => "cancelled",
        (false, false, _) => "cancelled-too-late",
    }
}

pub(crate) async fn hold(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let told = visitor.api.post(at(&["orders", &id, "holds"]), form.key(), &form.object(&["reason"])).await;
    back(visitor, told, "held", &id).await
}

pub(crate) async fn release(visitor: Visitor, Path((id, hold_id)): Path<(String, String)>, form: Fields) -> Shown {
    let told = visitor.api.delete(at(&["orders", &id, "holds", &hold_id]), form.key()).await;
    back(visitor, told.map(|()| Value::Null), "hold-released", &id).await
}

/// An amount as people write it, in the order's currency; with units, for these.
pub(crate) async fn refund(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let minor = form.get("currency").parse::<Currency>().ok().and_then(|currency| currency.minor_of(&form.get("amount").replace(',', ".")));
    let lines = form.units("quantity");
    let lines = if lines.is_empty() { Value::Null } else { lines.into() };
    let amount = minor.map_or_else(|| form.get("amount").into(), Value::from);
    let of = form.said("of").map_or(Value::Null, Value::from);
    let body = object(&[("amount_minor", amount), ("reason", form.get("reason").into()), ("lines", lines), ("of", of)]);
    let told = visitor.api.post(at(&["orders", &id, "refunds"]), form.key(), &body).await;
    back(visitor, told, "refunded", &id).await
}

pub(crate) async fn note(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let author: String = visitor.frame.name().chars().take(100).collect();
    let body = json!({"text": form.get("text"), "author": author});
    let told = visitor.api.post(at(&["orders", &id, "notes"]), form.key(), &body).await;
    back(visitor, told, "noted", &id).await
}

/// Until a time as a browser's field has it, which is of UTC.
pub(crate) async fn extend(visitor: Visitor, Path((id, deadline_id)): Path<(String, String)>, form: Fields) -> Shown {
    let local: Option<DateTime> = form.get("until").parse().ok();
    let until = local.and_then(|local| local.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp().to_string());
    let body = json!({"until": until.unwrap_or_else(|| form.get("until").to_owned())});
    let path = at(&["orders", &id, "deadlines", &deadline_id]);
    let key = (axum::http::HeaderName::from_static("idempotency-key"), form.key());
    let told = visitor.api.write(Method::PATCH, &path, &[key], &body).await;
    back(visitor, told, "extended", &id).await
}

pub(crate) async fn decide(visitor: Visitor, Path((id, decision_id)): Path<(String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post(at(&["orders", &id, "decisions", &decision_id]), form.key(), &form.object(&["choice"])).await;
    back(visitor, told, "decided", &id).await
}

/// Something that is asked of a part of it: the word and what stands in the form.
pub(crate) async fn act(visitor: Visitor, Path((id, part, action)): Path<(String, String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post(at(&["fulfillment-orders", &part, &action]), form.key(), &said(&action, &form)).await;
    back(visitor, told, "acted", &id).await
}

/// The body of an action out of its form.
pub(crate) fn said(action: &str, form: &Fields) -> Value {
    let mut body: Map<String, Value> = form.object(&["reason", "picker", "carrier", "tracking_number", "facility_id", "code"]);
    let quantity = if action == "short-pick" { "quantity_short" } else { "quantity" };
    let lines = form.units(quantity);
    if !lines.is_empty() && ["reject", "short-pick", "split"].contains(&action) {
        body.insert("lines".to_owned(), lines.into());
    }
    if let Some(grams) = form.said("weight_g").filter(|_| action == "pack") {
        body.insert("weight_g".to_owned(), number(grams));
    }
    Value::Object(body)
}
