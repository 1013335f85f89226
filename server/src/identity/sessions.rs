//! Sessions of people: what a browser shows in a cookie, and anything else as a bearer.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header};

use crate::layers::origin;

/// Only ever sent back over TLS, to the host that set it, for all of its paths.
const COOKIE: &str = "__Host-oms_session";
/// The same where there is no TLS: on one's own machine.
const PLAIN_COOKIE: &str = "oms_session";

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What a request shows of who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// A key, or a session of somebody without a browser.
    Bearer(&'a str),
    Cookie(&'a str),
}

impl<'a> Credential<'a> {
    /// The one that there is. A browser sends a cookie whoever has made it ask, so that a page of somebody else's is none.
    pub(crate) fn of(headers: &'a HeaderMap, method: &Method) -> Option<Self> {
        if headers.contains_key(header::AUTHORIZATION) {
            return bearer(headers).map(Self::Bearer);
        }
        session_cookie(headers).filter(|_| origin::is_own_page(headers, method)).map(Self::Cookie)
    }

    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Bearer(text) | Self::Cookie(text) => text,
        }
    }
}

/// What the one header says, without the scheme, whose case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, none) = (values.next()?.to_str().ok()?, values.next().is_none());
    let (scheme, credential) = value.split_once(' ')?;
    (none && scheme.eq_ignore_ascii_case("bearer")).then(|| credential.trim_start_matches(' '))
}

/// One of two such cookies may be of somebody else's making: then neither counts.
fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| [COOKIE, PLAIN_COOKIE].contains(name)).map(|(_, value)| value);
    let first = ours.next();
    first.filter(|_| ours.next().is_none())
}

/// Whether a browser has asked: it is given a cookie, which no script can read, and nothing else.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
}

/// The cookie that sets, or without a token ends, a browser's session.
pub(crate) fn set_cookie(headers: &HeaderMap, token: Option<&str>) -> String {
    let is_tls = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).is_some_and(|origin| origin.starts_with("https://"));
    let (name, secure) = if is_tls { (COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let end = if token.is_none() { "; Max-Age=0" } else { "" };
    format!("{name}={}; Path=/; HttpOnly; SameSite=Strict{secure}{end}", token.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn read(pairs: &[(&'static str, &str)]) -> Option<String> {
        Credential::of(&headers(pairs), &Method::GET).map(|found| found.text().to_owned())
    }

    #[test]
    fn one_header_has_one_credential() {
        assert_eq!(read(&[("authorization", "Bearer x")]).as_deref(), Some("x"));
        assert_eq!(read(&[("authorization", "bearer  x")]).as_deref(), Some("x"));
        for wrong in [&[][..], &[""], &["Bearer"], &["Basic x"], &["x"], &["Bearer x", "Bearer x"]] {
            let pairs: Vec<_> = wrong.iter().map(|value| ("authorization", *value)).collect();
            assert_eq!(read(&pairs), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_counts_where_nothing_else_is_shown_and_there_is_one() {
        assert_eq!(read(&[("cookie", "a=b; __Host-oms_session=x; c=d")]).as_deref(), Some("x"));
        assert_eq!(read(&[("cookie", "oms_session=x"), ("authorization", "Basic x")]), None);
        for wrong in ["oms_session2=x", "a=oms_session", "oms_session=x; oms_session=y", "oms_session=x; __Host-oms_session=y"] {
            assert_eq!(read(&[("cookie", wrong)]), None, "{wrong}");
        }
    }

    #[test]
    fn a_cookie_changes_nothing_for_a_page_of_somebody_elses() {
        let sent = |pairs: &[(&'static str, &str)]| {
            let own = [("host", "oms.example"), ("cookie", "oms_session=x")];
            Credential::of(&headers(&[&own[..], pairs].concat()), &Method::POST).is_some()
        };
        assert!(sent(&[("origin", "https://oms.example")]) && sent(&[("sec-fetch-site", "same-origin")]));
        assert!(!sent(&[]), "a browser says which page asks");
        assert!(!sent(&[("origin", "https://evil.example")]) && !sent(&[("origin", "null")]));
        assert!(!sent(&[("origin", "https://oms.example"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn over_tls_the_cookie_is_the_hosts_alone() {
        let at = |origin: &str, token| set_cookie(&headers(&[("origin", origin)]), token);
        assert_eq!(at("https://oms.example", Some("x")), "__Host-oms_session=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(at("http://localhost:8080", Some("x")), "oms_session=x; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(at("http://localhost:8080", None), "oms_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
