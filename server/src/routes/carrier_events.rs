//! What carriers report: kept at once, worked on after.

use axum::{Json, extract::State, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
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
    arrive_now(&mut rows, |at| state.is_ahead(at), state.now());
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

/// A carrier does not send a scan again: those whose clock is wrong happen when they arrive, one after the other as they were told.
fn arrive_now(rows: &mut [oms_store::CarrierEvent], is_ahead: impl Fn(Timestamp) -> bool, now: Timestamp) {
    let mut ahead: Vec<&mut oms_store::CarrierEvent> = rows.iter_mut().filter(|row| is_ahead(row.occurred_at)).collect();
    ahead.sort_by_key(|row| std::cmp::Reverse(row.occurred_at));
    for (row, before) in ahead.into_iter().zip(0..) {
        row.occurred_at = now.saturating_sub(SignedDuration::from_micros(before)).unwrap_or(now);
    }
}
