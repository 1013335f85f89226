//! Whoever looks at a page: what they showed, what they may, and how they like it.

use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use oms_api::{facility::FacilityBody, person::SessionView, problem::Problem};
use oms_domain::error::ErrorCode;
use serde::de::DeserializeOwned;

use crate::{
    api::{Api, House, Told, at, encoded},
    frame::{Frame, Shown, Stop},
    pages,
    words::Language,
};

/// Kept by the browser: which language, and whether light or dark.
pub(crate) const LANGUAGE: &str = "oms_language";
pub(crate) const THEME: &str = "oms_theme";
/// What this browser shows as a station, if it is one.
pub(crate) const STATION: &str = "oms_station";
pub(crate) const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// Anybody, in or not.
pub(crate) struct Guest {
    pub(crate) api: Api,
    pub(crate) frame: Frame,
    /// The station's token, where the browser is one.
    pub(crate) station: Option<String>,
}

impl FromRequestParts<House> for Guest {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Stop> {
        Ok(Self { api: Api::of(house, parts), frame: frame(parts), station: cookie(&parts.headers, STATION) })
    }
}

fn frame(parts: &Parts) -> Frame {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let here = uri.path_and_query().map_or("/console", |here| here.as_str()).to_owned();
    let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let language = cookie(&parts.headers, LANGUAGE).and_then(|tag| Language::of_tag(&tag));
    let theme = cookie(&parts.headers, THEME);
    let done = parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("done=")));
    Frame {
        language: language.unwrap_or_else(|| Language::accepted(accepted)),
        theme: THEMES.into_iter().find(|known| theme.as_deref() == Some(known)).unwrap_or(THEMES[0]),
        session: None,
        here,
        done: done.map(|word| word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()),
        problem: None,
        zone: TimeZone::UTC,
        now: Timestamp::now(),
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// Somebody who is in. Whoever is not is asked to come in first, and then led back.
pub(crate) struct Visitor {
    pub(crate) api: Api,
    pub(crate) frame: Frame,
}

impl FromRequestParts<House> for Visitor {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Stop> {
        let Guest { api, frame, .. } = Guest::from_request_parts(parts, house).await?;
        let is_first = comes_from_elsewhere(&parts.headers);
        match api.get::<SessionView>(at(&["sessions", "current"])).await {
            Ok(session) => Ok(Self { api, frame: Frame { session: Some(session), ..frame } }),
            // The cookie is not sent along a link that stands elsewhere; once more from here, and it is.
            Err(_) if is_first => Err(Stop::with(pages::entrance::again(&frame))),
            Err(problem) if problem.code == ErrorCode::Unauthenticated => Err(Stop::with(to_login(parts, &frame.here))),
            Err(problem) => Err(refuse(frame, problem)),
        }
    }
}

fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

fn to_login(parts: &Parts, here: &str) -> Response {
    let login = format!("/console/login?next={}", encoded(if parts.method.is_safe() { here } else { "/console" }));
    // A part of a page is not put where the part was: the whole page goes there.
    if parts.headers.contains_key("hx-request") || parts.headers.contains_key("x-scan") {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", login)]).into_response();
    }
    Redirect::to(&login).into_response()
}

/// A page that says why.
pub(crate) fn refuse(frame: Frame, problem: Box<Problem>) -> Stop {
    match pages::failed::page(Frame { problem: Some(problem), ..frame }) {
        Ok(response) => Stop::with(response),
        Err(stop) => stop,
    }
}

impl Visitor {
    /// What a page cannot be without.
    pub(crate) async fn need<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<T, Stop> {
        self.api.get(path).await.map_err(|problem| refuse(self.frame.clone(), problem))
    }

    /// What they may not see, or what is not there, is left out.
    pub(crate) async fn see<T: DeserializeOwned>(&self, permission: &str, path: impl AsRef<str>) -> Result<Option<T>, Stop> {
        if !self.frame.may(permission) {
            return Ok(None);
        }
        match self.api.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(problem) if matches!(problem.code, ErrorCode::Forbidden | ErrorCode::NotFound) => Ok(None),
            Err(problem) => Err(refuse(self.frame.clone(), problem)),
        }
    }

    /// Shows times where the goods are.
    pub(crate) async fn in_zone_of(&mut self, facility_id: &str) -> Result<FacilityBody, Stop> {
        let facility: FacilityBody = self.need(at(&["facilities", facility_id])).await?;
        self.frame.zone = TimeZone::get(&facility.timezone).unwrap_or(TimeZone::UTC);
        Ok(facility)
    }

    /// After something was done: the page again, which says so. Or the page with why not.
    pub(crate) fn then<T>(&mut self, told: Told<T>, done: &str, page: &str) -> Result<Option<Response>, Stop> {
        match told {
            Ok(_) => {
                let joint = if page.contains('?') { '&' } else { '?' };
                Ok(Some(Redirect::to(&format!("{page}{joint}done={done}")).into_response()))
            }
            Err(problem) if problem.code == ErrorCode::Unauthenticated => Err(Stop::with(Redirect::to("/console/login"))),
            Err(problem) => {
                self.frame.problem = Some(problem);
                Ok(None)
            }
        }
    }
}

/// Shows a page.
pub(crate) fn page(visitor: &Visitor, page: &impl askama::Template) -> Shown {
    crate::frame::show(&visitor.frame, page)
}
