//! What has changed of what a page shows: the API's stream, as it comes.

use axum::{
    body::Body,
    extract::Query,
    http::{Method, header},
    response::Response,
};
use serde::Deserialize;

use crate::{
    api::{at, with_query},
    visitor::Guest,
};

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    topics: String,
}

/// Whoever is not in is told so, and not led anywhere: no person reads this.
pub(crate) async fn stream(guest: Guest, Query(Asked { topics }): Query<Asked>) -> Response {
    let path = with_query(&at(&["live"]), &[("topics", &topics)]);
    guest.api.send(Method::GET, &path, &[(header::ACCEPT, "text/event-stream")], Body::empty()).await
}
