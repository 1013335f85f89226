//! What a facility has before it, in numbers.

use axum::{Json, extract::State};
use oms_api::fulfillment::{QueueCountView, QueueView};
use oms_domain::{fulfillment::FulfillmentStatus, ids::FacilityId};

use crate::{caller::Caller, extract::InPath, failure::Failure, state::AppState};

/// What is still a facility's to do.
const OPEN: [FulfillmentStatus; 5] = [
    FulfillmentStatus::Released,
    FulfillmentStatus::Accepted,
    FulfillmentStatus::Picking,
    FulfillmentStatus::Packed,
    FulfillmentStatus::ReadyForPickup,
];

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/queue", tag = "fulfillment", operation_id = "get_queue", params(("facility_id" = String, Path)),
    responses((status = 200, description = "How many fulfillment orders are in each state that the facility has still to do something about", body = QueueView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    InPath(facility_id): InPath<FacilityId>,
) -> Result<Json<QueueView>, Failure> {
    let counted = state.store.queue_counts(&facility_id, &OPEN.map(FulfillmentStatus::name), &caller.scope, state.now()).await?;
    let view = |status: FulfillmentStatus| {
        let found = counted.iter().find(|known| known.status == status.name());
        QueueCountView {
            status: status.name().to_owned(),
            count: found.map_or(0, |known| known.count),
            late: found.map_or(0, |known| known.late),
            next_ship_by: found.and_then(|known| known.next_ship_by),
        }
    };
    Ok(Json(QueueView { facility_id: facility_id.to_string(), items: OPEN.into_iter().map(view).collect() }))
}
