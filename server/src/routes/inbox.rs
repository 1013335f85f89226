//! Messages that orders could not be told, and trying them again.

use axum::{Json, extract::State, http::StatusCode};
use oms_api::{inbox::DeadLetterView, page::Page, reader::integer};
use oms_domain::error::ErrorCode;

use super::paging::limit;
use crate::{
    acting::Acting,
    convert,
    extract::{InPath, Params},
    failure::Failure,
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/inbox/dead-letters", tag = "inbox", operation_id = "list_dead_letters",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<i64>, Query, description = "The message after which to go on")
    ),
    responses((status = 200, description = "Messages to orders that are given up, oldest first", body = Page<DeadLetterView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<DeadLetterView>>, Failure> {
    let (after, limit) = params.read(|node| {
        node.object(|fields| {
            let (after, limit) = (fields.optional("cursor", integer(0..=i64::MAX)), limit(fields));
            Some((after?, limit?))
        })
    })?;
    let page = state.store.dead_letters(after, limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::dead_letter).collect(), page.next_cursor)))
}

#[utoipa::path(
    post, path = "/v1/inbox/dead-letters/{message_id}/retry", tag = "inbox", operation_id = "retry_dead_letter",
    params(("message_id" = i64, Path)),
    responses((status = 204, description = "It is being tried again, from the first attempt"))
)]
pub(crate) async fn retry(Acting(state): Acting, InPath(message_id): InPath<i64>) -> Result<StatusCode, Failure> {
    if !state.store.retry_dead_letter(message_id).await? {
        return Err(ErrorCode::NotFound.into());
    }
    state.relay.nudge();
    Ok(StatusCode::NO_CONTENT)
}
