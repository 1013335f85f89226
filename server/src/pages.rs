//! Pages for people beside the API: made elsewhere, served under one path, behind the same layers as far as they are not the API's own.

use axum::{
    Router,
    http::Extensions,
    middleware::{from_fn_with_state, map_response},
};
use oms_domain::ids::RequestId;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    failure,
    identity::Peer,
    layers::{log, origin, security},
    state::AppState,
};

/// Where pages are.
const PATH: &str = "/console";

/// The API with the pages beside it, if there are any. They ask it in this process, with what their visitor has shown.
pub(crate) fn beside(api: Router, state: &AppState) -> Router {
    let Some(pages) = state.pages else { return api };
    let pages = pages(api.clone(), carry)
        .layer(from_fn_with_state(state.origins.clone(), origin::own))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(map_response(security::tell))
        .layer(from_fn_with_state(state.metrics.clone(), log::log));
    api.nest(PATH, pages)
}

/// Where a page's request comes from, and its id: what it asks is logged under the same.
fn carry(from: &Extensions, to: &mut Extensions) {
    if let Some(peer) = from.get::<Peer>() {
        to.insert(*peer);
    }
    if let Some(id) = from.get::<RequestId>() {
        to.insert(id.clone());
    }
}
