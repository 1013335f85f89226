//! The console: pages for those who support customers, and for those who pick, pack and ship.
//!
//! Architecture invariant: a client of the HTTP API, in the process that serves it. It asks as whoever looks at the page, with what their
//! browser has shown, so that no rule, no permission and no SQL stands here a second time. Every action is a form first: it works without
//! script, and is tested by plain HTTP.

mod api;
mod assets;
mod chart;
mod codes;
mod figures;
mod form;
mod frame;
mod pages;
mod visitor;
mod words;

use axum::{Router, http::Extensions, middleware::map_response};

use crate::api::House;

/// Carries over from a page's request to what it asks what the connection has said of it.
pub type Carry = fn(&Extensions, &mut Extensions);

/// The pages over an API.
pub fn router(api: Router, carry: Carry) -> Router {
    pages::routes().layer(map_response(frame::guard)).with_state(House { api, carry })
}
