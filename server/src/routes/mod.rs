//! Paths and what answers at them.

mod accounts;
mod actions;
mod allocation;
mod approvals;
mod attention;
mod audit;
mod availability;
mod barcodes;
mod bench;
mod bulk;
mod cancellations;
mod carrier_events;
mod catalog;
mod changes;
mod claims;
mod closed_days;
mod customers;
mod decisions;
mod docs;
mod endpoints;
mod events;
mod exceptions;
mod exchanges;
mod feeds;
mod find;
mod fulfillment;
mod health;
mod holds;
mod inbox;
mod inlets;
mod insights;
mod labels;
mod live;
mod manifests;
mod money;
mod notes;
mod orders;
mod paging;
mod parts;
mod people;
mod picklists;
mod possible;
pub(crate) mod promises;
mod providers;
mod queues;
mod reservations;
mod returns;
mod sessions;
mod stations;
mod stock;
mod webhooks;

pub(crate) use self::paging::{cursor as paging_cursor, limit as paging_limit};

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::Response,
};
use oms_domain::access::Permission as P;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa_axum::routes;

use crate::{
    doors::{
        Doors,
        Narrowed::{ByNothing, Refused, ToBoth, ToChannels, ToFacilities},
        Need, Needs,
    },
    failure,
    layers::{body, etag, free_texts, idempotency, identity, load, log, origin, pace, security},
    openapi, pages,
    state::AppState,
};

/// Placing an order. Keys: the answer is kept with the intake's announcement.
pub(crate) fn placing() -> Doors {
    Doors::new().door(Need::of(P::PlaceOrders, ToChannels), routes!(orders::place))
}

/// Commands that say all there is to say of them. Keys: the order knows them. Not those that bring what a command does not carry (addresses,
/// tokens), or whose ids follow from what is there: two bodies could be one command, or one body two.
pub(crate) fn commands() -> Doors {
    let actions = claims::actions(fulfillment::actions(Doors::new()));
    actions
        .door(Need::of(P::CancelOrders, ToBoth), routes!(cancellations::cancel))
        .door(Need::of(P::ChangeOrders, ToBoth), routes!(changes::cancel))
        .door(Need::of(P::HoldOrders, ToBoth), routes!(holds::place))
        .door(Need::of(P::HoldOrders, ToBoth), routes!(holds::release))
        .door(Need::of(P::ExtendDeadlines, ToBoth), routes!(holds::extend))
        .door(Need::of(P::RefundOrders, ToBoth), routes!(money::refund))
        .door(Need::of(P::ResolvePayments, ToBoth), routes!(money::resolve_payment))
        .door(Need::of(P::DecideOrders, ToBoth), routes!(decisions::decide))
        .door(Need::of(P::DecideOrders, ToBoth), routes!(decisions::resolve))
        .door(Need::of(P::HandleAttention, ToBoth), routes!(labels::resolve))
        .door(Need::of(P::HandleAttention, ToBoth), routes!(attention::retry))
}

