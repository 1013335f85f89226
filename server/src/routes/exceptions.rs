//! What somebody has to look at, whatever it is, over all orders.

use axum::{Json, extract::State};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_api::exception::{ExceptionView, ExceptionsView};

use crate::{caller::Caller, failure::Failure, state::AppState, views};

/// Orders of each kind that are looked at: the oldest are settled first, and others come up.
const ORDERS_MAX: u32 = 50;
/// Documents that are read at a time.
const READ_AT_ONCE: usize = 8;

#[utoipa::path(
    get, path = "/v1/exceptions", tag = "attention", operation_id = "list_exceptions",
    responses((status = 200, description = "What needs someone, holds, decisions that customers were asked for, and backorders past their date: of \
        the oldest orders, each with whose it is and what settles it", body = ExceptionsView))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<ExceptionsView>, Failure> {
    let orders = state.store.exceptional_orders(&caller.scope, ORDERS_MAX).await?;
    let (now, has_more) = (state.now(), orders.len() >= ORDERS_MAX as usize);
    let (read, reading) = (&state, stream::iter(orders));
    let found: Vec<Vec<ExceptionView>> = reading
        .map(|id| async move {
            let order = views::document(read, &id).await?;
            let exceptions = order.map(|order| order.exceptions(now)).unwrap_or_default();
            Ok::<_, Failure>(exceptions.into_iter().map(|found| ExceptionView::of(&id, found)).collect())
        })
        .buffered(READ_AT_ONCE)
        .try_collect()
        .await?;
    let mut items: Vec<ExceptionView> = found.into_iter().flatten().collect();
    items.sort_by_key(|item| item.since);
    Ok(Json(ExceptionsView { items, has_more }))
}
