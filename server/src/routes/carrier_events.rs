//! What carriers report: kept at once, worked on after.

use axum::{Json, extract::State, http::StatusCode};
use oms_api::carrier::{CarrierEventResult, CarrierEventsBody, CarrierEventsView};
use oms_store::CarrierResult;

use crate::{convert, extract::JsonBody, failure::Failure, state::AppState};

#[utoipa::path(
    post, path = "/v1/carrier-events", tag = "carriers", operation_id = "accept_carrier_events", request_body = CarrierEventsBody,
    responses((status = 202, description = "What became of each; none of them is lost", body = CarrierEventsView))
)]
pub(crate) async fn accept(State(state): State<AppState>, body: JsonBody) -> Result<(StatusCode, Json<CarrierEventsView>), Failure> {
    let CarrierEventsBody { events } = body.read(CarrierEventsBody::read)?;
    let mut rows: Vec<oms_store::CarrierEvent> = events.iter().map(convert::carrier_event).collect();
    // A carrier does not send a scan again: one whose clock is wrong happens when it arrives.
    for row in rows.iter_mut().filter(|row| state.is_ahead(row.occurred_at)) {
        row.occurred_at = state.now();
    }
    let results = state.store.accept_carrier_events(&rows).await?;
    state.relay.nudge();
    let result = |result: CarrierResult| match result {
        CarrierResult::Accepted => "accepted",
        CarrierResult::Duplicate => "duplicate",
        CarrierResult::Parked => "parked",
    };
    let results = events
        .into_iter()
        .zip(results)
        .map(|(event, outcome)| CarrierEventResult { event_id: event.event_id, result: result(outcome).to_owned() });
    Ok((StatusCode::ACCEPTED, Json(CarrierEventsView { results: results.collect() })))
}