/// Everything with a small body: read whole, bounded in time. Keys: the answer to what was done is kept.
pub(crate) fn small() -> Doors {
    let actions = feeds::actions(bulk::actions(returns::actions(approvals::actions(Doors::new()))));
    parts::parts(actions)
        .door(Need::of(P::FindOrders, ToBoth), routes!(orders::list))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(orders::get))
        .door(Need::of(P::Find, ToBoth), routes!(find::find))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(possible::list))
        .door(Need::of(P::FindOrders, ToBoth), routes!(customers::get))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(events::of_order))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(events::allocation))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(cancellations::get))
        .door(Need::of(P::ChangeOrders, ToBoth), routes!(changes::change))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(changes::get))
        .door(Need::of(P::NoteOrders, ToBoth), routes!(notes::write, notes::list))
        .door(Need::of(P::NoteOrders, ToBoth), routes!(notes::get))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(holds::deadlines))
        .door(Need::of(P::TakePayments, ToBoth), routes!(money::add_payment))
        .door(Need::of(P::HandleAttention, ToBoth), routes!(attention::list))
        .door(Need::of(P::HandleAttention, ToBoth), routes!(exceptions::list))
        .door(Need::of(P::HandleDeadLetters, Refused), routes!(inbox::list))
        .door(Need::of(P::HandleDeadLetters, Refused), routes!(inbox::retry))
        .door(Need::of(P::ReadFulfillment, ToBoth), routes!(fulfillment::list))
        .door(Need::of(P::ReadFulfillment, ToBoth), routes!(fulfillment::get))
        .door(Need::of(P::PrintLabels, ToBoth), routes!(labels::print))
        .door(Need::of(P::PrintLabels, ToBoth), routes!(labels::prints))
        .door(Need::of(P::PrintLabels, ToBoth), routes!(labels::print_of_return))
        .door(Need::of(P::ReadFulfillment, ToBoth), routes!(queues::get))
        .door(Need::of(P::ReadFulfillment, ToBoth), routes!(bench::get))
        .door(Need::of(P::WorkFulfillment, ToBoth), routes!(bench::scan))
        .door(Need::of(P::WorkFulfillment, ToBoth), routes!(picklists::walk))
        .door(Need::of(P::WorkFulfillment, ToBoth), routes!(picklists::create, picklists::list))
        .door(Need::of(P::WorkFulfillment, ToBoth), routes!(picklists::get))
        .door(Need::of(P::WorkFulfillment, ToFacilities), routes!(manifests::waiting))
        .door(Need::of(P::WorkFulfillment, ToFacilities), routes!(manifests::scan))
        .door(Need::of(P::WorkFulfillment, ToFacilities), routes!(manifests::list))
        .door(Need::of(P::WorkFulfillment, ToFacilities), routes!(manifests::get))
        .door(Need::of(P::WorkFulfillment, ToFacilities), routes!(manifests::close))
        .door(Need::of(P::OpenClaims, ToBoth), routes!(claims::open))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(claims::get))
        .door(Need::of(P::StartExchanges, ToBoth), routes!(exchanges::start))
        .door(Need::of(P::ReadOrders, ToBoth), routes!(exchanges::get))
        .door(Need::of(P::OpenReturns, ToBoth), routes!(returns::open))
        .door(Need::of(P::ReadReturns, ToBoth), routes!(returns::list))
        .door(Need::of(P::ReadReturns, ToBoth), routes!(returns::get))
        .door(Need::of(P::ReadReturns, ToBoth), routes!(returns::events))
        .door(Need::of(P::ReadReturns, ToBoth), routes!(returns::deadlines))
        .door(Need::of(P::ExtendDeadlines, ToBoth), routes!(returns::extend))
        .door(Need::of(P::ReadCatalog, ToFacilities), routes!(catalog::list_facilities))
        .door(Need::of(P::ReadCatalog, ToFacilities), routes!(catalog::get_facility))
        .door(Need::of(P::WriteFacilities, ToFacilities), routes!(catalog::put_facility))
        .door(Need::of(P::ReadCatalog, ToFacilities), routes!(closed_days::list))
        .door(Need::of(P::WriteFacilities, ToFacilities), routes!(closed_days::close, closed_days::open))
        .door(Need::of(P::ReadCatalog, ToFacilities), routes!(catalog::get_facility_address))
        .door(Need::of(P::WriteFacilities, ToFacilities), routes!(catalog::put_facility_address))
        .door(Need::of(P::ReadCatalog, ByNothing), routes!(catalog::list_products))
        .door(Need::of(P::ReadCatalog, ByNothing), routes!(catalog::get_product))
        .door(Need::of(P::WriteProducts, Refused), routes!(catalog::put_product))
        .door(Need::of(P::ReadCatalog, ByNothing), routes!(barcodes::of_product))
        .door(Need::of(P::ReadCatalog, ByNothing), routes!(barcodes::find))
        .door(Need::of(P::WriteProducts, Refused), routes!(barcodes::put))
        .door(Need::of(P::WriteStock, ToFacilities), routes!(barcodes::put_bin))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(barcodes::get_bin))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(stock::list))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(stock::get))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(stock::of_sku))
        .door(Need::of(P::WriteStock, ToFacilities), routes!(stock::put))
        .door(Need::of(P::WriteStock, ToFacilities), routes!(stock::adjust))
        .door(Need::of(P::WriteStock, ToFacilities), routes!(stock::take_back_count))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(stock::movements))
        .door(Need::of(P::AskPromises, ToChannels), routes!(availability::ask))
        .door(Need::of(P::AskPromises, ToChannels), routes!(promises::promise))
        .door(Need::of(P::ReserveStock, ToChannels), routes!(reservations::hold))
        .door(Need::of(P::ReadStock, ToFacilities), routes!(reservations::list))
        .door(Need::of(P::ReserveStock, ToChannels), routes!(reservations::get, reservations::extend, reservations::release))
        .door(Need::of(P::AllocateOrders, Refused), routes!(allocation::pool))
        .door(Need::of(P::AllocateOrders, Refused), routes!(allocation::stock_prices))
        .door(Need::of(P::RunBulk, Refused), routes!(bulk::start, bulk::list))
        .door(Need::of(P::RunBulk, Refused), routes!(bulk::get))
        .door(Need::of(P::RunBulk, Refused), routes!(bulk::results))
        .door(Need::of(P::SendCarrierEvents, ByNothing), routes!(carrier_events::accept))
        .door(Need::of(P::ReadFeeds, Refused), routes!(feeds::list))
        .door(Need::of(P::ReadFeeds, Refused), routes!(feeds::get))
        .door(Need::of(P::ReadFeeds, Refused), routes!(feeds::rejects))
        .door(Need::of(P::ManageAccounts, Refused), routes!(accounts::create, accounts::list))
        .door(Need::of(P::ManageAccounts, Refused), routes!(accounts::get))
        .door(Need::of(P::ManageAccounts, Refused), routes!(accounts::create_key))
        .door(Need::of(P::ManageAccounts, Refused), routes!(accounts::revoke_key))
        .door(Need::of(P::DecideApprovals, Refused), routes!(approvals::list))
        .door(Need::of(P::DecideApprovals, Refused), routes!(approvals::get))
        .door(Need::of(P::ManageLimits, Refused), routes!(approvals::limits))
        .door(Need::of(P::ManageLimits, Refused), routes!(approvals::put_limit))
        .door(Need::of(P::ManagePeople, Refused), routes!(people::create, people::list))
        .door(Need::of(P::ManagePeople, Refused), routes!(people::get, people::change))
        .door(Need::of(P::ManagePeople, Refused), routes!(people::invite))
        .door(Need::of(P::ManageStations, ToFacilities), routes!(stations::create, stations::list))
        .door(Need::of(P::ManageStations, ToFacilities), routes!(stations::get, stations::remove))
        .door(Need::of(P::ManageStations, ToFacilities), routes!(stations::give_badge))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::list))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::get))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::waits))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::pause))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::resume))
        .door(Need::of(P::ManageAdapters, Refused), routes!(providers::drain))
        .door(Need::of(P::ReadAudit, Refused), routes!(audit::list))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(endpoints::create))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(endpoints::list))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(endpoints::get))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(endpoints::change, endpoints::remove))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(endpoints::pause))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(endpoints::resume))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(endpoints::test))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(endpoints::replay))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(endpoints::rotate))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(endpoints::end_secret))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(endpoints::deliveries))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(endpoints::dead_letters))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(endpoints::resend))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(endpoints::explain))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(inlets::create))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(inlets::list))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(inlets::get))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(inlets::remove))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(inlets::put_mapping))
        .door(Need::of(P::ManageEndpoints, Refused), routes!(inlets::rotate))
        .door(Need::of(P::ReadEndpoints, Refused), routes!(inlets::messages))
        .door(Need::of(P::OperateEndpoints, Refused), routes!(inlets::retry))
        .door(Need::of(P::ReadInsights, ByNothing), routes!(insights::catalogue))
        .door(Need::of(P::ReadInsights, ToBoth), routes!(insights::live))
        .door(Need::of(P::ReadInsights, ToBoth), routes!(insights::summary))
        .door(Need::of(P::ReadInsights, ToBoth), routes!(insights::get))
        .door(Need::of(P::ReadInsights, ToBoth), routes!(insights::orders))
        .door(Need::of(P::RebuildInsights, Refused), routes!(insights::rebuild))
}

