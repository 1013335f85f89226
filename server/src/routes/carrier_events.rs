//! What carriers report: kept at once, worked on after.

use axum::{Json, extract::State, http::StatusCode};
use oms_api::carrier::{CarrierEventResult, CarrierEventsBody, CarrierEventsView};
use oms_domain::error::ErrorCode;
use oms_store::CarrierResult;

use crate::{convert, extract::JsonBody, failure::Failure, state::AppState};

#[utoipa::path(
    post, path = "/v1/carrier-events", tag = "carriers", operation_id = "accept_carrier_events", request_body = CarrierEventsBody,
    responses((status = 202, description = "What became of each; none that can be read is lost, and one that cannot stops no other", body = CarrierEventsView))
)]
pub(crate) async fn accept(State(state): State<AppState>, body: JsonBody) -> Result<(StatusCode, Json<CarrierEventsView>), Failure> {
    let events = body.read(CarrierEventsBody::read)?;
    let mut rows: Vec<oms_store::CarrierEvent> = events.iter().flatten().map(convert::carrier_event).collect();
    // A carrier does not send a scan again: one whose clock is wrong happens when it arrives.
    for row in rows.iter_mut().filter(|row| state.is_ahead(row.occurred_at)) {
        row.occurred_at = state.now();
    }
    let mut kept = state.store.accept_carrier_events(&rows).await?.into_iter();
    state.relay.nudge();
    let result = |result: CarrierResult| match result {
        CarrierResult::Accepted => "accepted",
        CarrierResult::Duplicate => "duplicate",
        CarrierResult::Parked => "parked",
    };
    let mut results = Vec::with_capacity(events.len());
    for event in events {
        results.push(match event {
            Ok(event) => {
                let outcome = kept.next().ok_or(ErrorCode::Internal)?;
                CarrierEventResult { event_id: event.event_id, result: result(outcome).to_owned(), detail: None }
            }
            Err(refused) => refused,
        });
    }
    Ok((StatusCode::ACCEPTED, Json(CarrierEventsView { results })))
}
