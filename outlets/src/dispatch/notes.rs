//! What is noted of an event that has not arrived.

use std::time::Duration;

use jiff::Timestamp;
use oms_domain::endpoint::LEFT_ALONE_MAX;
use oms_store::{Dead, PlacedEvent, Retry, Work};

pub(super) fn note_failure(work: &mut Work, why: &str, leave_alone: Option<Duration>) {
    work.failure = Some(why.to_owned());
    let leave_alone = leave_alone.map(|pause| u64::try_from(pause.min(LEFT_ALONE_MAX).as_millis()).unwrap_or(u64::MAX));
    work.leave_alone_ms = work.leave_alone_ms.max(leave_alone);
}

pub(super) fn retry(
    held: String,
    lane: u8,
    position: &str,
    attempts: u32,
    wait: Option<Duration>,
    failure: Option<String>,
    gap: Vec<String>,
) -> Retry {
    let wait_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    Retry { held, lane, position: position.to_owned(), attempts, wait_ms, failure, gap }
}

pub(super) fn dead(placed: &PlacedEvent, attempts: u32, failure: String) -> Dead {
    let event = &placed.event;
    Dead {
        event_id: event.id.clone(),
        subject: event.subject.to_string(),
        kind: event.kind.name().to_owned(),
        lane: placed.lane,
        position: placed.position.clone(),
        attempts,
        failure,
        dead_at: Timestamp::now(),
    }
}

/// Something between 0 and 1.
pub(super) fn dice() -> f64 {
    getrandom::u32().map_or(0.5, |dice| f64::from(dice) / f64::from(u32::MAX))
}
