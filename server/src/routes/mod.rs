//! Paths and what answers at them.

mod allocation;
mod attention;
mod availability;
mod bulk;
mod cancellations;
mod carrier_events;
mod catalog;
mod changes;
mod claims;
mod decisions;
mod events;
mod exchanges;
mod feeds;
mod fulfillment;
mod health;
mod holds;
mod inbox;
mod money;
mod notes;
mod orders;
mod paging;
mod picklists;
pub(crate) mod promises;
mod reservations;
mod returns;
mod stock;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::Response,
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    failure,
    layers::{body, idempotency, load, log, origin},
    openapi,
    state::AppState,
};

/// Everything with a small body: read whole, bounded in time.
pub(crate) fn small() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(events::of_order))
        .routes(routes!(events::allocation))
        .routes(routes!(events::stream))
        .routes(routes!(cancellations::cancel))
        .routes(routes!(cancellations::get))
        .routes(routes!(changes::change))
        .routes(routes!(changes::get))
        .routes(routes!(changes::cancel))
        .routes(routes!(notes::write, notes::list))
        .routes(routes!(holds::place))
        .routes(routes!(holds::release))
        .routes(routes!(holds::deadlines))
        .routes(routes!(holds::extend))
        .routes(routes!(money::refund))
        .routes(routes!(money::add_payment))
        .routes(routes!(money::resolve_payment))
        .routes(routes!(decisions::decide))
        .routes(routes!(decisions::resolve))
        .routes(routes!(attention::list))
        .routes(routes!(attention::retry))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::retry))
        .routes(routes!(fulfillment::list))
        .routes(routes!(fulfillment::get))
        .routes(routes!(fulfillment::act))
        .routes(routes!(picklists::create))
        .routes(routes!(claims::open))
        .routes(routes!(claims::get))
        .routes(routes!(claims::answer))
        .routes(routes!(exchanges::start))
        .routes(routes!(exchanges::get))
        .routes(routes!(returns::open, returns::list))
        .routes(routes!(returns::get))
        .routes(routes!(returns::events))
        .routes(routes!(returns::deadlines))
        .routes(routes!(returns::extend))
        .routes(routes!(returns::act))
        .routes(routes!(catalog::get_facility, catalog::put_facility))
        .routes(routes!(catalog::get_product, catalog::put_product))
        .routes(routes!(stock::get))
        .routes(routes!(stock::put))
        .routes(routes!(stock::adjust))
        .routes(routes!(stock::take_back_count))
        .routes(routes!(stock::movements))
        .routes(routes!(availability::ask))
        .routes(routes!(promises::promise))
        .routes(routes!(reservations::hold))
        .routes(routes!(reservations::get, reservations::extend, reservations::release))
        .routes(routes!(allocation::pool))
        .routes(routes!(allocation::stock_prices))
        .routes(routes!(bulk::start, bulk::list))
        .routes(routes!(bulk::get))
        .routes(routes!(bulk::results))
        .routes(routes!(bulk::act))
        .routes(routes!(carrier_events::accept))
        .routes(routes!(feeds::list))
        .routes(routes!(feeds::get))
        .routes(routes!(feeds::rejects))
        .routes(routes!(feeds::decide))
}

/// Feeds are streamed: no bound on their size, and none on their time but that their sender goes on.
pub(crate) fn streamed() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(feeds::send))
}

/// Always answered, however busy the server is.
pub(crate) fn probes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
}

/// The whole API with its layers.
pub fn router(state: AppState) -> Router {
    let (small, _) = small().split_for_parts();
    let (streamed, _) = streamed().split_for_parts();
    let (probes, _) = probes().split_for_parts();
    // The layer added last is the outermost.
    let small = small
        // `body::whole` has the bound: the extractor's own, of 2 MB, would refuse what it let in.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), idempotency::by_body))
        // Who is still sending holds no place that others could have.
        .layer(from_fn_with_state(Arc::clone(&state.requests), load::shed))
        .layer(from_fn_with_state(state.clone(), body::whole))
        .layer(from_fn_with_state(state.limits.request_deadline, load::deadline))
        .layer(map_response(private));
    let streamed = streamed
        .layer(from_fn_with_state(state.clone(), idempotency::by_stream))
        .layer(from_fn_with_state(Arc::clone(&state.feeds), load::shed));
    Router::new()
        .merge(small)
        .merge(streamed)
        .merge(probes)
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .layer(from_fn(origin::own))
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(from_fn_with_state(state.metrics.clone(), log::log))
        .with_state(state)
}

/// Answers may show people's names: no cache between us and the caller keeps them, and no browser guesses what they are.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
