//! JSON bodies are read whole, up to their bounds, before anything looks at them.

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    failure::Failure,
    state::{AppState, Limits},
};

/// A body that outgrows this is large: only so many of those are read at a time, whatever the number of connections.
const SMALL_MAX_BYTES: usize = 64 * 1024;

/// Reads the body, or refuses it: `body_too_large`, or `timed_out` when it comes too slowly.
pub(crate) async fn whole(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(state.limits.body_deadline, read(body, &state.limits, &state.large_bodies)).await;
    match read.unwrap_or_else(|_| Err(Problem::new(ErrorCode::TimedOut).detail("the body did not come in time").into())) {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(failure) => failure.into_response(),
    }
}

/// What is too large is drained, up to a bound: a sender that is still sending would otherwise see a reset, not the answer.
async fn read(body: Body, limits: &Limits, large: &Semaphore) -> Result<Bytes, Failure> {
    let (mut stream, mut kept, mut size) = (body.into_data_stream(), Vec::new(), 0_usize);
    let mut place: Option<SemaphorePermit<'_>> = None;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::new(ErrorCode::MalformedBody).detail("the body broke off"))?;
        size = size.saturating_add(chunk.len());
        if size > SMALL_MAX_BYTES && place.is_none() {
            place = Some(large.acquire().await.map_err(|_| ErrorCode::Unavailable)?);
        }
        if size <= limits.json_body_max_bytes {
            kept.extend_from_slice(&chunk);
        } else if size > limits.drained_max_bytes {
            break;
        }
    }
    if size > limits.json_body_max_bytes {
        let detail = format!("at most {} bytes are taken; larger amounts of data go to /v1/feeds", limits.json_body_max_bytes);
        return Err(Problem::new(ErrorCode::BodyTooLarge).detail(detail).into());
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_whole_up_to_their_bound_and_not_a_byte_more() {
        let limits = Limits { json_body_max_bytes: 10, drained_max_bytes: 20, ..Limits::default() };
        let sized = |size: usize| Body::from("1".repeat(size));
        assert_eq!(read(sized(10), &limits, &Semaphore::new(1)).await.unwrap().len(), 10);
        for size in [11, 20, 21, 1_000] {
            let refused = read(sized(size), &limits, &Semaphore::new(1)).await.unwrap_err();
            assert_eq!(refused.0.code, ErrorCode::BodyTooLarge, "{size}");
        }
    }
}
