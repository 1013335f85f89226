//! Changing an order: at once and as a whole, or once facilities let go; or as a preview that shows stock, promise and money.

use axum::{Json, extract::State, http::HeaderMap};
use jiff::Timestamp;
use oms_api::{
    change::{ChangeAnswer, ChangePreviewView, ChangeSetBody, ChangeSetView, read_change_set},
    problem::Problem,
    reader::boolean,
};
use oms_domain::{
    error::ErrorCode,
    ids::{ChangeId, OrderId},
    order::{Order, Request},
};
use oms_starter::StarterError;

use crate::{
    acting::Acting,
    commands,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::{self, Failure},
    layers::etag::seen_version,
    previewing::Previewed,
    state::AppState,
    views,
};

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/changes", tag = "orders", operation_id = "change_order",
    params(
        ("order_id" = String, Path),
        ("dry_run" = Option<bool>, Query, description = "Show what would become of the order, its money and its stock; change nothing"),
        ("If-Match" = Option<String>, Header, description = "The order's version, or its ETag: refused with 412 if the order has gone on since")
    ),
    request_body = ChangeSetBody,
    responses(
        (status = 200, description = "Confirmed, as a whole, or Requested of the facilities that have accepted what it touches; the same id again gets the same answer. With dry_run: a preview", body = ChangeAnswer),
    )
)]
pub(crate) async fn change(
    Acting(state): Acting,
    InPath(order_id): InPath<OrderId>,
    params: Params,
    headers: HeaderMap,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<ChangeAnswer>, Failure> {
    let dry_run = params.read(|node| node.object(|fields| fields.optional("dry_run", boolean)))?.unwrap_or(false);
    let at_version = seen_version(&headers)?;
    let (placed, _) = views::order_parts(&state, &order_id).await?;
    let set = body.read(|node| read_change_set(node, &placed, &id.made_up().to_string()))?;
    if dry_run {
        let preview = state.starter.preview_change(&order_id, &set, at_version).await.map_err(refused)?;
        return preview_of(&state, preview).await.map(|view| Json(ChangeAnswer::Preview(view)));
    }
    let _passage = state.gates.enter(&order_id).await?;
    state.starter.change(&order_id, &set, at_version, id.id).await.map_err(refused)?;
    find(&state, &order_id, &set.change_id).await.map(|view| Json(ChangeAnswer::Kept(view)))
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/changes/{change_id}", tag = "orders", operation_id = "get_change",
    params(("order_id" = String, Path), ("change_id" = String, Path)),
    responses((status = 200, description = "The change set, and what has become of it", body = ChangeSetView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    InPath((order_id, change_id)): InPath<(OrderId, ChangeId)>,
) -> Result<Json<ChangeSetView>, Failure> {
    find(&state, &order_id, &change_id).await.map(Json)
}

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/changes/{change_id}/cancel", tag = "orders", operation_id = "cancel_change",
    params(("order_id" = String, Path), ("change_id" = String, Path)),
    responses(
        (status = 200, description = "Cancelled: nothing has changed", body = ChangeSetView),
        (status = 409, description = "Answered already: `current_status` says how", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    Acting(state): Acting,
    InPath((order_id, change_id)): InPath<(OrderId, ChangeId)>,
    id: CommandId,
) -> Result<Json<ChangeSetView>, Failure> {
    let done = commands::run(&state, &order_id, id, Request::CancelChange { change_id: change_id.clone() }).await?;
    view(Some(&done.order(&state).await?), &change_id).map(Json)
}

async fn find(state: &AppState, order_id: &OrderId, id: &ChangeId) -> Result<ChangeSetView, Failure> {
    view(views::existing(state, order_id).await?.as_ref(), id)
}

fn view(order: Option<&Order>, id: &ChangeId) -> Result<ChangeSetView, Failure> {
    let found = order.and_then(|order| ChangeSetView::of(order, id));
    let missing = || Problem::new(ErrorCode::NotFound).detail("this order has no change set with this id");
    found.ok_or_else(|| missing().into())
}

async fn preview_of(state: &AppState, preview: oms_starter::Preview) -> Result<ChangePreviewView, Failure> {
    let at = state.starter.clock().business(Timestamp::now());
    let seeking = preview.after.sourceable();
    let skus = Previewed::skus(&preview, &seeking);
    let products = state.store.catalog().products(&skus).await?;
    let availability = state.store.availability(&skus).await?;
    let previewed = Previewed {
        products: products.into_iter().map(|product| (product.sku.clone(), product)).collect(),
        places: state.store.places(Some(availability.facilities_version), at).await?,
        stock: availability.positions.into_iter().map(Into::into).collect(),
        rules: &state.rules.current(),
        at,
        seeking,
        preview,
    };
    previewed.view().map_err(failure::no_plan)
}

/// Changes are named by their place in the set.
fn refused(error: StarterError) -> Failure {
    match error {
        StarterError::UnknownSkus(changes) => {
            failure::unknown(ErrorCode::UnknownSku, changes.into_iter().map(|(index, _)| format!("/changes/{index}")))
        }
        other => other.into(),
    }
}
