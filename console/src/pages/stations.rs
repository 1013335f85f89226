//! Stations and badges: a bench is enrolled once, and people take it over by what hangs around their neck and a PIN.

use askama::Template;
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Redirect, Response},
};
use oms_api::{
    facility::FacilityBody,
    page::Page,
    station::{BadgeView, StationView},
};
use oms_domain::error::ErrorCode;
use serde_json::json;

use super::{
    entrance::{self, taking_cookies},
    find::all_facilities,
};
use crate::{
    api::{at, done, with_query},
    codes,
    form::{Fields, object},
    frame::{Frame, Shown},
    visitor::{self, Guest, STATION, Visitor},
};

#[derive(Template)]
#[template(path = "stations.html")]
struct Stations<'a> {
    f: &'a Frame,
    stations: Vec<StationView>,
    facilities: Vec<FacilityBody>,
    /// The one that was just made, with what it shows from now on.
    made: Option<StationView>,
}

pub(crate) async fn page(visitor: Visitor) -> Shown {
    shown(&visitor, None).await
}

async fn shown(visitor: &Visitor, made: Option<StationView>) -> Shown {
    let stations: Page<StationView> = visitor.need(with_query(&at(&["stations"]), &[("limit", "500")])).await?;
    let facilities = all_facilities(visitor).await?;
    visitor::page(visitor, &Stations { f: &visitor.frame, stations: stations.items, facilities, made })
}

/// What it shows as a station is seen here once: it is not kept under the form's key.
pub(crate) async fn create(mut visitor: Visitor, form: Fields) -> Shown {
    let said = |name: &str| form.said(name).map_or(serde_json::Value::Null, Into::into);
    let body = object(&[("name", said("name")), ("facility_id", said("facility_id")), ("printer", said("printer"))]);
    match visitor.api.write::<StationView>(Method::POST, &at(&["stations"]), &[], &body).await {
        Ok(made) => shown(&visitor, Some(made)).await,
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            shown(&visitor, None).await
        }
    }
}

pub(crate) async fn remove(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let told = visitor.api.delete(at(&["stations", &id]), form.key()).await;
    match visitor.then(told, "station-removed", "/console/stations")? {
        Some(response) => Ok(response),
        None => shown(&visitor, None).await,
    }
}

/// This browser is the station from now on: people come in here by badge.
pub(crate) async fn here(_: Visitor, headers: HeaderMap, form: Fields) -> Response {
    let is_tls = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let token: String = form.get("token").chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie = format!("{STATION}={token}; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Strict{secure}");
    let back = Redirect::to("/console/stations?done=station-here");
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], back).into_response(),
        Err(_) => back.into_response(),
    }
}

#[derive(Template)]
#[template(path = "print_badge.html")]
struct Badge<'a> {
    f: &'a Frame,
    person_id: String,
    badge: String,
    code: String,
}

/// A badge in place of the one that they had: printed now or never.
pub(crate) async fn badge(mut visitor: Visitor, form: Fields) -> Shown {
    let path = at(&["people", form.get("person_id"), "badge"]);
    match visitor.api.write::<BadgeView>(Method::POST, &path, &[], &json!({"pin": form.get("pin")})).await {
        Ok(given) => {
            let badge = given.badge.unwrap_or_default();
            let code = codes::code_128(&badge).unwrap_or_default();
            visitor::page(&visitor, &Badge { f: &visitor.frame, person_id: given.person_id, badge, code })
        }
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            shown(&visitor, None).await
        }
    }
}

/// Takes the station over: whoever was there before is out.
pub(crate) async fn take_over(mut guest: Guest, form: Fields) -> Shown {
    let shown = format!("Bearer {}", guest.station.as_deref().unwrap_or_default());
    let body = json!({"badge": form.get("badge"), "pin": form.get("pin")});
    let answer = guest.api.send_json(Method::POST, &at(&["stations", "take-over"]), &[(header::AUTHORIZATION, &shown)], &body).await;
    let problem = match answer.map(taking_cookies) {
        Ok((cookies, response)) => match done(response).await {
            Ok(()) => return Ok((cookies, Redirect::to("/console/pack")).into_response()),
            Err(problem) => problem,
        },
        Err(problem) => problem,
    };
    let words = guest.frame.t("badge-refused");
    guest.frame.problem = Some(problem);
    if let Some(problem) = guest.frame.problem.as_mut().filter(|problem| problem.code == ErrorCode::Unauthenticated) {
        problem.title = words;
        problem.detail = None;
    }
    entrance::page(&guest, String::new(), String::new())
}
