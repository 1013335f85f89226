//! What carriers report: kept at once, worked on after.

use axum::{Json, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use oms_api::carrier::{CarrierEventResult, CarrierEventsBody, CarrierEventsView, Scan};
use oms_domain::error::ErrorCode;
use oms_store::{CarrierEvent, CarrierResult};

use crate::{acting::Acting, caller::Caller, convert, extract::JsonBody, failure::Failure};

#[utoipa::path(
    post, path = "/v1/carrier-events", tag = "carriers", operation_id = "accept_carrier_events", request_body = CarrierEventsBody,
    responses((status = 202, description = "What became of each; none that can be read is lost, and one that cannot stops no other", body = CarrierEventsView))
)]
pub(crate) async fn accept(
    Acting(state): Acting,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, Json<CarrierEventsView>), Failure> {
    let own =
        |scan: Scan| if caller.scope.speaks_for(&scan.carrier) { Ok(scan) } else { Err(CarrierEventResult::of_another_carrier(&scan)) };
    let events: Vec<_> = body.read(CarrierEventsBody::read)?.into_iter().map(|event| event.and_then(own)).collect();
    let (now, is_ahead) = (state.now(), |at| state.is_ahead(at));
    let scans: Vec<&Scan> = events.iter().flatten().collect();
    let times = times(&scans, is_ahead, now);
    let rows: Vec<CarrierEvent> =
        scans.iter().zip(times).map(|(scan, at)| convert::carrier_event(scan, at, state.store.acting())).collect();
    let mut kept = state.relay.accept(&rows).await?.into_iter();
    let mut results = Vec::with_capacity(events.len());
    for event in events {
        results.push(match event {
            Ok(scan) => {
                let arrived = why_arrival(scan.occurred_at, is_ahead);
                CarrierEventResult::of(&scan, result(kept.next().ok_or(ErrorCode::Internal)?), arrived)
            }
            Err(refused) => refused,
        });
    }
    Ok((StatusCode::ACCEPTED, Json(CarrierEventsView { results })))
}

fn result(result: CarrierResult) -> &'static str {
    match result {
        CarrierResult::Accepted => "accepted",
        CarrierResult::Duplicate => "duplicate",
        CarrierResult::Parked => "parked",
    }
}

/// Why a scan counts as of its arrival: a carrier does not send it again.
fn why_arrival(occurred_at: Option<Timestamp>, is_ahead: impl Fn(Timestamp) -> bool) -> Option<&'static str> {
    match occurred_at {
        None => Some("occurred_at is no RFC 3339 time between 1970 and 2200: it counts as of its arrival"),
        Some(at) if is_ahead(at) => Some("occurred_at lies ahead of now: it counts as of its arrival"),
        Some(_) => None,
    }
}

/// When each of them happened. Those whose clock is wrong happen when they arrive, one after the other: as they were told to happen, and
/// those that name no time as they stand.
fn times(scans: &[&Scan], is_ahead: impl Fn(Timestamp) -> bool, now: Timestamp) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = scans.iter().map(|scan| scan.occurred_at.unwrap_or(now)).collect();
    let wrong = |n: &usize| scans[*n].occurred_at.is_none_or(&is_ahead);
    let mut arriving: Vec<usize> = (0..scans.len()).filter(wrong).collect();
    arriving.sort_by_key(|n| scans[*n].occurred_at);
    for (n, before) in arriving.into_iter().rev().zip(0..) {
        times[n] = now.saturating_sub(SignedDuration::from_micros(before)).unwrap_or(now);
    }
    times
}

#[cfg(test)]
mod tests {
    use oms_domain::parcel::ParcelAction;

    use super::*;

    #[test]
    fn what_has_no_time_of_its_own_arrives_now_in_the_order_in_which_it_was_told() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scan = |occurred_at| Scan {
            event_id: "e".to_owned(),
            carrier: "acme".to_owned(),
            tracking_number: "T".to_owned(),
            action: ParcelAction::Transit,
            occurred_at,
        };
        let scans = [None, Some(at(90)), Some(at(120)), None, Some(at(110))].map(scan);
        let now = at(100);
        let times = times(&scans.each_ref(), |at| at > now, now);
        let back = |micros| now - SignedDuration::from_micros(micros);
        assert_eq!(times, [back(3), at(90), back(0), back(2), back(1)]);
    }
}
