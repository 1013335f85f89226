//! Who is let in beside the accounts of the database, from which pages, and how often.

use std::{fmt, str::FromStr};

use axum::http::{HeaderName, HeaderValue, Method, Uri};
use oms_outlets::{Cloud, Guard};
use serde::Deserialize;
use tower_http::cors::CorsLayer;

use crate::{identity::DeclaredAccounts, proxies::TrustedProxies, webhooks::Webhooks};

/// What the configuration says of the door.
#[derive(Clone, Default)]
pub struct Door {
    pub accounts: DeclaredAccounts,
    pub origins: Origins,
    /// Who is believed when they say whom they speak for.
    pub proxies: TrustedProxies,
    /// Requests a second that an account may make on end; twice as many after a pause. None: the house's own bound.
    pub account_requests_per_second: Option<u32>,
    /// Who reads what companies outside say unasked.
    pub webhooks: Webhooks,
    /// When so few units of a position, or fewer, can still be promised, others are told. None: the house's own bound.
    pub stock_low_units: Option<u32>,
    /// Where events may be sent.
    pub outlets: Guard,
    /// How Amazon's services are reached, and what of them may be named.
    pub cloud: Cloud,
}

/// Pages of other origins that may call the API from browsers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origins(Vec<String>);

/// A text is no list of origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no origin: expected something like https://shop.example, several separated by commas")]
pub struct InvalidOrigin(String);

impl Origins {
    pub(crate) fn have(&self, origin: &str) -> bool {
        self.0.iter().any(|known| known == origin)
    }

    /// What tells browsers so. With none there is nothing to tell.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let origins: Vec<HeaderValue> = self.0.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        let named = |names: &[&'static str]| names.iter().copied().map(HeaderName::from_static).collect::<Vec<_>>();
        let is_any = !origins.is_empty();
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(named(&[
                "authorization",
                "content-type",
                "if-match",
                "if-none-match",
                "idempotency-key",
                "prefer",
                "x-request-id",
            ]))
            .expose_headers(named(&[
                "etag",
                "location",
                "retry-after",
                "idempotency-replayed",
                "ratelimit",
                "ratelimit-policy",
                "x-request-id",
            ]));
        is_any.then_some(layer)
    }
}

impl FromStr for Origins {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let origin = |text: &str| {
            let parsed = text.parse::<Uri>().ok();
            let is_origin =
                parsed.is_some_and(|uri| uri.scheme().is_some() && uri.authority().is_some() && uri.path() == "/" && !text.ends_with('/'));
            if is_origin { Ok(text.to_owned()) } else { Err(InvalidOrigin(text.to_owned())) }
        };
        let given = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        Ok(Self(given.map(origin).collect::<Result<_, _>>()?))
    }
}

impl TryFrom<String> for Origins {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_one_by_one() {
        let origins: Origins = "https://shop.example, http://localhost:3000".parse().unwrap();
        assert!(origins.have("https://shop.example") && origins.have("http://localhost:3000") && !origins.have("https://evil.example"));
        for wrong in ["shop.example", "https://shop.example/", "https://shop.example/a", "*", "null"] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
        assert_eq!("".parse(), Ok(Origins::default()));
    }
}
