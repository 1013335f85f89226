//! What stands around every page: who looks at it, in which language, what they may, and what was just done.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use oms_api::{actor::ActorView, person::SessionView, problem::Problem};
use oms_domain::money::{Currency, Money};
use uuid::Uuid;

use crate::{
    assets,
    words::{Language, Value},
};

/// Pages load what is ours and nothing else; nothing in them is run that does not stand in a file.
const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of pages. They say which page of ours asks, or the API would not know that it is one.
pub(crate) async fn guard(mut response: Response) -> Response {
    let referrer = HeaderValue::from_static("same-origin");
    let private = HeaderValue::from_static("private, no-store");
    let headers = response.headers_mut();
    // What is not ours has a stricter one of its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT));
    headers.insert(header::REFERRER_POLICY, referrer);
    headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language, hx-request"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), microphone=(), geolocation=()"));
    headers.entry(header::CACHE_CONTROL).or_insert(private);
    response
}

/// Around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) language: Language,
    /// `light`, `dark`, or what the system has.
    pub(crate) theme: &'static str,
    pub(crate) session: Option<SessionView>,
    /// Path and query of the page itself.
    pub(crate) here: String,
    /// What was just done, by its word.
    pub(crate) done: Option<String>,
    /// Why something was not.
    pub(crate) problem: Option<Box<Problem>>,
    /// Times are shown where the goods are.
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
}

/// An amount in a minor unit, however deep a template has it.
pub(crate) trait Amount {
    fn minor(&self) -> i64;
}

impl Amount for i64 {
    fn minor(&self) -> i64 {
        *self
    }
}

impl<T: Amount> Amount for &T {
    fn minor(&self) -> i64 {
        (*self).minor()
    }
}

/// How many of the least units make each larger one, in seconds.
const SPANS: [(&str, i64); 3] = [("days", 86_400), ("hours", 3_600), ("minutes", 60)];

impl Frame {
    pub(crate) fn t(&self, key: &str) -> String {
        self.language.say(key, &[])
    }

    /// With an argument `x`.
    pub(crate) fn t1(&self, key: &str, x: impl Into<Value>) -> String {
        self.language.say(key, &[("x", x.into())])
    }

    /// With two.
    pub(crate) fn t2(&self, key: &str, x: impl Into<Value>, y: impl Into<Value>) -> String {
        self.language.say(key, &[("x", x.into()), ("y", y.into())])
    }

    /// With a number `n`.
    pub(crate) fn tn(&self, key: &str, n: impl Into<Value>) -> String {
        self.language.say(key, &[("n", n.into())])
    }

    /// A word of the API.
    pub(crate) fn word(&self, kind: &str, value: &str) -> String {
        self.language.word(kind, value)
    }

