//! Picklists: the next few fulfillment orders of a facility, begun at once.

use axum::Json;
use futures_util::{StreamExt, stream};
use oms_api::fulfillment::{PicklistBody, PicklistResult, PicklistView};
use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::FulfillmentOrderId,
    order::{FulfillmentRequest, Request},
};
use oms_store::FulfillmentFilter;
use uuid::Uuid;

use crate::{
    acting::Acting,
    caller::Caller,
    commands,
    extract::{CommandId, JsonBody},
    failure::Failure,
    state::AppState,
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
    let status = Some(FulfillmentStatus::Released.name().to_owned());
    let released = FulfillmentFilter { facility_id: Some(facility_id), status, scope: caller.scope.clone() };
    let picklist_id = Uuid::now_v7().to_string();
    let picker = picker.unwrap_or_else(|| picklist_id.clone());
    let (mut results, mut after): (Vec<PicklistResult>, Option<String>) = (Vec::new(), None);
    // Somebody else may read the queue at the same time: whoever comes second to its head gets what is next.
    while let Some(missing) = at_most.checked_sub(u32::try_from(results.len()).unwrap_or(at_most)).filter(|missing| *missing > 0) {
        let queue = state.store.fulfillment_orders_page(&released, after.as_deref(), missing).await?;
        let begun = queue.items.into_iter().map(|found| begin(&state, found.fulfillment_order_id, &picker));
        let begun: Vec<PicklistResult> = stream::iter(begun).buffered(AT_ONCE).collect().await;
        results.extend(begun.into_iter().filter(|result| !is_somebody_elses(result)));
        after = queue.next_cursor;
        if after.is_none() {
            break;
        }
    }
    Ok(Json(PicklistView { picklist_id, results }))
}

/// It was in the queue when that was read, and is not any more.
fn is_somebody_elses(result: &PicklistResult) -> bool {
    result.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::IllegalTransition)
}

async fn begin(state: &AppState, id: FulfillmentOrderId, picker: &str) -> PicklistResult {
    let problem = try_begin(state, &id, picker).await.err().map(|failure| *failure.0);
    PicklistResult { fulfillment_order_id: id.to_string(), picking: problem.is_none(), problem }
}

async fn try_begin(state: &AppState, id: &FulfillmentOrderId, picker: &str) -> Result<(), Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let action = FulfillmentRequest::StartPicking { picker: picker.to_owned() };
    let request = Request::Fulfillment { fulfillment_order_id: id.clone(), action };
    commands::run(state, &order_id, CommandId::new(format!("picklist:{picker}:{id}:{}", Uuid::now_v7())), request).await.map(drop)
}
