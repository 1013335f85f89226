//! JSON bodies are read whole, up to their bound, before anything looks at them.

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;

use crate::{failure::Failure, state::Limits};

/// Reads the body, or refuses it: `body_too_large`.
pub(crate) async fn whole(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, &limits).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(failure) => failure.into_response(),
    }
}

/// What is too large is drained, up to a bound: a sender that is still sending would otherwise see a reset, not the answer.
async fn read(body: Body, limits: &Limits) -> Result<Bytes, Failure> {
    let (mut stream, mut kept, mut size) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::new(ErrorCode::MalformedBody).detail("the body broke off"))?;
        size = size.saturating_add(chunk.len());
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
