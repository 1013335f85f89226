//! Picklists: the next few fulfillment orders of a facility, begun at once.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use futures_util::{StreamExt, stream};
use oms_api::{
    fulfillment::{PicklistBody, PicklistResult, PicklistView, WalkView},
    page::Page,
    reader::{Fields, parsed, text},
};
use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId},
    order::{FulfillmentRequest, Request},
};
use oms_store::{FulfillmentFilter, Picklist, PicklistPart};
use uuid::Uuid;

use super::paging::limit;
use crate::{
    acting::Acting,
    caller::Caller,
    commands, convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
    views,
};

/// Fulfillment orders that are begun at a time.
const AT_ONCE: usize = 8;

#[utoipa::path(
    post, path = "/v1/picklists", tag = "fulfillment", operation_id = "create_picklist", request_body = PicklistBody,
    responses((status = 200, description = "What became of each, those that must ship soonest first", body = PicklistView))
)]
pub(crate) async fn create(Acting(state): Acting, caller: Caller, body: JsonBody) -> Result<Json<PicklistView>, Failure> {
    let PicklistBody { facility_id, at_most, picker } = body.read(PicklistBody::read)?;
    if !caller.sees_facility(&facility_id) || state.store.catalog().facility(&facility_id).await?.is_none() {
        return Err(ErrorCode::UnknownFacility.into());
    }
    let statuses = vec![FulfillmentStatus::Released.name().to_owned()];
    let released =
        FulfillmentFilter { facility_id: Some(facility_id.clone()), statuses, scope: caller.scope.clone(), ..FulfillmentFilter::default() };
    let picklist_id = Uuid::now_v7().to_string();
    let picker = picker.unwrap_or_else(|| picklist_id.clone());
    let (mut results, mut after): (Vec<PicklistResult>, Option<String>) = (Vec::new(), None);
    // Somebody else may read the queue at the same time: whoever comes second to its head gets what is next.
    while let Some(missing) = at_most.checked_sub(u32::try_from(results.len()).unwrap_or(at_most)).filter(|missing| *missing > 0) {
        let queue = state.store.fulfillment_orders_page(&released, after.as_deref(), missing).await?;
        let ids: Vec<FulfillmentOrderId> = queue.items.into_iter().map(|found| found.fulfillment_order_id).collect();
        state.store.add_to_picklist(&picklist_id, &facility_id, &picker, &ids).await?;
        let begun = ids.into_iter().map(|id| begin(&state, id, &picker));
        let begun: Vec<PicklistResult> = stream::iter(begun).buffered(AT_ONCE).collect().await;
        results.extend(begun.into_iter().filter(|result| !is_somebody_elses(result)));
        after = queue.next_cursor;
        if after.is_none() {
            break;
        }
    }
    let begun: Vec<FulfillmentOrderId> = results.iter().filter_map(|result| result.fulfillment_order_id.parse().ok()).collect();
    state.store.keep_on_picklist(&picklist_id, &begun).await?;
    let made = state.store.picklist(&picklist_id).await?.ok_or(ErrorCode::Internal)?;
    Ok(Json(PicklistView { results, ..convert::picklist(made) }))
}

#[utoipa::path(
    get, path = "/v1/picklists", tag = "fulfillment", operation_id = "list_picklists",
    params(
        ("facility_id" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first, with how each part stands now", body = Page<PicklistView>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<PicklistView>>, Failure> {
    let (facility_id, before, limit) = params.read(|node| node.object(list_params))?;
    let page = state.store.picklists_page(facility_id.as_ref(), &caller.scope, before.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::picklist).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(Option<FacilityId>, Option<String>, u32)> {
    let (facility_id, before) = (fields.optional("facility_id", parsed), fields.optional("cursor", text(ID_MAX_CHARS)));
    Some((facility_id?, before?, limit(fields)?))
}

/// Longest id that can be one of ours.
const ID_MAX_CHARS: usize = 64;

#[utoipa::path(
    get, path = "/v1/picklists/{picklist_id}", tag = "fulfillment", operation_id = "get_picklist", params(("picklist_id" = String, Path)),
    responses((status = 200, description = "The picklist, with how each part stands now; until 30 days after it was made", body = PicklistView))
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<PicklistView>, Failure> {
    let found: Option<Picklist> = state.store.picklist(&id).await?.filter(|found| caller.sees_facility(&found.facility_id));
    Ok(Json(convert::picklist(found.ok_or(ErrorCode::NotFound)?)))
}

#[utoipa::path(
    get, path = "/v1/picklists/{picklist_id}/walk", tag = "fulfillment", operation_id = "get_walk", params(("picklist_id" = String, Path)),
    responses((status = 200, description = "What is still to be picked for it, by the walk through the bins; each fulfillment order has a tote", body = WalkView))
)]
pub(crate) async fn walk(State(state): State<AppState>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<WalkView>, Failure> {
    let found: Option<Picklist> = state.store.picklist(&id).await?.filter(|found| caller.sees_facility(&found.facility_id));
    let found = found.ok_or(ErrorCode::NotFound)?;
    let orders = found.parts.iter().filter_map(|part| part.fulfillment_order_id.order_id()).collect();
    let whole = views::orders(&state, orders).await?;
    let part = |part: &PicklistPart| whole.get(&part.fulfillment_order_id.order_id()?)?.part(&part.fulfillment_order_id);
    let parts: Vec<_> = found.parts.iter().enumerate().filter_map(|(n, listed)| Some((n + 1, part(listed)?))).collect();
    let skus: BTreeSet<&str> = parts.iter().flat_map(|(_, part)| &part.lines).map(|line| line.sku.as_str()).collect();
    let bins = state.store.bins(&found.facility_id, &skus.into_iter().collect::<Vec<_>>()).await?;
    let bins = bins.into_iter().map(|bin| (bin.sku.to_string(), (bin.walk, bin.bin))).collect();
    Ok(Json(WalkView::of(convert::picklist(found), &parts, &bins)))
}

/// It was in the queue when that was read, and is not any more.
fn is_somebody_elses(result: &PicklistResult) -> bool {
    result.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::IllegalTransition)
}

async fn begin(state: &AppState, id: FulfillmentOrderId, picker: &str) -> PicklistResult {
    let problem = try_begin(state, &id, picker).await.err().map(|failure| *failure.0);
    PicklistResult { fulfillment_order_id: id.to_string(), status: None, picking: problem.is_none(), problem }
}

async fn try_begin(state: &AppState, id: &FulfillmentOrderId, picker: &str) -> Result<(), Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let action = FulfillmentRequest::StartPicking { picker: picker.to_owned() };
    let request = Request::Fulfillment { fulfillment_order_id: id.clone(), action };
    commands::run(state, &order_id, CommandId::new(format!("picklist:{picker}:{id}:{}", Uuid::now_v7())), request).await.map(drop)
}
