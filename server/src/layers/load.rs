//! Load and time have bounds: a request that finds no room is refused at once, one that takes too long is answered for.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use oms_domain::error::ErrorCode;
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Refuses what is beyond `room`, at once: a queue would only make everyone late.
pub(crate) async fn shed(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Failure::from(ErrorCode::TooManyRequests).into_response(),
    }
}

/// Answers `timed_out` when the handler has not in time. What it began goes on under its own deadlines.
pub(crate) async fn deadline(State(within): State<Duration>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(within, next.run(request)).await;
    answer.unwrap_or_else(|_| Failure::from(ErrorCode::TimedOut).into_response())
}
