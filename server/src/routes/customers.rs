//! A customer's page.

use axum::{Json, extract::State};
use oms_api::{customer::CustomerView, problem::Problem};
use oms_domain::{error::ErrorCode, ids::CustomerId};

use crate::{caller::Caller, convert, extract::InPath, failure::Failure, state::AppState};

#[utoipa::path(
    get, path = "/v1/customers/{customer_id}", tag = "orders", operation_id = "get_customer", params(("customer_id" = String, Path)),
    responses((status = 200, description = "The customer's newest orders and returns, and what they ordered for", body = CustomerView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    InPath(customer_id): InPath<CustomerId>,
) -> Result<Json<CustomerView>, Failure> {
    let missing = || Problem::new(ErrorCode::NotFound).detail("there is no order of a customer with this id");
    let found = state.store.customer(&customer_id, &caller.scope).await?.ok_or_else(missing)?;
    Ok(Json(convert::customer(&customer_id, found)))
}
