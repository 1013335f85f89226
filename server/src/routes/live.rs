//! A stream of what has changed, for pages that show it.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response, sse::Sse},
};
use futures_util::StreamExt;
use oms_api::reader::{Fields, text};
use oms_domain::error::ErrorCode;

use crate::{
    caller::Caller,
    extract::Params,
    failure::Failure,
    live::{Listener, Topic},
    state::AppState,
};

/// Topics of one stream: a page looks at few things.
const TOPICS_MAX: usize = 8;
const TOPICS_MAX_CHARS: usize = 1_000;

#[utoipa::path(
    get, path = "/v1/live", tag = "events", operation_id = "listen",
    params(("topics" = String, Query, description = "What is listened to, separated by commas, 8 at most: `order:ID`, `fulfillment_order:ID`, \
        `queue:FACILITY`, `inbox`")),
    responses((status = 200, description = "Server-sent events: `changed` names a topic that is to be read again; `beat` says that nothing has; \
        `over` that the session has ended. The stream ends after 15 minutes, and when the server stops: open it again",
        body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn listen(State(state): State<AppState>, caller: Caller, headers: HeaderMap, params: Params) -> Result<Response, Failure> {
    let topics = params.read(|node| node.object(topics))?;
    for topic in &topics {
        topic.refuse(&state, &caller).await?;
    }
    let listener = Listener::new(state, caller, &headers, topics).ok_or(ErrorCode::TooManyRequests)?;
    Ok(Sse::new(listener.events().map(Ok::<_, std::convert::Infallible>)).into_response())
}

fn topics(fields: &Fields<'_>) -> Option<Vec<Topic>> {
    let named = fields.required("topics", text(TOPICS_MAX_CHARS))?;
    let topics: Result<Vec<Topic>, ()> = named.split(',').map(|topic| topic.trim().parse()).collect();
    match topics {
        Ok(topics) if topics.len() <= TOPICS_MAX => Some(topics),
        Ok(_) => fields.error("topics", format!("at most {TOPICS_MAX} topics are listened to")),
        Err(()) => fields.error("topics", "must name topics: order:ID, fulfillment_order:ID, queue:FACILITY or inbox"),
    }
}
