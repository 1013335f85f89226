//! What only a person can put right, over all orders; and trying it again.

use axum::{Json, extract::State, http::StatusCode};
use oms_api::{
    attention::{AttentionItem, parse_attention_id},
    page::Page,
    reader::Fields,
};
use oms_domain::{error::ErrorCode, order::Request};
use oms_store::OrderFilter;

use super::paging::{cursor, limit};
use crate::{
    acting::Acting,
    caller::Caller,
    commands,
    extract::{CommandId, InPath, Params},
    failure::Failure,
    state::AppState,
    views,
};

#[utoipa::path(
    get, path = "/v1/attention", tag = "attention", operation_id = "list_attention",
    params(
        ("limit" = Option<u32>, Query, description = "Most orders on a page, 1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "All that each order needs someone for, the newest order first", body = Page<AttentionItem>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<AttentionItem>>, Failure> {
    let (cursor, limit) = params.read(|node| node.object(list_params))?;
    let filter = OrderFilter { needs_attention: Some(true), scope: caller.scope.clone(), ..OrderFilter::default() };
    let page = state.store.orders_page(&filter, cursor.as_deref(), limit).await?;
    let mut items = Vec::new();
    for order in &page.items {
        // The document may have moved on since the list was written: what it says now counts.
        items.extend(views::document(&state, &order.order_id).await?.iter().flat_map(AttentionItem::all_of));
    }
    Ok(Json(Page::new(items, page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(Option<String>, u32)> {
    let (limit, cursor) = (limit(fields), cursor(fields));
    Some((cursor?, limit?))
}

#[utoipa::path(
    post, path = "/v1/attention/{attention_id}/retry", tag = "attention", operation_id = "retry_attention", params(("attention_id" = String, Path)),
    responses((status = 204, description = "It is being tried again"))
)]
pub(crate) async fn retry(Acting(state): Acting, InPath(attention_id): InPath<String>, id: CommandId) -> Result<StatusCode, Failure> {
    let (order_id, subject) = parse_attention_id(&attention_id).ok_or(ErrorCode::NotFound)?;
    commands::run(&state, &order_id, id, Request::Retry { subject: subject.to_owned() }).await?;
    Ok(StatusCode::NO_CONTENT)
}
