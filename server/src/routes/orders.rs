//! Placing orders, reading them, and finding them.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use oms_api::{
    order::{OrderSummary, OrderView, body::OrderBody, external_id, order},
    page::Page,
    reader::{Fields, Node, boolean, choice, name, parsed, text, timestamp, tracking_number},
};
use oms_domain::{
    access::Scope,
    ids::OrderId,
    order::{HoldReason, OrderStatus},
};
use oms_starter::Placed;
use oms_store::{OrderFilter, OrderName};

use super::paging::{cursor, expand, limit_of};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{CommandId, InPath, JsonBody, Params, PreferredWait},
    failure::Failure,
    layers::{
        etag::Version,
        idempotency::{self, Under},
    },
    placing,
    state::AppState,
    views::{self, Shown},
};

#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", operation_id = "place_order", request_body = OrderBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=5`: answer once the order is authorized and sourced, or refused, at most so many seconds later")),
    responses(
        (status = 201, description = "Taken in, for good", body = OrderView, headers(("Location" = String, description = "Where the order is read"))),
        (status = 200, description = "Was taken in before, with this very body", body = OrderView),
    )
)]
pub(crate) async fn place(
    Acting(state): Acting,
    caller: Caller,
    wait: Option<PreferredWait>,
    Under(key): Under,
    id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    // Of an account's key always the same one: what has no key must have a name, or it could be placed twice.
    let made_up = (!id.is_new).then(|| id.made_up().to_string());
    let placed = body.read(|node| order(node, made_up.as_deref()))?;
    caller.refuse_placing(&placed)?;
    let shown = Shown::Order(placed.order_id.clone());
    let location = format!("/v1/orders/{}", placed.order_id);
    let (outcome, is_repeat) = match &key {
        Some(key) => placing::place_under(&state, key.answered(&shown, &location).as_placing(), placed.clone()).await?,
        None => (placing::place(&state, placed.clone()).await?, false),
    };
    if let Some(wait) = &wait {
        state.starter.wait_until_sourced(&placed.order_id, wait.0.min(state.limits.prefer_wait_max)).await?;
    }
    let mut response = match (outcome, &wait) {
        // Nothing has been recorded of it yet: there is nothing to read.
        (Placed::Created, None) if !is_repeat => shown.answer(OrderView::of(&placed, None, &BTreeMap::new())),
        _ => views::show(&state, &shown).await?,
    };
    *response.status_mut() = match outcome {
        Placed::Created => StatusCode::CREATED,
        Placed::Existing => StatusCode::OK,
    };
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&location) {
        headers.insert(header::LOCATION, location);
    }
    if is_repeat {
        idempotency::mark_repeated(headers);
    }
    if wait.is_some() {
        headers.insert("preference-applied", HeaderValue::from_static("wait"));
    }
    Ok(response)
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}", tag = "orders", operation_id = "get_order", params(("order_id" = String, Path)),
    responses((status = 200, description = "The order as placed, and what has become of it", body = OrderView,
        headers(("ETag" = String, description = "Begins with the order's version: good for `If-Match` of a change"))))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    InPath(order_id): InPath<OrderId>,
) -> Result<(Extension<Version>, Json<OrderView>), Failure> {
    let view = views::order(&state, &order_id).await?;
    Ok((Extension(Version(view.version)), Json(view)))
}

#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", operation_id = "list_orders",
    params(
        ("status" = Option<String>, Query), ("customer_id" = Option<String>, Query), ("email" = Option<String>, Query),
        ("facility_id" = Option<String>, Query), ("channel" = Option<String>, Query), ("sku" = Option<String>, Query),
        ("tracking_number" = Option<String>, Query), ("hold_reason" = Option<String>, Query),
        ("needs_attention" = Option<bool>, Query), ("placed_after" = Option<String>, Query),
        ("placed_before" = Option<String>, Query), ("updated_after" = Option<String>, Query),
        ("order_number" = Option<String>, Query, description = "What the shop calls it"),
        ("external_id" = Option<String>, Query, description = "What another system calls it, as in `marketplace:4711`"),
        ("expand" = Option<String>, Query, description = "`order`: each as a whole; 50 at most on a page then"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first", body = Page<OrderSummary>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<OrderSummary>>, Failure> {
    let (mut filter, cursor, expanded, limit) = params.read(|node| node.object(list_params))?;
    filter.scope = caller.scope.clone();
    let page = state.store.orders_page(&filter, cursor.as_deref(), limit).await?;
    let ids: Vec<OrderId> = page.items.iter().map(|order| order.order_id.clone()).filter(|_| expanded).collect();
    let mut whole = views::orders(&state, ids).await?;
    let summary = |found: oms_store::OrderSummary| {
        let order = whole.remove(&found.order_id).map(|known| Box::new(known.view()));
        OrderSummary { order, ..convert::order_summary(found) }
    };
    Ok(Json(Page::new(page.items.into_iter().map(summary).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(OrderFilter, Option<String>, bool, u32)> {
    let (filter, cursor, expanded) = (filter(fields), cursor(fields), expand(fields, "order"));
    let limit = limit_of(fields, expanded.unwrap_or_default());
    Some((filter?, cursor?, expanded?, limit?))
}

/// The conditions of a list of orders, wherever they stand.
pub(super) fn filter(fields: &Fields<'_>) -> Option<OrderFilter> {
    let status = fields.optional("status", status);
    let customer_id = fields.optional("customer_id", parsed);
    let email = fields.optional("email", text(254));
    let facility_id = fields.optional("facility_id", parsed);
    let channel = fields.optional("channel", name);
    let sku = fields.optional("sku", parsed);
    let tracking_number = fields.optional("tracking_number", tracking_number);
    let hold_reason = fields.optional("hold_reason", hold_reason);
    let needs_attention = fields.optional("needs_attention", boolean);
    let placed_after = fields.optional("placed_after", timestamp);
    let placed_before = fields.optional("placed_before", timestamp);
    let updated_after = fields.optional("updated_after", timestamp);
    let name = order_name(fields);
    Some(OrderFilter {
        status: status?,
        customer_id: customer_id?,
        email: email?,
        facility_id: facility_id?,
        channel: channel?,
        sku: sku?,
        tracking_number: tracking_number?,
        hold_reason: hold_reason?,
        needs_attention: needs_attention?,
        placed_after: placed_after?,
        placed_before: placed_before?,
        updated_after: updated_after?,
        name: name?,
        scope: Scope::default(),
    })
}

/// By one name at a time.
fn order_name(fields: &Fields<'_>) -> Option<Option<OrderName>> {
    let number = fields.optional("order_number", text(64));
    let external = fields.optional("external_id", external_id);
    match (number?, external?) {
        (Some(_), Some(_)) => fields.error("external_id", "must not stand beside order_number"),
        (Some(name), None) => Some(Some(OrderName { system: String::new(), name })),
        (None, external) => Some(external.map(|(system, name)| OrderName { system, name })),
    }
}

fn hold_reason(node: &Node<'_>) -> Option<String> {
    choice(HoldReason::NAMED)(node).map(|reason| reason.name().to_owned())
}

fn status(node: &Node<'_>) -> Option<String> {
    let known: Vec<(&str, OrderStatus)> = OrderStatus::ALL.iter().map(|status| (status.name(), *status)).collect();
    choice(&known)(node).map(|status| status.name().to_owned())
}
