//! What may be asked of an order now, and if not, why.

use axum::{Json, extract::State};
use oms_api::{page::Page, possible::PossibleActionView};
use oms_domain::ids::OrderId;

use crate::{caller::Caller, extract::InPath, failure::Failure, state::AppState, views};

#[utoipa::path(
    get, path = "/v1/orders/{order_id}/actions", tag = "orders", operation_id = "list_order_actions", params(("order_id" = String, Path)),
    responses((status = 200, description = "What may be asked of the order as a whole: whether it would do it now, why not, and whether the caller \
        may ask. What may be asked of its fulfillment orders stands with them", body = Page<PossibleActionView>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    InPath(order_id): InPath<OrderId>,
) -> Result<Json<Page<PossibleActionView>>, Failure> {
    let order = views::existing(&state, &order_id).await?;
    let all = order.map(|order| PossibleActionView::all(&order, state.now(), |permission| caller.may(permission)));
    Ok(Json(Page::whole(all.unwrap_or_default())))
}
