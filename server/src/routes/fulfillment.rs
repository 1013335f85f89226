//! The associate's queue, and what an associate does.

use axum::{Json, extract::State, response::Response};
use oms_api::{
    fulfillment::{ACTIONS, ActionBody, FulfillmentOrderSummary, FulfillmentOrderView, read_action},
    page::Page,
    problem::Problem,
    reader::{Fields, Node, choice, parsed},
};
use oms_domain::{error::ErrorCode, fulfillment::FulfillmentStatus, ids::FulfillmentOrderId, order::Request};
use oms_store::FulfillmentFilter;

use super::paging::{cursor, limit};
use crate::{
    acting::Acting,
    caller::Caller,
    commands, convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::Failure,
    pickup_codes,
    state::AppState,
    views::{self, Shown},
};

#[utoipa::path(
    get, path = "/v1/fulfillment-orders", tag = "fulfillment", operation_id = "list_fulfillment_orders",
    params(
        ("facility" = Option<String>, Query), ("status" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Those that must ship soonest first", body = Page<FulfillmentOrderSummary>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page<FulfillmentOrderSummary>>, Failure> {
    let (mut filter, cursor, limit) = params.read(|node| node.object(list_params))?;
    filter.scope = caller.scope.clone();
    let page = state.store.fulfillment_orders_page(&filter, cursor.as_deref(), limit).await?;
    Ok(Json(Page { items: page.items.into_iter().map(convert::fulfillment_summary).collect(), next_cursor: page.next_cursor }))
}

fn list_params(fields: &Fields<'_>) -> Option<(FulfillmentFilter, Option<String>, u32)> {
    let (facility_id, status) = (fields.optional("facility", parsed), fields.optional("status", status));
    let (limit, cursor) = (limit(fields), cursor(fields, "cursor"));
    Some((FulfillmentFilter { facility_id: facility_id?, status: status?, ..FulfillmentFilter::default() }, cursor?, limit?))
}

/// A state of the machine, or `delivered`, which is derived from the parcels.
fn status(node: &Node<'_>) -> Option<String> {
    let known = FulfillmentStatus::ALL.iter().map(|status| status.name()).chain(["delivered"]);
    let known: Vec<(&str, &str)> = known.map(|name| (name, name)).collect();
    choice(&known)(node).map(str::to_owned)
}

#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{fulfillment_order_id}", tag = "fulfillment", operation_id = "get_fulfillment_order", params(("fulfillment_order_id" = String, Path)),
    responses((status = 200, description = "What an associate needs to know", body = FulfillmentOrderView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    InPath(id): InPath<FulfillmentOrderId>,
) -> Result<Json<FulfillmentOrderView>, Failure> {
    Ok(Json(views::fulfillment_order(&state, &id).await?))
}

#[utoipa::path(
    post, path = "/v1/fulfillment-orders/{fulfillment_order_id}/{action}", tag = "fulfillment", operation_id = "act_on_fulfillment_order",
    params(
        ("fulfillment_order_id" = String, Path),
        ("action" = String, Path, description = "`release`, `accept`, `reject`, `start-picking`, `short-pick`, `pack`, `unpack`, `ready`, `ship`, \
                                                 `unship`, `handover`, `no-show`, `deliver`, `mark-lost`, `move`, `split`, `merge`, \
                                                 `accept-cancellation`, `refuse-cancellation`, `accept-change` or `refuse-change`")
    ),
    request_body(content = ActionBody, description = "By the action; `{}` or nothing where it has nothing to say"),
    responses(
        (status = 200, description = "The new state", body = FulfillmentOrderView),
        (status = 409, description = "Not now: `current_status` and `legal_actions` say what is possible", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many codes were shown for this pickup: none is looked at before `Retry-After`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn act(
    Acting(state): Acting,
    InPath((id, action)): InPath<(FulfillmentOrderId, String)>,
    command_id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    let hash = |code: &str| state.store.pickup_code_hash(&id, code);
    let Some(read) = read_action(&action, hash) else {
        let detail = format!("the actions are {}", ACTIONS.join(", "));
        return Err(Problem::new(ErrorCode::NotFound).detail(detail).into());
    };
    let action = body.read(read)?;
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let code = pickup_codes::Use::of(&action);
    if let Some(refused) = code.count(&state, &id).await? {
        return Ok(refused);
    }
    let request = Request::Fulfillment { fulfillment_order_id: id.clone(), action };
    match commands::run(&state, &order_id, command_id, request).await {
        Err(Failure(problem)) if problem.code == ErrorCode::OrderNotFound => Err(ErrorCode::FulfillmentOrderNotFound.into()),
        Err(failure) => Err(failure),
        Ok(_) => {
            code.fits(&state, &id).await;
            views::show(&state, &Shown::FulfillmentOrder(id)).await
        }
    }
}
