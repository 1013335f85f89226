//! Picklists: the next few fulfillment orders of a facility, begun at once.

use axum::{Json, extract::State};
use futures_util::{StreamExt, stream};
use oms_api::fulfillment::{PicklistBody, PicklistResult, PicklistView};
use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId},
    order::{FulfillmentRequest, Request},
};
use oms_store::FulfillmentFilter;
use uuid::Uuid;

use crate::{
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
pub(crate) async fn create(State(state): State<AppState>, body: JsonBody) -> Result<Json<PicklistView>, Failure> {
    let PicklistBody { facility_id, at_most, picker } = body.read(PicklistBody::read)?;
    if state.store.catalog().facility(&facility_id).await?.is_none() {
        return Err(ErrorCode::UnknownFacility.into());
    }
    let picklist_id = Uuid::now_v7().to_string();
    let picker = picker.unwrap_or_else(|| picklist_id.clone());
    let results = begin_soonest(&state, facility_id, &picker, at_most).await?;
    Ok(Json(PicklistView { picklist_id, results }))
}

/// Goes down the queue until so many are begun, or so many could not be: somebody else may begin some at the same time.
async fn begin_soonest(state: &AppState, facility_id: FacilityId, picker: &str, at_most: u32) -> Result<Vec<PicklistResult>, Failure> {
    let filter = FulfillmentFilter { facility_id: Some(facility_id), status: Some(FulfillmentStatus::Released.name().to_owned()) };
    let (mut results, mut begun, mut cursor) = (Vec::new(), 0, None);
    loop {
        let queue = state.store.fulfillment_orders_page(&filter, cursor.as_deref(), at_most - begun).await?;
        let page = queue.items.into_iter().map(|found| begin(state, found.fulfillment_order_id, picker));
        let page: Vec<PicklistResult> = stream::iter(page).buffered(AT_ONCE).collect().await;
        begun += u32::try_from(page.iter().filter(|result| result.picking).count()).unwrap_or(u32::MAX);
        results.extend(page);
        cursor = queue.next_cursor;
        if begun >= at_most || cursor.is_none() || results.len() >= 2 * at_most as usize {
            return Ok(results);
        }
    }
}

async fn begin(state: &AppState, id: FulfillmentOrderId, picker: &str) -> PicklistResult {
    let problem = try_begin(state, &id, picker).await.err().map(|failure| *failure.0);
    PicklistResult { fulfillment_order_id: id.to_string(), picking: problem.is_none(), problem }
}

async fn try_begin(state: &AppState, id: &FulfillmentOrderId, picker: &str) -> Result<(), Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let action = FulfillmentRequest::StartPicking { picker: picker.to_owned() };
    let request = Request::Fulfillment { fulfillment_order_id: id.clone(), action };
    commands::run(state, &order_id, CommandId(format!("picklist:{picker}:{id}:{}", Uuid::now_v7())), request).await
}