    pub(crate) fn tag(&self) -> &'static str {
        self.language.tag()
    }

    pub(crate) fn direction(&self) -> &'static str {
        self.language.direction()
    }

    pub(crate) fn languages(&self) -> [Language; 3] {
        Language::ALL
    }

    pub(crate) fn speaks(&self, language: &Language) -> bool {
        self.language == *language
    }

    pub(crate) fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    pub(crate) fn may(&self, permission: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.permissions.iter().any(|known| known == permission))
    }

    pub(crate) fn is_in(&self) -> bool {
        self.session.is_some()
    }

    /// What they are called.
    pub(crate) fn name(&self) -> &str {
        self.session.as_ref().map_or("", |session| session.name.as_deref().unwrap_or(&session.id))
    }

    /// What stands for them where only an id may.
    pub(crate) fn id(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.id)
    }

    /// Whether this page is of that part of the house.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let rest = self.here.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// A key for a form: what is sent twice is done once.
    pub(crate) fn key(&self) -> String {
        Uuid::new_v4().to_string()
    }

    /// An amount as people write it.
    pub(crate) fn money(&self, minor: impl Amount, currency: &str) -> String {
        let known = currency.parse::<Currency>().map(|currency| Money::new(minor.minor(), currency).to_string());
        let text = known.unwrap_or_else(|_| format!("{currency} {}", minor.minor()));
        match (self.language, text.split_once(' ')) {
            (Language::German, Some((code, amount))) => format!("{} {code}", amount.replace('.', ",")),
            _ => text,
        }
    }

    /// The amount alone, as fields of forms have it.
    pub(crate) fn plain(&self, minor: impl Amount, currency: &str) -> String {
        let text = currency.parse::<Currency>().map(|currency| Money::new(minor.minor(), currency).to_string()).unwrap_or_default();
        text.split_once(' ').map(|(_, amount)| amount.to_owned()).unwrap_or_default()
    }

    /// A time, in the zone that it is of, with its name.
    pub(crate) fn time(&self, at: &Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        match self.language {
            Language::German => local.strftime("%d.%m.%Y, %H:%M %Z").to_string(),
            Language::English | Language::Mirrored => local.strftime("%-d %b %Y, %H:%M %Z").to_string(),
        }
    }

    /// A day.
    pub(crate) fn day(&self, at: &Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        match self.language {
            Language::German => local.strftime("%d.%m.%Y").to_string(),
            Language::English | Language::Mirrored => local.strftime("%-d %b %Y").to_string(),
        }
    }

    pub(crate) fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// How long until then, or since: in the largest unit that fits.
    pub(crate) fn away(&self, at: &Timestamp) -> String {
        let seconds = at.as_second() - self.now.as_second();
        let (unit, each) = SPANS.into_iter().find(|(_, each)| seconds.abs() >= *each).unwrap_or(("minutes", 60));
        let key = if seconds < 0 { format!("ago-{unit}") } else { format!("in-{unit}") };
        self.language.say(&key, &[("n", (seconds.abs() / each).into())])
    }

    /// Whether it is so near that somebody should hurry.
    pub(crate) fn is_near(&self, at: &Timestamp) -> bool {
        at.as_second() - self.now.as_second() < 7_200
    }

    /// Who did something, in few words.
    pub(crate) fn actor(&self, actor: &Option<ActorView>) -> String {
        let Some(actor) = actor else { return String::new() };
        if actor.id.as_deref().is_some_and(|id| id == self.id()) {
            return self.t("actor-you");
        }
        let kind = self.word("actor", &actor.kind);
        match (actor.kind.as_str(), &actor.id) {
            ("house", _) | (_, None) => kind,
            (_, Some(id)) => format!("{kind} {}", id.chars().take(16).collect::<String>()),
        }
    }
}

/// A page that could not be shown, or something to do in its place. Boxed: it is as large as it is rare.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Box<Response>);

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Stop {
    pub(crate) fn with(response: impl IntoResponse) -> Self {
        Self(Box::new(response.into_response()))
    }
}

/// What a page answers.
pub(crate) type Shown = Result<Response, Stop>;

/// A page out of its template; one that says why something was not done has that status.
pub(crate) fn show(frame: &Frame, page: &impl askama::Template) -> Shown {
    let status = frame.problem.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok()).unwrap_or(StatusCode::OK);
    match page.render() {
        Ok(html) => Ok((status, Html(html)).into_response()),
        Err(error) => {
            tracing::error!(error.message = %error, "a page could not be made");
            Err(Stop::with(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(language: Language) -> Frame {
        let now = "2026-12-01T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/London").unwrap();
        Frame { language, theme: "auto", session: None, here: "/console/orders?x=1".into(), done: None, problem: None, zone, now }
    }

    #[test]
    fn money_and_times_are_as_people_write_them() {
        let (english, german) = (frame(Language::English), frame(Language::German));
        assert_eq!((english.money(1_530, "GBP"), german.money(1_530, "GBP")), ("GBP 15.30".into(), "15,30 GBP".into()));
        assert_eq!(english.money(1_530, "JPY"), "JPY 1530");
        let at = "2026-07-01T14:05:00Z".parse().unwrap();
        assert_eq!((english.time(&at), german.time(&at)), ("1 Jul 2026, 15:05 BST".into(), "01.07.2026, 15:05 BST".into()));
        let soon = "2026-12-01T14:10:00Z".parse().unwrap();
        assert_eq!((english.away(&soon), german.away(&soon)), ("in 2 hours".into(), "in 2 Stunden".into()));
        assert_eq!(english.away(&"2026-11-28T11:00:00Z".parse().unwrap()), "3 days ago");
    }

    #[test]
    fn a_page_knows_where_it_is() {
        let frame = frame(Language::English);
        assert!(frame.is_at("/console/orders") && !frame.is_at("/console/order") && !frame.is_at("/console/work"));
    }
}