/// What other systems and open pages follow: nothing in it is for them to read that somebody has written about an order.
pub(crate) fn published() -> Doors {
    Doors::new().door(Need::of(P::ReadEvents, Refused), routes!(events::stream)).door(Need::of(P::Find, ToBoth), routes!(live::listen))
}

/// Where people come in and go out, and companies say what they say unasked: these say themselves who may, and no key makes them repeatable, since their answers are secrets.
pub(crate) fn entrance() -> Doors {
    Doors::new()
        .open(routes!(sessions::log_in))
        .open(routes!(sessions::current, sessions::log_out))
        .open(routes!(sessions::accept_invitation))
        .open(routes!(stations::take_over))
        .open(routes!(webhooks::receive))
        .open(routes!(inlets::send))
}

/// Feeds are streamed: no bound on their size, and none on their time but that their sender goes on.
pub(crate) fn streamed() -> Doors {
    Doors::new()
        .door(Need::of(P::SendFeeds, Refused), routes!(feeds::send_facilities))
        .door(Need::of(P::SendFeeds, Refused), routes!(feeds::send_products))
        .door(Need::of(P::SendFeeds, Refused), routes!(feeds::send_stock))
        .door(Need::of(P::SendFeeds, Refused), routes!(feeds::send_receipts))
        .door(Need::of(P::PlaceOrders, Refused), routes!(feeds::send_orders))
}

