//! The associate's queue, and what an associate does.

use axum::{Json, extract::State, response::Response};
use oms_api::{
    fulfillment::{
        FulfillmentOrderSummary, FulfillmentOrderView, MarkLostBody, MergeBody, MoveBody, PackBody, PickupBody, RefuseChangeBody,
        RejectBody, ShipBody, ShortPickBody, SplitBody, StartPickingBody, read_action,
    },
    nothing::NothingBody,
    page::Page,
    reader::{Fields, Node, name, parsed, text, timestamp},
};
use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, OrderId},
    order::Request,
};
use oms_store::FulfillmentFilter;

use super::{
    actions::{Asked, actions},
    paging::{cursor, expand, limit_of},
};
use crate::{
    caller::Caller,
    commands, convert,
    extract::{InPath, Params},
    failure::Failure,
    pickup_codes,
    state::AppState,
    views::{self, Shown},
};

/// Longest list of states in one question.
const STATUSES_MAX_CHARS: usize = 200;

#[utoipa::path(
    get, path = "/v1/fulfillment-orders", tag = "fulfillment", operation_id = "list_fulfillment_orders",
    params(
        ("facility_id" = Option<String>, Query),
        ("status" = Option<String>, Query, description = "States, separated by commas; all unless said"),
        ("sku" = Option<String>, Query, description = "Those of orders that have this"),
        ("picker" = Option<String>, Query, description = "Those on picklists of theirs, of the last 30 days"),
        ("ship_before" = Option<String>, Query, description = "Those that must ship before this time"),
        ("expand" = Option<String>, Query, description = "`fulfillment_order`: each as a whole; 50 at most on a page then"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Those that must ship soonest first", body = Page<FulfillmentOrderSummary>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page<FulfillmentOrderSummary>>, Failure> {
    let (mut filter, cursor, expanded, limit) = params.read(|node| node.object(list_params))?;
    filter.scope = caller.scope.clone();
    let page = state.store.fulfillment_orders_page(&filter, cursor.as_deref(), limit).await?;
    let ids: Vec<OrderId> = page.items.iter().map(|found| found.order_id.clone()).filter(|_| expanded).collect();
    let whole = views::orders(&state, ids).await?;
    let summary = |found: oms_store::FulfillmentSummary| {
        let known = whole.get(&found.order_id).and_then(|order| order.part(&found.fulfillment_order_id));
        FulfillmentOrderSummary { fulfillment_order: known.map(Box::new), ..convert::fulfillment_summary(found) }
    };
    Ok(Json(Page::new(page.items.into_iter().map(summary).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(FulfillmentFilter, Option<String>, bool, u32)> {
    let (facility_id, statuses) = (fields.optional("facility_id", parsed), fields.optional("status", statuses));
    let (ship_before, sku) = (fields.optional("ship_before", timestamp), fields.optional("sku", parsed));
    let picker = fields.optional("picker", name);
    let (cursor, expanded) = (cursor(fields), expand(fields, "fulfillment_order"));
    let limit = limit_of(fields, expanded.unwrap_or_default());
    let (facility_id, statuses, ship_before) = (facility_id?, statuses?.unwrap_or_default(), ship_before?);
    let filter = FulfillmentFilter { facility_id, statuses, ship_before, sku: sku?, picker: picker?, ..FulfillmentFilter::default() };
    Some((filter, cursor?, expanded?, limit?))
}

/// States of the machine, and `delivered`, which is derived from the parcels.
fn statuses(node: &Node<'_>) -> Option<Vec<String>> {
    let named = text(STATUSES_MAX_CHARS)(node)?;
    let statuses: Vec<String> = named.split(',').map(|name| name.trim().to_owned()).collect();
    let is_known = |name: &String| name == "delivered" || FulfillmentStatus::ALL.iter().any(|status| status.name() == name);
    if statuses.iter().all(is_known) { Some(statuses) } else { node.error("must be states of fulfillment orders, separated by commas") }
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

actions! {
    act, "fulfillment", "/v1/fulfillment-orders", "fulfillment_order_id": FulfillmentOrderId => FulfillmentOrderView, ToBoth;
    release_fulfillment_order "release" PlanFulfillment NothingBody "Its facility sees it";
    accept_fulfillment_order "accept" WorkFulfillment NothingBody "The facility does it";
    reject_fulfillment_order "reject" WorkFulfillment RejectBody "The facility gives units back: they look for another";
    start_picking "start-picking" WorkFulfillment StartPickingBody "It is being picked; accepted, too, if it was not";
    short_pick "short-pick" WorkFulfillment ShortPickBody "What was not found looks for another facility";
    pack_fulfillment_order "pack" WorkFulfillment PackBody "It is packed: in these parcels, or in one";
    unpack_fulfillment_order "unpack" WorkFulfillment NothingBody "It is being picked again";
    ready_for_pickup "ready" WorkFulfillment PickupBody "The customer may come for it";
    ship_fulfillment_order "ship" WorkFulfillment ShipBody "It has left, or leaves with the label that the carrier is asked for";
    unship_fulfillment_order "unship" WorkFulfillment NothingBody "It is packed again: no carrier had it yet";
    hand_over "handover" WorkFulfillment PickupBody "The customer has it. After too many wrong codes 429: none is looked at before `Retry-After`";
    no_show "no-show" WorkFulfillment NothingBody "Nobody came for it: it is cancelled";
    deliver_fulfillment_order "deliver" WorkFulfillment NothingBody "It has arrived";
    mark_lost "mark-lost" WorkFulfillment MarkLostBody "The parcels are lost: `resolve` says what becomes of their units";
    move_fulfillment_order "move" PlanFulfillment MoveBody "Its units look for another facility";
    split_fulfillment_order "split" PlanFulfillment SplitBody "These units go on as a fulfillment order of their own";
    merge_fulfillment_order "merge" PlanFulfillment MergeBody "The units of the other one have joined it";
    accept_cancellation "accept-cancellation" WorkFulfillment NothingBody "The facility lets go of what was to be cancelled";
    refuse_cancellation "refuse-cancellation" WorkFulfillment NothingBody "It is too late: the facility goes on";
    accept_change "accept-change" WorkFulfillment NothingBody "The facility lets go of what the change set touches";
    refuse_change "refuse-change" WorkFulfillment RefuseChangeBody "The change set is declined: the facility goes on";
}

async fn act(asked: Asked<FulfillmentOrderId>, word: &'static str) -> Result<Response, Failure> {
    let Asked { state, id, command_id, body, .. } = asked;
    let hash = |code: &str| state.store.pickup_code_hash(&id, code);
    let action = body.read(read_action(word, hash).ok_or(ErrorCode::NotFound)?)?;
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
