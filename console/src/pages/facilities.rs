//! Facilities: how much they take in a day, and whether they take anything now.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, header},
};
use oms_api::{
    facility::{ClosedDayView, FacilityBody},
    fulfillment::{QueueCountView, QueueView},
    page::Page,
};
use serde_json::Value;

use super::find::all_facilities;
use crate::{
    api::{at, done, encoded},
    form::{Fields, number},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "facilities.html")]
struct Facilities<'a> {
    f: &'a Frame,
    facilities: Vec<FacilityBody>,
}

pub(crate) async fn list(visitor: Visitor) -> Shown {
    let facilities = all_facilities(&visitor).await?;
    visitor::page(&visitor, &Facilities { f: &visitor.frame, facilities })
}

#[derive(Template)]
#[template(path = "facility.html")]
struct FacilityPage<'a> {
    f: &'a Frame,
    facility: FacilityBody,
    counts: Vec<QueueCountView>,
    cutoff: String,
    /// Where it is.
    today: String,
    closed: Vec<ClosedDayView>,
    /// What was read, so that a change of somebody else's is not undone.
    seen: String,
}

pub(crate) async fn one(visitor: Visitor, Path(id): Path<String>) -> Shown {
    shown(visitor, &id).await
}

async fn shown(mut visitor: Visitor, id: &str) -> Shown {
    let facility = visitor.in_zone_of(id).await?;
    let queue: Option<QueueView> = visitor.see("read_fulfillment", at(&["facilities", id, "queue"])).await?;
    let answer = visitor.api.send(Method::GET, &at(&["facilities", id]), &[], axum::body::Body::empty()).await;
    let seen = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or("*").to_owned();
    let cutoff = facility.cutoff_local_time.strftime("%H:%M").to_string();
    let closed: Page<ClosedDayView> = visitor.need(at(&["facilities", id, "closed-days"])).await?;
    let (today, closed) = (visitor.frame.now.to_zoned(visitor.frame.zone.clone()).date().to_string(), closed.items);
    let counts = queue.map(|queue| queue.items).unwrap_or_default();
    visitor::page(&visitor, &FacilityPage { f: &visitor.frame, facility, counts, cutoff, today, closed, seen })
}

/// Nothing more leaves on a day, or something does again.
pub(crate) async fn day(mut visitor: Visitor, Path((id, word)): Path<(String, String)>, form: Fields) -> Shown {
    let path = at(&["facilities", &id, "closed-days", form.get("date")]);
    let method = if word == "close" { Method::PUT } else { Method::DELETE };
    let told = done(visitor.api.send(method, &path, &[], axum::body::Body::empty()).await).await;
    match visitor.then(told, "facility-kept", &format!("/console/facilities/{}", encoded(&id)))? {
        Some(response) => Ok(response),
        None => shown(visitor, &id).await,
    }
}

/// No more orders, until somebody says otherwise; or orders again. What it has, it ships.
pub(crate) async fn switch(visitor: Visitor, Path((id, word)): Path<(String, String)>, form: Fields) -> Shown {
    let mut body: Value = visitor.need(at(&["facilities", &id])).await?;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("ship_enabled".to_owned(), (word == "resume").into());
    }
    keep(visitor, &id, &form, &body).await
}

/// Capacity, cutoff, and whether it ships: the rest stays as it is.
pub(crate) async fn put(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let mut body: Value = visitor.need(at(&["facilities", &id])).await?;
    if let Some(fields) = body.as_object_mut() {
        match form.said("daily_order_capacity") {
            Some(orders) => drop(fields.insert("daily_order_capacity".to_owned(), number(orders))),
            None => drop(fields.remove("daily_order_capacity")),
        }
        fields.insert("cutoff_local_time".to_owned(), form.get("cutoff_local_time").into());
        for flag in ["ship_enabled", "pickup_enabled"] {
            fields.insert(flag.to_owned(), (form.get(flag) == "true").into());
        }
    }
    keep(visitor, &id, &form, &body).await
}

/// Unless somebody else has changed it since it was seen.
async fn keep(mut visitor: Visitor, id: &str, form: &Fields, body: &Value) -> Shown {
    let told = visitor.api.write::<Value>(Method::PUT, &at(&["facilities", id]), &[(header::IF_MATCH, form.get("seen"))], body).await;
    match visitor.then(told, "facility-kept", &format!("/console/facilities/{}", encoded(id)))? {
        Some(response) => Ok(response),
        None => shown(visitor, id).await,
    }
}