/// Always answered, however busy the server is.
pub(crate) fn probes() -> Doors {
    Doors::new()
        .open(routes!(health::healthz))
        .open(routes!(health::readyz))
        .open(routes!(openapi::document))
        .door(Need::of(P::ReadMetrics, ByNothing), routes!(health::metrics))
}

/// The whole API with its layers.
pub fn router(state: AppState) -> Router {
    let (placing, needs_of_placing) = placing().into_parts();
    let (commands, needs_of_commands) = commands().into_parts();
    let (small, needs_of_small) = small().into_parts();
    let (published, needs_of_published) = published().into_parts();
    let (entrance, needs_of_entrance) = entrance().into_parts();
    let (streamed, needs_of_streamed) = streamed().into_parts();
    let (probes, needs_of_probes) = probes().into_parts();
    let needs = [needs_of_commands, needs_of_small, needs_of_published, needs_of_entrance, needs_of_streamed, needs_of_probes];
    let needs = needs.into_iter().fold(needs_of_placing, Needs::merge);
    let keeper = Arc::new(identity::Doorkeeper { state: state.clone(), needs });
    // The layer added last is the outermost.
    let small = small
        .layer(from_fn_with_state(state.clone(), idempotency::by_body))
        .merge(placing.layer(from_fn_with_state(state.clone(), idempotency::by_intake)))
        .merge(commands.layer(from_fn(idempotency::by_order)))
        .layer(from_fn_with_state(state.clone(), free_texts::show))
        .merge(published)
        .merge(entrance)
        .layer(from_fn(etag::tag))
        // `body::whole` has the bound: the extractor's own, of 2 MB, would refuse what it let in.
        .layer(DefaultBodyLimit::disable())
        // Who is still sending holds no place that others could have.
        .layer(from_fn_with_state(Arc::clone(&state.requests), load::shed))
        .layer(from_fn_with_state(state.clone(), body::whole))
        .layer(from_fn_with_state(state.limits.request_deadline, load::deadline))
        .layer(map_response(private));
    let streamed = streamed
        .layer(from_fn_with_state(state.clone(), idempotency::by_stream))
        .layer(from_fn_with_state(Arc::clone(&state.feeds), load::shed));
    let mut routes = Router::new()
        .merge(small)
        .merge(streamed)
        .merge(probes)
        .merge(docs::pages())
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .layer(from_fn_with_state(state.pace.clone(), pace::keep));
    for _ in 0..if state.is_locked_twice { 2 } else { 1 } {
        routes = routes.layer(from_fn_with_state(Arc::clone(&keeper), identity::admit));
    }
    let routes = routes.layer(from_fn_with_state(state.origins.clone(), origin::own)).layer(CatchPanicLayer::custom(failure::panicked));
    let routes = match state.origins.layer() {
        Some(pages) => routes.layer(pages),
        None => routes,
    };
    let routes = routes.layer(map_response(security::tell)).layer(from_fn_with_state(state.metrics.clone(), log::log));
    let routes = pages::beside(routes.with_state(state.clone()), &state);
    // Outermost, since others write bodies, too. A tag names what is read, however it travels: no ranges are served that somebody could put
    // together.
    routes.layer(CompressionLayer::new())
}

/// Answers may show people's names: no cache between us and the caller keeps them.
async fn private(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
