//! Coming in and going out.

use askama::Template;
use axum::{
    extract::Query,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Redirect, Response},
};
use oms_domain::error::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{Told, at, done},
    form::Fields,
    frame::{Frame, Shown, Stop, show},
    visitor::{Guest, LANGUAGE, THEME, THEMES},
    words::Language,
};

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    f: &'a Frame,
    next: String,
    email: String,
    /// People come in here by badge.
    is_station: bool,
}

#[derive(Template)]
#[template(path = "again.html")]
struct Again<'a> {
    f: &'a Frame,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct Invitation<'a> {
    f: &'a Frame,
    token: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// The same page once more, asked for by itself.
pub(crate) fn again(frame: &Frame) -> Response {
    show(frame, &Again { f: frame }).unwrap_or_else(IntoResponse::into_response)
}

/// A page of ours and no other.
fn ours(next: &str) -> &str {
    let is_ours = next == "/console" || next.starts_with("/console/") || next.starts_with("/console?");
    if is_ours && !next.contains(['\\', '\r', '\n']) { next } else { "/console" }
}

pub(crate) async fn login(guest: Guest, Query(Next { next }): Query<Next>) -> Shown {
    page(&guest, next, String::new())
}

/// Where people come in: by badge where the browser is a station, by password anywhere.
pub(super) fn page(guest: &Guest, next: String, email: String) -> Shown {
    show(&guest.frame, &Login { f: &guest.frame, next, email, is_station: guest.station.is_some() })
}

pub(crate) async fn log_in(mut guest: Guest, form: Fields) -> Shown {
    let body = json!({"email": form.get("email"), "password": form.get("password")});
    let answer = guest.api.send_json(Method::POST, &at(&["sessions"]), &[], &body).await;
    match answer.map(taking_cookies) {
        Ok((cookies, response)) => match done(response).await {
            Ok(()) => Ok((cookies, Redirect::to(ours(form.get("next")))).into_response()),
            Err(problem) => refused(&mut guest, problem, &form),
        },
        Err(problem) => refused(&mut guest, problem, &form),
    }
}

fn refused(guest: &mut Guest, mut problem: Box<oms_api::problem::Problem>, form: &Fields) -> Shown {
    if problem.code == ErrorCode::Unauthenticated {
        problem.title = guest.frame.t("log-in-refused");
        problem.detail = None;
    }
    guest.frame.problem = Some(problem);
    page(guest, form.get("next").to_owned(), form.get("email").to_owned())
}

/// What the API would have the browser keep.
pub(super) fn taking_cookies(response: Response) -> (HeaderMap, Response) {
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().map(|value| (header::SET_COOKIE, value.clone()));
    (cookies.collect(), response)
}

pub(crate) async fn log_out(guest: Guest) -> Shown {
    let answer = guest.api.send(Method::DELETE, &at(&["sessions", "current"]), &[], axum::body::Body::empty()).await;
    let (cookies, response) = taking_cookies(answer);
    // Whoever is out already is out.
    match done(response).await {
        Err(problem) if problem.code != ErrorCode::Unauthenticated => Err(crate::visitor::refuse(guest.frame, problem)),
        Ok(()) | Err(_) => Ok((cookies, Redirect::to("/console/login")).into_response()),
    }
}

/// The code stands behind the `#` of the link, which browsers send to nobody: a script puts it into the form.
pub(crate) async fn invitation(guest: Guest) -> Shown {
    show(&guest.frame, &Invitation { f: &guest.frame, token: String::new() })
}

pub(crate) async fn accept(mut guest: Guest, form: Fields) -> Shown {
    let body = json!({"token": form.get("token"), "password": form.get("password")});
    let told: Told<Value> = guest.api.write(Method::POST, &at(&["invitations", "accept"]), &[], &body).await;
    match told {
        Ok(_) => Ok(Redirect::to("/console/login?done=password-set").into_response()),
        Err(problem) => {
            guest.frame.problem = Some(problem);
            show(&guest.frame, &Invitation { f: &guest.frame, token: form.get("token").to_owned() })
        }
    }
}

/// Language and colours, kept by the browser.
pub(crate) async fn prefer(form: Fields) -> Result<Response, Stop> {
    let language = Language::of_tag(form.get("language")).unwrap_or(Language::English);
    let theme = THEMES.into_iter().find(|known| *known == form.get("theme")).unwrap_or(THEMES[0]);
    let kept = [(LANGUAGE, language.tag()), (THEME, theme)].map(|(name, value)| kept(name, value));
    let headers: HeaderMap = kept.into_iter().flatten().collect();
    Ok((headers, Redirect::to(ours(form.get("next")))).into_response())
}

fn kept(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let cookie = format!("{name}={value}; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Lax");
    Some((header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_in_is_led_to_a_page_of_ours() {
        assert_eq!(ours("/console/orders?status=created"), "/console/orders?status=created");
        for foreign in ["", "https://evil.example", "//evil.example", "/consoles", "/console\\evil", "/v1/orders"] {
            assert_eq!(ours(foreign), "/console", "{foreign}");
        }
    }
}
