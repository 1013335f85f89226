//! What happened: to one order, to all of them, and why stock was taken where it was.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use oms_api::{
    event::{AllocationView, EventView, StreamEventView},
    page::{Page, StreamPage},
    reader::{Fields, integer, text},
};
use oms_domain::{ids::OrderId, public_event::PublicType};
use oms_store::{LANES, PublicFilter};

use super::paging::{after_number, cursor, last_of_full, limit};
use crate::{
    convert,
    extract::{InPath, Params},
    failure::Failure,
    state::AppState,
    views,
};

/// Longest list of types in one question.
const TYPES_MAX_CHARS: usize = 2_000;

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/events", tag = "events", operation_id = "list_order_events",
    params(
        ("order_id" = String, Path), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<u64>, Query, description = "The sequence number after which to go on")
    ),
    responses((status = 200, description = "The order's timeline, oldest first", body = Page<EventView>))
)]
pub(crate) async fn of_order(
    State(state): State<AppState>,
    InPath(order_id): InPath<OrderId>,
    params: Params,
) -> Result<Json<Page<EventView>>, Failure> {
    let (limit, after) = after_number(&params)?;
    views::existing(&state, &order_id).await?;
    let events = state.store.events(&order_id, after, limit).await?;
    let next_cursor = last_of_full(&events, limit).map(|last| last.seq.to_string());
    Ok(Json(Page::new(events.into_iter().map(|event| convert::event(order_id.as_str(), event)).collect(), next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/allocation", tag = "events", operation_id = "list_allocations", params(("order_id" = String, Path)),
    responses((status = 200, description = "Every decision of sourcing: inputs, plan, cost, and why each other facility was not chosen", body = Page<AllocationView>))
)]
pub(crate) async fn allocation(
    State(state): State<AppState>,
    InPath(order_id): InPath<OrderId>,
) -> Result<Json<Page<AllocationView>>, Failure> {
    views::existing(&state, &order_id).await?;
    let decisions = state.store.decisions(&order_id).await?;
    Ok(Json(Page::whole(decisions.into_iter().map(convert::allocation).collect())))
}

#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "list_events",
    params(
        ("cursor" = Option<String>, Query, description = "The position after which to go on; from the beginning unless said. \
            `end`: nothing of what was, `next_cursor` is where to wait for what comes"),
        ("types" = Option<String>, Query, description = "Types of events, separated by commas; all unless said"),
        ("lane" = Option<u8>, Query, description = "For 16 readers side by side, 0 to 15: all events of a subject are in one. All lanes unless said"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said")
    ),
    responses((status = 200, description = "The events for others, of orders, returns, stock and feeds: at least once, in order for each subject. \
        A page may have fewer than `limit` and still not be the last: go on at `next_cursor`, which moves on also where nothing was found. \
        `events.restored` says that events after a position may be lost. `webhooks` has every type", body = StreamPage<StreamEventView>))
)]
pub(crate) async fn stream(State(state): State<AppState>, params: Params) -> Result<Json<StreamPage<StreamEventView>>, Failure> {
    let (after, filter, limit) = params.read(|node| {
        node.object(|fields| {
            let (after, limit, lane) = (cursor(fields), limit(fields), fields.optional("lane", integer(0..=i64::from(LANES) - 1)));
            let filter = PublicFilter { types: types(fields)?, lane: lane?.and_then(|lane| u8::try_from(lane).ok()) };
            Some((after?, filter, limit?))
        })
    })?;
    let page = state.store.public_events_after(after.as_deref(), &filter, limit).await?;
    let items = page.events.into_iter().map(convert::stream_event).collect();
    Ok(Json(StreamPage { items, next_cursor: page.next, has_more: page.has_more }))
}

/// `?types=`: each must be one that there is, or nothing would ever be found.
fn types(fields: &Fields<'_>) -> Option<BTreeSet<PublicType>> {
    let types = fields.optional("types", text(TYPES_MAX_CHARS))?.unwrap_or_default();
    let names = types.split(',').map(str::trim).filter(|name| !name.is_empty());
    match names.map(|name| PublicType::named(name).ok_or(name)).collect() {
        Ok(types) => Some(types),
        Err(unknown) => fields.error("types", format!("{unknown} is not a type of event; docs/events.md lists them")),
    }
}
