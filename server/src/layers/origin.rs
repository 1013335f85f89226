//! A browser says which page a request comes from. A page of somebody else's must not place, change or cancel anything here.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;

use crate::{door::Origins, failure::Failure};

/// What a browser says of the page that asks: <https://www.w3.org/TR/fetch-metadata/>.
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a browser sends for a page of another origin; other clients say neither and pass, and so do pages that may.
pub(crate) async fn own(State(others): State<Origins>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) || is_known(request.headers(), &others) {
        return next.run(request).await;
    }
    let detail = "a page of another origin may not change anything here";
    Failure::from(Problem::new(ErrorCode::ForeignOrigin).detail(detail)).into_response()
}

/// Whether a browser has said that a page of ours asks. Of what changes nothing it need not say so: reading is guarded by who may read the
/// answer.
pub(crate) fn is_own_page(headers: &HeaderMap, method: &Method) -> bool {
    let has_said = headers.contains_key(header::ORIGIN) || headers.contains_key(&FETCH_SITE);
    is_own(headers) && (has_said || method.is_safe())
}

/// Whether the page is of one of the origins that the configuration names.
fn is_known(headers: &HeaderMap, others: &Origins) -> bool {
    headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).is_some_and(|origin| others.have(origin))
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let same_site = text(&FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let same_origin = text(&header::ORIGIN).is_none_or(|origin| {
        let host = origin.parse::<Uri>().ok().and_then(|origin| Some(origin.authority()?.as_str().to_owned()));
        host.is_some() && host.as_deref() == text(&header::HOST)
    });
    same_site && same_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &str)]) -> bool {
        is_own(&pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect())
    }

    #[test]
    fn pages_of_others_are_told_apart() {
        let host = ("host", "127.0.0.1:8080");
        assert!(own(&[host]), "no browser");
        assert!(own(&[host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&[host, ("sec-fetch-site", "none")]), "typed into the address bar");
        for origin in ["https://evil.example", "null", "http://127.0.0.1:8081", "http://127.0.0.1", ""] {
            assert!(!own(&[host, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(!own(&[host, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
