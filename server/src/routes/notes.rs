//! Notes on an order: kept with it, and shown to those who work on it. They may name people, so that none goes through the workflow,
//! a log, or the answers kept under idempotency keys.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use oms_api::{
    note::{NoteBody, NoteView},
    page::Page,
    problem::Problem,
};
use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::{NoteId, OrderId},
    note::NOTES_MAX,
};
use oms_store::NotePut;

use crate::{
    acting::Acting,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    state::AppState,
    views::{self, Shown},
};

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/notes", tag = "orders", operation_id = "note_order",
    params(("order_id" = String, Path)), request_body = NoteBody,
    responses(
        (status = 201, description = "Kept", body = NoteView),
        (status = 200, description = "It was there before", body = NoteView),
        (status = 409, description = "Another note has this id, or the order has 500 already", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn write(
    Acting(state): Acting,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    let note = body.read(|node| NoteBody::read(node, &id.made_up().to_string()))?;
    let note = note.at(state.starter.clock().business(Timestamp::now()), state.store.acting().cloned());
    let refused = |why: String| Failure::from(Rejection::new(ErrorCode::RefusedByRule, why));
    let (status, kept) = match state.store.put_note(&order_id, &note).await? {
        NotePut::New => (StatusCode::CREATED, note),
        NotePut::Same(kept) => (StatusCode::OK, kept),
        NotePut::Other => return Err(refused(format!("note_id {} is another note's: give the new one an id of its own", note.note_id))),
        NotePut::Full => return Err(refused(format!("an order has at most {NOTES_MAX} notes"))),
        NotePut::NoSuchOrder => return Err(ErrorCode::OrderNotFound.into()),
    };
    let shown = Shown::Note(order_id.clone(), kept.note_id.clone());
    Ok((status, shown.answer(NoteView::of(&order_id, kept))).into_response())
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/notes", tag = "orders", operation_id = "list_notes", params(("order_id" = String, Path)),
    responses((status = 200, description = "All of them, newest first", body = Page<NoteView>))
)]
pub(crate) async fn list(State(state): State<AppState>, InPath(order_id): InPath<OrderId>) -> Result<Json<Page<NoteView>>, Failure> {
    let notes = state.store.notes(&order_id).await?;
    if notes.is_empty() {
        views::existing(&state, &order_id).await?;
    }
    Ok(Json(Page::whole(notes.into_iter().map(|note| NoteView::of(&order_id, note)).collect())))
}

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/notes/{note_id}", tag = "orders", operation_id = "get_note",
    params(("order_id" = String, Path), ("note_id" = String, Path)),
    responses((status = 200, description = "The note", body = NoteView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath((order_id, id)): InPath<(OrderId, NoteId)>) -> Result<Response, Failure> {
    views::show(&state, &Shown::Note(order_id, id)).await
}
